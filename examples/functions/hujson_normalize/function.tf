output "policy" {
  value = provider::windlass::hujson_normalize("{\"b\": 1, /* and */ \"a\": [2,],}")
}
