//! Asking the host's own Compose what the files want, before anything is changed.
//!
//! Only the files that Compose itself reads go to a private temporary directory on the host, with
//! placeholders in the place of secrets; it is removed again whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Behaviour, Compose, Project, layout::Layout, predict::Resolved, resources::Values, seal::Placeholders,
    staging,
};
use framework::Context;
use remote::files::{Entry, EntryContent, Files, TreeOptions};
use secret::Scrubber;

mod runs;

use super::{
    StackResource,
    failure::Failure,
    images,
    inputs::Inputs,
    prediction::{Prediction, Said},
    secret_files,
    site::Site,
};
use tree::TreeFile;

/// Larger files are not read here: no Compose file and no env file is.
const LARGEST_READ: u64 = 1 << 20;
/// How much is staged when Compose misses something.
const LARGEST_STAGE: u64 = 8 << 20;
/// How many files are tried to find the one with the mistake.
const MOST_SUSPECTS: usize = 20;
/// The key without which no service is inactive.
const PROFILES: &[u8] = b"profiles";

/// What Compose makes of `inputs` in `directory`.
pub(super) async fn predict(
    resource: &StackResource,
    cx: &Context,
    site: &Site,
    inputs: &Inputs,
    directory: &str,
) -> Result<Prediction, Failure> {
    let version = site.compose_version(resource).await?;
    let files = Files::on(site.executor()).cancelled_by(cx.token());
    let temporary = files.temp_dir().await?;
    let stage = Stage {
        cx,
        site,
        inputs,
        behaviour: Behaviour::of_text(&version),
        at: inputs.layout(temporary.path()),
        end: inputs.layout(directory),
    };
    let answer = stage.resolve().await;
    if let Err(error) = temporary.remove().await {
        tracing::warn!(host = site.executor().name(), %error, "could not remove the staged files");
    }
    let Answer { resolved, hashes, inactive, runs, contexts } = answer?;
    let placeholders: Vec<String> =
        inputs.placeholders.values().map(|placeholder| placeholder.expose().to_owned()).collect();
    let said = Said {
        resolved: &resolved,
        hashes: &hashes,
        placeholders: &placeholders,
        runs: runs.as_ref(),
        choice: &inputs.choice,
        contexts: &contexts,
        chosen: &inputs.images,
    };
    Ok(Prediction { inactive, ..Prediction::of(inputs.digest(directory, &version), &said)? })
}

/// What Compose makes of the files.
struct Answer {
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
    site: &'a Site,
    inputs: &'a Inputs,
    /// What the host's Compose does.
    behaviour: Behaviour,
    /// Where they are staged.
    at: Layout,
    /// Where they will be.
    end: Layout,
}

