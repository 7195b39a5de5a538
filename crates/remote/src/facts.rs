//! What a host says about itself.

use crate::{Command, Error, Executor, Input, run_checked};

/// Prints one `name=value` line per fact; what the host does not know is empty or left out.
///
/// POSIX sh and tools that every Linux has, so that it also works on a machine that was just
/// installed. Fixed text: nothing is put into it.
const SCRIPT: &str = r#"
fact() { printf '%s=%s\n' "$1" "$2"; }
fact machine_id "$(cat /etc/machine-id 2>/dev/null || cat /var/lib/dbus/machine-id 2>/dev/null)"
fact hostname "$(uname -n)"
fact arch "$(uname -m)"
fact cpus "$(getconf _NPROCESSORS_ONLN)"
fact memory_kib "$(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo)"
for file in /etc/os-release /usr/lib/os-release; do
  if [ -r "$file" ]; then
    fact os "$(. "$file"; printf %s "$ID")"
    fact os_version "$(. "$file"; printf %s "$VERSION_ID")"
    break
  fi
done
fact home "$HOME"
if command -v cloud-init >/dev/null 2>&1; then fact cloud_init yes; fi
"#;

/// Facts about a host that do not need Docker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What `/etc/machine-id` holds: the machine itself, whatever way it is reached.
    pub machine_id: String,
    /// The kernel's node name.
    pub hostname: String,
    /// The distribution's `ID`, such as `debian`; empty when the host does not say.
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
    /// Whether cloud-init is installed.
    pub cloud_init: bool,
}

/// Asks `exec` for its facts, in one command.
///
/// # Errors
/// When the host cannot be asked.
pub async fn facts(exec: &dyn Executor) -> Result<Facts, Error> {
    let output = run_checked(exec, &command(), Input::Nothing).await?;
    Ok(parse(&output.stdout_text()))
}

fn command() -> Command {
    Command::new(["sh", "-c", SCRIPT, "facts"])
}

/// The facts in the script's output; unknown lines are ignored.
fn parse(text: &str) -> Facts {
    let mut facts = Facts::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let number = || value.parse().unwrap_or(0);
        let word = || value.trim().to_owned();
        match name {
            "machine_id" => facts.machine_id = word(),
            "hostname" => facts.hostname = word(),
            "os" => facts.os = word(),
            "os_version" => facts.os_version = word(),
            "arch" => facts.arch = word(),
            "cpus" => facts.cpus = number(),
            "memory_kib" => facts.memory_bytes = 1024 * number(),
            "home" => facts.home = value.to_owned(),
            "cloud_init" => facts.cloud_init = true,
            _ => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_script_prints() {
        let text = "machine_id=0123456789abcdef0123456789abcdef\nhostname=web\narch=x86_64\ncpus=2\n\
                    memory_kib=24585296\nos=debian\nos_version=13\nhome=/root\n";
        let facts = parse(text);
        assert_eq!(facts.machine_id, "0123456789abcdef0123456789abcdef");
        assert_eq!((facts.os.as_str(), facts.os_version.as_str(), facts.cpus), ("debian", "13", 2));
        assert_eq!(facts.memory_bytes, 24_585_296 * 1024);
        assert!(!facts.cloud_init);
        assert!(parse("cloud_init=yes").cloud_init);
    }

    #[test]
    fn a_host_that_says_nothing_has_empty_facts() {
        assert_eq!(parse("machine_id=\ncpus=\nmemory_kib=\n"), Facts::default());
    }

    #[tokio::test]
    async fn this_machine_has_facts() {
        let facts = facts(&crate::Local::default()).await.unwrap();
        assert!(facts.cpus > 0 && facts.memory_bytes > 1 << 20 && !facts.arch.is_empty(), "{facts:?}");
    }
}
