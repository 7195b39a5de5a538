//! Asking the host's own Compose what the files want, before anything is changed.
//!
//! Only the files that Compose itself reads go to a private temporary directory on the host, with
//! placeholders in the place of secrets; it is removed again whatever happens.

mod runs;

use std::collections::{BTreeMap, BTreeSet};

use compose::{Behaviour, Compose, Layout, Placeholders, Project, Requirements, Resolved, Values, staging};
use remote::files::{Entry, EntryContent, Files, TreeOptions};
use secret::Scrubber;
use tree::TreeFile;

use crate::{
    context::Context,
    desired::{DesiredStack, ResolvedProject},
    error::Error,
    host::Host,
    images,
    spec::StackSpec,
    upload::staged_secret_files,
};

/// Larger files are not read here: no Compose file and no env file is.
const LARGEST_READ: u64 = 1 << 20;
/// How much is staged when Compose misses something.
const LARGEST_STAGE: u64 = 8 << 20;
/// How many files are tried to find the one with the mistake.
const MOST_SUSPECTS: usize = 20;
/// The key without which no service is inactive.
const PROFILES: &[u8] = b"profiles";

/// What Compose makes of `spec` in `directory`. Nothing of it stays on the host.
///
/// # Errors
/// What is wrong with the files, or with what is chosen of them; and when the host cannot be asked.
pub async fn resolve(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    directory: &str,
) -> Result<DesiredStack, Error> {
    let version = host.compose_version().await?;
    let files = Files::on(host.executor()).cancelled_by(cx.token());
    let temporary = files.temp_dir().await?;
    let stage = Stage {
        cx,
        host,
        spec,
        behaviour: Behaviour::of_text(&version),
        at: spec.layout(temporary.path()),
        end: spec.layout(directory),
    };
    let answer = stage.resolve().await;
    if let Err(error) = temporary.remove().await {
        tracing::warn!(host = host.name(), %error, "could not remove the staged files");
    }
    let Resolution { resolved, hashes, inactive, runs, contexts } = answer?;
    let placeholders: Vec<String> =
        spec.placeholders.values().map(|placeholder| placeholder.expose().to_owned()).collect();
    let project = ResolvedProject {
        resolved: &resolved,
        hashes: &hashes,
        placeholders: &placeholders,
        runs: runs.as_ref(),
        selection: &spec.selection,
        root: stage.end.root(),
        contexts: &contexts,
        chosen: &spec.images,
    };
    let desired = DesiredStack::of(spec.digest(directory, &version), &project)?;
    let requirements = requirements(&resolved, &desired, spec, directory);
    Ok(DesiredStack { inactive, requirements, ..desired })
}

/// What the services that are started need of the host.
fn requirements(
    resolved: &Resolved,
    desired: &DesiredStack,
    spec: &StackSpec,
    directory: &str,
) -> Requirements {
    let started = desired.services.iter().filter(|(_, one)| !one.unmanaged && one.replicas > 0);
    let env = spec.layout(directory).env_path();
    let shipped = spec.source.files.keys().chain(spec.secret_files.keys()).chain([&env]);
    Requirements::of(&resolved.config.document, started.map(|(name, _)| name), directory, shipped)
}

/// What Compose makes of the files.
struct Resolution {
    resolved: Resolved,
    hashes: BTreeMap<String, String>,
    /// The services that no profile switches on.
    inactive: BTreeSet<String>,
    /// The services that only jobs run.
    runs: Option<Resolved>,
    /// What each service that is built is built from.
    contexts: BTreeMap<String, String>,
}

/// The files of a stack on their way to an answer.
struct Stage<'a> {
    cx: &'a Context,
    host: &'a Host,
    spec: &'a StackSpec,
    /// What the host's Compose does.
    behaviour: Behaviour,
    /// Where they are staged.
    at: Layout,
    /// Where they will be.
    end: Layout,
}

