//! The schema of `windlass_docker_network`.

use framework::{Attribute, Block, Model as _, Schema, Timeouts, Type, validate};

use super::{
    model::Range,
    plan::{check_address, check_name, check_range},
};
use crate::docker_objects::ObjectFields;

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A Docker network on a host, for stacks to share: their Compose files name it as `external: true`. Docker \
             changes nothing of a network, so every change but that of `host` replaces it. A network that containers \
             are attached to, also stopped ones, is never removed: the error names them. To replace one under stacks \
             that stay, give it another `name` and set `lifecycle { create_before_destroy = true }`: the new network \
             is made first, the stacks go over to it, and the old one is removed last.",
        )
        .attributes(ObjectFields::attributes("network", check_name))
        .attributes(kind())
        .attributes(computed())
        .block(
            Block::set("subnet")
                .describe(
                    "A range of addresses of the network, at most one for IPv4 and IPv6 each with most drivers. \
                     Without any, Docker chooses. Another one replaces the network.",
                )
                .attributes(range()),
        )
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}

fn kind() -> [Attribute; 6] {
    [
        Attribute::string("driver").default("bridge").validate(validate::non_empty()).describe(
            "What makes the network: `bridge` (default), `macvlan`, `ipvlan`, `overlay` or that of a plugin. An \
             `overlay` network belongs to the swarm that `host` is a manager of. Another one replaces the network.",
        ),
        Attribute::map("options", Type::String).describe(
            "Options of the driver, such as `com.docker.network.driver.mtu`, in clear in the state. Other ones \
             replace the network.",
        ),
        Attribute::bool("internal").default(false).requires_replace().describe(
            "Whether the network leads nowhere outside: its containers reach each other only. Default: `false`. A \
             change replaces the network.",
        ),
        Attribute::bool("attachable").default(false).requires_replace().describe(
            "Of an `overlay` network: whether containers that are not tasks of a Swarm service may join. Default: \
             `false`. A change replaces the network.",
        ),
        Attribute::bool("encrypted").default(false).requires_replace().describe(
            "Of an `overlay` network: whether the nodes encrypt what goes between their containers. Default: `false`. A \
             change replaces the network.",
        ),
        Attribute::bool("ipv6").default(false).requires_replace().describe(
            "Whether the network has IPv6; give it a `subnet` of it, older Engines demand one. Default: `false`. A \
             change replaces the network.",
        ),
    ]
}

fn range() -> [Attribute; 3] {
    [
        Attribute::string("cidr")
            .required()
            .check(|text: &String| check_range(text))
            .describe("The range, from its first address on: `10.20.0.0/24`, `fd00:20::/64`."),
        Attribute::string("gateway")
            .check(|text: &String| check_address(text))
            .describe("The address of the host in the range. Default: Docker takes the first one."),
        Attribute::string("ip_range").check(|text: &String| check_range(text)).describe(
            "The part of the range that containers get addresses from, so that the rest is free for static ones. \
             Default: all of it.",
        ),
    ]
}

fn computed() -> [Attribute; 2] {
    [
        Attribute::string("id").computed().keep_on_update().describe("The id that Docker gave the network."),
        Attribute::list("subnets", Range::object_type()).computed().keep_on_update().describe(
            "The ranges that the network has, those that Docker chose included: `cidr`, `gateway` and `ip_range`, the \
             last two null where Docker tells none.",
        ),
    ]
}
