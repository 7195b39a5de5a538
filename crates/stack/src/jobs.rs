//! Which jobs an apply runs, and whether it can.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    changes::Change,
    desired::DesiredStack,
    error::{Error, UnknownNeeds},
    options::JobSpec,
    prior::Prior,
};

/// What decides which jobs an apply runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The names of the jobs that are new or changed themselves.
    pub changed: BTreeSet<String>,
    /// Whether the services or their files are changed by this apply.
    pub stack: bool,
}

impl Due {
    /// Whether this one runs.
    pub fn runs(&self, one: &JobSpec) -> bool {
        one.always || self.stack || self.changed.contains(&one.job.name)
    }
}

/// The names of the jobs that run because they are new or changed themselves.
pub fn changed_jobs(prior: &[JobSpec], jobs: &[JobSpec]) -> BTreeSet<String> {
    let same = |one: &JobSpec| prior.iter().any(|other| one.is_run_of(other));
    jobs.iter().filter(|one| !same(one)).map(|one| one.job.name.clone()).collect()
}

/// Whether services or files are changed: to start, to stop or to restart what is there already is
/// no change.
pub(crate) fn stack_changes(
    prior: Option<&Prior>,
    source_hash: &str,
    desired: &DesiredStack,
    changes: &BTreeMap<String, Change>,
) -> bool {
    let Some((prior, before)) = prior.and_then(|prior| Some((prior, prior.desired.as_ref()?))) else {
        return true;
    };
    prior.source_hash.as_deref() != Some(source_hash)
        || before.services != desired.services
        || before.runs != desired.runs
        || changes.values().any(|change| {
            !matches!(change, Change::Keep | Change::Reload | Change::Repair | Change::Restart(_))
        })
}

/// Checks that the stack starts the services that jobs need: it starts those in `started`.
///
/// # Errors
/// [`Error::UnknownNeeds`] with all of those that do not.
pub fn check_needs(jobs: &[JobSpec], started: &BTreeSet<String>) -> Result<(), Error> {
    let wrong = jobs.iter().enumerate().filter_map(|(job, one)| {
        let missing: Vec<String> =
            one.needs.iter().filter(|name| !started.contains(*name)).cloned().collect();
        let started = started.iter().cloned().collect();
        (!missing.is_empty()).then(|| UnknownNeeds { job, name: one.job.name.clone(), missing, started })
    });
    let wrong: Vec<UnknownNeeds> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::UnknownNeeds(wrong)) }
}

#[cfg(test)]
mod tests {
    use compose::Job;

    use super::*;
    use crate::{
        options::{JOB_LIMIT, When},
        service::tests::desired,
    };

    fn job(name: &str) -> JobSpec {
        let job = Job {
            name: name.into(),
            service: "app".into(),
            command: vec!["migrate".into()],
            environment: BTreeMap::new(),
            limit: JOB_LIMIT,
        };
        JobSpec { job, when: When::Before, needs: BTreeSet::new(), always: false }
    }

    fn stack(hash: &str) -> DesiredStack {
        let services = BTreeMap::from([("app".to_owned(), desired(hash))]);
        DesiredStack { digest: "d".into(), services, ..DesiredStack::default() }
    }

    #[test]
    fn a_job_runs_anew_for_what_it_does_and_not_for_how_long() {
        let prior = [job("migrate")];
        let changed_by = |change: &dyn Fn(&mut JobSpec)| {
            let mut one = job("migrate");
            change(&mut one);
            changed_jobs(&prior, &[one]).len()
        };
        assert_eq!(changed_by(&|_| {}), 0);
        assert_eq!(changed_by(&|one| one.job.limit = JOB_LIMIT * 6), 0);
        assert_eq!(changed_by(&|one| one.always = true), 0);
        assert_eq!(changed_by(&|one| one.when = When::After), 1);
        assert_eq!(changed_by(&|one| one.job.command.clear()), 1);
        assert_eq!(changed_by(&|one| one.job.name = "other".into()), 1);
        assert_eq!(changed_jobs(&[], &prior).len(), 1);
        assert_eq!(changed_jobs(&prior, &[]).len(), 0);
    }

    #[test]
    fn what_is_due_depends_on_what_changes() {
        let all = [job("migrate"), JobSpec { always: true, ..job("seed") }];
        let due = |stack: bool, changed: &[&str]| -> Vec<bool> {
            let due = Due { stack, changed: changed.iter().map(|name| (*name).to_owned()).collect() };
            all.iter().map(|one| due.runs(one)).collect()
        };
        assert_eq!(due(false, &[]), [false, true]);
        assert_eq!(due(true, &[]), [true, true]);
        assert_eq!(due(false, &["migrate"]), [true, true]);
    }

    #[test]
    fn to_repair_a_service_is_no_change() {
        let prior = |desired| Prior { source_hash: Some("s".into()), desired, ..Prior::default() };
        let same = stack("c");
        let changes = |change: Change| BTreeMap::from([("app".to_owned(), change)]);
        let is_change =
            |change| stack_changes(Some(&prior(Some(same.clone()))), "s", &same, &changes(change));
        assert!(!is_change(Change::Keep) && !is_change(Change::Repair));
        assert!(!is_change(Change::Restart(["db".to_owned()].into())));
        assert!(is_change(Change::Create) && is_change(Change::Remove));
        assert!(is_change(Change::Scale { from: 1, to: 2 }));

        let keep = changes(Change::Keep);
        assert!(stack_changes(None, "s", &same, &keep));
        assert!(stack_changes(Some(&prior(None)), "s", &same, &keep));
        assert!(stack_changes(Some(&prior(Some(stack("x")))), "s", &same, &keep));
        let edited = Prior { source_hash: Some("changed".into()), ..prior(Some(same.clone())) };
        assert!(stack_changes(Some(&edited), "s", &same, &keep));
        // Another version of Compose alone is none either.
        let newer = DesiredStack { digest: "other".into(), ..stack("c") };
        assert!(!stack_changes(Some(&prior(Some(newer))), "s", &same, &keep));
    }

    #[test]
    fn a_needed_service_must_be_there() {
        let needs = |name: &str| JobSpec { needs: [name.to_owned()].into(), ..job("migrate") };
        assert!(check_needs(&[needs("app")], &stack("c").started_services()).is_ok());
        let Err(Error::UnknownNeeds(wrong)) =
            check_needs(&[job("a"), needs("db")], &stack("c").started_services())
        else {
            panic!("a service that is not there is needed");
        };
        let (missing, started) = (vec!["db".to_owned()], vec!["app".to_owned()]);
        assert_eq!(wrong, [UnknownNeeds { job: 1, name: "migrate".into(), missing, started }]);
    }
}
