//! Asking a host what it has, which changes nothing there.

use std::collections::{BTreeMap, BTreeSet};

use compose::Compose;
use docker::engine::Container;
use docker::{Cli, Engine};
use remote::files::{FileError, Files};
use remote::{Command, Input, run, run_checked};
use secret::Scrubber;
use stack::containers::{LABEL_CONFIG_HASH, by_service};
use stack::host_state;
use stack::overview::{Overview, projects};
use tokio_util::sync::CancellationToken;

use super::found::{
    CronFile, Document, Found, LeftOut, Project, Text, below, is_compose, may_be_secret, read_with,
};
use crate::machine::Machine;

/// Label of what belongs to a Compose project.
const LABEL_PROJECT: &str = docker::engine::LABEL_PROJECT;
/// Label of volumes that nobody has named.
const LABEL_ANONYMOUS: &str = "com.docker.volume.anonymous";
/// Label of a container: the file that interpolation took its values from, where one was named.
const LABEL_ENV_FILE: &str = "com.docker.compose.project.environment_file";
/// Networks that every daemon has.
const BUILT_IN: [&str; 5] = ["bridge", "host", "none", "docker_gwbridge", "ingress"];
/// How Compose says that a variable is taken for empty.
const UNDEFINED: &str = "variable is not set";

