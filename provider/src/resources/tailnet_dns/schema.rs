//! The schema of `windlass_tailnet_dns`.

use std::{collections::BTreeMap, net::IpAddr};

use framework::{Attribute, Schema, Timeouts, Type, validate};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "The DNS of a tailnet at Tailscale. Only what is written down is managed; two configurations that manage \
             different parts, or different domains, do not disturb each other.\n\nWhat somebody else has set is not \
             overwritten: creating it over other values than the wanted ones is an error that shows them, unless \
             `adopt_existing` says so, and so is what was changed between plan and apply. Headscale has its DNS in its \
             configuration; single records there are `windlass_tailnet_dns_records`.",
        )
        .attribute(Attribute::bool("magic_dns").optional().computed().keep_on_update().describe(
            "Whether machines have names (MagicDNS).",
        ))
        .attribute(servers("nameservers").describe(
            "The servers that are asked for everything else, by their addresses, or as an address of DNS over HTTPS. \
             Without any of them Tailscale switches MagicDNS off, too.",
        ))
        .attribute(
            Attribute::list("search_paths", Type::String)
                .optional()
                .computed()
                .keep_on_update()
                .validate(validate::each(validate::non_empty()))
                .describe("The domains that a short name is tried in."),
        )
        .attribute(
            Attribute::map("split_dns", Type::list(Type::String))
                .check(|domains: &BTreeMap<String, Vec<String>>| domains.iter().try_for_each(check_domain))
                .describe("The servers of single domains: `{ \"internal.example.org\" = [\"100.64.0.1\"] }`."),
        )
        .attribute(Attribute::bool("remove_other_domains").default(false).describe(
            "Whether `split_dns` is all there is: other domains are removed. Default: `false`; then they are somebody \
             else's.",
        ))
        .attribute(Attribute::bool("adopt_existing").default(false).describe(
            "Whether values that are there already are replaced on create. Default: `false`.",
        ))
        .attribute(Attribute::string("on_destroy").default("keep").validate(validate::one_of(["keep", "reset"])).describe(
            "What destroying does: `keep` (default) leaves everything as it is; `reset` removes the written nameservers, \
             search paths and domains. Read from the state: set it, apply, then destroy.",
        ))
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}

fn servers(name: &str) -> Attribute {
    Attribute::list(name, Type::String)
        .optional()
        .computed()
        .keep_on_update()
        .check(|servers: &Vec<String>| servers.iter().try_for_each(|server| check_server(server)))
}

fn check_server(text: &str) -> Result<(), String> {
    if text.parse::<IpAddr>().is_ok() || text.starts_with("https://") {
        return Ok(());
    }
    Err("must be addresses, such as `100.64.0.1`, or addresses of DNS over HTTPS".to_owned())
}

fn check_domain((domain, servers): (&String, &Vec<String>)) -> Result<(), String> {
    if domain.is_empty() || domain.ends_with('.') || *domain != domain.to_ascii_lowercase() {
        return Err("must have domains in lower case and without a dot at the end".to_owned());
    }
    if servers.is_empty() {
        return Err(format!("must have servers for {domain:?}; leave the domain out to have none"));
    }
    servers.iter().try_for_each(|server| check_server(server))
}
