//! Deployments of stacks that stopped.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use compose::{JobError, build::BuildError};
use framework::{Diagnostic, Diagnostics, Path};
use http::probe::{Outcome, Target};
use stack::{
    ContainerFailure, Error, FailedJob, FailedProbe, FailureKind, RollbackError, SelectionError, Step,
    UnknownNeeds, WaitError, Warning, When,
};

use super::{
    Failure, docker_error, host_error,
    place::{hidden, in_the_way, listed, missing},
    reload, sentence, shipped,
    undefined::{DOLLARS, names, required, set_them, used, with_blank},
};

/// What to do about a line of a dotenv file that none of its own signs explains.
const LINES: &str = "Write each line as `NAME=value`; a value with spaces or quotes in it stands in quotes as a whole, and \
     a comment begins with `#`.";

/// The diagnostics of a failed operation on a stack; `files` is the attribute that its Compose files
/// come from.
pub(super) fn stack_error(title: &str, error: Error, world: &str, files: &str) -> Diagnostics {
    let files_error = |happened: String, next: String, at: &str| {
        Diagnostic::error(title).detail(happened).detail(world).detail(next).at(at)
    };
    let diagnostic = match error {
        Error::Docker(_) | Error::File(_) | Error::Lock(_) => {
            return Failure::from(error).into_diagnostics(title, world);
        }
        Error::LockLost { lost, next, done } => lock_lost(title, &lost.to_string(), &next, &done, world),
        Error::Wait(error) => not_ready(title, &error, world),
        Error::AlreadyExists { .. } => files_error(sentence(&error.to_string()), String::new(), "name"),
        Error::DirectoryTaken { ref project, .. } => {
            let next = format!("Choose another `directory`, or destroy the stack {project:?} first.");
            files_error(sentence(&error.to_string()), next, "directory")
        }
        Error::Replaced { .. } => files_error(
            sentence(&error.to_string()),
            "Plan again: the plan then shows the recorded one as gone. Give one of the two another name, or adopt what \
             runs there by an import."
                .to_owned(),
            "name",
        ),
        Error::HostEnvMoved { .. } => files_error(
            sentence(&error.to_string()),
            "Its values count (`host_env`), so that what was planned is out of date: plan again, with a refresh.".to_owned(),
            "host_env",
        ),
        Error::InTheWay { directory, host, paths } => in_the_way(title, &directory, &host, &paths, world),
        Error::Linked { ref target, .. } => {
            let next = format!(
                "Windlass writes no files through a link. Name the directory itself, `directory = {target:?}`, or put \
                 a directory in the place of the link."
            );
            files_error(sentence(&error.to_string()), next, "directory")
        }
        Error::Hidden { path, host } => hidden(title, &path, &host, world),
        Error::InvalidFiles { file, message, undefined } => {
            let happened = match file {
                Some(file) => format!("Docker Compose cannot read {file}: {message}"),
                None => format!("Docker Compose cannot read the files:\n{message}"),
            };
            let next = match (required(&message), undefined.is_empty()) {
                (Some(next), _) => next,
                (None, true) => "Correct the files, then plan again.".to_owned(),
                (None, false) => String::new(),
            };
            files_error(happened, with_blank(&undefined, &next), files)
        }
        Error::OutsideFile { named, path, message, undefined } => files_error(
            format!(
                "Docker Compose needs {named}, which is outside of what is shipped, and the host does not have it \
                 either: there it would be {path}. {}",
                sentence(&message)
            ),
            with_blank(
                &undefined,
                "Ship it too: let `source_dir` be the directory that holds both, and name the Compose file from there in \
                 `files` (such as `files = [\"app/compose.yaml\"]`). Or put it on the host by a `windlass_file`.",
            ),
            files,
        ),
        Error::NoOwnEnv { path, undefined } => files_error(
            format!(
                "A service has {path} as its `env_file`, and there is no such file among what is shipped. What \
                 `environment` and `secrets_wo` give is for the `${{NAME}}` in the Compose files, not for containers."
            ),
            with_blank(
                &undefined,
                &format!(
                    "Ship a {path}, give its text in `files_content`, or name the variables that the service needs \
                     under its `environment:`."
                ),
            ),
            files,
        ),
        Error::InvalidEnv { file, line, message } => {
            let place = line.map_or(file.clone(), |line| format!("line {line} of {file}"));
            let next = if message.contains(['$', '{']) || message.contains("variable") { DOLLARS } else { LINES };
            files_error(format!("Docker Compose cannot read {place}: {message}"), next.to_owned(), files)
        }
        Error::HiddenEnv { service } => files_error(
            format!(
                "Service {service:?} names the stack's .env as an env file by way of a variable, so that it cannot be \
                 told apart from the values that Windlass adds to it."
            ),
            "Write the name out: `env_file: .env`.".to_owned(),
            files,
        ),
        Error::UndefinedVariables(undefined) => files_error(
            format!(
                "The files use variables that have no value: {}.\n{}",
                names(&undefined),
                used(&undefined)
            ),
            set_them(&undefined),
            files,
        ),
        Error::UnknownImageServices(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            files_error(
                format!("`images` names services that the Compose files do not have: {}.", names.join(", ")),
                "Take them out of `images`, or correct their names.".to_owned(),
                "images",
            )
        }
        Error::Selection(errors) => {
            return errors.iter().map(|error| selection_error(title, error, world)).collect();
        }
        Error::Reload(errors) => {
            return errors.iter().map(|error| reload::unfit(title, error, world)).collect();
        }
        Error::Build(error) => {
            files_error(sentence(&error.to_string()), next_of_build(&error).to_owned(), "build")
        }
        Error::UnknownJobService { service, job, message } => {
            let happened = format!("Docker Compose cannot run the service {service:?} of a job: {message}.");
            let next = "Name a service of the Compose files; its profile need not be switched on.";
            at(title, happened, world, next, block("job", job).attribute("service"))
        }
        Error::UnknownNeeds(all) => return all.iter().map(|one| unknown_needs(title, one, world)).collect(),
        Error::Images { failed, buildable, unbuilt } => {
            let world = "Nothing was changed: images are fetched before anything else is done.";
            let unbuilt = (!unbuilt.is_empty()).then(|| not_built(title, &unbuilt));
            let failed = failed.iter().map(|error| not_fetched(title, error, &buildable, world));
            return unbuilt.into_iter().chain(failed).collect();
        }
        Error::Missing(all) => return all.iter().map(|one| missing(title, one, world)).collect(),
        Error::Job(failed) => return failed_job(title, *failed, world),
        Error::Probe(failed) => failed_probe(title, &failed, world),
        Error::Rollback(error) => rollback(title, &error),
    };
    diagnostic.into()
}

