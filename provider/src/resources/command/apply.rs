//! Running `create`, `update` and `destroy`.

use async_trait::async_trait;
use framework::{Apply, Diagnostics, Field, Plan, Schema, State};
use remote::files::random_name;
use secret::Secret;

use super::{
    CommandPrivate, HostCommand,
    model::{CommandModel, hash},
    plan::{self, Step, step},
    read,
    run::{RunError, Runner},
    schema,
};
use crate::{
    failure::{Explain as _, Failure},
    hosted::{Creation, Hosted, Import, OnHost, OnMachine, Planning, Words},
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

type Resource = OnHost<HostCommand>;

#[async_trait]
impl Hosted for HostCommand {
    type Model = CommandModel;
    type Private = CommandPrivate;

    const TYPE: &'static str = "windlass_command";
    const HOST: &'static str = "Another connection to the same machine runs nothing; another machine is a move: `create` \
         runs there first, then `destroy` here.";
    const CREATION: Creation = Creation::Nameless;
    const WORDS: Words = Words {
        unchanged: NOTHING,
        remains: "It counts as being there still. What `destroy` did until then is done.",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &CommandModel) -> String {
        model.subject()
    }

    fn import() -> Import<CommandModel> {
        Import::Never {
            why: "Nothing on a host says which commands made it, so there is nothing to adopt.",
            instead: "Write the resource with a `create` that bears to be repeated (or does nothing where all is done), \
                      and apply.",
        }
    }

    async fn plan(_on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(plan);
        Ok(())
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        step(prior, &apply.planned) != Step::Nothing || apply.planned.host != prior.model.host
    }

    /// Without a `read`, what was is taken for what is.
    fn is_observable(model: &CommandModel) -> bool {
        !model.read.is_null()
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, state).await
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        match apply.prior {
            Some(_) => move_here(on, apply).await,
            None => make(on, apply).await,
        }
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        change(on, prior, apply).await
    }

    fn is_kept(model: &CommandModel) -> bool {
        !model.destroy.is_known()
    }

    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let words = state.model.destroy.clone().known_or_default();
        match run(on, &state.model, None, &words).await {
            Ok(_) | Err(RunError::Output(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

async fn make(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
    let words = apply.planned.create.clone().known_or_default();
    let stdin = apply.config.stdin_wo.known().cloned();
    let made = run(on, &apply.planned, stdin.as_ref(), &words).await;
    let mut world = NOTHING;
    if made.as_ref().is_err_and(RunError::may_have_run) {
        world = UNRECORDED;
        if apply.planned.destroy.is_known() {
            world = TAINTED;
            record(on, apply, None)?;
        }
    }
    let printed = made.with_world(world)?;
    // From here on it is there: whatever fails below, it is recorded.
    record(on, apply, None)?;
    let output =
        observe_output(on, &apply.planned, stdin.as_ref(), Some(printed)).await.with_world(UNSEEN)?;
    record(on, apply, Some(output))
}

/// Makes it on another machine. Until that has succeeded, it is where it was.
async fn move_here(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
    let words = apply.planned.create.clone().known_or_default();
    let stdin = apply.config.stdin_wo.known();
    let printed = run(on, &apply.planned, stdin, &words).await.with_world(NOT_MOVED)?;
    let output = observe_output(on, &apply.planned, stdin, Some(printed)).await.with_world(NOT_MOVED)?;
    record(on, apply, Some(output))
}

async fn change(
    on: &OnMachine<'_>,
    prior: State<Resource>,
    apply: &mut Apply<Resource>,
) -> Result<(), Failure> {
    let step = step(&prior, &apply.planned);
    let mut model = apply.planned.clone();
    let stdin = apply.config.stdin_wo.known();
    let mut output = prior.model.any_output().as_str().map(str::to_owned);
    let mut output_hash = prior.private.output_hash;
    if step == Step::Make {
        let words = model.update.known().or(model.create.known()).cloned().unwrap_or_default();
        output = Some(run(on, &model, stdin, &words).await.with_world(NOT_UPDATED)?);
    }
    if step != Step::Nothing {
        let seen = observe_output(on, &model, stdin, output).await.with_world(UNSEEN)?;
        output_hash = hash(&seen);
        output = Some(seen);
    }
    model.put_output(output.into());
    on.record(apply, model, CommandPrivate { output_hash, ..CommandPrivate::default() });
    Ok(())
}

async fn run(
    on: &OnMachine<'_>,
    model: &CommandModel,
    stdin: Option<&Secret>,
    words: &[String],
) -> Result<String, RunError> {
    Runner { cx: on.cx, host: on.host, model, stdin }.run(words).await
}

/// The output: what `read` prints or, where there is none, what was `printed` before.
async fn observe_output(
    on: &OnMachine<'_>,
    model: &CommandModel,
    stdin: Option<&Secret>,
    printed: Option<String>,
) -> Result<String, RunError> {
    let Some(words) = model.read.known() else { return Ok(printed.unwrap_or_default()) };
    let output = run(on, model, None, words).await?;
    // What is scrubbed here would not be scrubbed by the reads to come, which do not know the value.
    let secret = stdin.map(|secret| secret.expose().trim()).filter(|secret| secret.len() >= SHORTEST_SECRET);
    if secret.is_some_and(|secret| output.contains(secret)) {
        return Err(RunError::Output(
            "`read` printed the value of `stdin_wo`, which must not get into the state.".to_owned(),
        ));
    }
    Ok(output)
}

/// Shorter values are in every output by chance.
const SHORTEST_SECRET: usize = 4;

/// Records what there is now.
fn record(on: &OnMachine<'_>, apply: &mut Apply<Resource>, output: Option<String>) -> Result<(), Failure> {
    let mut model = apply.planned.clone();
    if !model.id.is_known() {
        let earlier = apply.state.as_ref().and_then(|state| state.model.id.known());
        model.id = Field::Known(earlier.cloned().map_or_else(random_name, Ok)?);
    }
    let output_hash = output.as_deref().map(hash).unwrap_or_default();
    model.put_output(output.into());
    on.record(apply, model, CommandPrivate { output_hash, ..CommandPrivate::default() });
    Ok(())
}
