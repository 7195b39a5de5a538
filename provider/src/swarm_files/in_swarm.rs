//! What the layer makes of a kind of secret or config.

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use swarm::stacks::{
    FileKind,
    files::{LastingFiles, names},
};

use super::{
    apply,
    object::{FileModel as _, FilePrivate, SwarmFile},
};
use crate::{
    clustered::{At, Clustered, Found, Gone, InCluster, OnCluster},
    failure::{Failure, UNCHANGED},
    hosted::{Words, import_id},
};

#[async_trait]
impl<F: SwarmFile> Clustered for F {
    type Model = F::Model;
    type Private = FilePrivate;

    const TYPE: &'static str = <F as SwarmFile>::TYPE;
    const MANAGERS: &'static str = "Other managers of the same swarm change nothing.";
    const WORDS: Words = Words::USUAL;
    const GONE: Gone = Gone::Forget;

    fn schema() -> Schema {
        <F as SwarmFile>::schema()
    }

    fn subject(model: &F::Model) -> String {
        format!("swarm {} {:?}", F::KIND.word(), model.fields().shown())
    }

    fn import(title: &str, id: &str) -> Result<F::Model, Diagnostic> {
        let (connection, name) = import_id(title, id, F::IMPORT)?;
        let mut model = F::Model::default();
        let fields = model.fields_mut();
        fields.managers = Field::Known(vec![Field::Known(connection.to_string())]);
        fields.full_name = Field::Known(name);
        Ok(model)
    }

    fn swarm(model: &F::Model) -> Option<&str> {
        model.fields().swarm.as_str()
    }

    /// The name says whether it is another object.
    async fn plan(
        _on: &OnCluster<'_>,
        title: &str,
        plan: &mut Plan<InCluster<F>>,
    ) -> Result<(), Diagnostics> {
        let (name, suffix) = (plan.planned.fields().name.clone(), plan.planned.suffix());
        let full = match (&name, &suffix) {
            (Field::Known(name), Field::Known(suffix)) => {
                Field::Known(names::full_name(name, suffix).map_err(|error| too_long(title, &error))?)
            }
            _ => Field::Unknown,
        };
        let prior = plan.prior.as_ref().map(|prior| prior.model.fields());
        let same = prior.filter(|prior| prior.full_name == full).map(|prior| prior.id.clone());
        let fields = plan.planned.fields_mut();
        fields.full_name = full;
        fields.id = same.unwrap_or(Field::Unknown);
        Ok(())
    }

    async fn observe(
        _on: &OnCluster<'_>,
        at: &At,
        mut state: State<InCluster<F>>,
    ) -> Result<Option<State<InCluster<F>>>, Failure> {
        let files = LastingFiles::of(F::KIND, &at.host.engine().await?);
        let fields = state.model.fields();
        // One that is being adopted is known by its name alone.
        let known = fields.id.as_str().or(fields.full_name.as_str()).unwrap_or_default();
        // What was to go is nobody's any more.
        let Some(found) = files.find(known).await?.filter(|found| !found.superseded) else { return Ok(None) };
        if state.model.fields().id.is_null() {
            state.model.adopt(&found);
            state.private.instance.clone_from(&found.marks.instance);
        }
        let swarm = at.membership.cluster_id.clone().unwrap_or_default();
        state.model.fields_mut().set_observed(&found, &swarm);
        Ok(Some(state))
    }

    async fn create(on: &OnCluster<'_>, apply: &mut Apply<InCluster<F>>) -> Result<(), Failure> {
        apply::make(on, apply, None).await
    }

    async fn update(
        on: &OnCluster<'_>,
        prior: State<InCluster<F>>,
        apply: &mut Apply<InCluster<F>>,
    ) -> Result<(), Failure> {
        apply::make(on, apply, Some(prior)).await
    }

    async fn delete(on: &OnCluster<'_>, state: &State<InCluster<F>>) -> Result<(), Failure> {
        let fields = state.model.fields();
        let swarm = fields.swarm.as_str().unwrap_or_default();
        if matches!(on.clusters.find(&fields.managers, Some(swarm), None).await, Found::Nowhere) {
            // The swarm is gone, and all that was in it.
            return Ok(());
        }
        let at = on.manager(&fields.managers, swarm, None).await?;
        let _turn = on.clusters.use_managers(swarm).await;
        let files = LastingFiles::of(F::KIND, &at.host.engine().await?);
        let Some(found) = files.find(fields.id.as_str().unwrap_or_default()).await? else { return Ok(()) };
        if let Some(users) = files.let_go(&found, "").await? {
            on.cx.warn(stays(F::KIND, &found.name, &users));
        }
        Ok(())
    }
}

fn too_long(title: &str, error: &names::TooLong) -> Diagnostic {
    Diagnostic::error(title)
        .detail(format!("Its whole name does not fit: {error}."))
        .detail(UNCHANGED)
        .detail("Choose a shorter `name`.")
        .at("name")
}

/// The warning that one that was destroyed is still in use.
fn stays(kind: FileKind, name: &str, users: &[String]) -> Diagnostic {
    let kind = kind.word();
    let held = match users {
        [] => "A service may still return to it, or a stack to its last good apply.".to_owned(),
        users => format!("Services use it: {}.", users.join(", ")),
    };
    Diagnostic::warning(format!("Swarm {kind} {name:?} stays while it is needed"))
        .detail(held)
        .detail(format!(
            "It is no longer recorded. The apply of a `windlass_swarm_stack` that stops using it removes it; so does \
             `docker {kind} rm {name}`, once nothing uses it."
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_stays_says_why_and_how_it_goes() {
        let text = stays(FileKind::Secret, "db-v1", &["web_api".into(), "web_job".into()]).to_string();
        assert_eq!(
            text,
            "Swarm secret \"db-v1\" stays while it is needed\nServices use it: web_api, web_job.\n\nIt is no longer \
             recorded. The apply of a `windlass_swarm_stack` that stops using it removes it; so does `docker secret rm \
             db-v1`, once nothing uses it."
        );
        assert!(stays(FileKind::Config, "c", &[]).detail.starts_with("A service may still return to it"));
    }
}
