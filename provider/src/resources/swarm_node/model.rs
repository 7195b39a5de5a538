//! The attributes of `windlass_swarm_node`, and how a node becomes attributes.

use std::{collections::BTreeMap, time::Duration};

use framework::{Field, Model, schema::parse_duration};
use swarm::{Availability, JoinRequest, Node, Role};

use crate::{clustered::ManagerList, docker_objects::set_map};

/// How long a drain takes at most where nobody says otherwise.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct NodeModel {
    pub(crate) managers: ManagerList,
    pub(crate) swarm: Field<String>,
    pub(crate) host: Field<String>,
    pub(crate) advertise_addr: Field<String>,
    pub(crate) listen_addr: Field<String>,
    pub(crate) data_path_addr: Field<String>,
    pub(crate) role: Field<String>,
    pub(crate) availability: Field<String>,
    pub(crate) labels: Field<BTreeMap<String, String>>,
    pub(crate) labels_mode: Field<String>,
    pub(crate) drain: Field<String>,
    pub(crate) drain_timeout: Field<String>,
    pub(crate) force_remove_unreachable: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) hostname: Field<String>,
    pub(crate) state: Field<String>,
    pub(crate) address: Field<String>,
    pub(crate) engine_version: Field<String>,
    pub(crate) leader: Field<bool>,
    pub(crate) reachability: Field<String>,
}

impl NodeModel {
    /// The id, or nothing while it is unknown.
    pub(super) fn id(&self) -> &str {
        self.id.as_str().unwrap_or_default()
    }

    /// The id of the swarm, or nothing while it is unknown.
    pub(super) fn swarm(&self) -> &str {
        self.swarm.as_str().unwrap_or_default()
    }

    /// What it shall be.
    pub(super) fn role(&self) -> Role {
        if self.role.as_str() == Some("manager") { Role::Manager } else { Role::Worker }
    }

    /// Whether it shall get tasks.
    pub(super) fn availability(&self) -> Availability {
        match self.availability.as_str() {
            Some("pause") => Availability::Pause,
            Some("drain") => Availability::Drain,
            _ => Availability::Active,
        }
    }

    /// Whether what runs is kept until its replacement runs.
    pub(super) fn is_graceful(&self) -> bool {
        self.drain.as_str() != Some("fast")
    }

    /// How long a drain may take.
    pub(super) fn drain_timeout(&self) -> Duration {
        self.drain_timeout.as_str().and_then(|text| parse_duration(text).ok()).unwrap_or(DRAIN_TIMEOUT)
    }

    /// How it joins at `address`.
    pub(super) fn join_request(&self, address: String) -> JoinRequest {
        JoinRequest {
            address,
            advertise_addr: self.advertise_addr.known().cloned(),
            listen_addr: self.listen_addr.known().cloned(),
            data_path_addr: self.data_path_addr.known().cloned(),
        }
    }

    /// The labels that the node shall have, where it has `found`, and had those of `prior` from us.
    pub(super) fn labels_on(
        &self,
        found: &BTreeMap<String, String>,
        prior: Option<&Self>,
    ) -> BTreeMap<String, String> {
        let own = self.labels.clone().known_or_default();
        if !self.merges() {
            return own;
        }
        let was_ours = prior.and_then(|prior| prior.labels.known());
        let others = found.iter().filter(|(key, _)| !was_ours.is_some_and(|ours| ours.contains_key(*key)));
        let mut all: BTreeMap<_, _> = others.map(|(key, value)| (key.clone(), value.clone())).collect();
        all.extend(own);
        all
    }

    fn merges(&self) -> bool {
        self.labels_mode.as_str() == Some("merge")
    }

    /// What is not known before an apply.
    pub(super) fn set_unknown(&mut self) {
        self.id = Field::Unknown;
        self.hostname = Field::Unknown;
    }

    /// Takes over what a manager says of the node.
    pub(super) fn set_observed(&mut self, node: &Node) {
        self.role = Field::Known(node.role.to_string());
        self.availability = Field::Known(node.availability.to_string());
        let mut labels = node.labels.clone();
        if self.merges() {
            let ours = self.labels.clone().known_or_default();
            labels.retain(|key, _| ours.contains_key(key));
        }
        set_map(&mut self.labels, labels);
        for (word, usual) in
            [(&mut self.labels_mode, "exact"), (&mut self.drain, "graceful"), (&mut self.drain_timeout, "5m")]
        {
            if word.is_null() {
                *word = Field::Known(usual.to_owned());
            }
        }
        if self.force_remove_unreachable.is_null() {
            self.force_remove_unreachable = Field::Known(false);
        }
        self.set_computed(node);
    }

    /// Takes over what nobody asks for.
    pub(super) fn set_computed(&mut self, node: &Node) {
        self.id = Field::Known(node.id.clone());
        self.hostname = Field::Known(node.hostname.clone());
        self.state = Field::Known(node.state.to_string());
        self.address = Field::Known(node.address.clone());
        self.engine_version = Field::Known(node.engine_version.clone());
        self.leader = Field::Known(node.is_leader());
        self.reachability =
            Field::from(node.manager.as_ref().map(|manager| manager.reachability.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn labels_are_exactly_these_or_join_others() {
        let prior =
            NodeModel { labels: Field::Known(map(&[("a", "1"), ("b", "1")])), ..NodeModel::default() };
        let found = map(&[("a", "1"), ("b", "1"), ("theirs", "1")]);
        let mut planned = NodeModel { labels: Field::Known(map(&[("a", "2")])), ..NodeModel::default() };
        assert_eq!(planned.labels_on(&found, Some(&prior)), map(&[("a", "2")]));
        planned.labels_mode = Field::Known("merge".into());
        assert_eq!(planned.labels_on(&found, Some(&prior)), map(&[("a", "2"), ("theirs", "1")]));
        assert_eq!(planned.labels_on(&found, None), map(&[("a", "2"), ("b", "1"), ("theirs", "1")]));
    }
}
