//! The attributes of `windlass_tailnet_policy`, and how a stored policy becomes attributes.

use std::collections::BTreeMap;

use framework::{Field, Model};
use serde::{Deserialize, Serialize};
use tailnet::{Expected, PolicyVersion, StoredPolicy, policy::Deployer};

use super::reading::read_policy;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct PolicyModel {
    pub(crate) tailnet: Field<String>,
    pub(crate) policy: Field<String>,
    pub(crate) adopt_existing: Field<bool>,
    pub(crate) reset_on_destroy: Field<bool>,
    pub(crate) deployer: Field<Vec<DeployerBlock>>,
    pub(crate) rules: Field<BTreeMap<String, Vec<String>>>,
}

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct DeployerBlock {
    pub(crate) tag: Field<String>,
    pub(crate) to: Field<Vec<String>>,
    pub(crate) users: Field<Vec<String>>,
    pub(crate) port: Field<u64>,
}

/// What is remembered of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyPrivate {
    /// The version that was read last: what a change may replace.
    #[serde(default)]
    pub(crate) version: String,
}

impl PolicyPrivate {
    pub(super) fn of(stored: &StoredPolicy) -> Self {
        Self { version: stored.version.0.clone() }
    }

    /// What a change expects to find.
    pub(super) fn expected(&self) -> Expected {
        Expected::Version(PolicyVersion(self.version.clone()))
    }
}

impl DeployerBlock {
    /// The deployer, where all of it is known.
    pub(super) fn deployer(&self) -> Option<Deployer> {
        if self.users.is_unknown() || self.port.is_unknown() {
            return None;
        }
        Some(Deployer {
            tag: self.tag.known()?.clone(),
            to: self.to.known()?.clone(),
            users: self.users.clone().known_or_default(),
            port: u16::try_from(self.port.known_or(22)).unwrap_or(22),
        })
    }
}

impl PolicyModel {
    /// Takes over what is stored. A text that means the same as the known one is that one, so that
    /// how somebody has formatted it is no difference.
    pub(super) fn observe(&mut self, stored: &StoredPolicy) {
        let read = read_policy(&stored.text).ok();
        let rules = read.as_ref().map(|read| read.rules());
        let says_the_same = |known: &str| {
            rules.is_some() && read_policy(known).is_ok_and(|known| Some(known.rules()) == rules)
        };
        let known = self.policy.as_str();
        let same = known.is_some_and(|known| known == stored.text || says_the_same(known));
        if !same {
            self.policy = Field::Known(stored.text.clone());
        }
        self.rules = Field::Known(rules.cloned().unwrap_or_default());
        self.adopt_existing = std::mem::take(&mut self.adopt_existing).or(Field::Known(false));
        self.reset_on_destroy = std::mem::take(&mut self.reset_on_destroy).or(Field::Known(false));
    }
}
