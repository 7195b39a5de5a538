//! The schema of `windlass_tailnet_dns_records`.

use framework::{Attribute, Block, Schema, Timeouts, validate};

use crate::host_path::{check_mode, check_path};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "Names in the tailnet of a Headscale, beside those of its machines: the file on its host that it watches. Its \
             configuration has to name the file (`dns.extra_records_path`), and Headscale does not start without it, so \
             let what starts it depend on this. Changes take effect at once, without a restart.\n\nWhere Headscale runs \
             in a container, mount the directory that the file is in, not the file: it is replaced as a whole.",
        )
        .attribute(Attribute::string("path").required().requires_replace().check(|path: &String| check_path(path)).describe(
            "Absolute path of the file on the host, such as `/etc/headscale/records.json`. A file that is there already \
             and says something else is not overwritten: adopt it by an import, or move it out of the way.",
        ))
        .attribute(
            Attribute::string("mode")
                .default("0644")
                .check(|mode: &String| check_mode(mode))
                .describe("Permission bits in octal; Headscale has to read it. Default: `0644`."),
        )
        .attribute(Attribute::string("on_destroy").default("empty").validate(validate::one_of(["empty", "delete", "keep"])).describe(
            "What destroying leaves: an `empty` list (default), nothing (`delete`), or the file as it is (`keep`). Read \
             from the state: set it, apply, then destroy.",
        ))
        .block(
            Block::set("record")
                .describe("A name and its address. Repeatable; the order does not matter.")
                .attribute(Attribute::string("name").required().check(name).describe(
                    "The whole name, such as `grafana.example.org`.",
                ))
                .attribute(
                    Attribute::string("type").required().validate(validate::one_of(["A", "AAAA"])).describe("`A` for an address of IPv4, `AAAA` for one of IPv6."),
                )
                .attribute(Attribute::string("value").required().check(address).describe("The address.")),
        )
        .timeouts(Timeouts::new().create(10).update(10).delete(5).read(5))
}

#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
fn name(text: &String) -> Result<(), String> {
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_.".contains(letter);
    let is_name = text.split('.').all(|label| (1..=63).contains(&label.len())) && text.len() <= 253;
    if is_name && text.chars().all(fits) {
        return Ok(());
    }
    Err("must be a whole name in lower case, without a dot at the end, such as `grafana.example.org`"
        .to_owned())
}

#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
fn address(text: &String) -> Result<(), String> {
    text.parse::<std::net::IpAddr>().map(drop).map_err(|_| "must be an address of IPv4 or IPv6".to_owned())
}
