//! A host: one container with an sshd and a dockerd of its own.

use crate::cgroup;
use crate::command::{check_interrupt, last_lines, words};
use crate::engine::{CGROUP, Engine};
use crate::error::{Error, Result};
use crate::files::{FileEntry, archive};
use crate::labels::owner_label;
use crate::network;
use crate::state::Paths;
use crate::variant::Variant;

/// Everything that is needed to make a host's container.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub lab: Paths,
    pub name: String,
    pub address: String,
    pub variant: Variant,
    pub image: String,
    /// Line for `authorized_keys`.
    pub public_key: String,
    /// Registries to speak plain HTTP with.
    pub registries: Vec<String>,
    /// Address of the host that a jump host answers to.
    pub bastion: Option<String>,
    /// Process that the host shall not outlive.
    pub owner: Option<u32>,
}

/// `--privileged` is refused where the machine itself lacks a capability, so each one by name.
const CAPABILITIES: [&str; 13] = [
    "DAC_READ_SEARCH",
    "IPC_LOCK",
    "LINUX_IMMUTABLE",
    "MKNOD",
    "NET_ADMIN",
    "NET_RAW",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PTRACE",
    "SYS_TIME",
];

/// Name of a host's container.
pub(crate) fn container_of(lab: &Paths, host: &str) -> String {
    format!("windlass-lab-{}-{host}", lab.key())
}

/// Words after `docker` that create a container of a lab with a fixed address.
pub(crate) fn common_words(lab: &Paths, name: &str, address: &str) -> Vec<String> {
    words(&[
        "create",
        "--name",
        &container_of(lab, name),
        "--hostname",
        name,
        "--label",
        &lab.label(),
        "--network",
        &network::name_of(lab),
        "--ip",
        address,
        "--cgroup-parent",
        &format!("/{CGROUP}/{}/{name}", lab.key()),
    ])
}

/// What systemd needs beside that; `legacy` is for control groups of the first version, which it
/// wants to be told to use.
fn systemd_words(legacy: bool) -> Vec<String> {
    let mut line = words(&["--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec,mode=1777"]);
    if legacy {
        let force = "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1";
        let kernel = format!("SYSTEMD_PROC_CMDLINE={force} systemd.unified_cgroup_hierarchy=0");
        line.extend(words(&["--env", force, "--env", &kernel]));
    }
    line
}

impl Spec {
    /// Words after `docker` that create the container.
    pub fn create_words(&self) -> Vec<String> {
        let mut line = common_words(&self.lab, &self.name, &self.address);
        if let Some(owner) = self.owner {
            line.extend(words(&["--label", &owner_label(owner)]));
        }
        line.extend(words(&["--tmpfs", "/run", "--volume", "/var/lib/docker"]));
        if self.variant == Variant::Systemd {
            line.extend(systemd_words(cgroup::is_legacy()));
        }
        for capability in CAPABILITIES {
            line.extend(words(&["--cap-add", capability]));
        }
        for option in ["seccomp", "apparmor", "systempaths"] {
            line.extend(words(&["--security-opt", &format!("{option}=unconfined")]));
        }
        line.extend(words(&[
            // The tunnel that a rootless engine's network goes through; not every machine has it.
            "--device-cgroup-rule",
            "c 10:200 rwm",
            "--cgroupns",
            "host",
            "--volume",
            "/sys/fs/cgroup:/sys/fs/cgroup:rw",
            &self.image,
        ]));
        line
    }

    /// Files that make the image this host.
    pub fn files(&self) -> Vec<FileEntry> {
        let (home, owner) = match self.variant.user() {
            "root" => ("root".to_owned(), 0),
            "admin" => ("home/admin".to_owned(), 1001),
            user => (format!("home/{user}"), 1000),
        };
        let mut files = vec![
            FileEntry::directory(&format!("{home}/.ssh"), 0o700).owned_by(owner),
            FileEntry::file(&format!("{home}/.ssh/authorized_keys"), 0o600, format!("{}\n", self.public_key))
                .owned_by(owner),
            FileEntry::file("etc/docker/daemon.json", 0o644, self.daemon_json()),
        ];
        match self.variant {
            Variant::Sudo | Variant::Uutils => {
                files.push(FileEntry::file("etc/sudoers.d/lab", 0o440, "admin ALL=(ALL:ALL) NOPASSWD: ALL\n"))
            }
            Variant::SudoDocker => files.push(FileEntry::file(
                "etc/sudoers.d/lab",
                0o440,
                "admin ALL=(root) NOPASSWD: /usr/bin/docker\n",
            )),
            Variant::NoForward => files.push(FileEntry::file(
                "etc/ssh/sshd_config.d/lab.conf",
                0o644,
                "AllowStreamLocalForwarding no\nAllowTcpForwarding no\n",
            )),
            Variant::Root
            | Variant::Deploy
            | Variant::Jump
            | Variant::Systemd
            | Variant::Busybox
            | Variant::Shells => {}
        }
        if let Some(bastion) = &self.bastion {
            files.push(FileEntry::file("etc/lab/bastion", 0o644, bastion.as_str()));
        }
        files
    }

    fn daemon_json(&self) -> String {
        serde_json::json!({
            "storage-driver": "overlay2",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": format!("/{CGROUP}/{}/{}-inner", self.lab.key(), self.name),
            "insecure-registries": self.registries,
        })
        .to_string()
    }

