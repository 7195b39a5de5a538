//! Which servers send signals to commands.

/// Whether a server of this version string (`SSH-2.0-OpenSSH_9.2p1 …`) refuses signals to root.
pub(crate) fn refuses_signals_to_root(version: &str) -> bool {
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
        for (version, refuses) in [
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", true),
            ("SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10", true),
            ("SSH-2.0-OpenSSH_9.7", true),
            ("SSH-2.0-OpenSSH_9.8p1", false),
            ("SSH-2.0-OpenSSH_10.0p2 Debian-7", false),
            ("SSH-2.0-Tailscale", false),
            ("SSH-2.0-dropbear_2022.83", false),
        ] {
            assert_eq!(refuses_signals_to_root(version), refuses, "{version}");
        }
    }
}
