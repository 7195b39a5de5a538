//! Which services are started and what is waited for, from the attributes and back to them.

use std::collections::BTreeSet;

use compose::choice::{Choice, Misfit, WaitFor};
use framework::{Diagnostic, Path};

use super::model::StackModel;

/// What the attributes say; `None` while a part of it is unknown.
pub(super) fn chosen(config: &StackModel) -> Option<Choice> {
    let (start, wait) = (config.start_services.decided().ok()?, config.wait_for.decided().ok()?);
    let wait = wait.into_iter().flatten();
    let wait = wait.filter_map(|(name, word)| Some((name.clone(), WaitFor::parse(word)?)));
    Some(Choice { start: start.cloned(), wait: wait.collect() })
}

/// The texts that a choice is made of, for a digest; none where nothing is chosen.
pub(super) fn digested(choice: &Choice) -> Vec<&str> {
    if choice.is_default() {
        return Vec::new();
    }
    let start = choice.start.iter().flatten().map(String::as_str);
    let wait = choice.wait.iter().flat_map(|(name, wait)| [name.as_str(), wait.word()]);
    let chosen = if choice.start.is_some() { "start_services" } else { "all services" };
    [chosen].into_iter().chain(start).chain(["wait_for"]).chain(wait).collect()
}

/// The diagnostic of what does not fit the files.
pub(super) fn diagnostic(title: &str, misfit: &Misfit, world: &str) -> Diagnostic {
    let waits_for = |service: &str| Path::root().attribute("wait_for").key(service);
    let (happened, next, at) = match misfit {
        Misfit::StartsUnknown { service, known } => (
            format!(
                "`start_services` names {service:?}, which is no service of the Compose files. {}",
                there_are(known)
            ),
            "Correct `start_services`, then plan again.".to_owned(),
            Path::root().attribute("start_services"),
        ),
        Misfit::StartsInactive { service } => (
            format!("`start_services` names {service:?}, but none of its profiles is switched on."),
            "Switch one of them on in `profiles`, or take the service out of `start_services`.".to_owned(),
            Path::root().attribute("start_services"),
        ),
        Misfit::NeedsIdle { service, needed } => (
            format!(
                "`start_services` starts {service:?} and leaves out {needed:?}, which {service:?} needs: it depends on \
                 it, or shares something with it."
            ),
            format!(
                "Add {needed:?} to `start_services`, take {service:?} out of it, or, where {service:?} can do without, \
                 say `required: false` under its `depends_on`."
            ),
            Path::root().attribute("start_services"),
        ),
        Misfit::WaitsForUnknown { service, known } => (
            format!(
                "`wait_for` names {service:?}, which is no service of the Compose files. {}",
                there_are(known)
            ),
            "Correct `wait_for`, then plan again.".to_owned(),
            waits_for(service),
        ),
        Misfit::NoHealthCheck { service } => (
            format!(
                "`wait_for` waits until {service:?} is healthy, but the Compose files give it no health check."
            ),
            format!(
                "Add a `healthcheck` to {service:?}. One that only its image brings is waited for without `wait_for`."
            ),
            waits_for(service),
        ),
    };
    Diagnostic::error(title).detail(happened).detail(world).detail(next).at(at)
}

fn there_are(known: &BTreeSet<String>) -> String {
    if known.is_empty() {
        return "There are none.".to_owned();
    }
    format!("There are: {}.", known.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use framework::Field;

    use super::*;

    fn config(start: Option<&[&str]>, wait: &[(&str, &str)]) -> StackModel {
        let start = start.map(|start| start.iter().map(|name| (*name).to_owned()).collect());
        let wait = wait.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned()));
        StackModel {
            start_services: start.map_or(Field::Null, Field::Known),
            wait_for: Field::Known(wait.collect::<BTreeMap<_, _>>()),
            ..StackModel::default()
        }
    }

    #[test]
    fn nothing_chosen_and_nothing_started_are_two_things() {
        assert!(chosen(&config(None, &[])).unwrap().is_default());
        let none = chosen(&config(Some(&[]), &[])).unwrap();
        assert_eq!(none.start, Some(BTreeSet::new()));
        assert_eq!(digested(&none), ["start_services", "wait_for"]);
        assert!(digested(&Choice::default()).is_empty());
        let unknown = StackModel { start_services: Field::Unknown, ..StackModel::default() };
        assert!(chosen(&unknown).is_none());
    }

    #[test]
    fn every_choice_is_in_the_digest() {
        let all = [
            config(Some(&["a"]), &[]),
            config(Some(&["a", "b"]), &[]),
            config(Some(&["a"]), &[("b", "ignore")]),
            config(None, &[("b", "ignore")]),
            config(None, &[("b", "running")]),
        ];
        let digests: BTreeSet<String> =
            all.iter().map(|config| digested(&chosen(config).unwrap()).join(" ")).collect();
        assert_eq!(digests.len(), all.len());
    }

    #[test]
    fn a_misfit_names_both_services_and_the_way_out() {
        let misfit = Misfit::NeedsIdle { service: "app".into(), needed: "db".into() };
        let text =
            diagnostic("Could not plan compose stack \"web\"", &misfit, "Nothing was changed.").to_string();
        for part in ["starts \"app\" and leaves out \"db\"", "Nothing was changed.", "Add \"db\" to"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        let known = ["app", "db"].map(str::to_owned).into();
        let misfit = Misfit::StartsUnknown { service: "ap".into(), known };
        let text = diagnostic("t", &misfit, "").to_string();
        assert!(text.contains("There are: app, db."), "{text}");
    }
}
