//! Configurations that nobody thinks of.

use tfvalue::{Path, Value};

use super::harness::{Action, Harness};
use super::random::Random;
use super::samples::{self, Samples};
use crate::schema::{Block, Body};
use crate::{Capabilities, Diagnostics, Resource};

/// Runs a resource through every attribute and block absent, known and unknown, alone and in random
/// combinations, and checks that
/// - nothing panics and no rule of the core is broken, in validation, plans of a create, an update
///   and a destruction;
/// - a plan with something unknown keeps its promise when it becomes known;
/// - a plan of an unchanged state changes nothing;
/// - an old core is refused exactly the write-only attributes.
///
/// No operation of the resource but validate and plan is called, unless [`Matrix::applying`].
#[derive(Debug)]
pub struct Matrix {
    harness: Harness,
    samples: Samples,
    rounds: u32,
    seed: u64,
    applying: bool,
    stable: bool,
}

/// What a [`Matrix`] did, so that a test can assert that it did something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many configurations there were.
    pub configurations: u32,
    /// How many of them validation refused.
    pub invalid: u32,
    /// How many plans refused with an error that is not a bug.
    pub refused: u32,
    /// How many were planned.
    pub planned: u32,
    /// How many of those could also be planned with everything known.
    pub known: u32,
    /// How many were created, planned again and destroyed.
    pub applied: u32,
}

impl Matrix {
    /// A matrix for one resource.
    pub fn new(resource: impl Resource) -> Self {
        Self::of(Harness::new(resource))
    }

    /// A matrix for the resource of a harness.
    pub fn of(harness: Harness) -> Self {
        Self { harness, samples: Samples::new(), rounds: 200, seed: 1, applying: false, stable: true }
    }

    /// Values that the attribute can have, by its dotted name (`ssh.port`). Without them it gets some
    /// value of its type, which validators may refuse.
    #[must_use]
    pub fn sample<V: Into<Value>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.samples.insert(name.to_owned(), values.into_iter().map(Into::into).collect());
        self
    }

    /// How many random combinations there are besides the systematic ones; 200 unless set.
    #[must_use]
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// Another series of random combinations.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Also creates, reads, plans again and destroys each configuration in which everything is known.
    #[must_use]
    pub fn applying(mut self) -> Self {
        self.applying = true;
        self
    }

    /// Does not check invented states: for a resource whose plan needs more than an invented state
    /// can hold (private state, files), where a plan of it rightly changes something.
    #[must_use]
    pub fn without_invented_states(mut self) -> Self {
        self.stable = false;
        self
    }

    /// Runs everything.
    ///
    /// # Panics
    /// At the first failure, with the configuration and the messages; also when not a single
    /// configuration could be planned, which needs better samples.
    pub async fn run(mut self) -> Report {
        let mut report = Report::default();
        let mut prior = None;
        for config in self.configurations() {
            report.configurations += 1;
            if let Some(state) = self.exercise(&config, prior.take(), &mut report).await {
                prior = Some(state);
            }
        }
        assert!(report.known > 0, "no known configuration could be planned, give samples: {report:?}");
        report
    }

    fn configurations(&self) -> Vec<Value> {
        let body = &self.harness.schema().body;
        let least = samples::least(body, &self.samples, "");
        let mut all = vec![least.clone()];
        systematic(body, &self.samples, &least, &mut all);
        let mut random = Random::new(self.seed);
        all.extend((0..self.rounds).map(|_| combination(body, &self.samples, "", &mut random)));
        all
    }

    /// One configuration. Returns a state that it could have led to.
    async fn exercise(&mut self, config: &Value, prior: Option<Value>, report: &mut Report) -> Option<Value> {
        self.check_old_core(config).await;
        self.harness.set_state(None);
        if self.no_bug("validate", config, &self.harness.validate(config).await) {
            report.invalid += 1;
            return None;
        }
        let ty = self.harness.schema().value_type();
        let create = match self.harness.plan(config).await {
            Ok(change) => change,
            Err(problems) => {
                self.no_bug("plan", config, &problems);
                report.refused += 1;
                return None;
            }
        };
        report.planned += 1;
        let body = &self.harness.schema().body;
        let known = samples::decided_config(config, body, &self.samples, "");
        // A sample in place of the unknown value may be one that validation or the plan refuses.
        let decided = match self.harness.plan(&known).await {
            Ok(change) => Some(change),
            Err(problems) => {
                self.no_bug("plan", &known, &problems);
                None
            }
        };
        if let Some(decided) = &decided {
            report.known += 1;
            self.harness.assert_promise_kept(&create, decided);
        }

        if prior.is_some() {
            self.harness.set_state(prior);
            if let Err(problems) = self.harness.plan(config).await {
                self.no_bug("plan an update to", config, &problems);
            }
        }
        let state = samples::decided(&decided.as_ref().unwrap_or(&create).planned, &ty);
        self.harness.set_state(Some(state.clone()));
        if decided.is_some() && self.stable {
            self.check_unchanged(&known).await;
        }
        self.check_destruction(&known).await;
        self.harness.set_state(None);
        if decided.is_some() && self.applying && self.apply(config, &known).await {
            report.applied += 1;
        }
        Some(state)
    }

    async fn check_destruction(&self, known: &Value) {
        if let Err(problems) = self.harness.plan_destroy().await {
            self.no_bug("plan the destruction of", known, &problems);
        }
    }

    async fn check_unchanged(&self, known: &Value) {
        match self.harness.plan(known).await {
            Ok(change) if change.action == Action::NoOp => {}
            Ok(change) => panic!(
                "{:?} planned for an unchanged state\nconfiguration {known:?}\nstate   {:?}\nplanned {:?}",
                change.action,
                self.harness.state(),
                change.planned
            ),
            Err(problems) => {
                self.no_bug("plan an unchanged state of", known, &problems);
            }
        }
    }

    async fn check_old_core(&self, config: &Value) {
        let problems = self.harness.validate_for(config, Capabilities::default()).await;
        let refused = problems.errors().any(|problem| problem.summary.contains("needs OpenTofu 1.11"));
        let set = !crate::rules::write_only_set(&self.harness.schema().body, config).is_empty();
        assert_eq!(refused, set, "an old core must be refused write-only attributes\n{config:?}\n{problems}");
    }

    /// Creates, reads, plans again, destroys. False when the provider refused.
    async fn apply(&mut self, config: &Value, known: &Value) -> bool {
        if let Err(problems) = self.harness.apply_after(config, known).await {
            self.no_bug("apply", known, &problems);
            let _ = self.harness.destroy().await;
            return false;
        }
        let refreshed = self.harness.refresh().await;
        refreshed.unwrap_or_else(|problems| panic!("read after apply of {known:?}\n{problems}"));
        self.harness.assert_no_changes(known).await;
        let destroyed = self.harness.destroy().await;
        destroyed.unwrap_or_else(|problems| panic!("destroy after apply of {known:?}\n{problems}"));
        true
    }

    /// Whether there are errors. Fails when one of them is a bug.
    fn no_bug(&self, operation: &str, config: &Value, problems: &Diagnostics) -> bool {
        let bug = problems.errors().find(|problem| problem.detail.contains("This is a bug in the provider"));
        if let Some(bug) = bug {
            panic!("{operation} {config:?}\n{bug}");
        }
        problems.has_errors()
    }
}

