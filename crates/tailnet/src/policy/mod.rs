//! What a policy means: its rules as lines that can be compared, the mistakes that can be seen
//! without a server, and whether it lets a deployer in.
//!
//! The text is never written anew: what is sent is what a person wrote.

mod approvers;
mod canonical;
mod check;
mod deployer;
mod diff;
mod ports;
mod rules;
mod selector;

use std::collections::BTreeMap;

pub use check::{Finding, Level};
pub use deployer::{Deployer, Lockout};
pub use diff::{Change, changes};

use crate::{
    Kind,
    hujson::{self, Node, SyntaxError},
};

/// A policy that has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    root: Node,
}

/// The rules of a policy, one line each, by section.
pub type Rules = BTreeMap<String, Vec<String>>;

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`SyntaxError`] where the text is not HuJSON, or not an object.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let root = hujson::parse(text)?;
        if !matches!(root.value, hujson::Value::Object(_)) {
            return Err(SyntaxError { at: root.at, what: "a policy is an object: `{ … }`".to_owned() });
        }
        Ok(Self { root })
    }

    /// What the policy says, one line for each rule, by section. Two policies with the same rules
    /// mean the same: order counts only where the servers go by it, in `ssh`.
    pub fn rules(&self) -> Rules {
        rules::of(&self.root)
    }

    /// What is wrong with it as far as that can be seen without the server, in the order of the text.
    pub fn check(&self, kind: Kind) -> Vec<Finding> {
        check::all(&self.root, kind)
    }

    /// Why `deployer` would not get in under this policy; `None` when it does.
    pub fn locks_out(&self, deployer: &Deployer) -> Option<Lockout> {
        deployer::lockout(&self.root, deployer)
    }

    /// Whether a machine with one of these tags is let stand behind `service` (`svc:…`) without anybody's
    /// doing, as far as the policy alone tells.
    pub fn may_host(&self, service: &str, tags: &[String]) -> bool {
        approvers::may_host(&self.root, service, tags)
    }

    /// The tags that somebody may give, the keys of `tagOwners`.
    pub fn tags(&self) -> Vec<String> {
        let owners = canonical::section(&self.root, "tagOwners");
        owners
            .map(|node| node.members().iter().map(|member| member.name.clone()).collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
