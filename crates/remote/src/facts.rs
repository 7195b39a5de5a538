//! What a host says about itself.

use crate::{Command, Error, Executor, Input, run_checked};

/// Prints one `name=value` line per fact; what the host does not know is empty or left out. `$1` is the
/// socket of Docker.
///
/// POSIX sh and tools that every Linux has, so that it also works on a machine that was just
/// installed. Fixed text: nothing is put into it.
///
/// Where there is no machine id (Alpine makes none), the SSH host keys say which machine it is: they
/// are made with the installation, too. Of what else is needed there (see [`Facts::lacking`]), what is
/// missing or knows another language is told by the name of the program.
const SCRIPT: &str = r#"
fact() { printf '%s=%s\n' "$1" "$2"; }
runs() { "$@" >/dev/null 2>&1 </dev/null; }
id=
for file in /etc/machine-id /var/lib/dbus/machine-id; do
  if [ -r "$file" ]; then read -r id <"$file"; fi
  case $id in uninitialized) id= ;; ?*) break ;; esac
done
if [ -z "$id" ]; then
  keys=$(cat /etc/ssh/ssh_host_ed25519_key.pub || cat /etc/ssh/ssh_host_*_key.pub /etc/dropbear/*.pub) 2>/dev/null
  keys=$(printf '%s\n' "$keys" | cut -d ' ' -f 1,2)
  [ -z "$keys" ] || id=$(printf %s "$keys" | sha256sum | cut -c 1-32)
fi
fact machine_id "$id"
fact hostname "$(uname -n)"
fact arch "$(uname -m)"
fact cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
fact memory_kib "$(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo)"
for file in /etc/os-release /usr/lib/os-release; do
  if [ -r "$file" ]; then
    fact os "$(. "$file"; printf %s "$ID")"
    fact os_version "$(. "$file"; printf %s "$VERSION_ID")"
    break
  fi
done
fact home "$HOME"
fact path "$PATH"
for place in /var/packages/*/target/usr/bin /share/*/.qpkg/*/bin /share/*/.qpkg/*/usr/bin; do
  if [ -x "$place/docker" ]; then fact docker_at "$place"; fi
done
if [ -S "$1" ]; then fact docker_gid "$(stat -L -c %g -- "$1")"; fi
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then fact cgroup 2
elif [ -d /sys/fs/cgroup/cpu ] || [ -d /sys/fs/cgroup/memory ]; then fact cgroup 1; fi
if command -v cloud-init >/dev/null 2>&1; then fact cloud_init yes; fi
for program in cat chmod chown cmp cp cut env find grep head id ln ls mkdir mktemp mv readlink rm rmdir sed \
               sha256sum sync tar xargs; do
  command -v "$program" >/dev/null 2>&1 || fact lacks "$program"
done
runs stat -c %f / || fact lacks stat
runs timeout 5 true || fact lacks timeout
for flock in flock /usr/bin/flock /bin/flock; do
  runs "$flock" -n /dev/null true
  if [ $? -lt 126 ]; then flock= && break; fi
done
[ -z "$flock" ] || fact lacks flock
"#;

/// Prints the program that `docker compose` becomes, where that is beyond doubt: docker is the real
/// client in one of its usual places (a wrapper, a snap or Podman's has rules of its own), and of the
/// directories in which it looks for plugins exactly one has a Compose (docker/cli,
/// `cli-plugins/manager`: those of the configuration, the home's, and these four). `$2` is the root
/// of the file system, for tests.
const COMPOSE_PLUGIN: &str = r#"
plugins=0
for client in "$2/usr/local/sbin/docker" "$2/usr/local/bin/docker" "$2/usr/sbin/docker" "$2/usr/bin/docker"; do
  [ -e "$client" ] || continue
  case $(readlink -f "$client") in */docker) ;; *) break ;; esac
  case $(head -c 4 "$client" 2>/dev/null) in *ELF) ;; *) break ;; esac
  for plugin in "$HOME"/.docker/cli-plugins "$2"/usr/local/lib/docker/cli-plugins \
                "$2"/usr/local/libexec/docker/cli-plugins "$2"/usr/lib/docker/cli-plugins \
                "$2"/usr/libexec/docker/cli-plugins; do
    [ -e "$plugin/docker-compose" ] || continue
    plugins=$((plugins + 1)) found=$plugin/docker-compose
  done
  break
done
if [ "$plugins" = 1 ] && [ -x "$found" ] && ! grep -qs cliPluginsExtraDirs "$HOME/.docker/config.json"; then
  fact compose_plugin "$found"
fi
exit 0
"#;