    /// Creates the container.
    pub fn create(&self, engine: &Engine) -> Result<()> {
        engine.docker(&self.create_words()).map(drop)
    }
}

/// Puts files into a created container and starts it.
pub(crate) fn fill_and_start(engine: &Engine, container: &str, files: &[FileEntry]) -> Result<()> {
    let target = format!("{container}:/");
    engine.docker_with_input(&["cp", "-a", "-", &target], &archive(files)?)?;
    engine.docker(&["start", container]).map(drop)
}

const READY_SECONDS: u64 = 60;

/// Shows what dockerd wrote, with either kind of first process.
const DAEMON_LOG: &str = "cat /var/log/dockerd.log 2>/dev/null || journalctl --no-pager -n 20 -u docker";

/// Waits until sshd listens and dockerd answers.
pub(crate) fn wait_ready(engine: &Engine, container: &str) -> Result<()> {
    for service in ["sshd", "docker"] {
        wait_service(engine, container, service)?;
    }
    Ok(())
}

/// Waits until one of the two services answers.
pub(crate) fn wait_service(engine: &Engine, container: &str, service: &str) -> Result<()> {
    let line = ["exec", container, "lab-service", "ready", service];
    let started = std::time::Instant::now();
    while !engine.docker_output(&line, &[])?.status.success() {
        check_interrupt()?;
        if started.elapsed().as_secs() >= READY_SECONDS {
            let words = ["exec", container, "sh", "-c", DAEMON_LOG];
            let daemon = engine.docker(&words).unwrap_or_default();
            let init = engine.docker_output(&["logs", container], &[])?;
            let init = String::from_utf8_lossy(&init.stderr).into_owned();
            return Err(Error::Timeout {
                what: format!("{service} in {container}"),
                seconds: READY_SECONDS,
                log: last_lines(&init, 5) + &last_lines(&daemon, 10),
            });
        }
        std::thread::sleep(std::time::Duration::from_millis(150));
    }
    Ok(())
}

/// The host's ed25519 key as type and base64, without its comment.
pub(crate) fn host_key(engine: &Engine, container: &str) -> Result<String> {
    let file = "/etc/ssh/ssh_host_ed25519_key.pub";
    let line = engine.docker(&["exec", container, "cat", file])?;
    Ok(line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(variant: Variant) -> Spec {
        Spec {
            lab: Paths::at(std::path::Path::new("/s/x")).unwrap(),
            name: "n1".to_owned(),
            address: "10.213.0.11".to_owned(),
            variant,
            image: "windlass-lab/host:1".to_owned(),
            public_key: "ssh-ed25519 AAAA".to_owned(),
            registries: vec!["10.213.0.2:5000".to_owned()],
            bastion: None,
            owner: None,
        }
    }

    #[test]
    fn a_host_is_created_without_privileged() {
        let line = spec(Variant::Root).create_words();
        let start = "create --name windlass-lab-x-n1 --hostname n1 --label windlass.lab=/s/x \
             --network windlass-lab-x --ip 10.213.0.11 --cgroup-parent /windlass-lab/x/n1 \
             --tmpfs /run --volume /var/lib/docker --cap-add DAC_READ_SEARCH --cap-add";
        let end = "--cap-add SYS_TIME --security-opt seccomp=unconfined \
             --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
             --device-cgroup-rule c 10:200 rwm --cgroupns host --volume /sys/fs/cgroup:/sys/fs/cgroup:rw windlass-lab/host:1";
        let key = spec(Variant::Root).lab.key();
        let line = line.join(" ").replace(&key, "x");
        assert!(line.starts_with(start), "{line}");
        assert!(line.ends_with(end), "{line}");
        assert!(!line.contains("privileged"));
    }

    #[test]
    fn systemd_is_told_to_use_old_control_groups_where_there_are_no_others() {
        assert_eq!(systemd_words(false), ["--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec,mode=1777"]);
        let line = systemd_words(true).join(" ");
        assert!(line.ends_with("FORCE=1 systemd.unified_cgroup_hierarchy=0"), "{line}");
    }

    fn paths(spec: &Spec) -> Vec<String> {
        spec.files().into_iter().map(|file| file.path).collect()
    }

    #[test]
    fn each_variant_gets_its_own_files() {
        let docker = "etc/docker/daemon.json";
        assert_eq!(paths(&spec(Variant::Root)), ["root/.ssh", "root/.ssh/authorized_keys", docker]);
        assert_eq!(
            paths(&spec(Variant::Sudo)),
            ["home/admin/.ssh", "home/admin/.ssh/authorized_keys", docker, "etc/sudoers.d/lab"]
        );
        let last = paths(&spec(Variant::NoForward)).pop().unwrap();
        assert_eq!(last, "etc/ssh/sshd_config.d/lab.conf");
        let mut jump = spec(Variant::Jump);
        jump.bastion = Some("10.213.0.12".to_owned());
        assert_eq!(paths(&jump).pop().unwrap(), "etc/lab/bastion");
    }

    #[test]
    fn variants_are_spelled_the_same_everywhere() {
        for variant in Variant::ALL {
            let json = serde_json::to_string(&variant).unwrap();
            assert_eq!(json, format!("\"{}\"", variant.name()));
            let value = clap::ValueEnum::to_possible_value(&variant).unwrap();
            assert_eq!(value.get_name(), variant.name());
        }
    }
}
