//! Which servers send signals to commands.

/// Whether a server of this version string sends no signals to what a login of root, or another, runs.
pub(crate) fn refuses_signals(version: &str, to_root: bool) -> bool {
    is_tailscale(version) || (to_root && refuses_signals_to_root(version))
}

/// Whether the server is Tailscale's own (Tailscale SSH). It takes the protocol's signals and does nothing
/// with them (read in 1.102's `tailssh`: nobody asks a session for its signals).
pub(crate) fn is_tailscale(version: &str) -> bool {
    version.strip_prefix("SSH-2.0-").is_some_and(|software| software.starts_with("Tailscale"))
}

/// Whether a server of this version string (`SSH-2.0-OpenSSH_9.2p1 …`) refuses signals to root.
fn refuses_signals_to_root(version: &str) -> bool {
    let Some((_, version)) = version.split_once("OpenSSH_") else { return false };
    let number = version.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (major, minor) < (9, 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (version, to_root, to_others) in [
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", true, false),
            ("SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10", true, false),
            ("SSH-2.0-OpenSSH_9.7", true, false),
            ("SSH-2.0-OpenSSH_9.8p1", false, false),
            ("SSH-2.0-OpenSSH_10.0p2 Debian-7", false, false),
            ("SSH-2.0-Tailscale", true, true),
            ("SSH-2.0-dropbear_2022.83", false, false),
        ] {
            let refuses = (refuses_signals(version, true), refuses_signals(version, false));
            assert_eq!(refuses, (to_root, to_others), "{version}");
        }
    }
}
