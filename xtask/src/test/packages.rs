//! Programs from the distribution that tests start themselves. (The lab sees to
//! its own.)

use anyhow::Result;

/// A program and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    // Login shells.
    ("bash", "bash"),
    ("bsd-csh", "csh"),
    ("busybox", "busybox-static"),
    ("dash", "dash"),
    ("fish", "fish"),
    ("git", "git"),
    ("pgrep", "procps"),
    ("ssh", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
    ("tar", "tar"),
    ("tcsh", "tcsh"),
    ("zsh", "zsh"),
];

/// Installs what is missing, as root on Debian.
///
/// # Errors
/// When something is missing and cannot be installed; the text names the packages.
pub fn ensure() -> Result<()> {
    Ok(::lab::install_missing(PROGRAMS, &|text| eprintln!("{text}"))?)
}
