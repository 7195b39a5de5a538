//! What a plan hook can do besides setting values.
#![allow(clippy::unwrap_used)]

use framework::testing::{Action, Harness};
use framework::{
    Apply, Attribute, Block, Context, Diagnostics, Field, Model, Plan, Resource, Schema, State, Value,
    async_trait,
};

#[derive(Clone, Copy, PartialEq)]
enum Hook {
    Nothing,
    ExpectChanges,
    KeepPrior,
    Replace,
    Spelling,
}

struct Hooked(Hook);

#[derive(Clone, Model)]
struct Thing {
    path: Field<String>,
    id: Field<String>,
    hash: Field<String>,
    part: Option<Part>,
    label: std::collections::BTreeMap<String, Part>,
}

#[derive(Clone, Model)]
struct Part {
    size: Field<i64>,
}

#[async_trait]
impl Resource for Hooked {
    type Model = Thing;
    type Private = ();

    fn type_name(&self) -> &'static str {
        "test_hooked"
    }

    fn schema(&self) -> Schema {
        let size = || Attribute::number("size").describe("Size.");
        Schema::new(0)
            .attribute(Attribute::string("path").required().describe("Path."))
            .attribute(Attribute::string("id").computed().keep_on_update().describe("Identifier."))
            .attribute(Attribute::string("hash").computed().describe("Hash."))
            .block(Block::single("part").describe("Part.").attribute(size().requires_replace()))
            .block(Block::map("label").describe("Label.").attribute(size()))
    }

    async fn read(&self, _: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        Ok(Some(state))
    }

    async fn plan(&self, _: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        match self.0 {
            Hook::Nothing => {
                assert_eq!(plan.changes("path"), plan.is_create() || plan.planned.path.as_str() != Some("a"))
            }
            Hook::ExpectChanges => plan.expect_changes()?,
            Hook::KeepPrior => plan.keep_prior()?,
            Hook::Replace => plan.require_replace("path"),
            Hook::Spelling => {
                let lower = |field: &Field<String>| field.as_str().map(str::to_lowercase);
                if let Some(prior) = &plan.prior
                    && lower(&prior.model.path) == lower(&plan.planned.path)
                {
                    plan.keep_spelling("path")?;
                }
            }
        }
        Ok(())
    }

    async fn create(&self, _: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let thing = Thing { id: "1".into(), hash: "h".into(), ..apply.planned.clone() };
        apply.record(thing, ());
        Ok(())
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        self.create(cx, apply).await
    }

    async fn delete(&self, _: &Context, _: State<Self>) -> Result<(), Diagnostics> {
        Ok(())
    }
}

/// A harness that holds a state with path `a`.
async fn core(hook: Hook) -> Harness {
    let mut core = Harness::new(Hooked(hook));
    let state = core.config([("path", Value::from("a")), ("id", "1".into()), ("hash", "h".into())]);
    core.set_state(Some(state));
    core
}

fn path(core: &Harness, path: &str) -> Value {
    core.config([("path", Value::from(path))])
}

#[tokio::test]
async fn the_schema_decides_unless_the_hook_does() {
    let core = core(Hook::Nothing).await;
    assert_eq!(core.plan(&path(&core, "a")).await.unwrap().action, Action::NoOp);
    let change = core.plan(&path(&core, "b")).await.unwrap();
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.planned("id").as_str(), Some("1"));
    assert!(change.planned("hash").is_unknown());
}

#[tokio::test]
async fn changes_can_be_expected_without_a_change_of_the_configuration() {
    let core = core(Hook::ExpectChanges).await;
    let change = core.plan(&path(&core, "a")).await.unwrap();
    assert_eq!(change.action, Action::Update);
    assert!(change.planned("hash").is_unknown());
    assert_eq!(change.planned("id").as_str(), Some("1"));
}

#[tokio::test]
async fn what_the_provider_decides_can_be_kept() {
    let core = core(Hook::KeepPrior).await;
    let change = core.plan(&path(&core, "b")).await.unwrap();
    assert_eq!(change.planned("path").as_str(), Some("b"), "the core insists on the configuration");
    assert_eq!(change.planned("hash").as_str(), Some("h"));
}

#[tokio::test]
async fn another_spelling_of_the_same_is_no_change() {
    let core = core(Hook::Spelling).await;
    assert_eq!(core.plan(&path(&core, "A")).await.unwrap().action, Action::NoOp);
    assert_eq!(core.plan(&path(&core, "B")).await.unwrap().action, Action::Update);
}

#[tokio::test]
async fn a_hook_or_a_block_can_replace() {
    let hooked = core(Hook::Replace).await;
    let change = hooked.plan(&path(&hooked, "b")).await.unwrap();
    assert_eq!((change.action, change.requires_replace[0].to_string().as_str()), (Action::Replace, "path"));

    let plain = core(Hook::Nothing).await;
    let part = Value::map_of([("size", 1)]);
    let config = plain.config([("path", Value::from("a")), ("part", part)]);
    let change = plain.plan(&config).await.unwrap();
    assert_eq!((change.action, change.requires_replace[0].to_string().as_str()), (Action::Replace, "part"));
}

#[tokio::test]
async fn a_block_that_the_model_cannot_hold_unknown_is_planned_by_the_schema() {
    let mut plain = core(Hook::Nothing).await;
    let known = plain.config([
        ("path", Value::from("b")),
        ("label", Value::map_of([("x", Value::map_of([("size", 1)]))])),
    ]);
    let unknown = plain.config([("path", Value::from("b")), ("label", Value::Unknown)]);
    let change = plain.plan(&unknown).await.unwrap();
    assert!(change.planned("label").is_unknown() && change.planned("hash").is_unknown());
    plain.apply_after(&unknown, &known).await.unwrap();
    assert_eq!(plain.model::<Thing>().label["x"].size, Field::Known(1));
}
