//! What is seen of a machine, before anybody judges it.

use docker::engine::Route;
use remote::facts::Facts;
use tailnet::node::{NodeError, NodeState};

/// What is seen of a machine that lets us in.
#[derive(Debug)]
pub struct Seen {
    /// The machine in words.
    pub name: String,
    /// What it says about itself.
    pub facts: Facts,
    /// Its Docker.
    pub docker: Result<DockerSeen, docker::Error>,
    /// The version of Compose there.
    pub compose: Result<String, docker::Error>,
    /// Its disks and its clock.
    pub state: Result<MachineState, remote::Error>,
    /// Whether its SSH server opens streams to ports there.
    pub forwarding: Forwarding,
    /// Whether it takes part in a tailnet.
    pub tailnet: Result<NodeState, NodeError>,
}

/// What is seen of a Docker Engine.
#[derive(Clone, Debug)]
pub struct DockerSeen {
    /// Its version.
    pub version: String,
    /// How it is reached.
    pub route: Route,
}

/// Whether an SSH server opens streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// There is none between: it is this machine.
    Needless,
    /// It does.
    Permitted,
    /// It does not.
    Forbidden,
    /// It could not be told.
    Unknown(String),
}

/// What changes while a machine runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineState {
    /// What it has room on, each disk once.
    pub disks: Vec<Disk>,
    /// By how many seconds its clock is before ours; behind it, where negative.
    pub ahead: Option<i64>,
}

/// A file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Where it is mounted.
    pub mounted_on: String,
    /// Its size.
    pub bytes: Amount,
    /// How many files it can have; none where it has no such limit.
    pub files: Option<Amount>,
}

/// How much there is of something, and how much of that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    pub total: u64,
    pub free: u64,
}

impl Amount {
    /// How much of it is free, in percent.
    pub fn free_percent(self) -> u64 {
        let percent = u128::from(self.free) * 100 / u128::from(self.total.max(1));
        u64::try_from(percent).unwrap_or(100)
    }
}

/// Prints what the clock says, and the room on the disk of each argument, in bytes and in files.
pub const SCRIPT: &str = "
date +%s
for unit in -k -i; do
  echo
  for place; do
    [ ! -e \"$place\" ] || df -P \"$unit\" -- \"$place\" 2>/dev/null | tail -n 1
  done
done
";

impl MachineState {
    /// Reads what [`SCRIPT`] prints, begun and ended at these moments of our clock.
    pub fn read(text: &str, (begun, ended): (i64, i64)) -> Self {
        let mut parts = text.split("\n\n");
        let clock = parts.next().and_then(|text| text.trim().parse::<i64>().ok());
        let bytes = amounts(parts.next().unwrap_or_default());
        let files = amounts(parts.next().unwrap_or_default());
        let mut disks: Vec<Disk> = Vec::new();
        for (place, amount) in bytes {
            if disks.iter().any(|disk| disk.mounted_on == place) {
                continue;
            }
            let kib = |number: u64| number.saturating_mul(1024);
            let files = files.iter().find(|(other, files)| *other == place && files.total > 0);
            disks.push(Disk {
                mounted_on: place,
                bytes: Amount { total: kib(amount.total), free: kib(amount.free) },
                files: files.map(|(_, files)| *files),
            });
        }
        // Nobody can tell when in between it was asked: what fits into that is no difference.
        let ahead = clock.map(|clock| match clock {
            early if early < begun => early - begun,
            late if late > ended => late - ended,
            _ => 0,
        });
        Self { disks, ahead }
    }
}

/// The lines of `df -P`, by where the file system is mounted. A name may have spaces.
fn amounts(text: &str) -> Vec<(String, Amount)> {
    let read = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| word.ends_with('%') || *word == "-")?;
        let number = |back: usize| words.get(at.checked_sub(back)?)?.parse::<u64>().ok();
        let amount = Amount { total: number(3)?, free: number(1)? };
        Some((words.get(at + 1..)?.join(" "), amount))
    };
    text.lines().filter_map(read).filter(|(place, _)| place.starts_with('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "1000\n\n/dev/sda1 1000 900 100 90% /\n/dev/sda1 1000 900 100 90% /\n\
                        overlay 4000 0 4000 0% /var/lib/my docker\n\n/dev/sda1 50 10 40 20% /\noverlay 0 0 0 - /var/lib/my docker\n";

    #[test]
    fn disks_are_told_once_each_in_bytes_and_in_files() {
        let seen = MachineState::read(TOLD, (1000, 1000));
        let root = Disk {
            mounted_on: "/".into(),
            bytes: Amount { total: 1000 << 10, free: 100 << 10 },
            files: Some(Amount { total: 50, free: 40 }),
        };
        let docker = Disk {
            mounted_on: "/var/lib/my docker".into(),
            bytes: Amount { total: 4000 << 10, free: 4000 << 10 },
            files: None,
        };
        assert_eq!(seen.disks, [root, docker]);
        assert_eq!(seen.disks.iter().map(|disk| disk.bytes.free_percent()).collect::<Vec<_>>(), [10, 100]);
        assert_eq!(MachineState::read("", (1, 2)), MachineState::default());
    }

    #[test]
    fn a_clock_is_off_by_what_the_question_does_not_explain() {
        for ((begun, ended), ahead) in [((990, 1010), 0), ((1003, 1004), -3), ((900, 940), 60)] {
            assert_eq!(MachineState::read(TOLD, (begun, ended)).ahead, Some(ahead), "{begun} {ended}");
        }
    }
}
