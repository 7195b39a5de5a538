//! The attributes of `windlass_tailnet_device`, and how a machine becomes attributes.

use std::{collections::BTreeSet, time::Duration};

use framework::{Field, Model, schema::parse_duration};
use tailnet::{Device, DeviceChange, EXIT_ROUTES};

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct DeviceModel {
    pub(crate) tailnet: Field<String>,
    pub(crate) hostname: Field<String>,
    pub(crate) id: Field<String>,
    pub(crate) instance: Field<String>,
    pub(crate) wait_for: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) tags: Field<BTreeSet<String>>,
    pub(crate) key_expiry_disabled: Field<bool>,
    pub(crate) approved_routes: Field<BTreeSet<String>>,
    pub(crate) approved_exit_node: Field<bool>,
    pub(crate) on_destroy: Field<String>,
    pub(crate) fqdn: Field<String>,
    pub(crate) ipv4: Field<String>,
    pub(crate) ipv6: Field<String>,
    pub(crate) created_at: Field<String>,
}

impl DeviceModel {
    /// Takes over what the server says of the machine.
    pub(super) fn observe(&mut self, device: &Device) {
        let told = |text: &str| Field::from(Some(text.to_owned()).filter(|text| !text.is_empty()));
        self.id = device.id.clone().into();
        self.name = device.name.clone().into();
        self.tags = Field::Known(device.tags.iter().cloned().collect());
        self.key_expiry_disabled = device.key_expiry_disabled.into();
        self.approved_routes = Field::Known(approved(device));
        self.approved_exit_node = is_exit_node(device).into();
        self.fqdn = told(&device.fqdn);
        self.ipv4 = told(device.ipv4().unwrap_or_default());
        self.ipv6 = told(device.ipv6().unwrap_or_default());
        self.created_at = told(&device.created);
        self.wait_for = std::mem::take(&mut self.wait_for).or("5m".into());
        self.on_destroy = std::mem::take(&mut self.on_destroy).or("remove".into());
    }

    /// What has to be changed of `device` to be as planned, in this order: tags decide whether there
    /// is a key that expires.
    pub(super) fn changes(&self, device: &Device) -> Vec<DeviceChange> {
        let mut changes = Vec::new();
        if let Some(tags) = self.tags.known().filter(|tags| !tags.iter().eq(&device.tags)) {
            changes.push(DeviceChange::Tags(tags.iter().cloned().collect()));
        }
        let disabled = device.key_expiry_disabled
            || changes.iter().any(|change| matches!(change, DeviceChange::Tags(_)));
        if let Some(wanted) = self.key_expiry_disabled.known().filter(|wanted| **wanted != disabled) {
            changes.push(DeviceChange::KeyExpiryDisabled(*wanted));
        }
        if let Some(name) = self.name.known().filter(|name| **name != device.name) {
            changes.push(DeviceChange::Name(name.clone()));
        }
        let mut routes = self.approved_routes.clone().known_or(approved(device));
        if self.approved_exit_node.known_or(is_exit_node(device)) {
            routes.extend(EXIT_ROUTES.map(str::to_owned));
        }
        if !routes.iter().eq(&device.approved_routes) {
            changes.push(DeviceChange::ApprovedRoutes(routes.into_iter().collect()));
        }
        changes
    }

    /// Whether the machine has been made anew since `prior`.
    pub(super) fn is_made_anew(&self, prior: &Self) -> bool {
        self.hostname.is_known()
            && matches!((&prior.instance, &self.instance), (Field::Known(old), Field::Known(new)) if old != new)
    }

    /// How long a machine is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.wait_for.as_str().and_then(|text| parse_duration(text).ok()).unwrap_or(Duration::from_secs(300))
    }
}

/// What is approved, without what makes an exit node.
fn approved(device: &Device) -> BTreeSet<String> {
    let is_plain = |route: &&String| !EXIT_ROUTES.contains(&route.as_str());
    device.approved_routes.iter().filter(is_plain).cloned().collect()
}

fn is_exit_node(device: &Device) -> bool {
    device.approved_routes.iter().any(|route| EXIT_ROUTES.contains(&route.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Device {
            name: "web".into(),
            tags: texts(&["tag:prod"]),
            key_expiry_disabled: true,
            approved_routes: texts(&["0.0.0.0/0", "10.0.0.0/16", "::/0"]),
            ..Device::default()
        }
    }

    fn set(texts: &[&str]) -> Field<BTreeSet<String>> {
        Field::Known(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn only_what_is_written_down_and_other_is_changed() {
        assert_eq!(DeviceModel::default().changes(&device()), []);
        let mut same = DeviceModel::default();
        same.observe(&device());
        assert_eq!(same.changes(&device()), []);
        assert_eq!(
            (same.approved_routes.clone(), same.approved_exit_node),
            (set(&["10.0.0.0/16"]), true.into())
        );
        let other = DeviceModel {
            name: "web-2".into(),
            approved_routes: set(&["10.1.0.0/16"]),
            tags: set(&["tag:a", "tag:prod"]),
            key_expiry_disabled: true.into(),
            ..DeviceModel::default()
        };
        let routes = ["0.0.0.0/0", "10.1.0.0/16", "::/0"].map(str::to_owned).to_vec();
        assert_eq!(
            other.changes(&device()),
            [
                DeviceChange::Tags(vec!["tag:a".into(), "tag:prod".into()]),
                DeviceChange::Name("web-2".into()),
                DeviceChange::ApprovedRoutes(routes),
            ]
        );
        let closed = DeviceModel { approved_exit_node: false.into(), ..DeviceModel::default() };
        assert_eq!(closed.changes(&device()), [DeviceChange::ApprovedRoutes(vec!["10.0.0.0/16".into()])]);
    }

    #[test]
    fn a_machine_is_made_anew_when_its_keeper_has_another_value() {
        let with = |instance: Field<String>| DeviceModel {
            hostname: "web".into(),
            instance,
            ..DeviceModel::default()
        };
        assert!(with("2".into()).is_made_anew(&with("1".into())));
        assert!(!with("1".into()).is_made_anew(&with("1".into())));
        assert!(!with("1".into()).is_made_anew(&with(Field::Null)), "the keeper is new, not the machine");
    }
}
