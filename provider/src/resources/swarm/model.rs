//! The attributes of `windlass_swarm`, and how a swarm becomes attributes.

use std::time::Duration;

use framework::{Field, Model, schema::parse_duration};
use swarm::{Cluster, NewSwarm, Node, Settings};

use crate::clustered::ManagerList;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SwarmModel {
    pub(crate) managers: ManagerList,
    pub(crate) advertise_addr: Field<String>,
    pub(crate) listen_addr: Field<String>,
    pub(crate) data_path_addr: Field<String>,
    pub(crate) default_addr_pool: Field<Vec<String>>,
    pub(crate) subnet_size: Field<u64>,
    pub(crate) task_history_limit: Field<i64>,
    pub(crate) snapshot_interval: Field<u64>,
    pub(crate) cert_expiry: Field<String>,
    pub(crate) rotate_worker_token: Field<String>,
    pub(crate) rotate_manager_token: Field<String>,
    pub(crate) adopt: Field<bool>,
    pub(crate) force_new_cluster: Field<String>,
    pub(crate) force_destroy: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) created_at: Field<String>,
    pub(crate) manager_addresses: Field<Vec<String>>,
}

impl SwarmModel {
    /// The id, or nothing while it is unknown.
    pub(super) fn id(&self) -> &str {
        self.id.as_str().unwrap_or_default()
    }

    /// What the swarm is made with.
    pub(super) fn new_swarm(&self) -> NewSwarm {
        NewSwarm {
            advertise_addr: self.advertise_addr.known().cloned(),
            listen_addr: self.listen_addr.known().cloned(),
            data_path_addr: self.data_path_addr.known().cloned(),
            default_addr_pool: self.default_addr_pool.clone().known_or_default(),
            subnet_size: self.subnet_size.known().and_then(|size| u32::try_from(*size).ok()),
            settings: self.settings(),
        }
    }

    /// What is asked for of what can be changed.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            task_history_limit: self.task_history_limit.known().copied(),
            snapshot_interval: self.snapshot_interval.known().copied(),
            cert_expiry: duration(&self.cert_expiry),
        }
    }

    /// Takes over what a manager says.
    pub(super) fn set_observed(&mut self, cluster: &Cluster, nodes: &[Node]) {
        self.id = Field::Known(cluster.id.clone());
        self.created_at = Field::Known(cluster.created_at.clone());
        self.default_addr_pool = Field::Known(cluster.address_pools.clone());
        self.subnet_size = Field::Known(u64::from(cluster.subnet_size));
        let settings = &cluster.settings;
        self.task_history_limit = Field::from(settings.task_history_limit);
        self.snapshot_interval = Field::from(settings.snapshot_interval);
        if duration(&self.cert_expiry) != settings.cert_expiry {
            self.cert_expiry = Field::from(settings.cert_expiry.map(show));
        }
        self.manager_addresses = Field::Known(swarm::address::of_managers(nodes));
        for flag in [&mut self.adopt, &mut self.force_destroy] {
            if flag.is_null() {
                *flag = Field::Known(false);
            }
        }
    }
}

/// A duration of an attribute that was checked.
pub(super) fn duration(field: &Field<String>) -> Option<Duration> {
    parse_duration(field.as_str()?).ok()
}

/// Whole hours as such, else seconds.
fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds.is_multiple_of(3600) { format!("{}h", seconds / 3600) } else { format!("{seconds}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_certificates_are_shown_in_hours() {
        assert_eq!(show(Duration::from_secs(90 * 24 * 3600)), "2160h");
        assert_eq!(show(Duration::from_secs(3661)), "3661s");
        assert_eq!(duration(&Field::Known("1h1m1s".into())), Some(Duration::from_secs(3661)));
    }

    #[test]
    fn what_is_not_said_is_not_asked_for() {
        let settings = SwarmModel { cert_expiry: Field::Unknown, ..SwarmModel::default() }.settings();
        assert_eq!(settings, Settings::default());
    }
}
