//! How a key is made, watched and taken back.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Field, Plan, Schema, State};
use tailnet::{Control, Moment};

use super::{
    TailnetKey,
    model::{KeyModel, USABLE},
    schema,
};
use crate::{
    controlled::{ControlWords, Controlled, OnTailnet},
    failure::Failure,
};

#[async_trait]
impl Controlled for TailnetKey {
    type Model = KeyModel;
    type Private = ();

    const TYPE: &'static str = "windlass_tailnet_key";
    const WORDS: ControlWords = ControlWords {
        create: "create",
        update: "update",
        delete: "revoke",
        remains: "A machine can still join by it.",
        import: "A key cannot be adopted: no server tells its secret again. Make another one.",
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &KeyModel) -> String {
        match (model.asked.description.as_str(), model.id.as_str()) {
            (Some(description), _) => format!("tailnet key {description:?}"),
            (None, Some(id)) => format!("tailnet key {id:?}"),
            (None, None) => "a tailnet key".to_owned(),
        }
    }

    fn import(_id: &str) -> Option<KeyModel> {
        None
    }

    fn validate(config: &KeyModel, problems: &mut Diagnostics) {
        config.asked.validate(problems);
    }

    async fn plan(
        _cx: &Context,
        _control: Option<&dyn Control>,
        _title: &str,
        plan: &mut Plan<OnTailnet<Self>>,
    ) -> Result<(), Diagnostics> {
        let Some(prior) = &plan.prior else {
            plan.planned.status = USABLE.into();
            return Ok(());
        };
        // What Read has found decides, not the time now: the plan within the apply must be the same.
        let mut watched = prior.model.clone();
        watched.renew_before = plan.planned.renew_before.clone();
        if watched.is_to_be_replaced(!matches!(plan.planned.keep_when_spent, Field::Known(false))) {
            plan.planned.status = USABLE.into();
            plan.require_replace("status");
        }
        Ok(())
    }

    async fn observe(
        control: &dyn Control,
        mut state: State<OnTailnet<Self>>,
    ) -> Result<Option<State<OnTailnet<Self>>>, Failure> {
        let info = control.key(&state.model.id.clone().known_or_default()).await?;
        state.model.status = state.model.status_of(info.as_ref(), Moment::now_utc()).into();
        Ok(Some(state))
    }

    async fn create(control: &dyn Control, apply: &mut Apply<OnTailnet<Self>>) -> Result<(), Failure> {
        let made = control.create_key(&apply.planned.asked.spec()).await?;
        let mut model = apply.planned.clone();
        model.set_made(made.secret, made.info);
        apply.record(model, ());
        Ok(())
    }

    fn needs_server(_prior: &State<OnTailnet<Self>>, _apply: &Apply<OnTailnet<Self>>) -> bool {
        false
    }

    async fn delete(control: &dyn Control, state: &State<OnTailnet<Self>>) -> Result<(), Failure> {
        Ok(control.revoke_key(&state.model.id.clone().known_or_default()).await?)
    }
}
