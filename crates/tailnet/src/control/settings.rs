//! The settings of a tailnet.

use serde::{Deserialize, Serialize};

/// Settings; what is `None` is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "they are what their names say, in the words of Tailscale")]
pub struct TailnetSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices_approval_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices_auto_updates_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices_key_duration_days: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users_approval_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_flow_logging_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regional_routing_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posture_identity_collection_on: Option<bool>,
}
