//! From what was seen of a machine to what is to be done. Pure.

use docker::engine::Route;
use tailnet::node::{NodeError, NodeState, State};

use super::finding::Finding;
use super::seen::{Amount, Disk, DockerSeen, Forwarding, MachineState, Seen};
use crate::advice;
use crate::units::bytes;

/// How much of a disk has to be free, in percent: less is a warning, or an error.
const FREE: (u64, u64) = (10, 3);
/// What is enough of a disk, in bytes, however little of it that is.
const PLENTY: u64 = 50 << 30;
/// By how many seconds a clock may be off: more is a warning, or an error.
const OFF: (u64, u64) = (5, 60);

/// All findings of a machine.
pub fn judge(seen: &Seen) -> Vec<Finding> {
    let mut all = vec![connection(seen)];
    all.extend(fitness(seen));
    all.push(docker(&seen.docker));
    if seen.docker.is_ok() {
        all.push(compose(&seen.compose));
    }
    match &seen.state {
        Ok(state) => all.extend(state_of(state)),
        Err(error) => all.push(Finding::error("state", remote::chain(error), advice::host(error))),
    }
    all.extend(forwarding(&seen.forwarding));
    all.extend(tailnet(&seen.tailnet));
    all
}

fn connection(seen: &Seen) -> Finding {
    let facts = &seen.facts;
    let system = format!("{} {}", facts.os, facts.os_version);
    Finding::ok("connection", format!("{} runs commands ({}, {})", seen.name, system.trim(), facts.arch))
}

fn fitness(seen: &Seen) -> Option<Finding> {
    let lacking = seen.facts.lacking()?;
    Some(Finding::error("tools", format!("{} {lacking}", seen.name), advice::TOOLS))
}

fn docker(seen: &Result<DockerSeen, docker::Error>) -> Finding {
    match seen {
        Ok(DockerSeen { version, route }) => {
            let route = match route {
                Route::Socket => "",
                Route::Command => ", reached by `docker system dial-stdio`",
            };
            Finding::ok("docker", format!("Docker {version}{route}"))
        }
        Err(error) => {
            let about =
                if matches!(error, docker::Error::Permission { .. }) { "permissions" } else { "docker" };
            Finding::error(about, remote::chain(error), advice::daemon(error))
        }
    }
}

fn compose(seen: &Result<String, docker::Error>) -> Finding {
    match seen {
        Ok(version) => Finding::ok("compose", format!("Docker Compose {version}")),
        Err(error) => Finding::error("compose", remote::chain(error), advice::daemon(error)),
    }
}

fn state_of(state: &MachineState) -> Vec<Finding> {
    let clock = state
        .ahead
        .map_or_else(|| Finding::warning("clock", "it does not tell its time", advice::CLOCK), clock);
    state.disks.iter().map(disk).chain([clock]).collect()
}

fn clock(ahead: i64) -> Finding {
    let off = ahead.unsigned_abs();
    let seen = match ahead {
        0 => "it is right to the second".to_owned(),
        1.. => format!("it is {off} s before ours"),
        _ => format!("it is {off} s behind ours"),
    };
    match off {
        off if off > OFF.1 => Finding::error("clock", seen, advice::CLOCK),
        off if off > OFF.0 => Finding::warning("clock", seen, advice::CLOCK),
        _ => Finding::ok("clock", seen),
    }
}

fn disk(disk: &Disk) -> Finding {
    let room = |amount: Amount, is_enough: bool| match amount.free_percent() {
        percent if percent < FREE.1 && !is_enough => 2,
        percent if percent < FREE.0 && !is_enough => 1,
        _ => 0,
    };
    let space = room(disk.bytes, disk.bytes.free >= PLENTY);
    let files = disk.files.map_or(0, |files| room(files, false));
    let (place, percent) = (&disk.mounted_on, disk.bytes.free_percent());
    let mut seen = format!("{place} has {} free ({percent} %)", bytes(disk.bytes.free));
    if let (Some(left), 1..) = (disk.files, files) {
        seen += &format!(", and room for {} more files ({} %)", left.free, left.free_percent());
    }
    match space.max(files) {
        0 => Finding::ok("disk", seen),
        1 => Finding::warning("disk", seen, advice::DISK),
        _ => Finding::error("disk", seen, advice::DISK),
    }
}

