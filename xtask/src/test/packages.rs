//! Programs from the distribution that tests start themselves. (The lab sees to
//! its own.)

use anyhow::Result;

use crate::paths;

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

/// What looks at pages; any of them does.
const BROWSERS: [(&str, &str); 4] = [
    ("chromium-headless-shell", "chromium-headless-shell"),
    ("chromium", "chromium"),
    ("google-chrome", "google-chrome-stable"),
    ("chromium-browser", "chromium-browser"),
];

/// Installs what is missing, as root on Debian.
///
/// # Errors
/// When something is missing and cannot be installed; the text names the packages.
pub fn ensure() -> Result<()> {
    let has_browser = BROWSERS.iter().any(|(program, _)| paths::on_path(program).is_some());
    let browser = BROWSERS.iter().take(usize::from(!has_browser));
    let programs: Vec<_> = PROGRAMS.iter().chain(browser).copied().collect();
    Ok(::lab::install_missing(&programs, &|text| eprintln!("{text}"))?)
}
