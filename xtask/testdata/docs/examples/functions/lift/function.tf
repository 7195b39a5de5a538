output "fits" {
  value = provider::crane::lift(20, ["container"])
}
