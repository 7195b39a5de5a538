//! The Windlass provider for OpenTofu and Terraform.
