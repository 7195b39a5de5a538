//! What will change of the DNS.

use framework::{Diagnostics, Field, Plan};
use tailnet::Control;

use super::TailnetDns;
use crate::controlled::{OnTailnet, only_at_tailscale};

pub(super) fn plan(
    control: Option<&dyn Control>,
    title: &str,
    plan: &mut Plan<OnTailnet<TailnetDns>>,
) -> Result<(), Diagnostics> {
    only_at_tailscale(
        control,
        title,
        "DNS is the section `dns` of its configuration there; single records are `windlass_tailnet_dns_records`.",
    )?;
    let loses_servers = plan.planned.nameservers.known().is_none_or(Vec::is_empty);
    if plan.config.magic_dns.is_null() && loses_servers && plan.changes("nameservers") {
        plan.planned.magic_dns = Field::Unknown;
    }
    Ok(())
}
