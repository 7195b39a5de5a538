//! The `require` block as Rust values.

use compose::policy::{HostPort, Pin, Policies, Rule};
use framework::{Field, Model};

pub(super) const TAG: &str = "tag";
pub(super) const DIGEST: &str = "digest";
pub(super) const NONE: &str = "none";

/// The rule that is about variables and not about services.
pub(crate) const ENV_TEMPLATE: &str = "env_template";

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct RequireBlock {
    pub(crate) pinned_images: Field<String>,
    pub(crate) healthchecks: Field<bool>,
    pub(crate) memory_limits: Field<bool>,
    pub(crate) cpu_limits: Field<bool>,
    pub(crate) memory_reservations: Field<bool>,
    pub(crate) cpu_reservations: Field<bool>,
    pub(crate) no_privileged: Field<bool>,
    pub(crate) host_ports_allowed: Field<Vec<String>>,
    pub(crate) env_template: Field<String>,
}

impl RequireBlock {
    /// The block, where there is one. Under a `dynamic` block over something unknown every rule is.
    pub(crate) fn of(blocks: &Field<Vec<Self>>) -> Self {
        match blocks {
            Field::Unknown => Self {
                pinned_images: Field::Unknown,
                healthchecks: Field::Unknown,
                memory_limits: Field::Unknown,
                cpu_limits: Field::Unknown,
                memory_reservations: Field::Unknown,
                cpu_reservations: Field::Unknown,
                no_privileged: Field::Unknown,
                host_ports_allowed: Field::Unknown,
                env_template: Field::Unknown,
            },
            Field::Null => Self::default(),
            Field::Known(blocks) => blocks.first().cloned().unwrap_or_default(),
        }
    }

    /// This block, and rule by rule `default` for what it does not say.
    pub(crate) fn or(self, default: Self) -> Self {
        Self {
            pinned_images: self.pinned_images.or(default.pinned_images),
            healthchecks: self.healthchecks.or(default.healthchecks),
            memory_limits: self.memory_limits.or(default.memory_limits),
            cpu_limits: self.cpu_limits.or(default.cpu_limits),
            memory_reservations: self.memory_reservations.or(default.memory_reservations),
            cpu_reservations: self.cpu_reservations.or(default.cpu_reservations),
            no_privileged: self.no_privileged.or(default.no_privileged),
            host_ports_allowed: self.host_ports_allowed.or(default.host_ports_allowed),
            env_template: self.env_template.or(default.env_template),
        }
    }

    /// The rules about services. What is unknown is not asked for yet.
    pub(crate) fn policies(&self) -> Policies {
        let pin = match self.pinned_images.as_str() {
            Some(TAG) => Some(Pin::Tag),
            Some(DIGEST) => Some(Pin::Digest),
            _ => None,
        };
        // The schema has checked the entries.
        let ports =
            |entries: &Vec<String>| entries.iter().filter_map(|entry| HostPort::parse(entry).ok()).collect();
        Policies {
            pinned_images: pin,
            health_checks: self.healthchecks.is_true(),
            memory_limits: self.memory_limits.is_true(),
            cpu_limits: self.cpu_limits.is_true(),
            memory_reservations: self.memory_reservations.is_true(),
            cpu_reservations: self.cpu_reservations.is_true(),
            no_privileged: self.no_privileged.is_true(),
            host_ports: self.host_ports_allowed.known().map(ports),
        }
    }

    /// The path of the template, where there is one.
    pub(crate) fn template(&self) -> Option<&str> {
        self.env_template.as_str().filter(|path| !path.is_empty())
    }

    /// Whether this block says something about `rule`.
    pub(crate) fn says(&self, rule: Rule) -> bool {
        match rule {
            Rule::PinnedImages => self.pinned_images.is_known(),
            Rule::HealthChecks => self.healthchecks.is_known(),
            Rule::MemoryLimits => self.memory_limits.is_known(),
            Rule::CpuLimits => self.cpu_limits.is_known(),
            Rule::MemoryReservations => self.memory_reservations.is_known(),
            Rule::CpuReservations => self.cpu_reservations.is_known(),
            Rule::NoPrivileged => self.no_privileged.is_known(),
            Rule::HostPorts => self.host_ports_allowed.is_known(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_wins_over_the_default_rule_by_rule() {
        let default = RequireBlock {
            pinned_images: TAG.into(),
            healthchecks: Field::Known(true),
            memory_limits: Field::Known(true),
            host_ports_allowed: Field::Known(vec!["80".into()]),
            env_template: ".env.example".into(),
            ..RequireBlock::default()
        };
        let own = RequireBlock {
            pinned_images: NONE.into(),
            healthchecks: Field::Known(false),
            host_ports_allowed: Field::Known(vec![]),
            env_template: "".into(),
            ..RequireBlock::default()
        };
        let both = own.clone().or(default.clone());
        let policies = both.policies();
        assert_eq!(
            (policies.pinned_images, policies.health_checks, policies.memory_limits),
            (None, false, true)
        );
        assert_eq!(policies.host_ports, Some(vec![]));
        assert_eq!(both.template(), None);
        assert_eq!(RequireBlock::default().or(default.clone()).template(), Some(".env.example"));
        assert!(own.says(Rule::HealthChecks) && !own.says(Rule::MemoryLimits));
        assert_eq!(RequireBlock::default().policies(), Policies::default());
    }

    #[test]
    fn what_is_unknown_is_not_asked_for_and_hides_the_default() {
        let default = RequireBlock { no_privileged: Field::Known(true), ..RequireBlock::default() };
        let unknown = RequireBlock::of(&Field::Unknown).or(default);
        assert_eq!(unknown.policies(), Policies::default());
        assert_eq!(RequireBlock::of(&Field::Known(vec![])), RequireBlock::default());
    }
}
