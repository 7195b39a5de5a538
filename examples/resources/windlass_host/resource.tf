# The key as the server's console prints it: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
resource "windlass_host" "web" {
  address  = "web.example.org"
  user     = "deploy"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}

# Behind a bastion, with sudo for Docker and for files outside of the user's reach.
resource "windlass_host" "worker" {
  address  = "10.0.0.7"
  user     = "admin"
  jump     = "deploy@bastion.example.org"
  sudo     = true
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}

output "docker" {
  value = windlass_host.web.docker_version
}

# Sudoers allow the user Docker and nothing else: deploy ALL=(root) NOPASSWD: /usr/bin/docker
resource "windlass_host" "hardened" {
  address = "hardened.example.org"
  user    = "deploy"
  sudo    = "docker"
}

# A new server has only root, until cloud-init, a windlass_command or a person has made the user.
resource "windlass_host" "fresh" {
  address  = "fresh.example.org"
  user     = "deploy"
  sudo     = true
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"

  bootstrap {
    user = "root"
  }
}
