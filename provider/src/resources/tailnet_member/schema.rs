//! The schema of `windlass_tailnet_member`.

use std::collections::BTreeSet;

use framework::{Attribute, Schema, Timeouts, Type};

use crate::{
    controlled::tailnet_attribute,
    host_path::check_path,
    tailnet_devices::{check_name, check_route},
    tailnet_keys::tags_attribute,
};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A host that takes part in a tailnet: Tailscale on it is logged in, has these settings, and the control server \
             lists it with these tags. Tailscale has to be installed there and its daemon to run.\n\nThe host joins by a \
             key that this makes when it is applied, for one machine and ten minutes, and that is in no plan, state or list \
             of processes. A host that is in this tailnet already is left as it is, but for the settings that are written \
             down, and needs no key. Settings that are left out stay as they are.\n\nWhat may end the connection to a host \
             that is reached through the tailnet runs detached there and is waited for. Destroying logs the host out and \
             removes the machine from the tailnet.",
        )
        .attribute(tailnet_attribute().requires_replace())
        .attribute(Attribute::string("auth_key_wo").write_only().describe(
            "A key to join by, write-only. Used only while the host is in no tailnet, so that it has no version. Without \
             it a key is made, which is the better way.",
        ))
        .attribute(Attribute::string("login_server").optional().computed().keep_on_update().check(check_server).describe(
            "Where the host logs in, as `tailscale up --login-server`. By default the control server of `tailnet`; to be \
             written down for a Headscale of which the provider knows only the host that it runs on. Another one lets the \
             host join anew.",
        ))
        .attribute(Attribute::string("hostname").optional().computed().keep_on_update().check(check_name).describe(
            "What the machine calls itself in the tailnet. By default the host's own name.",
        ))
        .attribute(tags_attribute().optional().computed().keep_on_update().describe(
            "Its tags, these and no others. Each must be in `tagOwners` of the policy. With Headscale a key is made for \
             tags alone, so that a host that is to join needs some, or `auth_key_wo`.",
        ))
        .attribute(setting("accept_routes", "Whether it takes the routes that other machines offer."))
        .attribute(setting("accept_dns", "Whether it uses the tailnet's DNS."))
        .attribute(
            Attribute::set("advertise_routes", Type::String)
                .optional()
                .computed()
                .keep_on_update()
                .check(|routes: &BTreeSet<String>| routes.iter().try_for_each(|route| check_route(route)))
                .describe(
                    "The routes that it offers, these and no others, such as `10.0.0.0/16`. They have to be approved: by \
                     `autoApprovers` of the policy, or by a `windlass_tailnet_device`.",
                ),
        )
        .attribute(setting("advertise_exit_node", "Whether it offers to be an exit node, which has to be approved likewise."))
        .attribute(Attribute::string("exit_node").optional().computed().keep_on_update().describe(
            "The exit node that it uses: its name or address; empty for none.",
        ))
        .attribute(setting("ssh", "Whether Tailscale SSH is on. At port 22 of the host's address in the tailnet it lets in whom the \
             policy names in `ssh`, by no key; the host's own sshd stays at all other addresses. It shows the same host keys, \
             so that a pinned `host_key` stays right."))
        .attribute(Attribute::string("socket").check(|path: &String| check_path(path)).describe(
            "The socket of Tailscale's daemon, where it is not at its usual place. Default: what the command `tailscale` on \
             the host takes.",
        ))
        .attributes(
            [
                ("node_id", "The id of the machine at the control server."),
                ("ipv4", "Its IPv4 address in the tailnet."),
                ("ipv6", "Its IPv6 address in the tailnet."),
                ("name", "Its name in MagicDNS, in full; null where the tailnet has none."),
                (
                    "status",
                    "`connected`, as every apply makes it; `stopped` where somebody has taken it down, `unapproved` where the \
                     tailnet wants an administrator to let it in.",
                ),
            ]
            .map(|(name, text)| Attribute::string(name).computed().keep_on_update().describe(text)),
        )
        .timeouts(Timeouts::new().create(10).update(10).delete(5).read(5))
}

fn setting(name: &str, text: &str) -> Attribute {
    Attribute::bool(name).optional().computed().keep_on_update().describe(text)
}

#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
fn check_server(url: &String) -> Result<(), String> {
    let host = ["https://", "http://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let fits = |host: &str| {
        !host.is_empty() && !host.contains(char::is_whitespace) && !host.contains(['?', '#', '@'])
    };
    if host.is_some_and(fits) {
        return Ok(());
    }
    Err("must be an address such as `https://vpn.example.org`".to_owned())
}
