//! The schema of `windlass_swarm`.

use docker::Cidr;
use framework::{Attribute, Schema, Timeouts, Type, schema::parse_duration, validate};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A Docker Swarm: several machines that run services together. It is made on the first of `managers` that \
             can, which is its first node; others join as `windlass_swarm_node`. The raw tokens with which hosts join \
             are never in plan or state.",
        )
        .attributes(made_with())
        .attributes(settings())
        .attributes(flags())
        .attributes(computed())
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(2))
}

fn made_with() -> [Attribute; 5] {
    [
        Attribute::string("advertise_addr").validate(validate::non_empty()).describe(
            "The address or interface of the first manager by which others reach it, `10.0.0.1` or `eth1`. Needed where \
             that host has several. It counts when the swarm is made.",
        ),
        Attribute::string("listen_addr").validate(validate::non_empty()).describe(
            "Where the first manager listens. Default: `0.0.0.0:2377`. It counts when the swarm is made.",
        ),
        Attribute::string("data_path_addr").validate(validate::non_empty()).describe(
            "The address or interface of the first manager for the traffic between containers. Default: the advertised \
             one. It counts when the swarm is made.",
        ),
        Attribute::list("default_addr_pool", Type::String)
            .optional()
            .computed()
            .keep_on_update()
            .validate(validate::each(validate::custom(|text: &String| Cidr::check(text))))
            .describe(
                "The ranges that overlay networks get theirs from. Default: `[\"10.0.0.0/8\"]`, which must not be what \
                 the hosts' own network uses. It cannot be changed: the plan of a change is refused.",
            ),
        Attribute::number("subnet_size").optional().computed().keep_on_update().validate(validate::between(8, 30)).describe(
            "The size of an overlay network, as the length of its prefix. Default: 24. It cannot be changed either.",
        ),
    ]
}

fn settings() -> [Attribute; 5] {
    let number = |name: &str| Attribute::number(name).optional().computed().keep_on_update();
    [
        number("task_history_limit").validate(validate::between(0, 1000)).describe(
            "How many old tasks are kept of each replica. Docker's default: 5. Changes in place, as all settings do.",
        ),
        number("snapshot_interval").validate(validate::between(1, 10_000_000)).describe(
            "After how many entries of their log the managers write a snapshot. Docker's default: 10000.",
        ),
        Attribute::string("cert_expiry")
            .optional()
            .computed()
            .keep_on_update()
            .check(|text: &String| parse_duration(text).map(drop))
            .describe(
                "How long the certificate of a node is good, which nodes renew by themselves, such as `720h`; at least \
                 one hour. Docker's default: 2160h, which is 90 days.",
            ),
        Attribute::string("rotate_worker_token").describe(
            "Any text. Another one makes a new token for workers, and the old one lets nobody in any more. Nodes that \
             are in stay in.",
        ),
        Attribute::string("rotate_manager_token").describe("The same for managers."),
    ]
}

fn flags() -> [Attribute; 3] {
    [
        Attribute::bool("adopt").default(false).describe(
            "Take over a swarm that `managers` are in already, where there is one. Without it, such a swarm is an error: \
             import it. Default: `false`.",
        ),
        Attribute::string("force_new_cluster").describe(
            "The way out when more than half of the managers are gone for good. Set it to the `id` of the swarm to \
             confirm that the first of `managers` that answers goes on as the only manager. Services, networks and \
             secrets stay; what other managers knew and this one did not is lost. It acts once, when the value changes \
             while the swarm has no leader; for another time append `/` and anything to the id. Refused where the \
             managers are locked by a key, because Docker loses the swarm then.",
        ),
        Attribute::bool("force_destroy").default(false).describe(
            "Destroy the swarm although other nodes are in it: the managers leave, and services, secrets and networks \
             are gone. It is read from the state: set it, apply, then destroy. Default: `false`.",
        ),
    ]
}

fn computed() -> [Attribute; 3] {
    [
        Attribute::string("id")
            .computed()
            .keep_on_update()
            .describe("The id of the swarm, for `swarm` of `windlass_swarm_node`."),
        Attribute::string("created_at")
            .computed()
            .keep_on_update()
            .describe("When it was made, in RFC 3339."),
        Attribute::list("manager_addresses", Type::String)
            .computed()
            .describe("Where the managers reach each other, as they know it: `10.0.0.1:2377`."),
    ]
}