fn forwarding(seen: &Forwarding) -> Option<Finding> {
    match seen {
        Forwarding::Needless => None,
        Forwarding::Permitted => {
            Some(Finding::ok("forwarding", "the SSH server opens streams to ports there"))
        }
        Forwarding::Forbidden => Some(Finding::warning(
            "forwarding",
            "the SSH server opens no streams to ports there",
            advice::FORWARDING,
        )),
        Forwarding::Unknown(why) => Some(Finding::warning("forwarding", why, advice::FORWARDING)),
    }
}

fn tailnet(seen: &Result<NodeState, NodeError>) -> Vec<Finding> {
    let warn = |seen: String, next: &str| vec![Finding::warning("tailnet", seen, next)];
    match seen {
        Err(NodeError::Missing { .. }) => Vec::new(),
        Err(error) => warn(remote::chain(error), advice::TAILSCALE),
        Ok(node) => match node.state {
            State::Running if node.health.is_empty() => {
                vec![Finding::ok("tailnet", format!("it takes part as {}", node_name(node)))]
            }
            State::Running => warn(
                format!("it takes part as {}, and complains: {}", node_name(node), node.health.join("; ")),
                "See `tailscale status` on the host.",
            ),
            State::Starting => warn("Tailscale is starting".to_owned(), "Look again in a minute."),
            State::Stopped => {
                warn("Tailscale is stopped".to_owned(), "`tailscale up` on the host connects it again.")
            }
            State::Unapproved => warn(
                "the machine waits to be let in".to_owned(),
                "Approve it where the tailnet is administrated.",
            ),
            State::LoggedOut => warn(
                "Tailscale is installed and logged out, or its key has expired".to_owned(),
                "`tailscale up` on the host, or remove Tailscale where it is not wanted.",
            ),
        },
    }
}

fn node_name(node: &NodeState) -> &str {
    if node.fqdn.is_empty() { &node.hostname } else { &node.fqdn }
}

#[cfg(test)]
mod tests {
    use remote::facts::Facts;

    use super::super::finding::Level;
    use super::*;

    fn well() -> Seen {
        let facts = Facts {
            machine_id: "1".into(),
            hostname: "web".into(),
            os: "debian".into(),
            os_version: "13".into(),
            arch: "x86_64".into(),
            cpus: 2,
            memory_bytes: 1 << 30,
            home: "/root".into(),
            path: "/bin".into(),
            ..Facts::default()
        };
        let disk = Disk {
            mounted_on: "/".into(),
            bytes: Amount { total: 100 << 30, free: 40 << 30 },
            files: Some(Amount { total: 1000, free: 900 }),
        };
        Seen {
            name: "root@web:22".into(),
            facts,
            docker: Ok(DockerSeen { version: "26.1.5".into(), route: Route::Socket }),
            compose: Ok("2.26.1".into()),
            state: Ok(MachineState { disks: vec![disk], ahead: Some(0) }),
            forwarding: Forwarding::Permitted,
            tailnet: Err(NodeError::Missing { host: "web".into() }),
        }
    }

    /// What is not well: how bad, about what, and a part of what is seen or done next.
    fn ills(seen: &Seen) -> Vec<(Level, &'static str, String)> {
        let ill = judge(seen).into_iter().filter(|finding| finding.level != Level::Ok);
        ill.map(|one| (one.level, one.about, format!("{} > {}", one.seen, one.next.unwrap()))).collect()
    }

    #[track_caller]
    fn expect(seen: &Seen, level: Level, about: &str, parts: &[&str]) {
        let ills = ills(seen);
        let [(is, of, text)] = &ills[..] else { panic!("{ills:?}") };
        assert_eq!((*is, *of), (level, about), "{text}");
        parts.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
    }

    #[test]
    fn a_machine_that_is_well_has_nothing_to_do() {
        assert!(ills(&well()).is_empty());
        let about: Vec<&str> = judge(&well()).iter().map(|finding| finding.about).collect();
        assert_eq!(about, ["connection", "docker", "compose", "disk", "clock", "forwarding"]);
    }

