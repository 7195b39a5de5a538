provider "crane" {
  site = "harbour"
}
