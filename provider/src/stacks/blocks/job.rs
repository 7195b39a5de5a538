//! The `job` blocks.

use std::collections::{BTreeMap, BTreeSet};

use compose::{Job, dotenv::is_variable_name};
use framework::{Diagnostic, Diagnostics, Field, Path, schema::parse_duration};
use stack::{JOB_LIMIT, JobSpec, When};

use super::JobBlock;

/// Where the block of this number is.
fn block(index: usize) -> Path {
    Path::root().attribute("job").index(index)
}

fn spec(block: &JobBlock) -> JobSpec {
    let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
    // The schema's validators have checked the spellings.
    let limit = block.timeout.as_str().and_then(|text| parse_duration(text).ok());
    JobSpec {
        job: Job {
            name: text(&block.name),
            service: text(&block.service),
            command: block.command.known().cloned().unwrap_or_default(),
            environment: block.environment.known().cloned().unwrap_or_default(),
            limit: limit.unwrap_or(JOB_LIMIT),
        },
        when: if block.when.as_str() == Some("after") { When::After } else { When::Before },
        needs: block.needs.known().cloned().unwrap_or_default(),
        always: block.run_on.as_str() == Some("apply"),
    }
}

/// The jobs of a stack, in their order.
pub(crate) fn jobs(blocks: &Field<Vec<JobBlock>>) -> Vec<JobSpec> {
    blocks.known().into_iter().flatten().map(spec).collect()
}

/// The services that jobs are runs of, each with the number of its first block; `None` while one
/// of them is unknown.
pub(crate) fn services(blocks: &Field<Vec<JobBlock>>) -> Option<BTreeMap<String, usize>> {
    let mut services = BTreeMap::new();
    for (index, block) in blocks.decided().ok()?.into_iter().flatten().enumerate() {
        if let Some(service) = block.service.decided().ok()? {
            services.entry(service.clone()).or_insert(index);
        }
    }
    Some(services)
}

/// Checks what validators of single attributes cannot.
pub(crate) fn validate(blocks: &Field<Vec<JobBlock>>, problems: &mut Diagnostics) {
    let mut names = BTreeSet::new();
    for (index, one) in blocks.known().into_iter().flatten().enumerate() {
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
                blame("environment", format!("{name:?} is not a valid name of a variable."));
            }
        }
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