/// The diagnostics of what did not stop an operation on a stack.
pub(crate) fn stack_warning(warning: Warning) -> Diagnostics {
    match warning {
        Warning::ReleaseNotKept { stack, error } => {
            let title = format!("Could not keep the good state of compose stack {stack:?}");
            let world = "The stack is as it should be. Should the next apply fail, it is tried to go back to what runs then.";
            Failure::from(error).into_diagnostics(&title, world)
        }
        Warning::NotReloaded { stack, service, command, problem } => {
            reload::failed(&stack, &service, &command, &problem).into()
        }
        Warning::FilesSetAside { stack, kept, paths } => shipped::set_aside(&stack, &kept, &paths).into(),
        Warning::FilesLeft { stack, directory, paths } => shipped::left(&stack, &directory, &paths).into(),
        Warning::FilesReplaced { stack, kept, paths } => {
            Diagnostic::warning(format!("Replaced files that were there before compose stack {stack:?}"))
                .detail(format!(
                    "The imported project had files of its own in the place of: {}.",
                    listed(&paths)
                ))
                .detail(format!(
                    "Copies of them are kept in {kept}; when the stack is destroyed, they are put back."
                ))
                .into()
        }
    }
}

/// The words for an operation that stopped because its lock was gone.
fn lock_lost(title: &str, lost: &str, next: &Step, done: &[Step], world: &str) -> Diagnostic {
    let done: Vec<String> = done.iter().map(ToString::to_string).collect();
    let done = match done.as_slice() {
        [] => "Nothing had been done.".to_owned(),
        some => format!("Done so far: {}.", some.join(", ")),
    };
    let happened = format!(
        "{} Somebody else may be working on the stack since, so this operation stopped before {next}. {done}",
        sentence(lost)
    );
    let next = "See what runs there and who works on it, then apply again.";
    Diagnostic::error(title).detail(happened).detail(world).detail(next)
}

fn at(title: &str, happened: String, world: &str, next: &str, path: Path) -> Diagnostic {
    Diagnostic::error(title).detail(happened).detail(world).detail(next).at(path)
}

fn block(name: &str, index: usize) -> Path {
    Path::root().attribute(name).index(index)
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn next_of_build(error: &BuildError) -> &'static str {
    match error {
        BuildError::Outside { .. } | BuildError::Local { .. } => {
            "Only what is shipped can be built: move the context into `source_dir`, use the URL of a git repository, \
             or name an image for the service in `images`."
        }
        BuildError::Empty { .. } | BuildError::NoDockerfile { .. } => {
            "Correct the path, and see that no .windlassignore leaves it out."
        }
        BuildError::Ignore { .. } => "Correct the pattern.",
        BuildError::Clash(..) => "Give one of them another `image`.",
    }
}

