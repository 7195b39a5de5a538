# With a lock
resource "crane_hook" "two" {
  load    = "safe"
  code_wo = var.code

  rope {
    length = 20
  }
}
