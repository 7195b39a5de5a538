resource "crane_hook" "one" {
  load = "container"

  rope {
    length = 20
  }
}