impl Stage<'_> {
    async fn resolve(&self) -> Result<Resolution, Error> {
        let contents = self.contents()?;
        let needed = staging::needed(&contents, &self.spec.files);
        self.send(&needed, true).await?;
        let compose = self.compose();
        let project = self.project();
        let answer = match compose.resolve(&project).await {
            Err(docker::Error::Command { .. }) => {
                let rest = self.small_ones(&needed);
                if !rest.is_empty() {
                    self.send(&rest, false).await?;
                }
                compose.resolve(&project).await
            }
            answer => answer,
        };
        let (document, unset) = match answer {
            Ok(answer) => answer,
            Err(docker::Error::Command { output, .. }) => {
                return Err(self.wrong(&compose, &output, &needed).await);
            }
            Err(error) => return Err(error.into()),
        };
        if !unset.is_empty() {
            return Err(Error::UndefinedVariables(unset));
        }
        let (document, others) = images::overridden(document, &self.spec.images);
        let resolved = self.moved(&document)?;
        let inactive = self.inactive(&compose, &contents, &needed, &resolved).await;
        let strangers: Vec<String> = others.into_iter().filter(|name| !inactive.contains(name)).collect();
        if !strangers.is_empty() {
            return Err(Error::UnknownImageServices(strangers));
        }
        let selection = &self.spec.selection;
        let errors = selection.errors(&resolved.config, &inactive);
        if !errors.is_empty() {
            return Err(Error::Selection(errors));
        }
        let alone = selection.unmanaged(&resolved.config);
        let resolved = resolved.without_unmanaged(&alone)?;
        let directory = self.end.project_directory();
        let hashes = compose.hashes(&self.spec.name, &directory, resolved.document()).await?;
        let runs = self.runs(&compose, &project, &resolved.config).await?;
        let contexts = self.contexts(&resolved, runs.as_ref())?;
        Ok(Resolution { resolved, hashes, inactive, runs, contexts })
    }

    /// What the services that are built are built from, also those that only jobs run.
    fn contexts(
        &self,
        resolved: &Resolved,
        runs: Option<&Resolved>,
    ) -> Result<BTreeMap<String, String>, Error> {
        if !self.spec.build {
            return Ok(BTreeMap::new());
        }
        let known = self.values();
        let secrets =
            Placeholders { values: &self.spec.placeholder_values(), files: &self.spec.secret_files };
        let values = Values { known: &known, own: self.spec.dotenv.as_deref(), secrets };
        let projects: Vec<&Resolved> = [resolved].into_iter().chain(runs).collect();
        let mut contexts = BTreeMap::new();
        for project in &projects {
            contexts.extend(images::contexts(self.spec, project, self.end.root(), values)?);
        }
        images::agree(&projects, &contexts)?;
        Ok(contexts)
    }

    /// What Compose resolved, where it will be.
    fn moved(&self, document: &[u8]) -> Result<Resolved, Error> {
        let shipped = self.spec.source.manifest().files;
        let links = self.spec.source.links();
        let known = self.values();
        let secrets =
            Placeholders { values: &self.spec.placeholder_values(), files: &self.spec.secret_files };
        let values = Values { known: &known, own: self.spec.dotenv.as_deref(), secrets };
        let (from, to) = (self.at.root(), self.end.root());
        Ok(Resolved::moved(document, from, to, &shipped, &links, values, self.behaviour)?)
    }

    /// The services that no profile switches on. Most projects have no profiles, and are not asked.
    async fn inactive(
        &self,
        compose: &Compose<'_>,
        contents: &BTreeMap<String, Vec<u8>>,
        needed: &BTreeSet<String>,
        resolved: &Resolved,
    ) -> BTreeSet<String> {
        let mentions = |path: &String| {
            contents.get(path).is_some_and(|text| text.windows(PROFILES.len()).any(|part| part == PROFILES))
        };
        if !needed.iter().any(mentions) {
            return BTreeSet::new();
        }
        let all = Project { profiles: vec!["*".to_owned()], ..self.project() };
        match compose.services(&all).await {
            Ok(services) => {
                services.into_iter().filter(|name| !resolved.config.services.contains_key(name)).collect()
            }
            Err(error) => {
                // All profiles at once need not fit together.
                tracing::debug!(stack = self.spec.name, %error, "could not list the inactive services");
                BTreeSet::new()
            }
        }
    }

    /// Compose, naming files as they are called in `source_dir`.
    fn compose(&self) -> Compose<'_> {
        self.host.compose(self.cx, &Scrubber::default()).naming(format!("{}/", self.at.root()), "")
    }

    fn project(&self) -> Project {
        self.at.project(&self.spec.name, &self.spec.profiles, false, &self.end)
    }

    /// What can be read of each file; those that are too large for Compose count by their size.
    fn contents(&self) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let read = |path: &String, file: &TreeFile| {
            if file.size > LARGEST_READ {
                return Ok((path.clone(), vec![0; usize::try_from(LARGEST_READ).unwrap_or_default()]));
            }
            // A link that leads nowhere is nothing that Compose reads.
            let bytes = file.read().unwrap_or_default();
            Ok((path.clone(), bytes))
        };
        self.spec.source.files.iter().map(|(path, file)| read(path, file)).collect()
    }

    /// The small files that are not staged yet.
    fn small_ones(&self, staged: &BTreeSet<String>) -> BTreeSet<String> {
        let mut total = 0;
        let files = self.spec.source.files.iter().filter(|(path, _)| !staged.contains(*path));
        files
            .filter(|(_, file)| {
                total += file.size;
                file.size <= LARGEST_READ && total <= LARGEST_STAGE
            })
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Sends the files with these paths, and `.env` and secret files with the placeholders.
    async fn send(&self, paths: &BTreeSet<String>, with_env: bool) -> Result<(), Error> {
        let mut entries = Vec::new();
        for path in paths {
            let Some(file) = self.spec.source.files.get(path) else { continue };
            let Ok(bytes) = file.read() else { continue };
            entries.push(Entry {
                path: path.clone(),
                mode: 0o600,
                content: EntryContent::Bytes(bytes.into()),
            });
        }
        if with_env {
            entries.extend(staged_secret_files(&self.spec.secret_files));
            let text = self.dotenv();
            entries.push(Entry {
                path: self.at.env_path(),
                mode: 0o600,
                content: EntryContent::Bytes(text.into_bytes().into()),
            });
        }
        let files = Files::on(self.host.executor()).cancelled_by(self.cx.token());
        files.upload_tree(self.at.root(), &entries, &TreeOptions::default()).await?;
        Ok(())
    }

    /// The values that are interpolated, placeholders in the place of secrets.
    fn values(&self) -> BTreeMap<String, String> {
        self.spec.environment.clone().into_iter().chain(self.spec.placeholder_values()).collect()
    }

    fn dotenv(&self) -> String {
        let StackSpec { name, profiles, dotenv, environment, placeholders, .. } = self.spec;
        self.at.dotenv(name, profiles, dotenv.as_deref(), environment, placeholders).expose().to_owned()
    }

    /// The mistake in the files, in Compose's words. It tells the line, but not always the file:
    /// then each is tried alone.
    async fn wrong(&self, compose: &Compose<'_>, output: &str, staged: &BTreeSet<String>) -> Error {
        let said = without_log_lines(output);
        let place =
            if said.starts_with("yaml: ") { self.culprit(compose, &said, staged).await } else { None };
        Error::InvalidFiles { file: place, message: said }
    }

    async fn culprit(&self, compose: &Compose<'_>, said: &str, staged: &BTreeSet<String>) -> Option<String> {
        let is_yaml = |path: &&String| path.ends_with(".yaml") || path.ends_with(".yml");
        let others = staged.iter().filter(|path| !self.spec.files.contains(path)).filter(is_yaml);
        for path in self.spec.files.iter().chain(others).take(MOST_SUSPECTS) {
            let alone = Project { files: vec![format!("{}/{path}", self.at.root())], ..self.project() };
            if let Err(docker::Error::Command { output, .. }) = compose.resolve(&alone).await
                && without_log_lines(&output) == said
            {
                return Some(path.clone());
            }
        }
        None
    }
}

/// Compose's words without the lines of its log.
fn without_log_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| !line.starts_with("time=\"")).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_of_compose_are_no_mistake() {
        let said = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"x\"\nyaml: line 3: mapping values\n";
        assert_eq!(without_log_lines(said), "yaml: line 3: mapping values");
    }
}
