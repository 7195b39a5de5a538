//! Whether a manager may go.

use crate::node::{Node, Role};

/// How many managers there are, and how many of them can vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// All managers.
    pub managers: usize,
    /// Those that the others hear from.
    pub reachable: usize,
}

/// What it means that a manager goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The others decide on.
    Safe,
    /// It is the only one: with it goes the swarm.
    Last,
    /// Those that are left could not decide anything.
    Unsafe {
        /// How the managers would stand.
        after: Quorum,
    },
}

impl Quorum {
    /// How the managers among `nodes` stand.
    pub fn of(nodes: &[Node]) -> Self {
        Self {
            managers: nodes.iter().filter(|node| node.role == Role::Manager).count(),
            reachable: nodes.iter().filter(|node| node.is_reachable_manager()).count(),
        }
    }

    /// How many must vote for anything to be decided.
    pub const fn needed(&self) -> usize {
        self.managers / 2 + 1
    }

    /// Whether anything can be decided.
    pub const fn holds(&self) -> bool {
        self.reachable >= self.needed()
    }

    /// How many may fail without harm.
    pub const fn spare(&self) -> usize {
        self.managers.saturating_sub(1) / 2
    }

    /// Whether one manager more than an odd number adds a vote that is needed and nothing else.
    pub const fn is_even(&self) -> bool {
        self.managers > 0 && self.managers.is_multiple_of(2)
    }

    /// What it means that `node` is no manager any more. One that is on its way out already, a
    /// worker by its role, takes its vote with it as well.
    pub fn without(&self, node: &Node) -> Removal {
        let after = Self {
            managers: self.managers.saturating_sub(usize::from(node.role == Role::Manager)),
            reachable: self.reachable.saturating_sub(usize::from(node.is_reachable_manager())),
        };
        if after.managers == 0 {
            Removal::Last
        } else if self.holds() && after.holds() {
            Removal::Safe
        } else {
            Removal::Unsafe { after }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Reachability, tests::node};

    fn managers(reachable: usize, unreachable: usize) -> Vec<Node> {
        let one = |reachability| {
            let mut one = node();
            one.manager.as_mut().unwrap().reachability = reachability;
            one
        };
        let up = std::iter::repeat_n(one(Reachability::Reachable), reachable);
        up.chain(std::iter::repeat_n(one(Reachability::Unreachable), unreachable)).collect()
    }

    #[test]
    fn a_majority_decides() {
        for (managers, needed, spare) in [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (7, 4, 3)] {
            let quorum = Quorum { managers, reachable: managers };
            assert_eq!((quorum.needed(), quorum.spare()), (needed, spare), "{managers}");
            assert_eq!(quorum.is_even(), managers % 2 == 0);
        }
    }

    #[test]
    fn a_manager_goes_only_where_the_others_decide_on() {
        let verdict = |up, down, who: usize| {
            let nodes = managers(up, down);
            Quorum::of(&nodes).without(&nodes[who])
        };
        assert_eq!(verdict(1, 0, 0), Removal::Last);
        assert_eq!(verdict(3, 0, 0), Removal::Safe);
        assert_eq!(verdict(2, 0, 0), Removal::Safe);
        // Of three with one down, one that is up may not go, the one that is down may.
        let after = Quorum { managers: 2, reachable: 1 };
        assert_eq!(verdict(2, 1, 0), Removal::Unsafe { after });
        assert_eq!(verdict(2, 1, 2), Removal::Safe);
        // Without a majority nothing can be decided, not even that.
        assert!(matches!(verdict(1, 2, 2), Removal::Unsafe { .. }));
    }

    #[test]
    fn a_worker_takes_no_vote() {
        let mut worker = node();
        (worker.role, worker.manager) = (Role::Worker, None);
        let nodes = managers(2, 1);
        assert_eq!(Quorum::of(&nodes).without(&worker), Removal::Safe);
    }
}