impl Stage<'_> {
    async fn resolve(&self) -> Result<Answer, Failure> {
        let contents = self.contents()?;
        let needed = staging::needed(&contents, &self.inputs.files);
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
            return Err(self.undefined(&unset));
        }
        let (document, others) = images::overridden(document, &self.inputs.images);
        let resolved = self.moved(&document)?;
        let inactive = self.inactive(&compose, &contents, &needed, &resolved).await;
        let strangers: Vec<String> = others.into_iter().filter(|name| !inactive.contains(name)).collect();
        if !strangers.is_empty() {
            return Err(images::strangers(&strangers));
        }
        let choice = &self.inputs.choice;
        let misfits = choice.misfits(&resolved.config, &inactive);
        if !misfits.is_empty() {
            return Err(Failure::Misfits(misfits));
        }
        let alone = choice.left_alone(&resolved.config);
        let resolved = resolved.leaving_alone(&alone)?;
        let directory = self.end.project_directory();
        let hashes = compose.hashes(&self.inputs.name, &directory, resolved.document()).await?;
        let runs = self.runs(&compose, &project, &resolved.config).await?;
        let contexts = self.contexts(&resolved, runs.as_ref())?;
        Ok(Answer { resolved, hashes, inactive, runs, contexts })
    }

    /// What the services that are built are built from, also those that only jobs run.
    fn contexts(
        &self,
        resolved: &Resolved,
        runs: Option<&Resolved>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        if !self.inputs.build {
            return Ok(BTreeMap::new());
        }
        let known = self.values();
        let secrets = Placeholders { values: &self.placeholders(), files: &self.inputs.secret_files };
        let values = Values { known: &known, own: self.inputs.dotenv.as_deref(), secrets };
        let projects: Vec<&Resolved> = [resolved].into_iter().chain(runs).collect();
        let mut contexts = BTreeMap::new();
        for project in &projects {
            contexts.extend(images::contexts(self.inputs, project, self.end.root(), values)?);
        }
        images::agree(&projects, &contexts)?;
        Ok(contexts)
    }

    /// What Compose resolved, where it will be.
    fn moved(&self, document: &[u8]) -> Result<Resolved, Failure> {
        let shipped = self.inputs.source.manifest().files;
        let links = self.inputs.source.links();
        let known = self.values();
        let secrets = Placeholders { values: &self.placeholders(), files: &self.inputs.secret_files };
        let values = Values { known: &known, own: self.inputs.dotenv.as_deref(), secrets };
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
                tracing::debug!(stack = self.inputs.name, %error, "could not list the inactive services");
                BTreeSet::new()
            }
        }
    }

    /// Compose, naming files as they are called in `source_dir`.
    fn compose(&self) -> Compose<'_> {
        self.site.compose(self.cx, &Scrubber::default()).naming(format!("{}/", self.at.root()), "")
    }

    fn project(&self) -> Project {
        self.at.project(&self.inputs.name, &self.inputs.profiles, false, &self.end)
    }

    /// What can be read of each file; those that are too large for Compose count by their size.
    fn contents(&self) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let read = |path: &String, file: &TreeFile| {
            if file.size > LARGEST_READ {
                return Ok((path.clone(), vec![0; usize::try_from(LARGEST_READ).unwrap_or_default()]));
            }
            // A link that leads nowhere is nothing that Compose reads.
            let bytes = file.read().unwrap_or_default();
            Ok((path.clone(), bytes))
        };
        self.inputs.source.files.iter().map(|(path, file)| read(path, file)).collect()
    }

    /// The small files that are not staged yet.
    fn small_ones(&self, staged: &BTreeSet<String>) -> BTreeSet<String> {
        let mut total = 0;
        let files = self.inputs.source.files.iter().filter(|(path, _)| !staged.contains(*path));
        files
            .filter(|(_, file)| {
                total += file.size;
                file.size <= LARGEST_READ && total <= LARGEST_STAGE
            })
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Sends the files with these paths, and `.env` and secret files with the placeholders.
    async fn send(&self, paths: &BTreeSet<String>, with_env: bool) -> Result<(), Failure> {
        let mut entries = Vec::new();
        for path in paths {
            let Some(file) = self.inputs.source.files.get(path) else { continue };
            let Ok(bytes) = file.read() else { continue };
            entries.push(Entry {
                path: path.clone(),
                mode: 0o600,
                content: EntryContent::Bytes(bytes.into()),
            });
        }
        if with_env {
            entries.extend(secret_files::staged(&self.inputs.secret_files));
            let text = self.dotenv();
            entries.push(Entry {
                path: self.at.env_path(),
                mode: 0o600,
                content: EntryContent::Bytes(text.into_bytes().into()),
            });
        }
        let files = Files::on(self.site.executor()).cancelled_by(self.cx.token());
        files.upload_tree(self.at.root(), &entries, &TreeOptions::default()).await?;
        Ok(())
    }

    /// The values that are interpolated, placeholders in the place of secrets.
    fn values(&self) -> BTreeMap<String, String> {
        self.inputs.environment.clone().into_iter().chain(self.placeholders()).collect()
    }

    /// What stands for secrets, by their names.
    fn placeholders(&self) -> BTreeMap<String, String> {
        let all = self.inputs.placeholders.iter();
        all.map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
    }

    fn dotenv(&self) -> String {
        let Inputs { name, profiles, dotenv, environment, placeholders, .. } = self.inputs;
        self.at.dotenv(name, profiles, dotenv.as_deref(), environment, placeholders).expose().to_owned()
    }

    /// The mistake in the files, in Compose's words. It tells the line, but not always the file:
    /// then each is tried alone.
    async fn wrong(&self, compose: &Compose<'_>, output: &str, staged: &BTreeSet<String>) -> Failure {
        let said = without_log_lines(output);
        let place =
            if said.starts_with("yaml: ") { self.culprit(compose, &said, staged).await } else { None };
        let words = match place {
            Some(file) => format!("Docker Compose cannot read {file}: {said}"),
            None => format!("Docker Compose cannot read the files:\n{said}"),
        };
        Failure::Files { words, next: "Correct the files, then plan again.".to_owned(), at: self.blamed() }
    }

    async fn culprit(&self, compose: &Compose<'_>, said: &str, staged: &BTreeSet<String>) -> Option<String> {
        let is_yaml = |path: &&String| path.ends_with(".yaml") || path.ends_with(".yml");
        let others = staged.iter().filter(|path| !self.inputs.files.contains(path)).filter(is_yaml);
        for path in self.inputs.files.iter().chain(others).take(MOST_SUSPECTS) {
            let alone = Project { files: vec![format!("{}/{path}", self.at.root())], ..self.project() };
            if let Err(docker::Error::Command { output, .. }) = compose.resolve(&alone).await
                && without_log_lines(&output) == said
            {
                return Some(path.clone());
            }
        }
        None
    }

    fn undefined(&self, names: &BTreeSet<String>) -> Failure {
        let list = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let first = names.iter().next().map_or("NAME", String::as_str);
        Failure::Files {
            words: format!("The Compose files use variables that have no value: {list}."),
            next: format!(
                "Set them in `environment`, in `secrets_wo` or in the stack's own .env file, or say in the Compose file \
                 what stands in for them: `${{{first}:-}}` for an empty text."
            ),
            at: self.blamed(),
        }
    }

    fn blamed(&self) -> &'static str {
        self.inputs.blamed
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
