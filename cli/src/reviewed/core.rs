//! The core as these commands use it: a plan into memory, what it says, and what it is made from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use secret::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::digests;
use super::facts::{Facts, StateFacts};
use super::memory::MemoryFile;
use crate::exit::{Exit, Failure};
use crate::run::{Ended, Serve, Session, Stdout, Target};
use crate::summary::read::stream::{self, Diagnostic};
use crate::terminal;
use crate::version::VERSION;

/// Which core, and where its configuration is.
#[derive(clap::Args, Debug)]
pub struct Words {
    #[command(flatten)]
    target: Target,
    /// The core: `tofu`, `terraform` or a path; default: the first of the two that is on PATH
    #[arg(long, value_name = "PROGRAM")]
    core: Option<OsString>,
    /// The directory of the configuration
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

/// A core with its state.
pub struct Core<'a> {
    words: &'a Words,
    program: OsString,
    /// What serves the state.
    pub session: Session,
}

/// A plan.
pub struct Planned {
    /// The plan file.
    pub file: Zeroizing<Vec<u8>>,
    /// The same as JSON.
    pub json: Secret,
    /// Whether anything is to be done.
    pub has_changes: bool,
    /// What was warned of, which the plan itself does not say.
    pub warnings: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct State {
    lineage: String,
    serial: i64,
}

/// A core's failure is told by itself, on stderr.
const TOLD: &str = "What it says is above; nothing was changed.";

/// Tells a problem as the core would.
fn tell(problem: &Diagnostic) {
    let Diagnostic { severity, summary, detail, address, range } = problem;
    let mut text = summary.clone();
    if let Some(range) = range {
        text += &format!("\n\n  on {} line {}", range.filename, range.start.line);
    }
    if !address.is_empty() {
        text += &format!("\n\n  with {address}");
    }
    text += &format!("\n\n{detail}");
    if severity == "error" { terminal::error(text) } else { terminal::note(format_args!("Warning: {text}")) }
}

impl<'a> Core<'a> {
    /// Opens the state, where it is ours, for commands of the core.
    ///
    /// # Errors
    /// When there is no core, or the state does not open.
    pub fn open(words: &'a Words) -> Result<Self, Failure> {
        let program = words.core.clone().map_or_else(found, Ok)?;
        let session = Session::open(&words.target, &words.directory, Serve::IfThere)?;
        Ok(Self { words, program, session })
    }

    fn command(&self, words: &[&str]) -> Vec<OsString> {
        let chdir = OsString::from(format!("-chdir={}", self.words.directory.display()));
        let is_here = self.words.directory == Path::new(".");
        std::iter::once(self.program.clone())
            .chain((!is_here).then_some(chdir))
            .chain(words.iter().map(OsString::from))
            .collect()
    }

    fn kept(&self, words: &[&str]) -> Result<Ended, Failure> {
        self.session.run(&self.command(words), &[], Stdout::Kept)
    }

    fn asked(&self, words: &[&str]) -> Result<Secret, Failure> {
        let ended = self.kept(words)?;
        if ended.exit == Exit::DONE { Ok(ended.stdout) } else { Err(self.failed(words).with(TOLD)) }
    }

    /// A JSON object that the core prints; empty where it prints none.
    fn object(&self, words: &[&str]) -> Result<Secret, Failure> {
        let told = self.asked(words)?;
        Ok(Secret::new(object(told.expose())))
    }

    fn failed(&self, words: &[&str]) -> Failure {
        Failure::new(format!("Could not run `{} {}`", self.program.to_string_lossy(), words.join(" ")))
    }

    /// Plans, into memory.
    ///
    /// # Errors
    /// When the core cannot.
    pub fn plan(&self, more: &[String]) -> Result<Planned, Failure> {
        if more.iter().any(|word| is_out(word)) {
            return Err(Failure::new("Could not plan").with(
                "The core's own `-out` would write the plan in clear; nothing was run. `--out` of `windlass plan` \
                 encrypts it.",
            ));
        }
        let failed = |error: &std::io::Error| Failure::new("Could not keep a plan in memory").because(error);
        let mut file = MemoryFile::new().map_err(|error| failed(&error))?;
        let path = file.path();
        let out = format!("-out={path}");
        // The messages have the warnings; the plan file has none.
        let mut words = vec!["plan", "-json", "-input=false", "-detailed-exitcode", &out];
        words.extend(more.iter().map(String::as_str));
        let ended = self.kept(&words)?;
        let warnings = stream::read(ended.stdout.expose()).map(|(_, told)| told).unwrap_or_default();
        if !matches!(ended.exit, Exit(0 | 2)) {
            warnings.iter().for_each(tell);
            return Err(self.failed(&["plan"]).with(TOLD));
        }
        let json = self.object(&["show", "-json", &path])?;
        let file = file.bytes().map_err(|error| failed(&error))?;
        Ok(Planned { file, json, has_changes: ended.exit == Exit(2), warnings })
    }

