//! Running `create`, `update` and `destroy`.

use framework::{Apply, Context, Diagnostics, Field, State};
use secret::Secret;

use super::{
    CommandModel, CommandPrivate, CommandResource,
    model::hash,
    plan::{Step, step},
    run::{Failure, Runner},
};
use crate::{
    failure::host_error,
    hosts::{Host, ReadFailure, unknown_settings},
    ids::random_id,
    leaving::Leaving,
};

/// What the world looks like before anything ran.
const NOTHING: &str = "Nothing was run.";
/// What the world looks like after `create` failed where there is a `destroy`.
const TAINTED: &str = "What it did until then is still there. The resource is recorded as tainted: the next apply runs \
                       `destroy`, then `create` again.";
/// The same where there is none.
const UNRECORDED: &str = "What it did until then is still there, and nothing is recorded, because there is no \
                          `destroy`: the next apply runs `create` again.";
/// What the world looks like after `update` failed.
const NOT_UPDATED: &str = "What it did until then is still there. The state says what was before, so the next apply runs \
                           it again.";
/// What the world looks like after it could not be made on another machine.
const NOT_MOVED: &str = "It is managed where it was, and nothing was run there. What `create` did on the new machine until \
                         then is still there; the next apply runs it again.";
/// What the world looks like after `read` failed behind a command that did not.
const UNSEEN: &str = "What ran before it has succeeded.";

/// Makes it.
pub(super) async fn create(
    resource: &CommandResource,
    cx: &Context,
    apply: &mut Apply<CommandResource>,
) -> Result<(), Diagnostics> {
    let title = apply.planned.title("create");
    let (host, machine_id) = host(resource, &title, &apply.planned).await?;
    let words = apply.planned.create.clone().known_or_default();
    let stdin = apply.config.stdin_wo.known().cloned();
    let made = run(cx, &host, &apply.planned, stdin.as_ref(), &words).await;
    if let Err(failure) = &made {
        let mut world = NOTHING;
        if failure.may_have_run() {
            world = UNRECORDED;
            if apply.planned.destroy.is_known() {
                world = TAINTED;
                record(apply, None, machine_id)?;
            }
        }
        return Err(failure.diagnostic(&title, world).into());
    }
    // From here on it is there: whatever fails below, it is recorded.
    record(apply, None, machine_id.clone())?;
    let output = look(cx, &host, &apply.planned, stdin.as_ref(), made.ok()).await;
    let output = output.map_err(|failure| failure.diagnostic(&title, UNSEEN))?;
    record(apply, Some(output), machine_id)
}

/// Brings it to what was planned: in place, or on another machine before it is taken down on the
/// old one.
pub(super) async fn update(
    resource: &CommandResource,
    cx: &Context,
    apply: &mut Apply<CommandResource>,
) -> Result<(), Diagnostics> {
    let Some(prior) = apply.prior.clone() else { return create(resource, cx, apply).await };
    let step = step(&prior, &apply.planned);
    if step == Step::Nothing && apply.planned.host == prior.model.host {
        apply.record(apply.planned.clone(), prior.private);
        return Ok(());
    }
    let title = apply.planned.title("update");
    let (host, machine_id) = host(resource, &title, &apply.planned).await?;
    if apply.planned.host != prior.model.host && machine_id != prior.private.machine_id {
        let output = move_there(cx, &host, &title, apply).await?;
        record(apply, Some(output), machine_id.clone())?;
        leave_old_machine(resource, cx, &prior, &machine_id).await;
        return Ok(());
    }
    let stdin = apply.config.stdin_wo.known().cloned();
    let planned = apply.planned.clone();
    let mut output = prior.model.any_output().as_str().map(str::to_owned);
    let mut hash_before = prior.private.output_hash;
    if step == Step::Make {
        let words = planned.update.known().or(planned.create.known()).cloned().unwrap_or_default();
        let ran = run(cx, &host, &planned, stdin.as_ref(), &words).await;
        output = Some(ran.map_err(|failure| failure.diagnostic(&title, NOT_UPDATED))?);
    }
    if step != Step::Nothing {
        let seen = look(cx, &host, &planned, stdin.as_ref(), output).await;
        let seen = seen.map_err(|failure| failure.diagnostic(&title, UNSEEN))?;
        hash_before = hash(&seen);
        output = Some(seen);
    }
    let mut model = planned;
    model.put_output(output.into());
    apply.record(model, CommandPrivate { machine_id, output_hash: hash_before });
    Ok(())
}

