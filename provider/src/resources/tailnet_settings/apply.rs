//! How settings are set.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Plan, Schema, State};
use tailnet::{Control, TailnetSettings as Settings};

use super::{
    TailnetSettings,
    model::{self, SettingsModel},
};
use crate::{
    controlled::{
        ControlWords, Controlled, OnTailnet, TAILNET_IMPORT, import_of_tailnet, of_tailnet, only_at_tailscale,
    },
    failure::{Failure, Stop},
};

#[async_trait]
impl Controlled for TailnetSettings {
    type Model = SettingsModel;
    type Private = ();

    const TYPE: &'static str = "windlass_tailnet_settings";
    const WORDS: ControlWords = ControlWords {
        create: "set",
        update: "update",
        delete: "let go of",
        remains: "The settings stay.",
        import: TAILNET_IMPORT,
    };

    fn schema() -> Schema {
        model::schema()
    }

    fn subject(model: &SettingsModel) -> String {
        of_tailnet("settings", &model.tailnet)
    }

    fn import(id: &str) -> Option<SettingsModel> {
        Some(SettingsModel { tailnet: import_of_tailnet(id)?, ..SettingsModel::default() })
    }

    async fn plan(
        _cx: &Context,
        control: Option<&dyn Control>,
        title: &str,
        _plan: &mut Plan<OnTailnet<Self>>,
    ) -> Result<(), Diagnostics> {
        only_at_tailscale(control, title, "What it has of them is in its configuration.")
    }

    async fn observe(
        control: &dyn Control,
        mut state: State<OnTailnet<Self>>,
    ) -> Result<Option<State<OnTailnet<Self>>>, Failure> {
        state.model.observe(control.settings().await?);
        Ok(Some(state))
    }

    async fn create(control: &dyn Control, apply: &mut Apply<OnTailnet<Self>>) -> Result<(), Failure> {
        set(control, apply).await
    }

    fn needs_server(prior: &State<OnTailnet<Self>>, apply: &Apply<OnTailnet<Self>>) -> bool {
        prior.model != apply.planned
    }

    async fn update(
        control: &dyn Control,
        _prior: State<OnTailnet<Self>>,
        apply: &mut Apply<OnTailnet<Self>>,
    ) -> Result<(), Failure> {
        set(control, apply).await
    }

    fn is_kept(_model: &SettingsModel) -> bool {
        true
    }

    async fn delete(_control: &dyn Control, _state: &State<OnTailnet<Self>>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Changes what is other than planned, in one call, and records what the server has then.
async fn set(control: &dyn Control, apply: &mut Apply<OnTailnet<TailnetSettings>>) -> Result<(), Failure> {
    let changes = apply.planned.changes(&control.settings().await?);
    if changes != Settings::default() {
        control.change_settings(&changes).await?;
    }
    let now = control.settings().await?;
    if apply.planned.changes(&now) != Settings::default() {
        return Err(Stop::new(
            format!("The server accepted the settings and did not take all of them: {now:?}."),
            "See whether the tailnet's plan has them.",
        )
        .into());
    }
    let mut model = apply.planned.clone();
    model.observe(now);
    apply.record(model, ());
    Ok(())
}
