//! What to do next, for people who have windlass.toml and a shell on the host.

/// For programs that are not there.
pub const TOOLS: &str = "Install them: on Debian `apt-get install coreutils findutils tar util-linux`, on Alpine `apk add coreutils findutils flock tar`. A machine id is made by `systemd-machine-id-setup`.";
/// For a clock that is off.
pub const CLOCK: &str = "Have it set by the network: `timedatectl set-ntp true` on the host, and see that this machine's own clock is right. Certificates, locks and the times of backups depend on it.";
/// For a disk without room.
pub const DISK: &str = "`docker system df` on the host tells what images and build caches take, `docker image prune` removes images that nothing uses; `du -xh -d 1 /` tells the rest.";
/// For an SSH server that opens no streams.
pub const FORWARDING: &str = "Docker is reached by a command then, which is slower, and probes from the host to its ports do not work: set `AllowTcpForwarding local` and `AllowStreamLocalForwarding yes` in its sshd_config, if that may be.";
/// For a Tailscale that cannot be asked.
pub const TAILSCALE: &str = "`systemctl status tailscaled` on the host tells why. Where the login may not ask it, `tailscale set --operator=USER` lets it.";
/// For a host that a login was not found for.
pub const LOGIN: &str = "Correct `[[ssh]]` of windlass.toml, the WINDLASS_SSH_* environment, or the connection itself (ssh://user@host:port).";
/// For a store that does not answer.
pub const STORE: &str = "Check its table `[backup.store]` in windlass.toml and the key that it names; `windlass backup list` asks it again.";
/// For credentials of a bucket that can remove what is in it.
pub const REMOVAL: &str = "Where tofu runs they prune, and need that. On a machine that only takes backups, whoever breaks in could remove all of them: give it credentials without s3:DeleteObject, or the bucket object lock.";
/// For a certificate that is about to end.
pub const RENEWAL: &str = "See why it is not renewed: the log of what renews it (Caddy, Traefik, certbot) says; renewals usually begin 30 days before the end.";
/// For a server whose certificate cannot be trusted or had.
pub const TLS: &str = "Check that the name leads to this server, that its port is open, and that it sends the whole chain of a certificate for that name.";

/// As [`remote`], where something has to be said.
pub fn host(error: &remote::Error) -> String {
    remote(error).unwrap_or_else(|| "Look at the host, then ask again.".to_owned())
}

/// As [`docker`], where something has to be said.
pub fn daemon(error: &docker::Error) -> String {
    docker(error).unwrap_or_else(|| {
        "Look at the daemon's log on the host (`journalctl -u docker`), then ask again.".to_owned()
    })
}

/// What to do about a host that could not be asked, where that can be said.
pub fn remote(error: &remote::Error) -> Option<String> {
    use remote::Error;
    Some(match error {
        Error::Unreachable { .. } => {
            "Check the address, the port and the firewall, and that the host is up.".to_owned()
        }
        Error::HostKeyMismatch { offered, .. } => format!(
            "Either the server was reinstalled, or somebody stands in between: nothing was sent to it. Compare {offered} with what its console prints for `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`; if it is the same, correct the key in known_hosts or in the connection (`?host_key=…`)."
        ),
        Error::HostKeyUnknown { known_hosts_line, .. } => format!(
            "Compare the fingerprint with what the server's console prints for `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`. If it is the same, add this line to known_hosts:\n{known_hosts_line}"
        ),
        Error::Authentication { user, .. } => format!(
            "Add the public key to ~{user}/.ssh/authorized_keys on the host, or choose another user or key in `[[ssh]]` of windlass.toml."
        ),
        Error::TailnetPolicy { confirm_at: Some(address), .. } => format!(
            "The tailnet's policy asks somebody to confirm this login in a browser: do so at {address}, then ask again. Where nobody is there to do so, the policy needs a rule in `ssh` with the action `accept`."
        ),
        Error::TailnetPolicy { user, confirm_at: None, .. } => format!(
            "Tailscale SSH looks at no key: the tailnet's policy needs a rule in `ssh` with the action `accept`, this machine in `src`, the host in `dst` and {user:?} in `users`; and the user must exist on the host."
        ),
        Error::NoShell { .. } | Error::JoinedStreams { .. } => {
            "Give the user a login shell that runs commands and prints nothing of its own (`ssh HOST true` shows it).".to_owned()
        }
        Error::Sudo { program, .. } => format!(
            "Let the user run {program:?} by sudo without a password (`sudo -n true` shows whether it may), or take `sudo=` out of the connection."
        ),
        Error::Configuration { .. } => LOGIN.to_owned(),
        _ => return None,
    })
}

/// What to do about a Docker that could not be used, where that can be said.
pub fn docker(error: &docker::Error) -> Option<String> {
    use docker::Error;
    let text = match error {
        Error::Missing { .. } => {
            "Install Docker Engine and its Compose plugin (on Debian 13: apt-get install docker.io docker-cli docker-compose), or put the directory where it is into the PATH that the login has without a terminal."
        }
        Error::NotRunning { .. } => {
            "Start the daemon (`systemctl start docker`; `journalctl -u docker` says why it stopped), or name its socket in the connection: `?docker=/path/to/docker.sock`."
        }
        Error::Permission { .. } => {
            "Add the user to the group docker (`usermod -aG docker USER`), which is as much as root, or put `?sudo=1` (or `?sudo=docker`) into the connection where the user may run sudo without a password."
        }
        Error::Podman { .. } => {
            "Install Docker Engine, or name its socket in the connection: `?docker=/path/to/docker.sock`."
        }
        Error::ComposeMissing { v1: Some(_), .. } => {
            "The host has the retired version 1. Install the Compose plugin (docker-compose-plugin or, on Debian 13, docker-compose)."
        }
        Error::ComposeMissing { v1: None, .. } => {
            "Install the Compose plugin (docker-compose-plugin or, on Debian 13, docker-compose)."
        }
        Error::ComposeTooOld { needed, .. } => {
            return Some(format!("Upgrade the Compose plugin on the host to {needed} or newer."));
        }
        Error::Remote(error) => return remote(error),
        _ => return None,
    };
    Some(text.to_owned())
}
