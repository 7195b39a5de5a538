//! A plan as people read it: read, understood, rendered. Nothing here reads a file or asks a host.
//!
//! [`read`] takes the JSON of a plan or a stream of messages; [`Summary`] is what they mean, by place
//! and in the order in which to look; [`render`] makes text, Markdown or a page of it. Secrets are
//! masked when the summary is made, so that no renderer sees one, and looked for once more in what
//! comes out ([`secrets`]).

pub mod action;
mod build;
mod danger;
mod picture;
mod place;
pub mod read;
mod references;
pub mod render;
mod secrets;
mod services;
mod values;
mod volatile;

use std::collections::BTreeMap;

use action::Action;
use danger::Danger;
use picture::Picture;
use place::Place;
use secrets::Secrets;
use services::ServiceChange;
use values::Difference;

pub use render::{Format, Rendered};
pub use secrets::Leak;

/// A plan, as it is told.
#[derive(Debug)]
pub struct Summary {
    /// What changes, by place; places with dangers first.
    pub places: Vec<(Place, Vec<Change>)>,
    /// Outputs that change.
    pub outputs: Vec<Output>,
    /// What has been changed behind the state's back, and is no change by itself.
    pub outside: Vec<Change>,
    /// Problems that were told beside the plan.
    pub problems: Vec<Problem>,
    /// Hosts, stacks, services and stores, and what needs what.
    pub picture: Picture,
    /// The core's version.
    pub core: String,
    /// Whether the plan ended early.
    pub errored: bool,
    /// Whether values are known at all.
    pub has_values: bool,
    secrets: Secrets,
}

/// What becomes of one resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its address.
    pub address: String,
    /// What is done with it.
    pub action: Action,
    /// Why.
    pub why: Vec<String>,
    /// What to look at.
    pub dangers: Vec<Danger>,
    /// Its services, where it is a stack.
    pub services: Vec<ServiceChange>,
    /// What is another value.
    pub differences: Vec<Difference>,
}

/// An output that changes.
#[derive(Clone, Debug)]
pub struct Output {
    /// What is another value.
    pub differences: Vec<Difference>,
}

/// A problem that was told beside the plan.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Whether it is an error.
    pub is_error: bool,
    /// In one line.
    pub summary: String,
    /// The rest.
    pub detail: String,
}

/// Looks for what looks like a credential in any text.
///
/// # Errors
/// What was found, without it.
pub fn scan(text: &str) -> Result<(), Leak> {
    Secrets::default().scan(text)
}

impl Summary {
    /// All changes.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.places.iter().flat_map(|(_, changes)| changes)
    }

    /// Whether applying it does nothing.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.outputs.is_empty()
    }

    /// All dangers, with whose they are, the gravest first.
    pub fn dangers(&self) -> Vec<(&Change, &Danger)> {
        let mut all: Vec<(&Change, &Danger)> = self
            .changes()
            .flat_map(|change| change.dangers.iter().map(move |danger| (change, danger)))
            .collect();
        all.sort_by_key(|(change, danger)| (danger.risk, change.address.clone()));
        all
    }

    /// In one line: `2 to create, 1 to replace`.
    pub fn headline(&self) -> String {
        let mut counts: BTreeMap<Action, usize> = BTreeMap::new();
        for change in self.changes() {
            let action = match change.action {
                Action::Replace { .. } => Action::Replace { new_first: false },
                other => other,
            };
            *counts.entry(action).or_default() += 1;
        }
        let verb = |action: &Action| match action {
            Action::Create => "to create",
            Action::Update => "to change",
            Action::Replace { .. } => "to replace",
            Action::Destroy => "to destroy",
            Action::Forget => "to forget",
            Action::Import => "to import",
            Action::Move => "to move",
            Action::Read => "to read",
        };
        let mut parts: Vec<String> =
            counts.iter().map(|(action, count)| format!("{count} {}", verb(action))).collect();
        if parts.is_empty() && !self.outputs.is_empty() {
            parts.push("only outputs change".into());
        }
        match (self.errored, parts.is_empty()) {
            (true, _) => "the plan could not be made".into(),
            (false, true) => "no changes".into(),
            (false, false) => parts.join(", "),
        }
    }

    /// Renders it, in no more than so many bytes where a limit is given.
    ///
    /// # Errors
    /// When something would be in it that nobody may see.
    pub fn render(&self, format: Format, limit: Option<usize>) -> Result<Rendered, Leak> {
        let rendered = render::render(self, format, limit);
        self.secrets.scan(&rendered.text)?;
        Ok(rendered)
    }
}
