//! The schema of `windlass_docker_network`.

use docker::Cidr;
use framework::{Attribute, Block, Model as _, Schema};

use super::{model::Range, plan::check_address};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A Docker network on a host, for stacks to share: their Compose files name it as `external: true`. Docker \
             changes nothing of a network, so every change but that of `host` replaces it. A network that containers \
             are attached to, also stopped ones, is never removed: the error names them. To replace one under stacks \
             that stay, give it another `name` and set `lifecycle { create_before_destroy = true }`: the new network \
             is made first, the stacks go over to it, and the old one is removed last.",
        )
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
}

fn kind() -> [Attribute; 4] {
    let flag = |name: &str, what: &str| {
        let text = format!("{what} Default: `false`. A change replaces the network.");
        Attribute::bool(name).default(false).requires_replace().describe(text)
    };
    [
        flag("internal", "Whether the network leads nowhere outside: its containers reach each other only."),
        flag(
            "attachable",
            "Of an `overlay` network: whether containers that are not tasks of a Swarm service may join.",
        ),
        flag(
            "encrypted",
            "Of an `overlay` network: whether the nodes encrypt what goes between their containers.",
        ),
        flag("ipv6", "Whether the network has IPv6; give it a `subnet` of it, older Engines demand one."),
    ]
}

fn range() -> [Attribute; 3] {
    [
        Attribute::string("cidr")
            .required()
            .check(|text: &String| Cidr::check(text))
            .describe("The range, from its first address on: `10.20.0.0/24`, `fd00:20::/64`."),
        Attribute::string("gateway")
            .check(|text: &String| check_address(text))
            .describe("The address of the host in the range. Default: Docker takes the first one."),
        Attribute::string("ip_range").check(|text: &String| Cidr::check(text)).describe(
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
