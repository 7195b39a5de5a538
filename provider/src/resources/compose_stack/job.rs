//! The `job` blocks: what they say, and which of them an apply runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use compose::{job::Job, layout::is_variable_name, plan::Change};
use framework::{Diagnostic, Diagnostics, Field, Path};

use super::{
    model::{JobBlock, StackModel},
    prediction::Prediction,
};

/// How long a job may take when its block says nothing else.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// On which side of the services' start a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Between pulling and starting.
    Before,
    /// Once all is well.
    After,
}

/// A job of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Where its block is.
    pub(super) at: Path,
    pub(super) job: Job,
    pub(super) when: When,
    /// The services that are well before it runs.
    pub(super) needs: BTreeSet<String>,
    /// Whether every apply runs it.
    always: bool,
}

/// Where the block of this number is.
fn block(index: usize) -> Path {
    Path::root().attribute("job").index(index)
}

impl Wanted {
    fn of(index: usize, block_of: &JobBlock) -> Self {
        let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
        // The schema's validators have checked the spellings.
        let limit = block_of.timeout.as_str().and_then(|text| framework::schema::parse_duration(text).ok());
        Self {
            at: block(index),
            job: Job {
                name: text(&block_of.name),
                service: text(&block_of.service),
                command: block_of.command.known().cloned().unwrap_or_default(),
                environment: block_of.environment.known().cloned().unwrap_or_default(),
                limit: limit.unwrap_or(LIMIT),
            },
            when: if block_of.when.as_str() == Some("after") { When::After } else { When::Before },
            needs: block_of.needs.known().cloned().unwrap_or_default(),
            always: block_of.run_on.as_str() == Some("apply"),
        }
    }

    /// Whether it is the very run that `other` is, however long it may take and whenever it is due.
    fn is_run_of(&self, other: &Self) -> bool {
        let run = |one: &Self| Job { limit: LIMIT, ..one.job.clone() };
        run(self) == run(other) && self.when == other.when && self.needs == other.needs
    }
}

/// The jobs of a model, in their order.
pub(super) fn wanted(model: &StackModel) -> Vec<Wanted> {
    let blocks = model.job.known().into_iter().flatten();
    blocks.enumerate().map(|(index, block)| Wanted::of(index, block)).collect()
}

/// The services that jobs are runs of, each with the number of its first block; `None` while one
/// of them is unknown.
pub(super) fn services(model: &StackModel) -> Option<BTreeMap<String, usize>> {
    let mut services = BTreeMap::new();
    for (index, block) in model.job.decided().ok()?.into_iter().flatten().enumerate() {
        if let Some(service) = block.service.decided().ok()? {
            services.entry(service.clone()).or_insert(index);
        }
    }
    Some(services)
}

/// Where the service of the job with this number is named.
pub(super) fn service_at(index: usize) -> Path {
    block(index).attribute("service")
}

/// The names of the jobs that run because their own blocks are new or changed.
pub(super) fn changed(prior: Option<&StackModel>, planned: &StackModel) -> BTreeSet<String> {
    let prior = prior.map(wanted).unwrap_or_default();
    let same = |one: &Wanted| prior.iter().any(|other| one.is_run_of(other));
    wanted(planned).iter().filter(|one| !same(one)).map(|one| one.job.name.clone()).collect()
}

/// What decides which jobs an apply runs.
pub(super) struct Due {
    /// The names of the jobs whose own blocks are new or changed.
    pub(super) changed: BTreeSet<String>,
    /// Whether the services or their files are changed by this apply.
    pub(super) stack: bool,
}

impl Due {
    /// Whether this one runs.
    pub(super) fn runs(&self, one: &Wanted) -> bool {
        one.always || self.stack || self.changed.contains(&one.job.name)
    }
}

/// Whether services or files are changed: to start, to stop or to restart what is there already is
/// no change.
pub(super) fn stack_changes(
    prior: Option<(&StackModel, Option<&Prediction>)>,
    planned: &StackModel,
    prediction: &Prediction,
    changes: &BTreeMap<String, Change>,
) -> bool {
    let Some((model, Some(before))) = prior else { return true };
    model.source_hash != planned.source_hash
        || before.services != prediction.services
        || before.runs != prediction.runs
        || changes
            .values()
            .any(|change| !matches!(change, Change::Keep | Change::Repair | Change::Restart(_)))
}

/// Checks what validators of single attributes cannot.
pub(super) fn validate(config: &StackModel, problems: &mut Diagnostics) {
    let mut names = BTreeSet::new();
    for (index, one) in config.job.known().into_iter().flatten().enumerate() {
        let title = format!("Could not use job {:?}", one.name.as_str().unwrap_or_default());
        let mut blame = |attribute: &str, words: String| {
            problems.push(Diagnostic::error(&*title).detail(words).at(block(index).attribute(attribute)));
        };
        if let Some(name) = one.name.known()
            && !names.insert(name)
        {
            blame(
                "name",
                "Another job of this stack has this name; messages and containers go by it.".into(),
            );
        }
        let needs = one.needs.known().is_some_and(|needs| !needs.is_empty());
        if needs && one.when.as_str() == Some("after") {
            blame(
                "needs",
                "A job that runs `after` the services finds all of them started and well: it needs none before. \
                 Leave `needs` out, or let the job run `before`."
                    .into(),
            );
        }
        for name in one.environment.known().into_iter().flat_map(BTreeMap::keys) {
            if !is_variable_name(name) {
                blame("environment", format!("{name:?} is no name of a variable."));
            }
        }
    }
}

/// Checks what only the resolved project tells: the services that are needed.
pub(super) fn check(title: &str, model: &StackModel, prediction: &Prediction) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::new();
    for one in wanted(model) {
        let started = |name: &String| prediction.services.get(name).is_some_and(|one| !one.left_alone);
        let missing: Vec<&str> = one.needs.iter().filter(|name| !started(name)).map(String::as_str).collect();
        if missing.is_empty() {
            continue;
        }
        let there: Vec<&str> =
            prediction.services.keys().filter(|name| started(name)).map(String::as_str).collect();
        problems.push(
            Diagnostic::error(title)
                .detail(format!(
                    "Job {:?} needs {}, which is no service that the stack starts. It starts: {}.",
                    one.job.name,
                    missing.join(", "),
                    there.join(", ")
                ))
                .detail("Nothing was changed.")
                .detail(
                    "Correct `needs`, switch on its profile in `profiles`, or name it in `start_services` where that is \
                     set.",
                )
                .at(one.at.attribute("needs")),
        );
    }
    problems.into_result()
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
