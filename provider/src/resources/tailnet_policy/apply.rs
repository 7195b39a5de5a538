//! How the policy is put into force, replaced and let go of.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Plan, Schema, State};
use tailnet::{Control, Error, Expected, StoredPolicy};

use super::{
    TailnetPolicy,
    model::{PolicyModel, PolicyPrivate},
    plan::{self, difference},
    schema,
};
use crate::{
    controlled::{ControlWords, Controlled, OnTailnet, TAILNET_IMPORT, import_of_tailnet, of_tailnet},
    failure::{Failure, Stop},
};

#[async_trait]
impl Controlled for TailnetPolicy {
    type Model = PolicyModel;
    type Private = PolicyPrivate;

    const TYPE: &'static str = "windlass_tailnet_policy";
    const WORDS: ControlWords = ControlWords {
        create: "create",
        update: "update",
        delete: "reset",
        remains: "The policy is still in force.",
        import: TAILNET_IMPORT,
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &PolicyModel) -> String {
        of_tailnet("policy", &model.tailnet)
    }

    fn import(id: &str) -> Option<PolicyModel> {
        Some(PolicyModel { tailnet: import_of_tailnet(id)?, ..PolicyModel::default() })
    }

    fn validate(config: &PolicyModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    async fn plan(
        cx: &Context,
        control: Option<&dyn Control>,
        title: &str,
        plan: &mut Plan<OnTailnet<Self>>,
    ) -> Result<(), Diagnostics> {
        plan::plan(cx, control, title, plan).await
    }

    fn plan_destroy(cx: &Context, state: &State<OnTailnet<Self>>) {
        let subject = Self::subject(&state.model);
        cx.warn(if state.model.reset_on_destroy.is_true() {
            Diagnostic::warning("Everybody will be able to reach everything")
                .detail(format!("Destroying {subject} goes back to what the server has without one, as `reset_on_destroy` asks for."))
        } else {
            Diagnostic::warning("The policy stays in force")
                .detail(format!("Destroying {subject} only ends that it is managed here."))
        });
    }

    async fn observe(
        control: &dyn Control,
        mut state: State<OnTailnet<Self>>,
    ) -> Result<Option<State<OnTailnet<Self>>>, Failure> {
        let Some(stored) = control.policy().await? else { return Ok(None) };
        state.model.observe(&stored);
        state.private = PolicyPrivate::of(&stored);
        Ok(Some(state))
    }

    async fn create(control: &dyn Control, apply: &mut Apply<OnTailnet<Self>>) -> Result<(), Failure> {
        let adopts = apply.planned.adopt_existing.is_true();
        let expected = match adopts {
            true => control
                .policy()
                .await?
                .map_or(Expected::Untouched, |stored| Expected::Version(stored.version)),
            false => Expected::Untouched,
        };
        let text = apply.planned.policy.clone().known_or_default();
        let stored = control.set_policy(&text, &expected).await.map_err(|error| match error {
            Error::Conflict { server, current } if !adopts => {
                exists(&server, current.as_deref(), &text).into()
            }
            Error::Conflict { server, .. } => {
                raced(&server, "It has been changed in this very moment.".to_owned()).into()
            }
            error => Failure::from(error),
        })?;
        record(apply, &stored);
        Ok(())
    }

    fn needs_server(prior: &State<OnTailnet<Self>>, apply: &Apply<OnTailnet<Self>>) -> bool {
        prior.model.policy != apply.planned.policy
    }

    async fn update(
        control: &dyn Control,
        prior: State<OnTailnet<Self>>,
        apply: &mut Apply<OnTailnet<Self>>,
    ) -> Result<(), Failure> {
        let text = apply.planned.policy.clone().known_or_default();
        let seen = prior.model.policy.known_or_default();
        let stored =
            control.set_policy(&text, &apply.private.expected()).await.map_err(|error| match error {
                Error::Conflict { server, current } => {
                    raced(&server, conflict(&seen, current.as_deref())).into()
                }
                error => Failure::from(error),
            })?;
        record(apply, &stored);
        Ok(())
    }

    fn is_kept(model: &PolicyModel) -> bool {
        !model.reset_on_destroy.is_true()
    }

    async fn delete(control: &dyn Control, state: &State<OnTailnet<Self>>) -> Result<(), Failure> {
        let seen = state.model.policy.clone().known_or_default();
        control.reset_policy(&state.private.expected()).await.map_err(|error| match error {
            Error::Conflict { server, current } => raced(&server, conflict(&seen, current.as_deref())).into(),
            error => Failure::from(error),
        })
    }
}

/// Records what is in force now. The text is the planned one, which the server has word by word.
fn record(apply: &mut Apply<OnTailnet<TailnetPolicy>>, stored: &StoredPolicy) {
    let mut model = apply.planned.clone();
    model.observe(stored);
    model.policy = apply.planned.policy.clone();
    apply.record(model, PolicyPrivate::of(stored));
}

fn exists(server: &str, current: Option<&StoredPolicy>, text: &str) -> Stop {
    let difference =
        current.map(|current| format!(" Yours, compared with it:\n{}", difference(&current.text, text)));
    Stop::new(
        format!(
            "There is a policy at {server} already that this configuration did not make.{}",
            difference.unwrap_or_default()
        ),
        "Adopt it by an `import` (its plan shows the difference), or set `adopt_existing = true` to replace it.",
    )
    .at("policy")
}

fn conflict(seen: &str, current: Option<&StoredPolicy>) -> String {
    match current {
        Some(current) => format!("What they changed:\n{}", difference(seen, &current.text)),
        None => "What they changed could not be read.".to_owned(),
    }
}

fn raced(server: &str, what: String) -> Stop {
    Stop::new(
        format!("Somebody else has changed the policy at {server} since it was planned. {what}"),
        "Take over what they changed, or not, and plan again: the new plan goes by the policy that is there now.",
    )
    .at("policy")
}
