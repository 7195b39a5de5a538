//! From what was read to what is told: one pass, in which every text of the plan is masked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::action::{Action, reason};
use super::danger;
use super::picture::Picture;
use super::place::{Place, Places};
use super::read::Source;
use super::read::plan::{self, ResourceChange};
use super::secrets::Secrets;
use super::services;
use super::values::{Difference, Marked, Shown, cut, differences, spelled};
use super::{Change, Output, Problem, Summary};

impl Summary {
    /// What a plan means.
    pub fn of(source: &Source) -> Self {
        let plan = &source.plan;
        let (places, secrets) = (Places::of(plan), Secrets::of(plan));
        let mut by_place: BTreeMap<Place, Vec<Change>> = BTreeMap::new();
        let mut told = BTreeMap::new();
        for one in &plan.resource_changes {
            let Some(action) = action(one) else { continue };
            let change = masked(change(one, action), &secrets);
            told.insert(one.address.clone(), action);
            by_place.entry(places.place(one)).or_default().push(change);
        }
        let mut by_place: Vec<(Place, Vec<Change>)> = by_place.into_iter().collect();
        by_place.iter_mut().for_each(|(_, changes)| changes.sort_by_cached_key(gravity));
        by_place.sort_by_cached_key(|(place, changes)| (changes.iter().map(gravity).min(), place.clone()));
        let outside = plan.resource_drift.iter().filter(|one| one.mode != "data");
        let outside = outside.filter_map(|one| Some(masked(change(one, action(one)?), &secrets)));
        let outputs = plan.output_changes.iter().filter_map(|(name, change)| output(name, change, &secrets));
        let problem = |one: &super::read::stream::Diagnostic| Problem {
            is_error: one.severity == "error",
            summary: secrets.mask(&one.summary),
            detail: secrets.mask(&one.detail),
        };
        Self {
            outside: outside.collect(),
            outputs: outputs.collect(),
            problems: source.diagnostics.iter().map(problem).collect(),
            picture: Picture::of(plan, &places, &told, &secrets),
            core: plan.terraform_version.clone(),
            errored: plan.errored,
            has_values: source.has_values,
            places: by_place,
            secrets,
        }
    }
}

/// Dangers first, the gravest of them; then what goes, what changes, what comes.
fn gravity(change: &Change) -> (bool, Option<danger::Risk>, Action, String) {
    let gravest = change.dangers.iter().map(|danger| danger.risk).min();
    (gravest.is_none(), gravest, change.action, change.address.clone())
}

/// What is done with a resource; `None` where that is nothing that anybody would look at.
fn action(of: &ResourceChange) -> Option<Action> {
    let is_import = of.change.importing.as_ref().is_some_and(|import| !import.is_null());
    let found = Action::of_words(&of.change.actions);
    match found {
        // A data source that waits for something shows in what uses it.
        Some(Action::Read) if of.mode == "data" => None,
        None if is_import => Some(Action::Import),
        None if of.previous_address.as_ref().is_some_and(|previous| *previous != of.address) => {
            Some(Action::Move)
        }
        other => other,
    }
}

fn change(of: &ResourceChange, action: Action) -> Change {
    let services = services::changes(of);
    let differences = match action {
        // What goes is known by its name; its values are those of the state.
        Action::Destroy | Action::Forget => Vec::new(),
        // What is new has many values that are not known, and defaults that are nothing.
        Action::Create => of_values(&of.change).into_iter().filter(is_something).collect(),
        _ => of_values(&of.change),
    };
    let differences = without_services(of, differences);
    Change {
        address: address(of),
        why: why(of, action, &differences, &services),
        dangers: danger::of(of, action, &services),
        action,
        services,
        differences,
    }
}

fn is_something(difference: &Difference) -> bool {
    match &difference.after {
        Shown::Unknown | Shown::Absent => false,
        Shown::Text(text) => text != "[]" && text != "{}",
        Shown::Lines(_) | Shown::Sensitive => true,
    }
}