/// Facts about a host that do not need Docker to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What `/etc/machine-id` holds, or stands for it: the machine itself, whatever way it is reached.
    pub machine_id: String,
    /// The kernel's node name.
    pub hostname: String,
    /// The distribution's `ID`, such as `debian`; `linux` when the host does not say.
    pub os: String,
    /// The distribution's `VERSION_ID`, such as `13`; empty when the host does not say.
    pub os_version: String,
    /// The machine's architecture as `uname -m` says it: `x86_64`, `aarch64`.
    pub arch: String,
    /// Processors that are online.
    pub cpus: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// The home directory of the user who is logged in.
    pub home: String,
    /// The `PATH` that this user's commands have.
    pub path: String,
    /// Directories of a NAS's packages that have a `docker`.
    pub docker_at: Vec<String>,
    /// The program that the login's `docker compose` becomes, where that is beyond doubt.
    pub compose_plugin: Option<String>,
    /// The number of the group that Docker's socket belongs to, where there is that socket.
    pub docker_gid: Option<u64>,
    /// The version of control groups, 1 or 2, where there are any.
    pub cgroup_version: Option<u64>,
    /// Whether cloud-init is installed.
    pub cloud_init: bool,
    /// Programs that are needed and are not there, or cannot do what every Linux server's can.
    pub lacks: Vec<String>,
}

/// Asks `exec` for its facts, in one command. `docker_socket` is where Docker listens, if it does.
///
/// # Errors
/// When the host cannot be asked.
pub async fn facts(exec: &dyn Executor, docker_socket: &str) -> Result<Facts, Error> {
    let output = run_checked(exec, &command(docker_socket), Input::Nothing).await?;
    Ok(parse(&output.stdout_text()))
}

fn command(docker_socket: &str) -> Command {
    Command::new(["sh", "-c", &format!("{SCRIPT}{COMPOSE_PLUGIN}"), "windlass-facts", docker_socket, ""])
}

impl Facts {
    /// What a host has to have and this one has not, as the end of a sentence that begins with its name.
    pub fn lacking(&self) -> Option<String> {
        if self.machine_id.is_empty() {
            return Some(
                "has no machine id: /etc/machine-id is missing or empty, and there are no SSH host keys \
                         in its place"
                    .to_owned(),
            );
        }
        if !self.lacks.is_empty() {
            let (programs, verb) = (self.lacks.join(", "), if self.lacks.len() == 1 { "it" } else { "them" });
            return Some(format!(
                "lacks what every Linux server has: {programs} (or has {verb} in a version that is too old)"
            ));
        }
        let unknown: Vec<&str> = [
            ("hostname", self.hostname.is_empty()),
            ("architecture", self.arch.is_empty()),
            ("number of processors", self.cpus == 0),
            ("memory", self.memory_bytes == 0),
        ]
        .into_iter()
        .filter_map(|(what, is_unknown)| is_unknown.then_some(what))
        .collect();
        (!unknown.is_empty()).then(|| format!("does not tell its {}", unknown.join(" and its ")))
    }
}

