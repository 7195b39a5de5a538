//! What is told of a machine.

use std::collections::BTreeSet;

use framework::{Attribute, Field, Model, Type};
use tailnet::Device;

#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct DeviceFacts {
    pub(super) id: Field<String>,
    pub(super) name: Field<String>,
    pub(super) hostname: Field<String>,
    fqdn: Field<String>,
    ipv4: Field<String>,
    ipv6: Field<String>,
    addresses: Field<Vec<String>>,
    tags: Field<Vec<String>>,
    user: Field<String>,
    os: Field<String>,
    online: Field<bool>,
    authorized: Field<bool>,
    ephemeral: Field<bool>,
    routes: Field<Vec<String>>,
    created_at: Field<String>,
    last_seen_at: Field<String>,
    key_expires_at: Field<String>,
}

/// The fields in words, for the documentation.
pub(super) const FIELDS: &str = "`id`; `name` (the first label of its name in the tailnet), `hostname` (what it calls \
    itself), `fqdn` (in MagicDNS; null where the server tells none); `ipv4`, `ipv6`, `addresses`; `tags`, or else `user`; `os` \
    (null with Headscale); `online`, `authorized`, `ephemeral`; `routes` (offered and approved); `created_at`, `last_seen_at` \
    (null while it is connected) and `key_expires_at` (null where it does not expire), in RFC 3339";

impl DeviceFacts {
    pub(super) fn of(device: Device) -> Self {
        let told = |text: String| Field::from(Some(text).filter(|text| !text.is_empty()));
        Self {
            ipv4: Field::from(device.ipv4().map(str::to_owned)),
            ipv6: Field::from(device.ipv6().map(str::to_owned)),
            id: device.id.into(),
            name: device.name.into(),
            hostname: device.hostname.into(),
            fqdn: told(device.fqdn),
            addresses: device.addresses.into(),
            tags: device.tags.into(),
            user: told(device.user),
            os: told(device.os),
            online: device.online.into(),
            authorized: device.authorized.into(),
            ephemeral: device.ephemeral.into(),
            routes: device.routes.into(),
            created_at: told(device.created),
            last_seen_at: told(device.last_seen),
            key_expires_at: told(device.key_expires),
        }
    }
}

/// The filter by tags.
pub(super) fn tags_attribute() -> Attribute {
    Attribute::set("tags", Type::String).describe("Only machines that have all of these tags.")
}

/// Whether a machine has all of the tags.
pub(super) fn has_tags(device: &Device, tags: &Field<BTreeSet<String>>) -> bool {
    tags.known().is_none_or(|tags| tags.iter().all(|tag| device.tags.contains(tag)))
}