fn address(of: &ResourceChange) -> String {
    match &of.deposed {
        Some(key) => format!("{} (deposed {key})", of.address),
        None => of.address.clone(),
    }
}

fn of_values(change: &plan::Change) -> Vec<Difference> {
    let before =
        Marked { value: Some(&change.before), unknown: None, sensitive: Some(&change.before_sensitive) };
    let after = Marked {
        value: Some(&change.after),
        unknown: Some(&change.after_unknown),
        sensitive: Some(&change.after_sensitive),
    };
    differences(before, after, &change.replace_paths)
}

/// Services have a table of their own, and hashes say nothing to people.
fn without_services(of: &ResourceChange, found: Vec<Difference>) -> Vec<Difference> {
    if !services::is_stack(&of.r#type) {
        return found;
    }
    found
        .into_iter()
        .filter(|one| !one.path.starts_with("services") && !one.path.starts_with("image_digests"))
        .collect()
}

fn why(
    of: &ResourceChange,
    action: Action,
    differences: &[Difference],
    services: &[services::ServiceChange],
) -> Vec<String> {
    let mut why: Vec<String> = reason(&of.action_reason, &of.r#type).into_iter().collect();
    if let Some(previous) = of.previous_address.as_ref().filter(|previous| **previous != of.address) {
        why.push(format!("it was `{previous}`"));
    }
    if of.change.importing.as_ref().is_some_and(|import| !import.is_null()) && action != Action::Import {
        why.push("it is imported first".into());
    }
    if matches!(action, Action::Replace { .. }) && !of.change.replace_paths.is_empty() {
        let mut paths: Vec<String> =
            of.change.replace_paths.iter().map(|path| format!("`{}`", spelled(path))).collect();
        paths.dedup();
        why.push(format!("{} cannot change in place", paths.join(", ")));
    }
    if action == Action::Update && why.is_empty() && services.is_empty() {
        let mut names: Vec<&str> = differences
            .iter()
            .filter(|one| one.after != Shown::Unknown)
            .map(|one| one.path.split(['.', '[']).next().unwrap_or_default())
            .collect();
        names.dedup();
        if !names.is_empty() {
            why.push(names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
        }
    }
    why
}

fn output(name: &str, change: &plan::Change, secrets: &Secrets) -> Option<Output> {
    Action::of_words(&change.actions)?;
    let mut differences = of_values(change);
    differences.iter_mut().for_each(|one| mask(one, secrets));
    for one in &mut differences {
        let rest = std::mem::take(&mut one.path);
        let is_index = rest.is_empty() || rest.starts_with('[');
        one.path = if is_index { format!("{name}{rest}") } else { format!("{name}.{rest}") };
    }
    if let Value::Bool(true) = change.after_sensitive
        && differences.is_empty()
    {
        let path = name.to_owned();
        differences.push(Difference {
            path,
            before: Shown::Sensitive,
            after: Shown::Sensitive,
            replaces: false,
        });
    }
    Some(Output { differences })
}

fn masked(mut change: Change, secrets: &Secrets) -> Change {
    let text = |text: &mut String| *text = secrets.mask(text);
    text(&mut change.address);
    change.why.iter_mut().for_each(text);
    change.dangers.iter_mut().for_each(|danger| text(&mut danger.text));
    for service in &mut change.services {
        text(&mut service.name);
        text(&mut service.image);
        service.why.iter_mut().for_each(text);
    }
    change.differences.iter_mut().for_each(|one| mask(one, secrets));
    change
}

/// Masked first and cut then, so that no half of a secret is left.
fn mask(difference: &mut Difference, secrets: &Secrets) {
    difference.path = secrets.mask(&difference.path);
    let seen = |text: &mut String| *text = cut(&secrets.mask(text));
    for shown in [&mut difference.before, &mut difference.after] {
        match shown {
            Shown::Text(text) => seen(text),
            Shown::Lines(lines) => lines.iter_mut().for_each(seen),
            Shown::Sensitive | Shown::Unknown | Shown::Absent => {}
        }
    }
}
