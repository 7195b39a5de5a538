//! What a change of `windlass_image` means.

use framework::{Context, Diagnostics, Field, Plan};

use super::{HostImage, context};
use crate::{failure::heavy_tree, hosted::OnHost};

type Resource = OnHost<HostImage>;

/// What a build depends on, beside its name.
const INPUTS: [&str; 10] = [
    "tags",
    "source_hash",
    "dockerfile",
    "target",
    "platform",
    "args",
    "labels",
    "secrets_wo_version",
    "triggers",
    "push",
];

/// Decides whether it is built, and whether it is pushed.
pub(super) fn plan(cx: &Context, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
    let (hash, tree) = context::hash(&plan.config)?;
    plan.planned.source_hash = hash;
    if let (Some(tree), Field::Known(directory)) = (&tree, &plan.config.context)
        && plan.changes("source_hash")
    {
        heavy_tree("context", directory, tree).into_iter().for_each(|warning| cx.warn(warning));
    }
    let (image_id, pushed) = match plan.prior.clone() {
        None => (None, None),
        Some(prior) => {
            let moves = plan.planned.host != prior.model.host;
            let builds = moves || prior.private.moved || INPUTS.iter().any(|name| plan.changes(name));
            let pushes = builds || prior.private.unpushed;
            let model = prior.model;
            ((!builds).then_some(model.image_id), (!pushes).then_some((model.digest, model.reference)))
        }
    };
    let planned = &mut plan.planned;
    planned.image_id = image_id.unwrap_or(Field::Unknown);
    (planned.digest, planned.reference) = match pushed {
        Some(known) => known,
        None if planned.push == Field::Known(false) => (Field::Null, Field::Unknown),
        None => (Field::Unknown, Field::Unknown),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framework::{
        Path, Value,
        testing::{Action, Change, Harness},
    };

    use super::*;

    /// Plans `changed` of an image that is built from `git`.
    async fn planned(changed: &[(&str, Value)]) -> Change {
        let mut core = Harness::new(Resource::new(Arc::default()));
        let mut set = vec![
            ("host", Value::from("ssh://a")),
            ("name", "app:1".into()),
            ("git", "git://example.org/app".into()),
        ];
        let mut state = core.config(set.clone());
        let hash = tree::sha256(b"git://example.org/app");
        let computed = [
            ("push", Value::from(false)),
            ("file_modes", "git".into()),
            ("keep_on_destroy", false.into()),
            ("id", "x".into()),
            ("source_hash", hash.as_str().into()),
            ("image_id", "sha256:1".into()),
            ("reference", "sha256:1".into()),
        ];
        for (name, value) in computed {
            state.set(&Path::root().attribute(name), value).unwrap();
        }
        core.set_state(Some(state));
        set.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
        set.extend(changed.iter().cloned());
        let config = core.config(set);
        core.plan(&config).await.unwrap()
    }

    #[tokio::test]
    async fn what_a_build_depends_on_builds_again() {
        assert_eq!(planned(&[]).await.action, Action::NoOp);
        let change = planned(&[("args", Value::map_of([("A", Value::from("1"))]))]).await;
        assert_eq!((change.action, change.planned("image_id")), (Action::Update, &Value::Unknown));
        assert_eq!(change.planned("digest"), &Value::Null);
        let change = planned(&[("git", "git://example.org/app#v2".into())]).await;
        assert_eq!(change.planned("reference"), &Value::Unknown);
        let change = planned(&[("push", true.into())]).await;
        assert_eq!(change.planned("digest"), &Value::Unknown);
        assert_eq!(planned(&[("name", "app:2".into())]).await.action, Action::Replace);
    }

    #[tokio::test]
    async fn where_steps_are_cached_builds_nothing() {
        let cache = Value::list_of([Value::from("type=inline")]);
        let change = planned(&[("cache_to", cache), ("keep_on_destroy", true.into())]).await;
        assert_eq!((change.action, change.planned("reference")), (Action::Update, &Value::from("sha256:1")));
    }
}