    /// Where the configuration is.
    pub fn directory(&self) -> &Path {
        &self.words.directory
    }

    /// What a plan file says.
    ///
    /// # Errors
    /// When the core cannot read it.
    pub fn show(&self, plan: &MemoryFile) -> Result<Secret, Failure> {
        self.object(&["show", "-json", &plan.path()])
    }

    /// Applies a plan file, as its output says.
    ///
    /// # Errors
    /// When the core was not started.
    pub fn apply(&self, plan: &MemoryFile) -> Result<Exit, Failure> {
        let words = self.command(&["apply", "-input=false", &plan.path()]);
        self.session.run(&words, &[], Stdout::Shown).map(|ended| ended.exit)
    }

    /// The state, in whatever backend it is; empty where there is none.
    ///
    /// # Errors
    /// When the core cannot read it.
    pub fn state(&self) -> Result<Secret, Failure> {
        self.object(&["state", "pull"])
    }

    /// What a plan of now is made from. `but` are files that are no part of the configuration.
    ///
    /// # Errors
    /// When something of it cannot be read.
    pub fn facts(&self, state: Option<&Secret>, but: &[PathBuf]) -> Result<Facts, Failure> {
        let directory = &self.words.directory;
        let failed = |error: std::io::Error| {
            Failure::new(format!("Could not read the configuration in {}", directory.display()))
                .because(&error)
        };
        let told = self.asked(&["version"])?;
        let (core, platform) = version(told.expose());
        Ok(Facts {
            windlass: VERSION.into(),
            core,
            platform,
            workspaces: (digests::workspace(directory), self.words.target.workspace.clone()),
            backend: digests::of_backend(directory),
            configuration: digests::of_configuration(directory, but).map_err(failed)?,
            lock_file: digests::of_lock_file(directory).map_err(failed)?,
            providers: digests::of_providers(directory).map_err(failed)?,
            state: state.map(state_facts).transpose()?.flatten(),
        })
    }
}

/// Whether a word is the option by which a core writes its plan into a file.
fn is_out(word: &str) -> bool {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
    name.is_some_and(|name| name == "out" || name.starts_with("out="))
}

/// The JSON object in what a core has printed. Its warnings (of its own configuration, say) stand before what was asked
/// for.
pub fn object(told: &str) -> &str {
    let starts = std::iter::once(0).chain(told.match_indices('\n').map(|(at, _)| at + 1));
    starts.map(|at| &told[at..]).find(|rest| rest.starts_with('{')).unwrap_or_default()
}

/// The core's name and version, and the platform, of what `version` prints.
pub fn version(told: &str) -> (String, String) {
    let mut lines =
        told.lines().skip_while(|line| !line.starts_with("OpenTofu v") && !line.starts_with("Terraform v"));
    let core = lines.next().unwrap_or_default().to_owned();
    let platform = lines.next().unwrap_or_default().trim_start_matches("on ").to_owned();
    (core, platform)
}

fn state_facts(state: &Secret) -> Result<Option<StateFacts>, Failure> {
    if state.expose().trim().is_empty() {
        return Ok(None);
    }
    let state: State = serde_json::from_str(state.expose())
        .map_err(|error| Failure::new("Could not read the state that the core gave").because(&error))?;
    // A core tells of a state that was never written as of one without a lineage.
    let is_there = !state.lineage.is_empty();
    Ok(is_there.then_some(StateFacts { lineage: state.lineage, serial: state.serial }))
}

/// The core that is there: the first of `tofu` and `terraform` on PATH.
///
/// # Errors
/// When neither is.
pub fn found() -> Result<OsString, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    ["tofu", "terraform"].into_iter().find(is_there).map(OsString::from).ok_or_else(|| {
        Failure::new("Could not find a core")
            .with("Neither `tofu` nor `terraform` is on PATH; name one by --core.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_option_itself_writes_a_plan() {
        assert!(["-out", "-out=x", "--out", "--out=x"].iter().all(|word| is_out(word)));
        assert!(!["outer=1", "-outer", "-var=out=1", "out", "-target=out"].iter().any(|word| is_out(word)));
    }

    #[test]
    fn warnings_before_an_answer_are_no_part_of_it() {
        let warning = "╷\n│ Warning: Unable to open CLI configuration file\n╵\n\n";
        assert_eq!(object(&format!("{warning}{{\n  \"serial\": 1\n}}\n")), "{\n  \"serial\": 1\n}\n");
        assert_eq!((object(warning), object("")), ("", ""));
        let told = format!("{warning}OpenTofu v1.12.6\non linux_amd64\n+ provider x v1.0.0\n");
        assert_eq!(version(&told), ("OpenTofu v1.12.6".to_owned(), "linux_amd64".to_owned()));
    }
}
