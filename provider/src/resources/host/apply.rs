//! Waiting for a machine and pinning its key.

use std::time::Duration;

use framework::{Apply, Context, Diagnostic, Diagnostics, Field, State};
use remote::{
    Command, Connection, Error, Input, chain,
    collect::{Limits, run_with},
    connection::SshConnection,
};
use ssh::OfferedKey;
use tokio::time::{Instant, sleep};

use super::{HostModel, HostResource, bootstrap, plan, read::title};
use crate::{
    failure::host_error,
    host_key::pinned,
    hosted::{Host, Hosts, Refused, credentials, keeps_out},
    machine::inspect,
    settings::Settings,
};

/// How long a machine is waited for when the operation has no limit of its own.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a machine that answers by neither login is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// What the world looks like when it fails.
const UNTOUCHED: &str = "Nothing was changed on the machine.";

/// Waits for the machine, verifies its key and records what was seen. Create and update alike: an
/// update has another route to try, and a machine to look at behind it.
pub(super) async fn apply(
    resource: &HostResource,
    cx: &Context,
    apply: &mut Apply<HostResource>,
) -> Result<(), Diagnostics> {
    if let Some(prior) = &apply.prior
        && prior.model.connection == apply.planned.connection
        && !apply.planned.login.is_unknown()
    {
        // Only what later operations go by has changed: nobody has to be asked.
        bootstrap::teach(&resource.hosts, &apply.planned);
        apply.record(apply.planned.clone(), ());
        return Ok(());
    }
    let title = title(if apply.prior.is_none() { "create" } else { "update" }, &apply.planned);
    let failed = |error: Error| host_error(&title, &error, UNTOUCHED);
    let Some(settings) = resource.hosts.settings() else {
        return Err(Diagnostic::bug(title, "The provider's settings are still unknown during apply.").into());
    };
    let mut model = apply.planned.clone();
    // A machine that does not answer is waited for, for minutes: not by one who was told to stop.
    let key = tokio::select! {
        biased;
        () = cx.cancelled() => Err(given_up(cx, &model).into()),
        key = verified_key(&resource.hosts, &settings, cx, &model) => key,
    };
    let key = key.map_err(|refused| not_entered(&title, &refused))?;
    model.host_public_key = keep_planned(&apply.planned.host_public_key, key.openssh);
    model.host_key = keep_planned(&apply.planned.host_key, key.fingerprint.to_string());
    let Some(connection) = plan::connection(&model).map(Connection::from) else {
        return Err(Diagnostic::bug(title, "The connection still has unknown parts during apply.").into());
    };
    model.connection = keep_planned(&apply.planned.connection, connection.to_string());

    bootstrap::teach(&resource.hosts, &model);
    let entered = resource.hosts.enter(&connection, &settings).await;
    let host = entered.map_err(|refused| not_entered(&title, &refused))?;
    model.login = Field::Known(host.login.word().to_owned());
    let mut seen = inspect(&host).await.map_err(failed)?;
    if apply.prior.is_none() && seen.cloud_init && model.wait_for_cloud_init.known_or(true) {
        wait_for_cloud_init(&host, cx, &title).await?;
        // It may have installed Docker, or given the machine another name.
        seen = inspect(&host).await.map_err(failed)?;
    }
    match apply.planned.machine.machine_id.known() {
        Some(promised) if *promised != seen.machine_id => {
            return Err(another_machine(&title, promised, &seen.machine_id).into());
        }
        // What the plan has kept, Read refreshes. What the machine had not, it may have by now, or for
        // this login.
        Some(_) => model.machine = model.machine.completed(seen.into()),
        None => model.machine = seen.into(),
    }
    apply.state = Some(State::new(model));
    Ok(())
}

/// Why the machine is no longer waited for: nobody wants it any more, or the time is over.
fn given_up(cx: &Context, model: &HostModel) -> Error {
    if cx.remaining().is_some_and(|left| left.is_zero()) {
        let host = model.address.known().cloned().unwrap_or_default();
        return Error::Unreachable { host, source: "the time for it is over".into() };
    }
    Error::Cancelled
}