/// The facts in the script's output; unknown lines are ignored.
fn parse(text: &str) -> Facts {
    let mut facts = Facts { os: "linux".to_owned(), ..Facts::default() };
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let number = || value.trim().parse().unwrap_or(0);
        let word = || value.trim().to_owned();
        match name {
            "machine_id" => facts.machine_id = word(),
            "hostname" => facts.hostname = word(),
            "os" if !value.trim().is_empty() => facts.os = word(),
            "os_version" => facts.os_version = word(),
            "arch" => facts.arch = word(),
            "cpus" => facts.cpus = number(),
            "memory_kib" => facts.memory_bytes = 1024 * number(),
            "home" => facts.home = value.to_owned(),
            "path" => facts.path = value.to_owned(),
            "compose_plugin" => facts.compose_plugin = Some(value.to_owned()),
            "docker_at" => facts.docker_at.push(value.to_owned()),
            "docker_gid" => facts.docker_gid = value.trim().parse().ok(),
            "cgroup" => facts.cgroup_version = value.trim().parse().ok(),
            "cloud_init" => facts.cloud_init = true,
            "lacks" => facts.lacks.push(word()),
            _ => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::{
            fs::{MetadataExt as _, PermissionsExt as _},
            net::UnixListener,
        },
        path::Path,
    };

    use super::*;
    use crate::conformance::Tools;

    #[test]
    fn reads_what_the_script_prints() {
        let text = "machine_id=0123456789abcdef0123456789abcdef\nhostname=web\narch=x86_64\ncpus=2\n\
                    memory_kib=24585296\nos=debian\nos_version=13\nhome=/root\npath=/a:/b=c\ndocker_at=/p/bin\n\
                    docker_gid=994\ncgroup=2\n";
        let facts = parse(text);
        assert_eq!(facts.machine_id, "0123456789abcdef0123456789abcdef");
        assert_eq!((facts.os.as_str(), facts.os_version.as_str(), facts.cpus), ("debian", "13", 2));
        assert_eq!(facts.memory_bytes, 24_585_296 * 1024);
        assert_eq!(
            (facts.path.as_str(), facts.docker_at.as_slice()),
            ("/a:/b=c", &["/p/bin".to_owned()][..])
        );
        assert_eq!((facts.docker_gid, facts.cgroup_version), (Some(994), Some(2)));
        assert!(!facts.cloud_init && facts.lacking().is_none());
        assert!(parse("cloud_init=yes").cloud_init);
    }

    #[test]
    fn what_a_host_does_not_have_or_say_is_named() {
        let all = "machine_id=1\nhostname=web\narch=x86_64\ncpus=2\nmemory_kib=1\nos=\n";
        assert_eq!(parse(all).os, "linux");
        assert_eq!(parse(all).lacking(), None);
        for (changed, expected) in [
            (all.replace("machine_id=1", "machine_id="), "has no machine id: "),
            (all.replace("cpus=2", "cpus="), "does not tell its number of processors"),
            (
                all.replace("arch=x86_64\n", "").replace("memory_kib=1", ""),
                "does not tell its architecture and its memory",
            ),
            (
                format!("{all}lacks=stat\nlacks=flock\n"),
                "lacks what every Linux server has: stat, flock (or has them in a version that is too old)",
            ),
        ] {
            let lacking = parse(&changed).lacking().unwrap();
            assert!(lacking.starts_with(expected), "{lacking}");
        }
    }

    #[tokio::test]
    async fn this_machine_has_facts_by_whatever_tools() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("docker.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let group = u64::from(std::fs::metadata(&socket).unwrap().gid());
        for tools in Tools::all() {
            let facts = facts(&tools, socket.to_str().unwrap()).await.unwrap();
            assert_eq!(facts.lacking(), None, "{facts:?}");
            assert!(facts.cgroup_version.is_some() && !facts.path.is_empty(), "{facts:?}");
            assert_eq!(facts.docker_gid, Some(group), "{facts:?}");
        }
        let none = facts(&Tools::here(), "/nonexistent/docker.sock").await.unwrap();
        assert_eq!(none.docker_gid, None);
    }

    /// What the script says of the machine whose file system is in `root`, and whose home is `/root`.
    async fn compose_plugin(tools: &Tools, root: &Path) -> Option<String> {
        let script = format!("fact() {{ printf '%s=%s\\n' \"$1\" \"$2\"; }}\n{COMPOSE_PLUGIN}");
        let home = format!("HOME={}/root", root.display());
        let command =
            Command::new(["env", &home, "sh", "-c", &script, "facts", ""]).arg(root.to_str().unwrap());
        let output = run_checked(tools, &command, Input::Nothing).await.unwrap();
        let found = parse(&output.stdout_text()).compose_plugin?;
        Some(found.strip_prefix(root.to_str().unwrap()).unwrap().to_owned())
    }

    fn program(root: &Path, path: &str, content: &[u8]) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[tokio::test]
    async fn the_plugin_of_compose_is_told_only_where_it_is_beyond_doubt() {
        const CLIENT: &[u8] = b"\x7fELF\x02";
        const SYSTEM: &str = "usr/libexec/docker/cli-plugins/docker-compose";
        const OWN: &str = "root/.docker/cli-plugins/docker-compose";
        for tools in Tools::all() {
            for (client, content, plugins, config, expected) in [
                ("usr/bin/docker", CLIENT, &[SYSTEM][..], "{}", Some(SYSTEM)),
                ("usr/local/bin/docker", CLIENT, &[OWN], "{}", Some(OWN)),
                // Two of them: docker chooses.
                ("usr/bin/docker", CLIENT, &[SYSTEM, OWN], "{}", None),
                ("usr/bin/docker", CLIENT, &[SYSTEM], r#"{"cliPluginsExtraDirs": ["/opt"]}"#, None),
                // A wrapper, and what is somewhere else.
                ("usr/bin/docker", b"#!/bin/sh\n", &[SYSTEM], "{}", None),
                ("snap/bin/docker", CLIENT, &[SYSTEM], "{}", None),
                ("usr/bin/docker", CLIENT, &[], "{}", None),
            ] {
                let root = tempfile::tempdir().unwrap();
                program(root.path(), client, content);
                program(root.path(), "root/.docker/config.json", config.as_bytes());
                plugins.iter().for_each(|plugin| program(root.path(), plugin, CLIENT));
                let found = compose_plugin(&tools, root.path()).await;
                assert_eq!(found, expected.map(|path| format!("/{path}")), "{client} {plugins:?} {config}");
            }
            let snap = tempfile::tempdir().unwrap();
            program(snap.path(), "usr/bin/snap", CLIENT);
            program(snap.path(), SYSTEM, CLIENT);
            std::os::unix::fs::symlink("snap", snap.path().join("usr/bin/docker")).unwrap();
            assert_eq!(compose_plugin(&tools, snap.path()).await, None);
        }
    }

    #[tokio::test]
    async fn a_host_with_hardly_any_programs_says_which_it_lacks() {
        let facts = facts(&Tools::only(&["sh", "uname", "sed", "cat", "cut", "sha256sum", "grep"]), "")
            .await
            .unwrap();
        assert!(
            facts.lacks.contains(&"stat".to_owned()) && facts.lacks.contains(&"tar".to_owned()),
            "{facts:?}"
        );
        assert!(facts.cpus > 0 && !facts.lacks.contains(&"sed".to_owned()), "{facts:?}");
    }
}
