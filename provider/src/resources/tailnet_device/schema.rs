//! The schema of `windlass_tailnet_device`.

use std::collections::BTreeSet;

use framework::{Attribute, Rule, Schema, Timeouts, Type, schema::parse_duration, validate};

use crate::{
    tailnet_devices::{check_name, check_route},
    tailnet_keys::tags_attribute,
};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A machine that has joined the tailnet, and what the control server knows of it: tags, name, key expiry, \
             approved routes. It is adopted by what it calls itself, or by its id; only what is written down is managed, \
             and everything else stays as it is. Destroying removes the machine from the tailnet, so that a server that \
             goes leaves nothing in the list.\n\nA server that is made anew joins under the name of the dead one. Let \
             `instance` be something that changes with it, such as its id at the cloud: then the next apply waits for the \
             machine that has joined since, gives that its settings and name, and removes the dead one. (A machine that \
             has no tailnet yet joins by a `windlass_tailnet_key`.)",
        )
        .attribute(Attribute::string("hostname").requires_replace().validate(validate::non_empty()).describe(
            "What the machine calls itself. Exactly one of `hostname` and `id`. Of several, it is the one that is \
             connected.",
        ))
        .attribute(
            Attribute::string("id").optional().computed().keep_on_update().validate(validate::non_empty()).describe("The id of the machine at the control server; another one is another machine."),
        )
        .attribute(Attribute::string("instance").describe(
            "Any value that changes when the machine is made anew. From then on, only a machine counts that has joined \
             after the one before.",
        ))
        .attribute(Attribute::string("wait_for").default("5m").check(|text: &String| parse_duration(text).map(drop)).describe(
            "How long to wait for a machine of this `hostname` that is connected. Default: `5m`.",
        ))
        .attribute(Attribute::string("name").optional().computed().keep_on_update().check(check_name).describe(
            "Its name in the tailnet, the first label. By default the server's choice stays, which numbers machines of the \
             same `hostname`.",
        ))
        .attribute(tags_attribute().optional().computed().keep_on_update().describe(
            "Its tags, these and no others. Each must be in `tagOwners` of the policy. A machine with tags is nobody's, \
             its key does not expire, and it always keeps at least one.",
        ))
        .attribute(Attribute::bool("key_expiry_disabled").optional().computed().keep_on_update().describe(
            "Whether the machine never has to log in again. So it is with every machine that has tags. Headscale 0.29 can \
             switch this on, and not off.",
        ))
        .attribute(
            Attribute::set("approved_routes", Type::String)
                .optional()
                .computed()
                .keep_on_update()
                .check(|routes: &BTreeSet<String>| routes.iter().try_for_each(|route| check_route(route)))
                .describe(
                    "The routes that are approved if the machine offers them, these and no others, such as \
                     `10.0.0.0/16`. Those of an exit node are not among them.",
                ),
        )
        .attribute(Attribute::bool("approved_exit_node").optional().computed().keep_on_update().describe(
            "Whether the machine is approved as an exit node, if it offers that.",
        ))
        .attribute(Attribute::string("on_destroy").default("remove").validate(validate::one_of(["remove", "keep"])).describe(
            "What destroying does: `remove` (default) removes the machine from the tailnet, `keep` leaves it as it is. \
             Read from the state: set it, apply, then destroy.",
        ))
        .attributes(
            [
                ("fqdn", "Its name in MagicDNS. Null with Headscale, which does not tell it."),
                ("ipv4", "Its IPv4 address in the tailnet."),
                ("ipv6", "Its IPv6 address in the tailnet."),
                ("created_at", "When it has joined (RFC 3339)."),
            ]
            .map(|(name, text)| Attribute::string(name).computed().keep_on_update().describe(text)),
        )
        .rule(Rule::exactly_one_of(["hostname", "id"]))
        .rule(Rule::required_with("instance", ["hostname"]))
        .timeouts(Timeouts::new().create(15).update(15).delete(5).read(5))
}