    #[test]
    fn each_trouble_with_docker_has_a_next_step_of_its_own() {
        let host = || "web".to_owned();
        let socket = || "/run/docker.sock".to_owned();
        for (error, about, part) in [
            (docker::Error::Missing { host: host(), searched: "/bin".into() }, "docker", "Install Docker"),
            (
                docker::Error::NotRunning { host: host(), socket: socket() },
                "docker",
                "systemctl start docker",
            ),
            (
                docker::Error::Permission { host: host(), socket: socket() },
                "permissions",
                "usermod -aG docker",
            ),
            (docker::Error::Podman { host: host(), socket: socket() }, "docker", "Docker Engine"),
        ] {
            // Without Docker, nothing is said of Compose.
            let compose = Err(docker::Error::ComposeMissing { host: host(), v1: None });
            expect(&Seen { docker: Err(error), compose, ..well() }, Level::Error, about, &[part]);
        }
        for (error, part) in [
            (docker::Error::ComposeMissing { host: host(), v1: Some("1.29.2".into()) }, "version 1"),
            (docker::Error::ComposeMissing { host: host(), v1: None }, "Install the Compose plugin"),
            (
                docker::Error::ComposeTooOld { host: host(), found: "2.3.0".into(), needed: "2.24.4".into() },
                "2.24.4 or newer",
            ),
        ] {
            expect(&Seen { compose: Err(error), ..well() }, Level::Error, "compose", &[part]);
        }
    }

    #[test]
    fn little_room_is_told_before_there_is_none() {
        let with = |free: u64, files: u64| {
            let disk = Disk {
                mounted_on: "/data".into(),
                bytes: Amount { total: 1000 << 30, free: free << 30 },
                files: Some(Amount { total: 1000, free: files }),
            };
            Seen { state: Ok(MachineState { disks: vec![disk], ahead: Some(0) }), ..well() }
        };
        // A twentieth of a large disk is plenty.
        assert!(ills(&with(50, 900)).is_empty());
        expect(
            &with(49, 900),
            Level::Warning,
            "disk",
            &["/data has 49.0 GiB free (4 %)", "docker system df"],
        );
        expect(&with(29, 900), Level::Error, "disk", &["(2 %)"]);
        expect(&with(500, 99), Level::Warning, "disk", &["room for 99 more files (9 %)"]);
        expect(&with(500, 29), Level::Error, "disk", &["room for 29 more files (2 %)"]);
    }

    #[test]
    fn a_clock_that_is_off_is_told() {
        let with = |ahead| Seen { state: Ok(MachineState { disks: vec![], ahead }), ..well() };
        assert!(ills(&with(Some(-5))).is_empty());
        expect(&with(Some(6)), Level::Warning, "clock", &["6 s before ours", "timedatectl"]);
        expect(&with(Some(-61)), Level::Error, "clock", &["61 s behind ours"]);
        expect(&with(None), Level::Warning, "clock", &["does not tell its time"]);
    }

    #[test]
    fn a_machine_that_lacks_tools_and_one_that_forbids_streams_are_told() {
        let facts = Facts { lacks: vec!["tar".into()], ..well().facts };
        expect(&Seen { facts, ..well() }, Level::Error, "tools", &["lacks", "tar", "apt-get install"]);
        let closed = Seen { forwarding: Forwarding::Forbidden, ..well() };
        expect(&closed, Level::Warning, "forwarding", &["AllowTcpForwarding"]);
        assert!(ills(&Seen { forwarding: Forwarding::Needless, ..well() }).is_empty());
    }

    #[test]
    fn a_tailnet_counts_where_there_is_one() {
        let node = |state| NodeState { state, fqdn: "web.tail.ts.net".into(), ..NodeState::default() };
        let with = |node: NodeState| Seen { tailnet: Ok(node), ..well() };
        assert!(ills(&with(node(State::Running))).is_empty());
        assert!(judge(&with(node(State::Running))).iter().any(|one| one.seen.contains("web.tail.ts.net")));
        let ill = NodeState { health: vec!["no DNS".into()], ..node(State::Running) };
        expect(&with(ill), Level::Warning, "tailnet", &["no DNS", "tailscale status"]);
        expect(&with(node(State::LoggedOut)), Level::Warning, "tailnet", &["logged out", "tailscale up"]);
        let silent = NodeError::Silent { host: "web".into(), said: String::new() };
        expect(&Seen { tailnet: Err(silent), ..well() }, Level::Warning, "tailnet", &["does not answer"]);
    }
}
