//! What will change of a machine. Pure.

use framework::{Diagnostic, Diagnostics, Field, Plan};

use super::{TailnetDevice, model::DeviceModel};
use crate::controlled::OnTailnet;

/// What validators of single attributes cannot see.
pub(super) fn validate(config: &DeviceModel, problems: &mut Diagnostics) {
    let Some(tags) = config.tags.known() else { return };
    if tags.is_empty() {
        problems.push(
            Diagnostic::error("Invalid value for tags")
                .detail("The value must not be empty: no server takes the last tag of a machine. Leave it out to let them be.")
                .at("tags"),
        );
    } else if matches!(config.key_expiry_disabled, Field::Known(false)) {
        problems.push(
            Diagnostic::error("Invalid value for key_expiry_disabled")
                .detail("The value must not be false where there are `tags`: the key of a machine with tags never expires.")
                .at("key_expiry_disabled"),
        );
    }
}

pub(super) fn plan(plan: &mut Plan<OnTailnet<TailnetDevice>>) {
    let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return };
    if !plan.config.id.is_null() && plan.planned.id != prior.id {
        plan.require_replace("id");
    }
    follow_settings(plan, &prior);
    let (config, planned) = (&plan.config, &mut plan.planned);
    let may_change = prior.instance.is_known() && planned.instance.is_unknown();
    if !config.id.is_null() || !(may_change || planned.is_made_anew(&prior)) {
        return;
    }
    // It is another machine, of which nothing is known but what is written down.
    planned.id = Field::Unknown;
    planned.name = config.name.clone().or(Field::Unknown);
    planned.tags = config.tags.clone().or(Field::Unknown);
    planned.key_expiry_disabled = config.key_expiry_disabled.or(Field::Unknown);
    planned.approved_routes = config.approved_routes.clone().or(Field::Unknown);
    planned.approved_exit_node = config.approved_exit_node.or(Field::Unknown);
    for told in [&mut planned.fqdn, &mut planned.ipv4, &mut planned.ipv6, &mut planned.created_at] {
        *told = Field::Unknown;
    }
}

/// What follows from a change of a setting: the whole name, and that the key of a machine that gets
/// tags does not expire any more.
fn follow_settings(plan: &mut Plan<OnTailnet<TailnetDevice>>, prior: &DeviceModel) {
    if plan.planned.name != prior.name {
        plan.planned.fqdn = Field::Unknown;
    }
    if plan.config.key_expiry_disabled.is_null() && plan.planned.tags != prior.tags {
        plan.planned.key_expiry_disabled = Field::Unknown;
    }
}
