//! The schema of `windlass_tailnet_key`.

use framework::{Attribute, Schema, Timeouts, schema::parse_duration};

use crate::tailnet_keys::KeyFields;

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A key by which machines join a tailnet, for what reads it before there is a machine to log in to: \
             cloud-init. **The key is in the state, in clear** (hidden in what the CLI shows); keep the state encrypted, \
             and the key short-lived and for one machine. Where the core is of 1.11 or younger, the ephemeral resource of \
             the same name leaves it nowhere.\n\nEvery change makes another key. Destroying revokes it; machines that \
             have joined by it stay. If the answer of the server is lost while it makes a key, none is made again: the \
             error names those that may be it.",
        )
        .attributes(KeyFields::attributes("2160h").map(Attribute::requires_replace))
        .attribute(
            Attribute::string("renew_before")
                .check(|text: &String| parse_duration(text).map(drop))
                .describe(
                    "How long before its expiry a usable key is replaced by the next apply, such as `168h`. By default \
                     only one that is over is replaced.",
                ),
        )
        .attribute(Attribute::bool("keep_when_spent").default(true).describe(
            "Whether a key for one machine that is used up, or was not used in time, is left as it is. Default: `true`, so \
             that a server whose cloud-init has it is not made anew. `false` makes another one.",
        ))
        .attribute(Attribute::string("id").computed().keep_on_update().describe("The id of the key at the control server; no secret."))
        .attribute(Attribute::string("key").computed().keep_on_update().sensitive().describe("The key itself."))
        .attribute(Attribute::string("created_at").computed().keep_on_update().describe("When it was made (RFC 3339)."))
        .attribute(Attribute::string("expires_at").computed().keep_on_update().describe("Until when a machine can join by it (RFC 3339)."))
        .attribute(Attribute::string("status").computed().keep_on_update().describe(
            "What has become of it: `usable`, `due` (for `renew_before`), `spent` (used up), `expired` or `revoked`. One \
             that is to be replaced shows by its change to `usable`.",
        ))
        .rule(KeyFields::rule())
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}