/// Runs `destroy`, where there is one.
pub(super) async fn delete(
    resource: &CommandResource,
    cx: &Context,
    state: State<CommandResource>,
) -> Result<(), Diagnostics> {
    let Some(words) = state.model.destroy.known() else { return Ok(()) };
    let title = state.model.title("destroy");
    let world = "It counts as being there still. What `destroy` did until then is done.";
    let done = async {
        let Some(host) = resource.hosts.reach(&state.model.host)? else {
            return Err(ReadFailure::Other(unknown_settings(&title)));
        };
        match run(cx, &host, &state.model, None, words).await {
            Ok(_) | Err(Failure::Output(_)) => Ok(()),
            Err(Failure::Host(error)) => Err(ReadFailure::Host(error)),
            Err(failure) => Err(ReadFailure::Other(failure.diagnostic(&title, world))),
        }
    };
    resource.hosts.settle_delete(cx, &title, world, done.await)
}

/// Makes it on another machine. Until that has succeeded, it is where it was.
async fn move_there(
    cx: &Context,
    host: &Host,
    title: &str,
    apply: &Apply<CommandResource>,
) -> Result<String, Diagnostics> {
    let failed = |failure: Failure| Diagnostics::from(failure.diagnostic(title, NOT_MOVED));
    let words = apply.planned.create.clone().known_or_default();
    let stdin = apply.config.stdin_wo.known();
    let printed = run(cx, host, &apply.planned, stdin, &words).await.map_err(failed)?;
    look(cx, host, &apply.planned, stdin, Some(printed)).await.map_err(failed)
}

/// Takes it down where it was before it moved. It is in its new place already, so a machine that is
/// gone is worth a warning and no more.
async fn leave_old_machine(
    resource: &CommandResource,
    cx: &Context,
    prior: &State<CommandResource>,
    here: &str,
) {
    if prior.model.destroy.is_null() {
        return;
    }
    let title = prior.model.title("destroy");
    let words = Leaving {
        title: &title,
        warning: &format!("{title} on the machine it was on"),
        place: "It is in its new place",
    };
    resource.hosts.leave(cx, &prior.model.host, here, &words, delete(resource, cx, prior.clone())).await;
}

async fn run(
    cx: &Context,
    host: &Host,
    model: &CommandModel,
    stdin: Option<&Secret>,
    words: &[String],
) -> Result<String, Failure> {
    Runner { cx, host, model, stdin }.run(words).await
}

/// The output: what `read` prints or, where there is none, what was `printed` before.
async fn look(
    cx: &Context,
    host: &Host,
    model: &CommandModel,
    stdin: Option<&Secret>,
    printed: Option<String>,
) -> Result<String, Failure> {
    let Some(words) = model.read.known() else { return Ok(printed.unwrap_or_default()) };
    let output = Runner { cx, host, model, stdin: None }.run(words).await?;
    // What is scrubbed here would not be scrubbed by the reads to come, which do not know the value.
    let secret = stdin.map(|secret| secret.expose().trim()).filter(|secret| secret.len() >= SHORTEST_SECRET);
    if secret.is_some_and(|secret| output.contains(secret)) {
        return Err(Failure::Output(
            "`read` printed the value of `stdin_wo`, which must not get into the state.".to_owned(),
        ));
    }
    Ok(output)
}

/// Shorter values are in every output by chance.
const SHORTEST_SECRET: usize = 4;

/// Records what there is now.
fn record(
    apply: &mut Apply<CommandResource>,
    output: Option<String>,
    machine_id: String,
) -> Result<(), Diagnostics> {
    let mut model = apply.planned.clone();
    if !model.id.is_known() {
        let earlier = apply.state.as_ref().and_then(|state| state.model.id.known());
        model.id = Field::Known(earlier.cloned().map_or_else(random_id, Ok)?);
    }
    let output_hash = output.as_deref().map(hash).unwrap_or_default();
    model.put_output(output.into());
    apply.record(model, CommandPrivate { machine_id, output_hash });
    Ok(())
}

/// The host of the planned commands, and which machine that is.
async fn host(
    resource: &CommandResource,
    title: &str,
    planned: &CommandModel,
) -> Result<(Host, String), Diagnostics> {
    let failed = |error| host_error(title, &error, NOTHING);
    let Some(host) = resource.hosts.reach(&planned.host).map_err(failed)? else {
        return Err(unknown_settings(title).into());
    };
    let machine_id = resource.hosts.facts(&host).await.map_err(failed)?.machine_id;
    Ok((host, machine_id))
}
