//! What a look at a machine finds, and the attributes for it, for the resource and the data source
//! alike.

use std::time::Duration;

use framework::{Attribute, Field, Model};
use remote::Error;

use crate::hosted::Host;

/// What was seen of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) machine_id: String,
    pub(crate) hostname: String,
    pub(crate) os: String,
    pub(crate) os_version: String,
    pub(crate) arch: String,
    pub(crate) cpus: u64,
    pub(crate) memory_bytes: u64,
    /// The group of Docker's socket; absent where there is none.
    pub(crate) docker_gid: Option<u64>,
    pub(crate) cgroup_version: Option<u64>,
    /// Absent where Docker is not installed, not running, or not ours to use.
    pub(crate) docker_version: Option<String>,
    /// Absent where Docker Compose 2 is not installed.
    pub(crate) compose_version: Option<String>,
    /// Whether cloud-init is installed.
    pub(crate) cloud_init: bool,
}

/// The attributes for what was seen; [`facts_attributes`] describes them.
#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct MachineModel {
    pub(crate) machine_id: Field<String>,
    pub(crate) hostname: Field<String>,
    pub(crate) os: Field<String>,
    pub(crate) os_version: Field<String>,
    pub(crate) arch: Field<String>,
    pub(crate) cpus: Field<u64>,
    pub(crate) memory_bytes: Field<u64>,
    pub(crate) cgroup_version: Field<u64>,
    pub(crate) docker_gid: Field<u64>,
    pub(crate) docker_version: Field<String>,
    pub(crate) compose_version: Field<String>,
}

impl MachineModel {
    /// Of a machine that has to be seen first.
    pub(crate) fn unknown() -> Self {
        Self {
            machine_id: Field::Unknown,
            hostname: Field::Unknown,
            os: Field::Unknown,
            os_version: Field::Unknown,
            arch: Field::Unknown,
            cpus: Field::Unknown,
            memory_bytes: Field::Unknown,
            cgroup_version: Field::Unknown,
            docker_gid: Field::Unknown,
            docker_version: Field::Unknown,
            compose_version: Field::Unknown,
        }
    }

    /// These facts, those that are unknown as they were `seen`.
    pub(crate) fn completed(self, seen: Self) -> Self {
        fn known<T>(fact: Field<T>, seen: Field<T>) -> Field<T> {
            if matches!(fact, Field::Unknown) { seen } else { fact }
        }
        Self {
            machine_id: known(self.machine_id, seen.machine_id),
            hostname: known(self.hostname, seen.hostname),
            os: known(self.os, seen.os),
            os_version: known(self.os_version, seen.os_version),
            arch: known(self.arch, seen.arch),
            cpus: known(self.cpus, seen.cpus),
            memory_bytes: known(self.memory_bytes, seen.memory_bytes),
            cgroup_version: known(self.cgroup_version, seen.cgroup_version),
            docker_gid: known(self.docker_gid, seen.docker_gid),
            docker_version: known(self.docker_version, seen.docker_version),
            compose_version: known(self.compose_version, seen.compose_version),
        }
    }
}

impl From<Seen> for MachineModel {
    fn from(seen: Seen) -> Self {
        Self {
            machine_id: Field::Known(seen.machine_id),
            hostname: Field::Known(seen.hostname),
            os: Field::Known(seen.os),
            os_version: Field::Known(seen.os_version),
            arch: Field::Known(seen.arch),
            cpus: Field::Known(seen.cpus),
            memory_bytes: Field::Known(seen.memory_bytes),
            cgroup_version: Field::from(seen.cgroup_version),
            docker_gid: Field::from(seen.docker_gid),
            docker_version: Field::from(seen.docker_version),
            compose_version: Field::from(seen.compose_version),
        }
    }
}

/// How long a data source may take to look at a machine.
pub(crate) const READ: Duration = Duration::from_secs(60);

/// Looks at `host` anew, also where it was asked before.
///
/// # Errors
/// When the host cannot be asked, or lacks what it must have.
pub(crate) async fn inspect(host: &Host) -> Result<Seen, Error> {
    let facts = host.fresh_facts().await?;
    if let Some(what) = facts.lacking() {
        return Err(Error::Unfit { host: host.name().to_owned(), what });
    }
    // A machine without them is a machine all the same: what needs Docker says what is wrong with it.
    let docker_version = host.engine().await.ok().map(|engine| engine.version().version.clone());
    let compose_version = host.compose_version().await.ok().map(|version| version.to_string());
    Ok(Seen {
        machine_id: facts.machine_id,
        hostname: facts.hostname,
        os: facts.os,
        os_version: facts.os_version,
        arch: facts.arch,
        cpus: facts.cpus,
        memory_bytes: facts.memory_bytes,
        docker_gid: facts.docker_gid,
        cgroup_version: facts.cgroup_version,
        docker_version,
        compose_version,
        cloud_init: facts.cloud_init,
    })
}

/// The computed attributes for what was seen.
pub(crate) fn facts_attributes() -> Vec<Attribute> {
    let text = |name: &str, description: &str| Attribute::string(name).computed().describe(description);
    let number = |name: &str, description: &str| Attribute::number(name).computed().describe(description);
    vec![
        text(
            "machine_id",
            "What `/etc/machine-id` holds, or a hash of the SSH host keys where there is none: the machine itself, \
             whatever way it is reached.",
        ),
        text("hostname", "The name that the machine has for itself."),
        text("os", "The distribution, such as `debian`; `linux` where it does not say."),
        text("os_version", "The distribution's version, such as `13`; empty where it does not say."),
        text("arch", "The architecture, such as `x86_64`."),
        number("cpus", "Processors that are online."),
        number("memory_bytes", "Memory in bytes."),
        number(
            "cgroup_version",
            "The version of control groups that the machine runs, 1 or 2; null where it has none.",
        ),
        number(
            "docker_gid",
            "The number of the group that Docker's socket belongs to, for a container that is given the socket \
             (`group_add`); null where there is no socket.",
        ),
        text("docker_version", "The version of the Docker Engine; null where it cannot be used."),
        text("compose_version", "The version of Docker Compose; null where it is not installed."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unknown_is_completed() {
        let kept = MachineModel {
            machine_id: Field::Known("a".to_owned()),
            docker_gid: Field::Null,
            docker_version: Field::Unknown,
            compose_version: Field::Unknown,
            ..MachineModel::default()
        };
        let seen = MachineModel {
            machine_id: Field::Known("b".to_owned()),
            docker_gid: Field::Known(102),
            docker_version: Field::Known("28.0.0".to_owned()),
            ..MachineModel::default()
        };
        let completed = MachineModel {
            docker_version: seen.docker_version.clone(),
            compose_version: Field::Null,
            ..kept.clone()
        };
        assert_eq!(kept.completed(seen), completed);
    }
}
