//! The attributes of `windlass_tailnet_settings`, and how the server's settings become attributes.

use framework::{Attribute, Field, Model, Schema, Timeouts, validate};
use tailnet::TailnetSettings as Settings;

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct SettingsModel {
    pub(crate) tailnet: Field<String>,
    pub(crate) https_enabled: Field<bool>,
    pub(crate) devices_approval_on: Field<bool>,
    pub(crate) devices_auto_updates_on: Field<bool>,
    pub(crate) devices_key_duration_days: Field<u64>,
    pub(crate) users_approval_on: Field<bool>,
    pub(crate) network_flow_logging_on: Field<bool>,
    pub(crate) regional_routing_on: Field<bool>,
    pub(crate) posture_identity_collection_on: Field<bool>,
}

pub(super) fn schema() -> Schema {
    let settings = [
        Attribute::bool("https_enabled").describe(
            "Whether machines can have certificates for their names. `tailscale serve` needs that for HTTPS.",
        ),
        Attribute::bool("devices_approval_on").describe("Whether a new machine has to be approved."),
        Attribute::bool("devices_auto_updates_on")
            .describe("Whether machines update Tailscale by themselves."),
        Attribute::number("devices_key_duration_days")
            .validate(validate::between(1, 180))
            .describe("After how many days a machine of a person has to log in again: 1 to 180."),
        Attribute::bool("users_approval_on").describe("Whether a new user has to be approved."),
        Attribute::bool("network_flow_logging_on")
            .describe("Whether connections are logged, where the plan has that."),
        Attribute::bool("regional_routing_on")
            .describe("Whether machines use routes of their region, where the plan has that."),
        Attribute::bool("posture_identity_collection_on")
            .describe("Whether machines tell what device posture needs."),
    ];
    Schema::new(0)
        .describe(
            "Settings of a tailnet at Tailscale. Only those that are written down are managed: two configurations that \
             manage different ones do not disturb each other. Destroying leaves them as they are. Headscale has no \
             interface for settings.",
        )
        .attributes(settings.map(|setting| setting.optional().computed().keep_on_update()))
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}

impl SettingsModel {
    /// Takes over what the server has.
    pub(super) fn observe(&mut self, settings: Settings) {
        self.https_enabled = settings.https_enabled.into();
        self.devices_approval_on = settings.devices_approval_on.into();
        self.devices_auto_updates_on = settings.devices_auto_updates_on.into();
        self.devices_key_duration_days = settings.devices_key_duration_days.into();
        self.users_approval_on = settings.users_approval_on.into();
        self.network_flow_logging_on = settings.network_flow_logging_on.into();
        self.regional_routing_on = settings.regional_routing_on.into();
        self.posture_identity_collection_on = settings.posture_identity_collection_on.into();
    }

    /// What is to be changed of what the server has.
    pub(super) fn changes(&self, now: &Settings) -> Settings {
        fn other<T: Clone + PartialEq>(wanted: &Field<T>, now: Option<&T>) -> Option<T> {
            wanted.known().filter(|wanted| Some(*wanted) != now).cloned()
        }
        Settings {
            https_enabled: other(&self.https_enabled, now.https_enabled.as_ref()),
            devices_approval_on: other(&self.devices_approval_on, now.devices_approval_on.as_ref()),
            devices_auto_updates_on: other(
                &self.devices_auto_updates_on,
                now.devices_auto_updates_on.as_ref(),
            ),
            devices_key_duration_days: other(
                &self.devices_key_duration_days,
                now.devices_key_duration_days.as_ref(),
            ),
            users_approval_on: other(&self.users_approval_on, now.users_approval_on.as_ref()),
            network_flow_logging_on: other(
                &self.network_flow_logging_on,
                now.network_flow_logging_on.as_ref(),
            ),
            regional_routing_on: other(&self.regional_routing_on, now.regional_routing_on.as_ref()),
            posture_identity_collection_on: other(
                &self.posture_identity_collection_on,
                now.posture_identity_collection_on.as_ref(),
            ),
        }
    }
}
