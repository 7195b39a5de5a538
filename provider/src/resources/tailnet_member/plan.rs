//! What will change of a host in its tailnet.

use framework::{Diagnostic, Diagnostics, Field, Plan};
use tailnet::node::same_server;

use super::{
    TailnetMember,
    model::{CONNECTED, MemberModel},
};
use crate::{
    failure::{Failure, UNCHANGED},
    hosted::{OnHost, Planning, is_same_connection},
};

/// What validators of single attributes cannot see.
pub(super) fn validate(config: &MemberModel, problems: &mut Diagnostics) {
    if config.tags.known().is_some_and(|tags| tags.is_empty()) {
        problems.push(
            Diagnostic::error("Invalid value for tags")
                .detail("The value must not be empty: no server takes the last tag of a machine. Leave it out to let them be.")
                .at("tags"),
        );
    }
}

pub(super) async fn plan(
    on: &Planning<'_>,
    plan: &mut Plan<OnHost<TailnetMember>>,
) -> Result<(), Diagnostics> {
    if plan.planned.login_server.is_unknown() && plan.config.login_server.is_null() {
        plan.planned.login_server = usual_server(on, plan).await?;
    }
    plan.planned.status = CONNECTED.into();
    let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return Ok(()) };
    let (config, planned) = (&plan.config, &mut plan.planned);
    let elsewhere = !is_same_connection(&prior.host, &planned.host);
    let joins_anew = match (prior.login_server.as_str(), planned.login_server.as_str()) {
        (Some(prior), Some(planned)) => !same_server(prior, planned),
        _ => planned.login_server.is_unknown(),
    };
    if elsewhere || joins_anew || planned.hostname != prior.hostname {
        planned.name = Field::Unknown;
    }
    let connects = prior.status.as_str() != Some(CONNECTED);
    if elsewhere || joins_anew || connects {
        for told in [&mut planned.node_id, &mut planned.ipv4, &mut planned.ipv6, &mut planned.name] {
            *told = Field::Unknown;
        }
    }
    if !elsewhere && !joins_anew {
        return Ok(());
    }
    planned.tags = config.tags.clone().or(Field::Unknown);
    if elsewhere {
        // It may be another machine, of which nothing is known but what is written down.
        planned.hostname = config.hostname.clone().or(Field::Unknown);
        planned.accept_routes = config.accept_routes.or(Field::Unknown);
        planned.accept_dns = config.accept_dns.or(Field::Unknown);
        planned.advertise_routes = config.advertise_routes.clone().or(Field::Unknown);
        planned.advertise_exit_node = config.advertise_exit_node.or(Field::Unknown);
        planned.exit_node = config.exit_node.clone().or(Field::Unknown);
        planned.ssh = config.ssh.or(Field::Unknown);
    }
    Ok(())
}

/// Where machines of this tailnet log in; unknown while the control server is.
async fn usual_server(
    on: &Planning<'_>,
    plan: &Plan<OnHost<TailnetMember>>,
) -> Result<Field<String>, Diagnostics> {
    let control = match on.hosts.control(&plan.planned.tailnet).await {
        Ok(Some(control)) => control,
        Ok(None) => return Ok(Field::Unknown),
        // Of a host that is not there (yet), the same is said of everything that lives on it.
        Err(failure) if failure.is_absence() => return Ok(Field::Unknown),
        Err(failure) => return Err(Failure::into_diagnostics(failure, on.title, UNCHANGED)),
    };
    match control.login_server() {
        Some(server) => Ok(server.into()),
        None => Err(Diagnostic::error(on.title)
            .detail("The tailnet's control server is a Headscale on a host, and nothing says at which address machines log in to it.")
            .detail(UNCHANGED)
            .detail("Set `login_server` to its `server_url`, or `base_url` of the provider's `tailnet` block if it can be reached there.")
            .at("login_server")
            .into()),
    }
}
