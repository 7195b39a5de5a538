//! What the parts of a run belong to, and how many minutes of it each area may take.
//!
//! CONTRIBUTING.md has the same table, with what was measured.

use super::programs::Program;
use std::time::Duration;

/// A part of the work that has a budget of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// What compiles, and what the machine needs to run the rest.
    Builds,
    /// What needs no host and no test program.
    Checks,
    /// Tests without hosts.
    Units,
    /// A machine, a file on it, commands on it.
    Hosts,
    /// What Docker has beside stacks.
    Images,
    /// Several hosts as one.
    Swarm,
    /// Compose projects: their life, their data, their secrets.
    Stacks,
    /// The examples: whole systems from the first apply to the end.
    Systems,
    /// What happens to them on hosts that are odd, cut off, full or shared.
    Failures,
    /// Whether plans say what Compose then does.
    Fidelity,
    /// Control servers of tailnets.
    Tailnet,
    /// Snapshots of what a product cannot lose.
    Backup,
    /// The companion, with real CLIs and real sops.
    Companion,
}

/// The package whose tests need a lab. Each of its programs gets one that no other uses at the
/// same time.
pub const WITH_HOSTS: &str = "acceptance-tests";
/// The packages whose tests need nothing but one of our programs (and what they start themselves).
/// The first holds the provider to times, and so they run one after the other and before all that is
/// noisy.
pub const WITH_PROVIDER: [&str; 3] = [PROTOCOL, TAILNET, COMPANION];
/// The protocol and its times.
pub const PROTOCOL: &str = "protocol-tests";
/// Tailnets, against control servers.
const TAILNET: &str = "tailnet-tests";
/// The companion.
const COMPANION: &str = "companion-tests";

/// What a run may take with all areas that there are, in minutes on two processors, with
/// dependencies downloaded and nothing built.
pub const TOTAL: u64 = 54;

impl Area {
    pub const ALL: [Self; 13] = [
        Self::Builds,
        Self::Checks,
        Self::Units,
        Self::Hosts,
        Self::Images,
        Self::Backup,
        Self::Companion,
        Self::Fidelity,
        Self::Systems,
        Self::Failures,
        Self::Stacks,
        Self::Tailnet,
        Self::Swarm,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Builds => "builds",
            Self::Checks => "checks",
            Self::Units => "unit and protocol",
            Self::Hosts => "host, file, command",
            Self::Images => "docker, image",
            Self::Swarm => "swarm",
            Self::Stacks => "compose stacks",
            Self::Systems => "systems",
            Self::Failures => "failures, odd hosts",
            Self::Fidelity => "fidelity",
            Self::Tailnet => "tailnet",
            Self::Backup => "backup",
            Self::Companion => "companion",
        }
    }

    /// In minutes. None has more than seven: what takes longer belongs into the long matrices.
    pub const fn budget(self) -> u64 {
        match self {
            Self::Images | Self::Tailnet => 2,
            Self::Checks | Self::Fidelity | Self::Systems | Self::Backup => 3,
            Self::Builds | Self::Companion => 4,
            Self::Units | Self::Hosts => 5,
            Self::Failures => 6,
            Self::Swarm | Self::Stacks => 7,
        }
    }

    /// Test targets with hosts, those first that take longest: the others fill what is left beside
    /// them.
    const fn targets(self) -> &'static [&'static str] {
        match self {
            Self::Builds | Self::Checks | Self::Units => &[],
            Self::Companion => &["companion"],
            Self::Tailnet => &["tailnet"],
            Self::Hosts => &[
                "host",
                "file",
                "command",
                "reaching",
                "secrets",
                "sops",
                "examples",
                "install",
                "acceptance_tests",
            ],
            Self::Images => &["image", "docker"],
            Self::Backup => &["corpus"],
            Self::Swarm => &["swarm", "swarm_stack"],
            Self::Stacks => &["compose_stack"],
            Self::Systems => &["systems"],
            Self::Failures => &["failures", "edge", "engine"],
            Self::Fidelity => &["fidelity"],
        }
    }

    /// Where a test program belongs; `None` is one that nobody has given an area.
    fn of_target(target: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.targets().contains(&target))
    }

    /// Where a test program belongs. (The lab's own tests bring up hosts of their own.)
    pub fn of(program: &Program) -> Self {
        match program.package.as_str() {
            "lab" => Self::Hosts,
            TAILNET => Self::Tailnet,
            COMPANION => Self::Companion,
            WITH_HOSTS => Self::of_target(&program.target).unwrap_or(Self::Hosts),
            _ => Self::Units,
        }
    }
}

/// Puts programs with hosts into the order in which they begin: the longest areas first, and in
/// each the longest programs.
pub fn longest_first(mut programs: Vec<Program>) -> Vec<Program> {
    let order: Vec<&str> = Area::ALL.iter().rev().flat_map(|area| area.targets()).copied().collect();
    programs.sort_by_key(|one| order.iter().position(|target| *target == one.target).unwrap_or(order.len()));
    programs
}

/// As in the tables: `7.3 of 7 min`.
pub fn against(took: Duration, budget: u64) -> String {
    let over = if took > Duration::from_secs(budget * 60) { ", over" } else { "" };
    format!("{:.1} of {budget} min{over}", took.as_secs_f64() / 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;
    use std::fs;

    #[test]
    fn every_acceptance_target_has_an_area() {
        for entry in fs::read_dir(paths::root().join("tests/acceptance/tests")).unwrap() {
            let path = entry.unwrap().path();
            let target = path.file_stem().unwrap().to_str().unwrap();
            assert!(Area::of_target(target).is_some(), "{target} is in no list of areas.rs");
        }
    }

    #[test]
    fn the_contributors_read_the_same_budgets() {
        let text = fs::read_to_string(paths::root().join("CONTRIBUTING.md")).unwrap();
        let rows: Vec<Vec<&str>> =
            text.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
        let budget = |name: &str| {
            let row = rows.iter().find(|row| row.get(1) == Some(&name));
            row.unwrap_or_else(|| panic!("no row for {name}"))[row.unwrap().len() - 2].to_owned()
        };
        for area in Area::ALL {
            assert_eq!(budget(area.name()), area.budget().to_string(), "{}", area.name());
            assert!(area.budget() <= 7);
        }
        assert_eq!(budget("all of today's"), TOTAL.to_string());
        assert_eq!(Area::ALL.map(Area::budget).iter().sum::<u64>(), TOTAL);
    }

    #[test]
    fn what_takes_longer_than_its_budget_is_marked() {
        assert_eq!(against(Duration::from_secs(90), 2), "1.5 of 2 min");
        assert_eq!(against(Duration::from_secs(150), 2), "2.5 of 2 min, over");
    }
}
