//! A resource that fails on demand.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use framework::{
    Apply, Attribute, Context, Diagnostic, Diagnostics, Field, Model, Plan, Resource, Schema, State,
    Timeouts, async_trait,
};
use secret::Secret;
use tokio::sync::Notify;

/// Where it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Validate,
    Plan,
    Read,
    Create,
    Update,
    Delete,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Error,
    Panic,
    Warning,
    WaitForCancellation,
    Hang,
    AnotherName,
    Secret,
    Unknown,
    Nothing,
}

#[derive(Clone, Model)]
pub struct Thing {
    pub name: Field<String>,
    pub size: Field<i64>,
    pub pin_wo: Field<Secret>,
    pub id: Field<String>,
}

#[derive(Clone)]
pub struct Faulty {
    phase: Phase,
    fault: Fault,
    healthy: Arc<AtomicBool>,
    started: Arc<Notify>,
}

impl Faulty {
    pub fn new(phase: Phase, fault: Fault) -> Self {
        Self { phase, fault, healthy: Arc::default(), started: Arc::default() }
    }

    pub fn heal(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::Relaxed);
    }

    pub async fn started(&self) {
        self.started.notified().await;
    }

    fn fails(&self, phase: Phase) -> Option<Fault> {
        (self.phase == phase && !self.healthy.load(Ordering::Relaxed)).then_some(self.fault)
    }

    async fn run(&self, cx: &Context, phase: Phase) -> Result<(), Diagnostics> {
        match self.fails(phase) {
            Some(Fault::Error) => return Err(Diagnostic::error("the disk is full").into()),
            Some(Fault::Panic) => panic!("lost count"),
            Some(Fault::Warning) => cx.warn(Diagnostic::warning("The shelf is dusty")),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::WaitForCancellation) => {
                self.started.notify_one();
                cx.cancelled().await;
                return Err(Diagnostic::error("stopped half-way").into());
            }
            _ => {}
        }
        Ok(())
    }

    fn spoil(&self, phase: Phase, thing: &mut Thing) {
        match self.fails(phase) {
            Some(Fault::AnotherName) => thing.name = "another".into(),
            Some(Fault::Secret) => thing.pin_wo = Field::Known("hunter2".into()),
            Some(Fault::Unknown) => thing.id = Field::Unknown,
            _ => {}
        }
    }
}

#[async_trait]
impl Resource for Faulty {
    type Model = Thing;
    type Private = String;

    fn type_name(&self) -> &'static str {
        "test_faulty"
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .attribute(Attribute::string("name").required().describe("Its name."))
            .attribute(Attribute::number("size").describe("Its size."))
            .attribute(Attribute::string("pin_wo").write_only().describe("Its PIN."))
            .attribute(Attribute::string("id").computed().keep_on_update().describe("Its identifier."))
            .timeouts(Timeouts::new().create(5))
    }

    async fn validate(&self, cx: &Context, _: &Thing, _: &mut Diagnostics) {
        let _ = self.run(cx, Phase::Validate).await;
    }

    async fn read(&self, cx: &Context, mut state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        self.run(cx, Phase::Read).await?;
        self.spoil(Phase::Read, &mut state.model);
        Ok(Some(state))
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        self.run(cx, Phase::Plan).await?;
        self.spoil(Phase::Plan, &mut plan.planned);
        plan.private = if plan.is_create() { "created" } else { "updated" }.to_owned();
        Ok(())
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        if self.fails(Phase::Create) == Some(Fault::Nothing) {
            return Ok(());
        }
        // Half-way: it exists, its identifier is not known yet.
        apply.record(apply.planned.clone(), apply.private.clone());
        self.run(cx, Phase::Create).await?;
        let mut thing = Thing { id: "1".into(), ..apply.planned.clone() };
        self.spoil(Phase::Create, &mut thing);
        apply.record(thing, apply.private.clone());
        Ok(())
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        assert!(apply.state.is_some() && apply.prior.is_some(), "an update starts with what there is");
        self.run(cx, Phase::Update).await?;
        apply.record(apply.planned.clone(), apply.private.clone());
        Ok(())
    }

    async fn delete(&self, cx: &Context, _: State<Self>) -> Result<(), Diagnostics> {
        self.run(cx, Phase::Delete).await
    }
}
