//! How the DNS is set and let go of.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Plan, Schema, State};
use tailnet::{Control, Dns};

use super::{TailnetDns, model::DnsModel, plan, schema};
use crate::{
    controlled::{ControlWords, Controlled, OnTailnet, TAILNET_IMPORT, import_of_tailnet, of_tailnet},
    failure::{Explain, Failure, Stop},
};

/// What the world looks like when setting it stopped half-way.
const PARTLY: &str = "Some of it may have been changed already; the next plan shows what.";

#[async_trait]
impl Controlled for TailnetDns {
    type Model = DnsModel;
    type Private = ();

    const TYPE: &'static str = "windlass_tailnet_dns";
    const WORDS: ControlWords = ControlWords {
        create: "set",
        update: "update",
        delete: "reset",
        remains: "The DNS of the tailnet may still be what it was.",
        import: TAILNET_IMPORT,
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &DnsModel) -> String {
        of_tailnet("DNS", &model.tailnet)
    }

    fn import(id: &str) -> Option<DnsModel> {
        Some(DnsModel { tailnet: import_of_tailnet(id)?, ..DnsModel::default() })
    }

    async fn plan(
        _cx: &Context,
        control: Option<&dyn Control>,
        title: &str,
        plan: &mut Plan<OnTailnet<Self>>,
    ) -> Result<(), Diagnostics> {
        plan::plan(control, title, plan)
    }

    fn plan_destroy(cx: &Context, state: &State<OnTailnet<Self>>) {
        if Self::is_kept(&state.model) {
            let subject = Self::subject(&state.model);
            cx.warn(
                Diagnostic::warning("The DNS settings stay in force")
                    .detail(format!("Destroying {subject} only ends that it is managed here.")),
            );
        }
    }

    async fn observe(
        control: &dyn Control,
        mut state: State<OnTailnet<Self>>,
    ) -> Result<Option<State<OnTailnet<Self>>>, Failure> {
        state.model.observe(&control.dns().await?);
        Ok(Some(state))
    }

    async fn create(control: &dyn Control, apply: &mut Apply<OnTailnet<Self>>) -> Result<(), Failure> {
        let dns = control.dns().await?;
        if !apply.planned.adopt_existing.is_true() {
            expect_seen(&apply.planned.unseen(None, &dns), "that this configuration did not make")?;
        }
        set(control, dns, None, apply).await
    }

    fn needs_server(prior: &State<OnTailnet<Self>>, apply: &Apply<OnTailnet<Self>>) -> bool {
        let own = |model: &DnsModel| DnsModel {
            adopt_existing: Default::default(),
            on_destroy: Default::default(),
            ..model.clone()
        };
        own(&prior.model) != own(&apply.planned)
    }

    async fn update(
        control: &dyn Control,
        prior: State<OnTailnet<Self>>,
        apply: &mut Apply<OnTailnet<Self>>,
    ) -> Result<(), Failure> {
        let dns = control.dns().await?;
        expect_seen(
            &apply.planned.unseen(Some(&prior.model), &dns),
            "that somebody else has set since the plan",
        )?;
        set(control, dns, Some(&prior.model), apply).await
    }

    fn is_kept(model: &DnsModel) -> bool {
        model.on_destroy.as_str() != Some("reset")
    }

    async fn delete(control: &dyn Control, state: &State<OnTailnet<Self>>) -> Result<(), Failure> {
        let (dns, nothing) = (control.dns().await?, state.model.emptied());
        expect_seen(&nothing.unseen(Some(&state.model), &dns), "that somebody else has set since the plan")?;
        change(control, &nothing, Some(&state.model), &dns).await
    }
}

async fn change(
    control: &dyn Control,
    planned: &DnsModel,
    prior: Option<&DnsModel>,
    dns: &Dns,
) -> Result<(), Failure> {
    for change in planned.changes(prior, dns) {
        control.change_dns(&change).await.with_world(PARTLY)?;
    }
    Ok(())
}

/// Makes the DNS as planned, and records it.
async fn set(
    control: &dyn Control,
    dns: Dns,
    prior: Option<&DnsModel>,
    apply: &mut Apply<OnTailnet<TailnetDns>>,
) -> Result<(), Failure> {
    change(control, &apply.planned, prior, &dns).await?;
    let mut model = apply.planned.clone();
    model.observe(&control.dns().await.with_world(PARTLY)?);
    apply.record(model, ());
    Ok(())
}

fn expect_seen(unseen: &[String], whose: &str) -> Result<(), Stop> {
    if unseen.is_empty() {
        return Ok(());
    }
    Err(Stop::new(
        format!("The tailnet has DNS settings {whose}:\n{}", unseen.join("\n")),
        "Take them over into the configuration, or plan again to see them go; to replace on create what is there, set \
         `adopt_existing = true`.",
    ))
}
