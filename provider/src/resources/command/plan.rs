//! What a change of `windlass_command` means.

use framework::{Field, Plan, State};

use super::{
    CommandPrivate, HostCommand,
    model::{CommandModel, hash},
};
use crate::hosted::OnHost;

type Resource = OnHost<HostCommand>;

/// What a change of it has to be made by running something; of `update` see [`commands_differ`].
const INPUTS: [&str; 5] = ["create", "environment", "working_directory", "triggers", "stdin_wo_version"];

/// What an update has to do on the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing changes on the host.
    Nothing,
    /// Only what looks at it has changed.
    Look,
    /// It has to be made again.
    Make,
}

/// Decides whether something runs, and what of the output is known before.
pub(super) fn plan(plan: &mut Plan<Resource>) {
    let Some(prior) = plan.prior.clone() else {
        plan.planned.put_output(Field::Unknown);
        return;
    };
    let mut causes: Vec<&str> = INPUTS.into_iter().filter(|name| plan.changes(name)).collect();
    if commands_differ(&prior.model.update, &plan.planned.update) {
        causes.push("update");
    }
    let drifted = has_drifted(&prior);
    let moved = plan.planned.host != prior.model.host;
    let open = moved || drifted || !causes.is_empty() || looks_anew(&prior.model, &plan.planned);
    plan.planned.put_output(if open { Field::Unknown } else { prior.model.any_output().clone() });
    if plan.planned.update.is_null() {
        if drifted {
            causes.push(if plan.planned.sensitive.is_true() { "sensitive_output" } else { "output" });
        }
        causes.into_iter().for_each(|cause| plan.require_replace(cause));
    }
}

/// The same decision once everything is known.
pub(super) fn step(prior: &State<Resource>, planned: &CommandModel) -> Step {
    let old = &prior.model;
    let same = old.create == planned.create
        && old.environment == planned.environment
        && old.working_directory == planned.working_directory
        && old.triggers == planned.triggers
        && old.stdin_wo_version == planned.stdin_wo_version
        && !commands_differ(&old.update, &planned.update);
    if !same || has_drifted(prior) {
        return Step::Make;
    }
    if looks_anew(old, planned) { Step::Look } else { Step::Nothing }
}

/// Whether one command becomes another one: one that comes or goes asks for nothing by itself.
fn commands_differ(prior: &Field<Vec<String>>, planned: &Field<Vec<String>>) -> bool {
    !prior.is_null() && !planned.is_null() && prior != planned
}

/// Whether the output comes from another command than before.
fn looks_anew(prior: &CommandModel, planned: &CommandModel) -> bool {
    !planned.read.is_null() && prior.read != planned.read
}

/// Whether Read found another output than the last apply left.
fn has_drifted(prior: &State<Resource>) -> bool {
    let CommandPrivate { output_hash, .. } = &prior.private;
    let live = prior.model.any_output().as_str().map(hash);
    !output_hash.is_empty() && live.is_some_and(|live| live != *output_hash)
}

#[cfg(test)]
mod tests {
    use framework::{
        Value,
        testing::{Action, Harness},
    };

    use super::*;

    fn words(words: &[&str]) -> Field<Vec<String>> {
        Field::Known(words.iter().map(ToString::to_string).collect())
    }

    fn prior() -> State<Resource> {
        let model = CommandModel {
            create: words(&["make"]),
            update: words(&["change"]),
            sensitive: Field::Known(false),
            output: "made".into(),
            ..CommandModel::default()
        };
        State { model, private: CommandPrivate { output_hash: hash("made"), ..CommandPrivate::default() } }
    }

    #[test]
    fn what_has_to_run_depends_on_what_changed() {
        let with = |change: fn(&mut CommandModel)| {
            let mut planned = prior().model;
            change(&mut planned);
            step(&prior(), &planned)
        };
        assert_eq!(with(|_| {}), Step::Nothing);
        assert_eq!(with(|model| model.destroy = words(&["rm"])), Step::Nothing);
        assert_eq!(with(|model| model.update = Field::Null), Step::Nothing);
        assert_eq!(with(|model| model.update = words(&["change", "2"])), Step::Make);
        assert_eq!(with(|model| model.create = words(&["make", "2"])), Step::Make);
        assert_eq!(with(|model| model.stdin_wo_version = "2".into()), Step::Make);
        assert_eq!(with(|model| model.read = words(&["look"])), Step::Look);
    }

    #[test]
    fn another_output_than_the_last_apply_left_is_drift() {
        let mut drifted = prior();
        drifted.model.output = "edited".into();
        assert_eq!(step(&drifted, &drifted.model), Step::Make);
        let unknown = State { private: CommandPrivate::default(), ..drifted };
        assert_eq!(step(&unknown, &unknown.model), Step::Nothing, "nothing to compare with");
    }

    /// Plans `change` of a resource that runs `make`, and `change` where `update` says so.
    async fn planned(update: bool, change: (&str, Value)) -> framework::testing::Change {
        let mut core = Harness::new(Resource::new(std::sync::Arc::default()));
        let list = |word: &str| Value::list_of([Value::from(word)]);
        let triggers = |text: &str| Value::map_of([("a", Value::from(text))]);
        let mut set =
            vec![("host", Value::from("ssh://a")), ("create", list("make")), ("triggers", triggers("1"))];
        if update {
            set.push(("update", list("change")));
        }
        let mut state = core.config(set.clone());
        for (name, value) in
            [("sensitive", Value::from(false)), ("id", "x".into()), ("output", "made".into())]
        {
            state.set(&framework::Path::root().attribute(name), value).unwrap();
        }
        core.set_state(Some(state));
        set.retain(|(name, _)| *name != change.0);
        set.push(change);
        let config = core.config(set);
        core.plan(&config).await.unwrap()
    }

    #[tokio::test]
    async fn a_change_is_made_by_update_or_by_replacing() {
        let triggers = || ("triggers", Value::map_of([("a", Value::from("2"))]));
        let change = planned(true, triggers()).await;
        assert_eq!((change.action, change.planned("output")), (Action::Update, &Value::Unknown));
        assert_eq!(planned(false, triggers()).await.action, Action::Replace);
        assert_eq!(planned(false, ("triggers", Value::Unknown)).await.action, Action::Replace);
    }

    #[tokio::test]
    async fn what_runs_nothing_keeps_the_output() {
        let change = planned(false, ("destroy", Value::list_of([Value::from("rm")]))).await;
        assert_eq!((change.action, change.planned("output")), (Action::Update, &Value::from("made")));
        let change = planned(false, ("sensitive", true.into())).await;
        assert_eq!(change.planned("sensitive_output"), &Value::from("made"));
        assert_eq!(change.planned("output"), &Value::Null);
        let change = planned(false, ("host", "ssh://b".into())).await;
        assert_eq!((change.action, change.planned("output")), (Action::Update, &Value::Unknown));
    }
}