/// The key of the machine, verified by the first of its logins that leads in.
async fn verified_key(
    hosts: &Hosts,
    settings: &Settings,
    cx: &Context,
    model: &HostModel,
) -> Result<OfferedKey, Refused> {
    let normal = plan::unpinned(model).ok_or_else(|| Error::Configuration {
        what: "a part of the connection is still unknown".to_owned(),
    })?;
    let until = Instant::now() + cx.remaining().unwrap_or(PATIENCE);
    let Some(first) = bootstrap::first_login(model, &normal) else {
        return Ok(key_by(hosts, settings, model, normal, until).await?);
    };
    loop {
        let refused = match key_by(hosts, settings, model, normal.clone(), Instant::now()).await {
            Ok(key) => return Ok(key),
            Err(error) if keeps_out(&error) => error,
            Err(error) => return Err(error.into()),
        };
        let error = match key_by(hosts, settings, model, first.clone(), Instant::now()).await {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        // A machine that answers neither way may still be booting.
        let is_silent = [&refused, &error].iter().all(|error| matches!(error, Error::Unreachable { .. }));
        if !is_silent || Instant::now() + PAUSE >= until {
            return Err(Refused { normal: refused, bootstrap: Some(error) });
        }
        sleep(PAUSE).await;
    }
}

/// The key of the machine by one of its logins, verified in the one way that the configuration
/// asks for. A machine that does not answer is asked again until `until`.
async fn key_by(
    hosts: &Hosts,
    settings: &Settings,
    model: &HostModel,
    connection: SshConnection,
    until: Instant,
) -> Result<OfferedKey, Error> {
    let credentials = credentials(&connection, settings)?;
    let expected = match model.host_key.known() {
        Some(text) => {
            vec![pinned(text).map_err(|what| Error::Configuration { what: format!("host_key {what}") })?]
        }
        None if model.trust_on_first_use.known_or(false) => {
            vec![hosts.pool().probe_host_key(&connection, &credentials, until).await?.fingerprint]
        }
        // Nothing is pinned yet: known_hosts is asked.
        None => Vec::new(),
    };
    let connection = SshConnection { host_keys: expected, ..connection };
    hosts.pool().verified_host_key(&connection, &credentials, until).await
}

/// The failure of a machine that no login leads into.
fn not_entered(title: &str, refused: &Refused) -> Diagnostic {
    let problem = host_error(title, &refused.normal, UNTOUCHED);
    match &refused.bootstrap {
        None => problem,
        Some(error) => problem.detail(format!(
            "The first login, of the block `bootstrap`, does not lead in either: {}.",
            chain(error)
        )),
    }
}

/// Waits until cloud-init is done, which a person expects before Docker is used.
async fn wait_for_cloud_init(host: &Host, cx: &Context, title: &str) -> Result<(), Diagnostics> {
    let command = Command::new(["cloud-init", "status", "--wait"]).timeout(cx.remaining());
    let output =
        run_with(host.executor.as_ref(), &command, Input::Nothing, &Limits::cancelled_by(cx.token()))
            .await
            .map_err(|error| {
            host_error(title, &error, "The machine answers, but cloud-init has not finished.")
        })?;
    match output.status {
        0 => Ok(()),
        // cloud-init(1): 2 is "done, with recoverable errors".
        2 => {
            cx.warn(
                Diagnostic::warning(format!("cloud-init on {} had errors", host.executor.name()))
                    .detail(output.stdout_text().trim().to_owned())
                    .detail(
                        "It finished all the same. `cloud-init status --long` on the machine tells more.",
                    ),
            );
            Ok(())
        }
        status => Err(Diagnostic::error(title.to_owned())
            .detail(format!("cloud-init on {} failed (status {status}).", host.executor.name()))
            .detail(output.stdout_text().trim().to_owned())
            .detail(
                "Nothing was changed on the machine. `cloud-init status --long` there tells more; with \
                 `wait_for_cloud_init = false` its outcome does not matter.",
            )
            .into()),
    }
}

/// What the plan promised, else what was found.
fn keep_planned(planned: &Field<String>, found: String) -> Field<String> {
    match planned {
        Field::Known(value) => Field::Known(value.clone()),
        Field::Unknown | Field::Null => Field::Known(found),
    }
}

fn another_machine(title: &str, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::error(title.to_owned())
        .detail(format!(
            "The new way leads to another machine with the same host key: its machine id is {found}, that of the \
             machine so far is {expected}."
        ))
        .detail("Nothing was changed, on neither of them.")
        .detail(
            "If it is meant, set `instance` to another value, which replaces the host. Two machines should not share \
             a host key: `ssh-keygen -A` makes new ones after the old ones were removed.",
        )
}