/// An image that could not be fetched; `buildable` are those that the files also say how to build (image
/// to service).
fn not_fetched(
    title: &str,
    error: &docker::Error,
    buildable: &BTreeMap<String, String>,
    world: &str,
) -> Diagnostic {
    let diagnostic = docker_error(title, error, world);
    let (docker::Error::Pull { reference, .. } | docker::Error::NotPulled { reference, .. }) = error else {
        return diagnostic;
    };
    match buildable.get(reference) {
        Some(service) => diagnostic.detail(format!(
            "The Compose files also say how to build it, at service {service}: set `build = true` to build it on \
             the host."
        )),
        None => diagnostic,
    }
}

/// The images of services that the host does not have (image to service).
fn not_built(title: &str, unbuilt: &BTreeMap<String, String>) -> Diagnostic {
    let missing: Vec<String> =
        unbuilt.iter().map(|(image, service)| format!("{service} ({image})")).collect();
    let happened = format!(
        "The Compose files only say how to build the image of these services, and the host does not have it: {}.",
        missing.join(", ")
    );
    let next = "Set `build = true` to build it there, or name an image for the service in `images`.";
    Diagnostic::error(title).detail(happened).detail(super::UNCHANGED).detail(next).at("build")
}

fn unknown_needs(title: &str, one: &UnknownNeeds, world: &str) -> Diagnostic {
    let UnknownNeeds { job, name, missing, started } = one;
    let happened = format!(
        "Job {name:?} needs {}, which is not a service that the stack starts. It starts: {}.",
        missing.join(", "),
        started.join(", ")
    );
    let next = "Correct `needs`, switch on its profile in `profiles`, or name it in `start_services` where that is set.";
    at(title, happened, world, next, block("job", *job).attribute("needs"))
}

/// The words for a job that did not end well.
fn failed_job(title: &str, failed: FailedJob, world: &str) -> Diagnostics {
    let FailedJob { job, name, service, when, host, error, cut } = failed;
    // Of a block, CLIs show no line; of one of its attributes they do.
    let (what, output, attribute) = match error {
        JobError::Docker(error) => return Failure::from(error).into_diagnostics(title, world),
        JobError::Failed { status, took, output } => {
            (format!("ended with status {status} after {}", seconds(took)), output, "service")
        }
        JobError::Unstarted { said } => (format!("did not begin: {said}"), String::new(), "service"),
        JobError::Late { limit, output } => (
            format!("had not ended after {} and was stopped", seconds(limit)),
            output,
            if cut { "service" } else { "timeout" },
        ),
    };
    let side = match when {
        When::Before => {
            "It runs before the services are changed: those that it does not need are as they were."
        }
        When::After => "It runs after the services, which had all become well.",
    };
    let output =
        if output.is_empty() { "It wrote nothing.".to_owned() } else { format!("Its last lines:\n{output}") };
    let happened = format!("Job {name:?}, a run of service {service} on {host}, {what}. {side}\n\n{output}");
    let next = "Correct what its output names, then apply again: the job is still due.";
    at(title, happened, world, next, block("job", job).attribute(attribute)).into()
}

/// The words for a probe that did not pass.
fn failed_probe(title: &str, failed: &FailedProbe, world: &str) -> Diagnostic {
    let FailedProbe { probe, target, from, tries, took, last, answer } = failed;
    let times = if *tries == 1 { "once".to_owned() } else { format!("{tries} times") };
    let happened = format!(
        "The probe of {target}, made from {from}, did not pass: tried {times} in {}. The last time: {answer}.",
        seconds(*took)
    );
    let forbidden = matches!(last, Outcome::NotReached(error) if error.may_be_forbidden());
    let next = if forbidden {
        "Probes are made through the SSH connection. Let the SSH server forward TCP for this user \
         (`AllowTcpForwarding local` or `yes` in sshd_config, and no `PermitOpen` against it), or make the probe \
         from the machine that runs tofu by `from = \"here\"`."
    } else {
        "Correct what keeps it from answering so, or what the probe expects, then apply again. If it only needs \
         longer, give the probe a longer `timeout`."
    };
    let attribute = match target {
        Target::Tcp { .. } => "tcp",
        Target::Http { .. } => "url",
    };
    at(title, happened, world, next, block("probe", *probe).attribute(attribute))
}

fn rollback(title: &str, error: &RollbackError) -> Diagnostic {
    let happened = match error {
        RollbackError::ImagesGone(missing) => {
            format!("The host does not have the images any more that it ran with: {}.", missing.join(", "))
        }
        RollbackError::Damaged { host, place, files } => {
            format!("What is kept of the last good state in {place} on {host} was changed: {}.", list(files))
        }
    };
    Diagnostic::error(title)
        .detail(happened)
        .detail("Nothing was put back: what the failed apply left is still there.")
        .detail("Correct the configuration, or return to the last one that was good, then apply again.")
}

