//! Whether a manager may go.

use crate::Node;

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
    /// How the managers among `nodes` stand. Those count that have a vote: a node that is to become a
    /// manager has none yet, and one that was a manager before `force_new_cluster` has none any more.
    pub fn of(nodes: &[Node]) -> Self {
        Self {
            managers: nodes.iter().filter(|node| node.manager.is_some()).count(),
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

    /// What it means that `node` is no manager any more. One without a vote takes none with it.
    pub fn without(&self, node: &Node) -> Removal {
        let after = Self {
            managers: self.managers.saturating_sub(usize::from(node.manager.is_some())),
            reachable: self.reachable.saturating_sub(usize::from(node.is_reachable_manager())),
        };
        if node.manager.is_none() {
            Removal::Safe
        } else if after.managers == 0 {
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
    use crate::node::{Reachability, Role, tests::node};

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
        assert_eq!(Quorum::of(&managers(1, 2)).without(&worker), Removal::Safe);
    }

    #[test]
    fn who_was_a_manager_before_the_others_were_lost_has_no_vote() {
        // What `docker node ls` has after a new cluster was forced: a manager by its role alone.
        let mut lost = node();
        lost.manager = None;
        assert_eq!(lost.role, Role::Manager);
        let nodes = [managers(1, 0).remove(0), lost.clone()];
        let quorum = Quorum::of(&nodes);
        assert_eq!(quorum, Quorum { managers: 1, reachable: 1 });
        assert_eq!(quorum.without(&lost), Removal::Safe);
        assert_eq!(quorum.without(&nodes[0]), Removal::Last);
    }
}
