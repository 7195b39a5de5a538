tofu import windlass_sops_file.prod prod.sops.yaml