/// The diagnostic of services that did not become what they should be.
fn not_ready(title: &str, error: &WaitError, world: &str) -> Diagnostic {
    let (happened, containers) = match error {
        WaitError::Failed(containers) => (fallen(containers), containers.as_slice()),
        WaitError::Late { limit, pending, containers } => {
            let pending: Vec<String> =
                pending.iter().map(|(name, words)| format!("{name} is {words}")).collect();
            (format!("After {} s: {}.", limit.as_secs(), pending.join(", ")), containers.as_slice())
        }
        WaitError::Cancelled(_) => return host_error(title, &remote::Error::Cancelled, world),
        WaitError::Engine(error) => return docker_error(title, error, world),
    };
    let mut diagnostic = Diagnostic::error(title).detail(happened);
    for container in containers {
        diagnostic = diagnostic.detail(log(container));
    }
    let next = match error {
        WaitError::Late { .. } => {
            "If the services only need longer, give them more time in `timeouts`; otherwise correct what keeps them, \
             then apply again."
        }
        _ if containers.iter().all(|container| container.log.is_empty()) => {
            "Nothing was logged, so look at how it is started: its command, its user, the files and the variables that \
             it needs. Correct that, then apply again."
        }
        _ => "Correct what the log names, then apply again.",
    };
    let mut diagnostic = diagnostic.detail(world);
    let kinds: BTreeSet<FailureKind> = containers.iter().map(|one| one.kind).collect();
    for advice in kinds.iter().filter_map(|kind| advice(*kind, containers)) {
        diagnostic = diagnostic.detail(advice);
    }
    // What ended with 0 has nothing in its log to be corrected.
    if kinds.iter().all(|kind| *kind == FailureKind::EndedWell) && !kinds.is_empty() {
        return diagnostic;
    }
    diagnostic.detail(next)
}

/// What to do about failures of this kind, where the log does not tell.
fn advice(kind: FailureKind, containers: &[ContainerFailure]) -> Option<String> {
    let mut services: BTreeSet<&str> = BTreeSet::new();
    services.extend(containers.iter().filter(|one| one.kind == kind).map(|one| one.service.as_str()));
    let (first, all) = (services.first()?, services.iter().copied().collect::<Vec<_>>().join(", "));
    match kind {
        FailureKind::EndedWell => Some(format!(
            "If it is meant to end ({all}), say so in one of three ways: `wait_for = {{ {first} = \"completed\" }}`, \
             the label `windlass.job: \"true\"` in the Compose file, or `condition: service_completed_successfully` \
             under the `depends_on` of who waits for it. Otherwise see to it that it stays."
        )),
        FailureKind::Restarting => Some(format!(
            "If it only waits for something else ({all}), have it started behind that, with `depends_on` and \
             `condition: service_healthy` and a health check, or give it more time with `start_timeout`."
        )),
        FailureKind::Other => None,
    }
}

fn fallen(containers: &[ContainerFailure]) -> String {
    let lines: Vec<String> = containers
        .iter()
        .map(|one| format!("Service {}: container {} {}.", one.service, one.container, one.why))
        .collect();
    lines.join("\n")
}

fn log(container: &ContainerFailure) -> String {
    if container.log.is_empty() {
        return format!("{} wrote nothing to its log.", container.container);
    }
    format!("The last lines of {}:\n{}", container.container, container.log.join("\n"))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The diagnostic of what does not fit the files.
fn selection_error(title: &str, error: &SelectionError, world: &str) -> Diagnostic {
    let waits_for = |service: &str| Path::root().attribute("wait_for").key(service);
    let (happened, next, at) = match error {
        SelectionError::StartsUnknown { service, known } => (
            format!(
                "`start_services` names {service:?}, which is not a service of the Compose files. {}",
                there_are(known)
            ),
            "Correct `start_services`, then plan again.".to_owned(),
            Path::root().attribute("start_services"),
        ),
        SelectionError::StartsInactive { service } => (
            format!("`start_services` names {service:?}, but none of its profiles is switched on."),
            "Switch one of them on in `profiles`, or take the service out of `start_services`.".to_owned(),
            Path::root().attribute("start_services"),
        ),
        SelectionError::NeedsUnmanaged { service, needed } => (
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
        SelectionError::WaitsForUnknown { service, known } => (
            format!(
                "`wait_for` names {service:?}, which is not a service of the Compose files. {}",
                there_are(known)
            ),
            "Correct `wait_for`, then plan again.".to_owned(),
            waits_for(service),
        ),
        SelectionError::NoHealthCheck { service } => (
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
#[path = "stack_tests.rs"]
mod tests;
