data "crane_site" "harbour" {
  name = "harbour"
}
