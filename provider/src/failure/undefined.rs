//! Variables that nothing sets, and files that nobody takes.

use std::collections::BTreeSet;

use compose::{
    OWN_VARIABLES,
    newer::IgnoredKey,
    uses::{Use, User},
};
use framework::Diagnostic;
use stack::Undefined;

/// What to do about a dotenv text that Compose takes for something else than was meant.
pub(super) const DOLLARS: &str =
    "A dollar sign that begins no variable is written `$$`, or the value stands in single quotes.";
/// How many uses of a variable are shown.
const MOST_USES: usize = 5;

/// The variables by their names.
pub(super) fn names(undefined: &[Undefined]) -> String {
    undefined.iter().map(Undefined::shown).collect::<Vec<_>>().join(", ")
}

/// The places where variables without a value are used, a line for each variable.
pub(super) fn used(undefined: &[Undefined]) -> String {
    undefined.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(one: &Undefined) -> String {
    let mut places: Vec<String> = one.uses.iter().take(MOST_USES).map(place).collect();
    if one.uses.len() > MOST_USES {
        places.push(format!("and {} more", one.uses.len() - MOST_USES));
    }
    let said = |name: &String| one.uses.iter().any(|one| one.by == User::Service(name.clone()));
    let silent: Vec<String> =
        one.services.iter().filter(|name| !said(name)).map(|name| format!("{name:?}")).collect();
    if !silent.is_empty() {
        let services = if silent.len() == 1 { "service" } else { "services" };
        places.push(format!("for {services} {}", silent.join(", ")));
    }
    match places.is_empty() {
        true => format!("  {}", one.shown()),
        false => format!("  {}: {}", one.shown(), places.join(", ")),
    }
}

fn place(one: &Use) -> String {
    let Use { file, line, by } = one;
    match by {
        User::Service(service) => format!("service {service:?} ({file}, line {line})"),
        User::Variable(variable) => format!("the value of {variable} ({file}, line {line})"),
        User::Project | User::Other => format!("{file}, line {line}"),
    }
}

/// What to do about variables that Compose has everywhere but under a sudo of its own.
const NOT_PASSED_ON: &str = "Where sudo runs Docker alone (`sudo = \"docker\"`), it passes neither `PWD` nor `DOCKER_HOST` \
                             on to Compose. A path that is relative to the first Compose file (`./data`) needs no `${PWD}`.";

/// What to do about variables without a value.
pub(super) fn set_them(undefined: &[Undefined]) -> String {
    let (own, others): (Vec<_>, Vec<_>) =
        undefined.iter().cloned().partition(|one| OWN_VARIABLES.contains(&one.name.as_str()));
    match (own.is_empty(), others.is_empty()) {
        (true, _) => set_others(&others),
        (false, true) => NOT_PASSED_ON.to_owned(),
        (false, false) => format!("{} {NOT_PASSED_ON}", set_others(&others)),
    }
}

fn set_others(undefined: &[Undefined]) -> String {
    let in_value = |one: &Undefined| one.uses.iter().any(|one| matches!(one.by, User::Variable(_)));
    let first = undefined.iter().find(|one| !in_value(one)).map_or("NAME", |one| one.name.as_str());
    let set = format!(
        "Set them in `environment`, in `secrets_wo` or in the stack's own .env file, or say where they are used what \
         stands in for them: `${{{first}:-}}` for an empty text. With `undefined_variables = \"warn\"`, all of them are \
         empty."
    );
    match (undefined.iter().all(in_value), undefined.iter().any(in_value)) {
        (true, _) => DOLLARS.to_owned(),
        (false, true) => format!("{set} {DOLLARS}"),
        (false, false) => set,
    }
}

/// What to do about files in which a variable that must have a value (`${NAME:?}`) has none, where that is
/// what Compose says.
pub(super) fn required(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("required variable ")?;
    let name = rest.split(' ').next().filter(|_| rest.contains("is missing a value"))?;
    Some(format!(
        "Give {name} a value in `environment`, in `secrets_wo` or in the stack's own .env file (the one that the server \
         has of its own counts with `host_env = \"merge\"`)."
    ))
}

/// What to do about files that Compose cannot read: about the variables that it took for empty, where
/// there are some, and `next`.
pub(super) fn with_blank(undefined: &[Undefined], next: &str) -> String {
    if undefined.is_empty() {
        return next.to_owned();
    }
    let blank = format!(
        "Variables that nothing sets were taken for empty, which may be why: {}.\n{}\n{}",
        names(undefined),
        used(undefined),
        set_them(undefined)
    );
    if next.is_empty() { blank } else { format!("{blank}\n\n{next}") }
}

/// The warning that variables without a value are empty, as it was asked for.
pub(crate) fn taken_for_empty(stack: &str, undefined: &[Undefined]) -> Diagnostic {
    Diagnostic::warning(format!("Compose stack {stack:?} takes variables that nothing sets for empty"))
        .detail(format!(
            "Services use variables that have no value: {}.\n{}",
            names(undefined),
            used(undefined)
        ))
        .detail("They are empty, because `undefined_variables` is \"warn\".")
        .at("undefined_variables")
}

/// The warning that the host's Compose, of this version, does nothing about what the files say.
pub(crate) fn ignored_keys(stack: &str, version: &str, ignored: &BTreeSet<IgnoredKey>) -> Diagnostic {
    let lines = ignored.iter().map(|one| {
        format!("- service {}: `{}` needs Docker Compose {} or newer", one.service, one.key, one.since)
    });
    Diagnostic::warning(format!("Docker Compose is too old for parts of compose stack {stack:?}"))
        .detail(format!(
            "On the host it is {version}, which reads these keys and does nothing about them:\n{}",
            lines.collect::<Vec<_>>().join("\n")
        ))
        .detail("Update Docker Compose on the host, or remove them from the Compose files.")
}

/// The warning that files are called like Compose files, and are not taken.
pub(crate) fn not_taken(stack: &str, files: &[String], unused: &[String]) -> Diagnostic {
    let unused: BTreeSet<&str> = unused.iter().map(String::as_str).collect();
    let unused = unused.into_iter().collect::<Vec<_>>().join(", ");
    Diagnostic::warning(format!("Compose stack {stack:?} is not made of all its Compose files"))
        .detail(format!(
            "Docker Compose takes {}. It does not take what is called like a Compose file as well: {unused}.",
            files.join(", ")
        ))
        .detail("Name all that count in `files`; that ends this warning as well where the choice is right.")
        .at("source_dir")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, services: &[&str], uses: &[(&str, usize, User)]) -> Undefined {
        Undefined {
            name: name.to_owned(),
            services: services.iter().map(|name| (*name).to_owned()).collect(),
            uses: uses
                .iter()
                .map(|(file, line, by)| Use { file: (*file).to_owned(), line: *line, by: by.clone() })
                .collect(),
        }
    }

    #[test]
    fn a_variable_that_must_have_a_value_is_to_be_given_one() {
        let said =
            "error while interpolating services.app.environment.A: required variable A_1 is missing a value";
        assert!(required(said).unwrap().starts_with("Give A_1 a value in `environment`"));
        assert!(required(&format!("{said}: see the wiki")).is_some());
        assert_eq!(required("invalid interpolation format"), None);
    }

    #[test]
    fn a_use_tells_its_service_its_file_and_its_line() {
        let service = |name: &str| User::Service(name.to_owned());
        for (one, expected) in [
            (one("A", &["web"], &[("c.yaml", 3, service("web"))]), "  A: service \"web\" (c.yaml, line 3)"),
            (
                one("A", &["db", "web"], &[("c.yaml", 2, User::Other)]),
                "  A: c.yaml, line 2, for services \"db\", \"web\"",
            ),
            (
                one("def", &["web"], &[("app.env", 2, User::Variable("P".to_owned()))]),
                "  def: the value of P (app.env, line 2), for service \"web\"",
            ),
            (
                one("ecret", &["web"], &[(".env", 1, User::Variable("DB_PASSWORD".to_owned()))]),
                "  what follows a `$` in DB_PASSWORD: the value of DB_PASSWORD (.env, line 1), for service \"web\"",
            ),
            (one("A", &[], &[]), "  A"),
        ] {
            assert_eq!(used(&[one]), expected);
        }
        let uses: Vec<_> = (1..8).map(|line| ("c.yaml", line, service("web"))).collect();
        assert!(used(&[one("A", &["web"], &uses)]).ends_with("line 5), and 2 more"));
    }

    #[test]
    fn what_may_be_why_files_are_wrong_comes_first() {
        let uses = [("c.yaml", 3, User::Service("web".to_owned()))];
        let text = with_blank(&[one("DATA", &[], &uses)], "Ship it.");
        let start = "Variables that nothing sets were taken for empty, which may be why: DATA.\n  DATA: service \"web\"";
        assert!(text.starts_with(start) && text.ends_with("\n\nShip it."), "{text}");
        assert_eq!(with_blank(&[], "Ship it."), "Ship it.");
    }

    #[test]
    fn what_compose_is_too_old_for_is_listed() {
        let one = |service: &str, key: &str| IgnoredKey {
            service: service.into(),
            key: key.into(),
            since: "2.30.0".into(),
        };
        assert_eq!(
            ignored_keys("shop", "2.26.1", &[one("db", "gpus"), one("app", "post_start")].into()).to_string(),
            "Docker Compose is too old for parts of compose stack \"shop\"\n\
             On the host it is 2.26.1, which reads these keys and does nothing about them:\n\
             - service app: `post_start` needs Docker Compose 2.30.0 or newer\n\
             - service db: `gpus` needs Docker Compose 2.30.0 or newer\n\n\
             Update Docker Compose on the host, or remove them from the Compose files."
        );
    }

    #[test]
    fn what_is_taken_for_empty_is_listed() {
        let uses = [("c.yaml", 3, User::Service("web".to_owned()))];
        assert_eq!(
            taken_for_empty("shop", &[one("TAG", &["web"], &uses)]).to_string(),
            "Compose stack \"shop\" takes variables that nothing sets for empty (at undefined_variables)\n\
             Services use variables that have no value: TAG.\n  TAG: service \"web\" (c.yaml, line 3)\n\n\
             They are empty, because `undefined_variables` is \"warn\"."
        );
    }

    #[test]
    fn what_is_not_taken_is_named() {
        let (files, unused) = (["compose.yaml".to_owned()], ["docker-compose.yml".to_owned()]);
        assert_eq!(
            not_taken("shop", &files, &unused).to_string(),
            "Compose stack \"shop\" is not made of all its Compose files (at source_dir)\n\
             Docker Compose takes compose.yaml. It does not take what is called like a Compose file as well: \
             docker-compose.yml.\n\n\
             Name all that count in `files`; that ends this warning as well where the choice is right."
        );
    }
}