/// Prints the files of cron that no package has brought, and the crontabs of users (in the folders of Debian, SUSE
/// and Red Hat, in this order), each as a line of stat and its name. Instead of the line of stat, a dash and a word tell
/// why one cannot be adopted.
const CRON: &str = r#"
for folder in /etc/cron.d /var/spool/cron/crontabs /var/spool/cron/tabs /var/spool/cron; do
  [ -d "$folder" ] || continue
  if [ ! -r "$folder" ] || [ ! -x "$folder" ]; then
    printf '%s\n' "- - hidden $folder"
    continue
  fi
  for file in "$folder"/*; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    if [ "$folder" = /etc/cron.d ]; then
      case ${file##*/} in
        *.dpkg-* | *.placeholder | *~) continue ;;
        *[!A-Za-z0-9_-]*)
          printf '%s\n' "- - ignored $file"
          continue
          ;;
      esac
      if command -v dpkg >/dev/null 2>&1 && dpkg -S "$file" >/dev/null 2>&1; then continue; fi
    else
      if ! id -u -- "${file##*/}" >/dev/null 2>&1; then
        case ${file##*/} in tmp.*) ;; *) printf '%s\n' "- - userless $file" ;; esac
        continue
      fi
    fi
    if [ -r "$file" ]; then
      stat -c '0%a %U %G %n' -- "$file"
    else
      printf '%s\n' "- - hidden $file"
    fi
  done
done
"#;

/// Why a host cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Unasked {
    #[error(transparent)]
    Docker(#[from] docker::Error),
    #[error(transparent)]
    Host(#[from] remote::Error),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Stack(#[from] stack::Error),
}

/// What there is on the machine, of projects those of `only`, where it names some.
///
/// # Errors
/// When it cannot be asked.
pub async fn inspect(machine: &Machine, only: &[String]) -> Result<Found, Unasked> {
    let (engine, cli) = (machine.engine().await?, machine.cli());
    let mut found = Found::default();
    let containers = engine.all_projects().await?;
    for (name, overview) in projects(&containers) {
        if !(only.is_empty() || only.contains(&name)) {
            continue;
        }
        let own: Vec<Container> =
            containers.iter().filter(|one| one.label(LABEL_PROJECT) == Some(&name)).cloned().collect();
        match project(machine, &cli, &name, &overview, &own).await? {
            Ok(project) => found.projects.push(project),
            Err(why) => found.left_out.push(LeftOut::project(&name, why)),
        }
    }
    if only.is_empty() {
        beside(machine, (&engine, &cli), &mut found).await?;
    }
    Ok(found)
}

/// A project, or why it cannot be adopted.
async fn project(
    machine: &Machine,
    cli: &Cli,
    name: &str,
    overview: &Overview,
    containers: &[Container],
) -> Result<Result<Project, String>, Unasked> {
    let Overview { directory, config_files, services, .. } = overview;
    let files = match files_of(overview, containers) {
        Ok(files) => files,
        Err(why) => return Ok(Err(why)),
    };
    let state = host_state::inspect(machine.executor.as_ref(), &CancellationToken::new(), directory).await?;
    if state.is_ours() {
        return Ok(Err("it is a stack of Windlass already".to_owned()));
    }
    if let Some(target) = state.link {
        return Ok(Err(format!("its directory {directory} is a symbolic link to {target}")));
    }
    let texts = match texts(machine, directory, &files).await? {
        Ok(texts) => texts,
        Err(why) => return Ok(Err(why)),
    };
    let output = resolved(machine, cli, name, directory, config_files).await?;
    let document = output.success().then(|| Document::parse(&output.stdout).ok()).flatten();
    let Some(document) = document else {
        return Ok(Err("docker compose cannot read its files as they are now".to_owned()));
    };
    let compose =
        Compose::new(machine.executor.as_ref(), cli.clone(), Scrubber::default(), CancellationToken::new());
    let has_undefined = output.stderr_text().contains(UNDEFINED);
    let hashes = compose.hashes(name, directory, output.stdout, |command| command).await.unwrap_or_default();
    let differences = by_service(containers).into_iter().filter_map(|(service, own)| {
        let label = own.first()?.label(LABEL_CONFIG_HASH).unwrap_or_default();
        let replicas = u32::try_from(own.len()).unwrap_or(u32::MAX);
        document.difference(&service, replicas, (label, hashes.get(&service)))
    });
    let profiles = document.profiles(services.keys());
    let env = format!("{directory}/.env");
    Ok(Ok(Project {
        name: name.to_owned(),
        directory: directory.clone(),
        files,
        texts,
        started: document.started(services.keys(), &profiles),
        profiles,
        has_env: Files::on(machine.executor.as_ref())
            .privileged(true)
            .kinds(&[&env])
            .await?
            .contains_key(&env),
        has_undefined,
        differences: differences.collect(),
    }))
}

/// The Compose files of a project, relative to its directory, or why they cannot be those of a stack.
fn files_of(overview: &Overview, containers: &[Container]) -> Result<Vec<String>, String> {
    let Overview { directory, config_files, managed, .. } = overview;
    if *managed {
        return Err("it is a stack of Windlass already".to_owned());
    }
    if directory.is_empty() || config_files.is_empty() {
        return Err("its containers do not tell which files it is made of".to_owned());
    }
    let plain = [String::new(), format!("{directory}/.env")];
    let other = containers.iter().filter_map(|one| one.label(LABEL_ENV_FILE));
    if let Some(other) = other.into_iter().find(|file| !plain.iter().any(|plain| plain == file)) {
        return Err(format!("it takes its values from {other}, which is not the .env in its directory"));
    }
    let mut files = Vec::new();
    for path in config_files {
        match below(path, directory) {
            Some(relative) if relative.contains('|') => {
                return Err(format!("the name of its file {path} has a `|`, which ends a word of an import"));
            }
            Some(relative) => files.push(relative.to_owned()),
            None => return Err(format!("its file {path} is not in its directory {directory}")),
        }
    }
    match files.first() {
        Some(first) if first.contains('/') => {
            Err(format!("its first file, {first}, is not right in its directory {directory}"))
        }
        _ => Ok(files),
    }
}

/// Everything that Compose reads of a project, but `.env`.
async fn texts(
    machine: &Machine,
    directory: &str,
    files: &[String],
) -> Result<Result<BTreeMap<String, Text>, String>, Unasked> {
    let reader = Files::on(machine.executor.as_ref()).privileged(true);
    let mut texts: BTreeMap<String, Text> = BTreeMap::new();
    let mut open: Vec<String> = files.to_vec();
    while let Some(path) = open.pop() {
        if texts.contains_key(&path) {
            continue;
        }
        let is_named = files.contains(&path);
        let is_compose = is_named || is_compose(&path);
        let Some(text) = reader.read_text(&format!("{directory}/{path}")).await? else {
            if is_named {
                return Ok(Err(format!("its file {directory}/{path} is not there any more")));
            }
            // Some need not be there.
            continue;
        };
        if is_compose {
            open.extend(read_with(&path, &text));
        }
        texts.insert(path, Text { text, is_compose });
    }
    Ok(Ok(texts))
}

/// The project with all of its profiles, as the host's own Compose resolves it.
async fn resolved(
    machine: &Machine,
    cli: &Cli,
    name: &str,
    directory: &str,
    files: &[String],
) -> Result<remote::Output, remote::Error> {
    let files = files.iter().flat_map(|file| ["--file", file.as_str()]);
    let words = ["--project-name", name, "--project-directory", directory, "--profile", "*"];
    let command = cli.compose(&[]).args(words).args(files).args(["config", "--format", "json"]);
    run(machine.executor.as_ref(), &command, Input::Nothing).await
}

/// What is beside the projects.
async fn beside(machine: &Machine, (engine, cli): (&Engine, &Cli), found: &mut Found) -> Result<(), Unasked> {
    let is_free = |labels: &BTreeMap<String, String>| {
        ![LABEL_PROJECT, LABEL_ANONYMOUS].iter().any(|label| labels.contains_key(*label))
    };
    for name in listed(machine, cli, "network").await? {
        let network = engine.network(&name).await?.map(|network| network.spec);
        let network = network.filter(|spec| !BUILT_IN.contains(&name.as_str()) && is_free(&spec.labels));
        found.networks.extend(network);
    }
    for name in listed(machine, cli, "volume").await? {
        let volume = engine.volume(&name).await?.map(|volume| volume.spec);
        let Some(volume) = volume.filter(|spec| is_free(&spec.labels) && !is_nameless(&spec.name)) else {
            continue;
        };
        if volume.options.values().any(|value| may_be_secret(value)) {
            let why =
                "its options seem to hold a password, which does not belong into a configuration".to_owned();
            found.left_out.push(LeftOut { what: format!("volume {name}"), why });
        } else {
            found.volumes.push(volume);
        }
    }
    let files = Files::on(machine.executor.as_ref()).privileged(true);
    for line in told(machine, CRON).await?.lines() {
        let mut words = line.splitn(4, ' ').map(str::to_owned);
        let (Some(mode), Some(owner), Some(group), Some(path)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if mode == "-" {
            let why = match group.as_str() {
                "ignored" => "cron does not read a file of that name",
                "userless" => "there is no user of that name, so that no cron reads it",
                _ => "this login may not read it",
            };
            found.left_out.push(LeftOut { what: path, why: why.to_owned() });
            continue;
        }
        if let Some(text) = files.read_text(&path).await? {
            let mode = format!("{mode:0>4}");
            let mode = mode[mode.len() - 4..].to_owned();
            found.cron.push(CronFile { path, mode, owner, group, text });
        }
    }
    Ok(())
}

/// Whether nobody has named a volume: older daemons put no label on it.
fn is_nameless(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The names of the daemon's networks or volumes, sorted.
async fn listed(machine: &Machine, cli: &Cli, what: &str) -> Result<BTreeSet<String>, remote::Error> {
    let command = cli.docker([what, "ls", "--format", "{{.Name}}"]);
    let output = run_checked(machine.executor.as_ref(), &command, Input::Nothing).await?;
    Ok(output.stdout_text().lines().map(str::to_owned).collect())
}

async fn told(machine: &Machine, script: &str) -> Result<String, remote::Error> {
    let command = Command::new(["sh", "-c", script, "windlass-adopt"]).privileged();
    Ok(run_checked(machine.executor.as_ref(), &command, Input::Nothing).await?.stdout_text())
}