/// The least configuration with one attribute or block at a time in each of its variants.
fn systematic(body: &Body, samples: &Samples, least: &Value, all: &mut Vec<Value>) {
    let mut add = |name: &str, value: Value| {
        let mut config = least.clone();
        if config.set(&Path::root().attribute(name), value).is_ok() {
            all.push(config);
        }
    };
    for attribute in &body.attributes {
        for value in samples::attribute_variants(attribute, samples, &attribute.name) {
            add(&attribute.name, value);
        }
    }
    for block in &body.blocks {
        add_block(block, samples, &mut add);
    }
}

fn add_block(block: &Block, samples: &Samples, add: &mut dyn FnMut(&str, Value)) {
    let prefix = format!("{}.", block.name);
    let least = samples::least(&block.body, samples, &prefix);
    let counts = samples::block_counts(block);
    for count in &counts {
        add(&block.name, samples::block_value(block, *count, |_| least.clone()));
    }
    let Some(once) = counts.into_iter().find(|count| *count > 0) else { return };
    // A dynamic block over something unknown.
    if !matches!(block.nesting, crate::schema::Nesting::Single | crate::schema::Nesting::Group) {
        add(&block.name, Value::Unknown);
    }
    for attribute in &block.body.attributes {
        let name = format!("{prefix}{}", attribute.name);
        for value in samples::attribute_variants(attribute, samples, &name) {
            let mut content = least.clone();
            if content.set(&Path::root().attribute(attribute.name.clone()), value).is_ok() {
                add(&block.name, samples::block_value(block, once, |_| content.clone()));
            }
        }
    }
}

/// A random variant of everything.
fn combination(body: &Body, samples: &Samples, prefix: &str, random: &mut Random) -> Value {
    let mut parts = std::collections::BTreeMap::new();
    for attribute in &body.attributes {
        let name = format!("{prefix}{}", attribute.name);
        let variants = samples::attribute_variants(attribute, samples, &name);
        parts.insert(attribute.name.clone(), random.choose(&variants).clone());
    }
    for block in &body.blocks {
        let prefix = format!("{prefix}{}.", block.name);
        let count = *random.choose(&samples::block_counts(block));
        let value =
            samples::block_value(block, count, |_| combination(&block.body, samples, &prefix, random));
        parts.insert(block.name.clone(), value);
    }
    Value::Map(parts)
}
