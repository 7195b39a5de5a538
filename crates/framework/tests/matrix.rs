//! The matrix finds what it promises to find: each fault is planted and must be caught.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use framework::testing::Matrix;
use framework::{
    Apply, Attribute, Block, Context, Diagnostic, Diagnostics, Field, Model, Plan, Resource, Schema, State,
    Type, async_trait,
};
use futures_util::FutureExt;
use secret::Secret;

#[derive(Clone, Copy, PartialEq)]
enum Planted {
    Nothing,
    PanicsOnUnknown,
    PanicsInABlock,
    NeverTheSame,
    PlansASecret,
    PromisesTooMuch,
    IgnoresNull,
    ResultDiffers,
    ReadDiffers,
    RefusesEverything,
}

struct Suspect {
    planted: Planted,
    count: AtomicU32,
}

#[derive(Clone, Model)]
struct Thing {
    name: Field<String>,
    note: Field<String>,
    tags: Field<Vec<String>>,
    pin_wo: Field<Secret>,
    hash: Field<String>,
    part: Vec<Part>,
}

#[derive(Clone, Model)]
struct Part {
    size: Field<i64>,
}

#[async_trait]
impl Resource for Suspect {
    type Model = Thing;
    type Private = ();

    fn type_name(&self) -> &'static str {
        "test_suspect"
    }

    fn schema(&self) -> Schema {
        let part =
            Block::list("part").describe("Part.").attribute(Attribute::number("size").describe("Size."));
        Schema::new(0)
            .attribute(Attribute::string("name").required().describe("Name."))
            .attribute(Attribute::string("note").describe("Note."))
            .attribute(Attribute::list("tags", Type::String).describe("Tags."))
            .attribute(Attribute::string("pin_wo").write_only().describe("PIN."))
            .attribute(Attribute::string("hash").computed().describe("Hash."))
            .block(part)
    }

    async fn validate(&self, _: &Context, _: &Thing, problems: &mut Diagnostics) {
        if self.planted == Planted::RefusesEverything {
            problems.push(Diagnostic::error("No"));
        }
    }

    async fn read(&self, _: &Context, mut state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        if self.planted == Planted::ReadDiffers {
            state.model.note = "found".into();
        }
        Ok(Some(state))
    }

    async fn plan(&self, _: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        match self.planted {
            Planted::PanicsOnUnknown => assert!(!plan.planned.note.is_unknown(), "note is unknown"),
            Planted::PanicsInABlock => {
                assert!(plan.planned.part.iter().all(|part| part.size.is_known()), "size is not known");
            }
            Planted::NeverTheSame => {
                plan.planned.hash = self.count.fetch_add(1, Ordering::Relaxed).to_string().into();
            }
            Planted::PlansASecret => plan.planned.pin_wo = plan.config.pin_wo.clone(),
            Planted::PromisesTooMuch => {
                plan.planned.hash = format!("{}", plan.planned.tags.is_unknown()).into();
            }
            Planted::IgnoresNull => plan.planned.note = plan.planned.note.clone().or("n/a".into()),
            _ => plan.planned.hash = plan.planned.name.clone(),
        }
        Ok(())
    }

    async fn create(&self, _: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let mut thing = apply.planned.clone();
        thing.hash = thing.hash.known_or("made".to_owned()).into();
        if self.planted == Planted::ResultDiffers {
            thing.name = "another".into();
        }
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

/// What the matrix says about a planted fault; empty when it finds nothing.
async fn found(planted: Planted) -> String {
    let suspect = Suspect { planted, count: AtomicU32::new(0) };
    let run = Matrix::new(suspect).sample("name", ["a", "b"]).rounds(50).applying().run();
    match std::panic::AssertUnwindSafe(run).catch_unwind().await {
        Ok(report) => {
            assert!(report.applied > 10, "{report:?}");
            String::new()
        }
        Err(panic) => panic.downcast_ref::<String>().cloned().unwrap(),
    }
}

#[tokio::test]
async fn every_planted_fault_is_found() {
    for (planted, message) in [
        (Planted::PanicsOnUnknown, "The provider crashed: note is unknown"),
        (Planted::PanicsInABlock, "The provider crashed: size is not known"),
        (Planted::NeverTheSame, "the second plan breaks the first"),
        (Planted::PlansASecret, "pin_wo: a write-only attribute must stay null"),
        (Planted::PromisesTooMuch, "the second plan breaks the first"),
        (Planted::IgnoresNull, "note: the attribute is not computed and not configured"),
        (Planted::ResultDiffers, "name: the value is not the planned one"),
        (Planted::ReadDiffers, "planned where nothing changed"),
        (Planted::RefusesEverything, "no known configuration could be planned"),
    ] {
        let text = found(planted).await;
        assert!(text.contains(message), "{message}: {text}");
    }
}

#[tokio::test]
async fn a_sound_resource_passes() {
    assert_eq!(found(Planted::Nothing).await, "");
}
