# In no plan and no state, good for ten minutes, and revoked when the run is over.
ephemeral "windlass_tailnet_key" "join" {
  description = "join"
  tags        = ["tag:prod"]
}
