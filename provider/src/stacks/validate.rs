//! Checks of attributes that stacks have in common.

use std::collections::{BTreeMap, BTreeSet};

use compose::{OWN_VARIABLES, dotenv::is_variable_name};
use framework::{Diagnostic, Diagnostics, Path, validate};

use super::{Sources, path_of_file};

/// Variables by which plain `docker compose` finds the project: they are ours.
pub(crate) const RESERVED: [&str; 5] = [
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_FILE",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
    "COMPOSE_ENV_FILES",
];

/// Checks what validators of single attributes cannot.
pub(crate) fn validate(config: &Sources<'_>, problems: &mut Diagnostics) {
    let title = "Could not use this variable";
    let secret_names: BTreeSet<&String> =
        config.secrets_wo.known().into_iter().flat_map(BTreeMap::keys).collect();
    let plain_names: BTreeSet<&String> =
        config.environment.known().into_iter().flat_map(BTreeMap::keys).collect();
    for (attribute, names) in [("environment", &plain_names), ("secrets_wo", &secret_names)] {
        for problem in names.iter().filter_map(|name| unusable_name(name)) {
            problems.push(Diagnostic::error(title).detail(problem).at(Path::root().attribute(attribute)));
        }
    }
    for (name, _) in config.environment.known().into_iter().flatten().filter(|(_, value)| value.is_null()) {
        problems.push(
            Diagnostic::error(title)
                .detail(format!("The value of {name} is null. Give it a text, or leave it out."))
                .at(Path::root().attribute("environment").key(name)),
        );
    }
    for name in plain_names.intersection(&secret_names) {
        problems.push(
            Diagnostic::error(title)
                .detail(format!(
                    "{name} is in `environment` and in `secrets_wo`. Take it out of one of them."
                ))
                .at("environment"),
        );
    }
    let files = config.files.known().into_iter().flatten().map(|file| ("files", file));
    for (attribute, file) in files.chain(config.env_file.known().map(|file| ("env_file", file))) {
        if let Err(problem) = path_of_file(file) {
            let problem = Diagnostic::error("Could not use this file").detail(format!("{file:?} {problem}."));
            problems.push(problem.at(attribute));
        }
    }
}

/// What is wrong with the name of a variable, as a sentence.
pub(super) fn unusable_name(name: &str) -> Option<String> {
    if RESERVED.contains(&name) {
        return Some(format!(
            "{name} tells Compose which project it works on; Windlass sets it, by `name`, `files`, `env_file` and \
             `profiles`."
        ));
    }
    if OWN_VARIABLES.contains(&name) {
        return Some(format!(
            "{name} is what Compose itself runs with on the host, whatever is given here. Use another name in the \
             Compose files, such as `${{APP_{name}}}`."
        ));
    }
    (!is_variable_name(name)).then(|| {
        format!(
            "{name:?} is not a valid name of a variable, because Compose reads these from a file: letters, digits, `_`, \
             `-` and `.`, a letter or `_` first."
        )
    })
}

/// Checks the name of a project, by Compose's own rule.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let first = name.chars().next().is_some_and(good);
    if first && name.len() <= 63 && name.chars().all(|c| good(c) || c == '-' || c == '_') {
        return Ok(());
    }
    Err("must be lower-case letters, digits, - and _, a letter or digit first, at most 63 of them".to_owned())
}

/// Checks that a text may name an image.
pub(crate) fn image_reference() -> validate::Validator {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-@[]".contains(c);
    validate::pattern("a reference of an image, such as registry.example.org/app:1", move |text| {
        !text.is_empty() && text.chars().all(plain)
    })
}
