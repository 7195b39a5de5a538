//! Programs from the distribution that tests start themselves. (The lab sees to
//! its own.)

use crate::interrupt::Interrupt;
use crate::paths;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

/// A program and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("git", "git"),
    ("ssh", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
    ("tar", "tar"),
];

/// Where programs for administrators are, which is not on everyone's `PATH`.
const SYSTEM: &[&str] = &["/usr/sbin", "/sbin"];

/// Installs what is missing, with apt and as root only.
///
/// # Errors
/// When something is missing and cannot be installed; the text names the packages.
pub fn ensure(interrupt: &Interrupt) -> Result<()> {
    let missing = missing(is_installed);
    if missing.is_empty() {
        eprintln!("nothing is missing");
        return Ok(());
    }
    let list = missing.join(" ");
    if !rustix::process::getuid().is_root() || paths::on_path("apt-get").is_none() {
        bail!("these packages are missing: {list}; install them, or run this as root on Debian");
    }
    let _quiet = NoServices::new()?;
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    interrupt.run(apt().args(["update", "-qq"]))?;
    interrupt.run(apt().args(["install", "-qq", "-y", "--no-install-recommends"]).args(&missing))
}

/// The packages of programs that are not there, each once.
fn missing(is_installed: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<_> =
        PROGRAMS.iter().filter(|(program, _)| !is_installed(program)).map(|(_, package)| *package).collect();
    packages.dedup();
    packages
}

fn is_installed(program: &str) -> bool {
    paths::on_path(program).is_some() || SYSTEM.iter().any(|folder| Path::new(folder).join(program).exists())
}

/// While this lives, installing a package starts no service: the machine shall
/// not get an sshd on port 22 by our doing.
struct NoServices {
    is_ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn new() -> Result<Self> {
        let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        match created {
            Ok(mut file) => {
                std::io::Write::write_all(&mut file, b"#!/bin/sh\nexit 101\n")
                    .with_context(|| format!("cannot write {POLICY}"))?;
                Ok(Self { is_ours: true })
            }
            // The machine has a policy of its own.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Self { is_ours: false }),
            Err(error) => Err(error).with_context(|| format!("cannot write {POLICY}")),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            // Nothing else can be done about a failure here.
            let _ = fs::remove_file(POLICY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_missing_once() {
        assert_eq!(missing(|_| true), Vec::<&str>::new());
        assert_eq!(missing(|program| program != "sshd"), ["openssh-server"]);
        assert_eq!(missing(|program| !program.starts_with("ssh-")), ["openssh-client"]);
    }
}
