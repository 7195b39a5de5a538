//! Comparing what the plan said with what happened, and the table of where they differ.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::fate::{Fate, Fates};

/// Something that Windlass over-reports: the plan says that something happens to the containers, and
/// they stay.
#[derive(Clone, Copy, Debug)]
pub struct OverReport {
    /// The project.
    pub project: &'static str,
    /// The title of the step.
    pub step: &'static str,
    /// The service.
    pub service: &'static str,
    /// Why it cannot be told exactly.
    pub reason: &'static str,
}

/// A difference, or anything else that is wrong with a step of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    project: String,
    step: String,
    service: String,
    text: String,
}

impl Finding {
    /// Something that concerns no single service.
    pub fn of_project(project: &str, step: &str, text: impl Into<String>) -> Self {
        Self { project: project.into(), step: step.into(), service: "*".into(), text: text.into() }
    }
}

/// Compares the fates of the services of one project in one step.
///
/// `expected` is what the author of the step says must happen (`None`: nobody says), services that
/// are not named are kept. An entry of `allowed` that is not needed is a finding as well, so that
/// the list stays true.
pub fn compare(
    (project, step): (&str, &str),
    predicted: &Fates,
    real: &Fates,
    expected: Option<&Fates>,
    allowed: &[OverReport],
) -> Vec<Finding> {
    let names: BTreeSet<&String> = predicted
        .keys()
        .chain(real.keys())
        .chain(expected.into_iter().flat_map(|fates| fates.keys()))
        .collect();
    let of = |fates: &Fates, name: &String| fates.get(name).copied().unwrap_or(Fate::Kept);
    names
        .into_iter()
        .filter_map(|name| {
            let (said, was) = (of(predicted, name), of(real, name));
            let meant = expected.map_or(was, |fates| of(fates, name));
            let listed =
                allowed.iter().any(|one| (one.project, one.step, one.service) == (project, step, name));
            let over = said != Fate::Kept && was == Fate::Kept;
            let text = match (said == was, listed) {
                (true, true) => Some("exact, but listed as over-reported".to_owned()),
                (true, false) => None,
                (false, true) if over => None,
                (false, _) if over => Some("over-reported".to_owned()),
                (false, _) => Some("UNDER-REPORTED or wrong".to_owned()),
            };
            let text = match (text, was == meant) {
                (None, true) => return None,
                (text, true) => text?,
                (text, false) => format!("{}must be {meant}", text.map_or(String::new(), |text| text + ", ")),
            };
            let text = format!("plan: {said:<9}  real: {was:<9}  {text}");
            Some(Finding { project: project.into(), step: step.into(), service: name.clone(), text })
        })
        .collect()
}

/// All findings as one text.
pub fn table(findings: &[Finding]) -> String {
    let width =
        |of: fn(&Finding) -> &str| findings.iter().map(|one| of(one).chars().count()).max().unwrap_or(0);
    let (project, step, service) =
        (width(|one| &one.project), width(|one| &one.step), width(|one| &one.service));
    let mut text = String::new();
    for one in findings {
        let _ = writeln!(
            text,
            "{:project$}  {:step$}  {:service$}  {}",
            one.project, one.step, one.service, one.text
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: (&str, &str) = ("web", "other image");
    const ALLOWED: [OverReport; 1] =
        [OverReport { project: "web", step: "other image", service: "app", reason: "for this test" }];

    fn fates(entries: &[(&str, Fate)]) -> Fates {
        entries.iter().map(|(name, fate)| ((*name).to_owned(), *fate)).collect()
    }

    fn texts(predicted: &[(&str, Fate)], real: &[(&str, Fate)], expected: Option<&[(&str, Fate)]>) -> String {
        let expected = expected.map(fates);
        table(&compare(STEP, &fates(predicted), &fates(real), expected.as_ref(), &[]))
    }

    #[test]
    fn what_agrees_is_no_finding() {
        let same = [("app", Fate::Recreated), ("db", Fate::Kept)];
        assert_eq!(texts(&same, &same[..1], Some(&same)), "");
        assert_eq!(texts(&same, &same, None), "");
    }

    #[test]
    fn a_planted_wrong_prediction_is_found() {
        let under = texts(&[("app", Fate::Kept)], &[("app", Fate::Recreated)], None);
        assert_eq!(
            under,
            "web  other image  app  plan: kept       real: recreated  UNDER-REPORTED or wrong\n"
        );
        let over = texts(&[("app", Fate::Recreated)], &[("app", Fate::Kept)], None);
        assert_eq!(over, "web  other image  app  plan: recreated  real: kept       over-reported\n");
        let silent = texts(&[], &[("app", Fate::Removed)], None);
        assert!(silent.contains("UNDER-REPORTED"), "{silent}");
    }

    #[test]
    fn a_planted_wrong_expectation_is_found() {
        let same = [("app", Fate::Kept)];
        let found = texts(&same, &same, Some(&[("app", Fate::Recreated)]));
        assert!(found.contains("plan: kept       real: kept       must be recreated"), "{found}");
        let found = texts(&[("app", Fate::Created)], &[("app", Fate::Created)], Some(&[]));
        assert!(found.contains("must be kept"), "{found}");
    }

    #[test]
    fn only_over_reports_can_be_allowed() {
        let kept = fates(&[("app", Fate::Kept)]);
        let recreated = fates(&[("app", Fate::Recreated)]);
        assert_eq!(compare(STEP, &recreated, &kept, None, &ALLOWED), []);
        assert_eq!(compare(STEP, &kept, &recreated, None, &ALLOWED).len(), 1);
        let stale = compare(STEP, &kept, &kept, None, &ALLOWED);
        assert!(table(&stale).contains("exact, but listed"), "{stale:?}");
    }

    #[test]
    fn every_finding_is_a_line() {
        let findings =
            [Finding::of_project("a", "long title", "boom"), Finding::of_project("bcd", "t", "bang")];
        assert_eq!(table(&findings), "a    long title  *  boom\nbcd  t           *  bang\n");
    }
}
