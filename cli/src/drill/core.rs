//! The core as a drill uses it: told as it goes, in a process group of its own, and with the drill's state alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;

use serde::Deserialize;

use super::outputs::Outputs;
use super::record::{StateFacts, Versions, Wrong};
use super::settings::DrillSettings;
use super::stops::Stops;
use super::unfinished::Unfinished;
use crate::exit::{Exit, Failure};
use crate::reviewed::{MemoryFile, found, object, version};
use crate::run::{Ended, Ending, Session, Stdout, Target, has_errored};
use crate::settings::Settings;
use crate::store::Lock;
use crate::version::VERSION;

/// The core, with the state of the drill.
pub struct Core {
    program: OsString,
    directory: PathBuf,
    arguments: Vec<OsString>,
    stops: Stops,
    session: Session,
    /// What an apply may have left that was killed.
    pub(super) unfinished: Unfinished,
    /// That of the drill. The core holds it as well, so that it is held until that has ended, also where this process
    /// is killed; what looks at the product may leave something behind, and does not.
    lock: Lock,
}

/// A state, as far as it tells whose it is.
#[derive(Deserialize)]
struct Head {
    lineage: String,
}

/// Which signal ends a command.
#[derive(Clone, Copy)]
enum Until {
    /// The first: what it does is not needed any more.
    First,
    /// The second: it is what the first one asks for.
    Second,
}

impl Core {
    /// Opens the state of the drill.
    ///
    /// # Errors
    /// When it does not open, or is none of a drill; nothing was run then.
    pub fn open(
        (name, drill): (&str, &DrillSettings),
        settings: &Settings,
        stops: &Stops,
        lock: Lock,
    ) -> Result<Self, Failure> {
        let program = drill.core.clone().map(OsString::from).map_or_else(found, Ok)?;
        let directory = settings.folder.join(&drill.directory);
        if !directory.is_dir() {
            return Err(Failure::new(format!("Could not begin the drill {name:?}"))
                .with(format!("There is no directory {}; nothing was run.", directory.display())));
        }
        let target = Target {
            state: None,
            workspace: Some(drill.workspace(name).to_owned()),
            others: Vec::new(),
            no_upstream: false,
        };
        // What a core could not hand over, it had ended with.
        let has_ended = has_errored(&directory);
        let session = Session::open_drill(&target, &directory)?;
        let mut unfinished = Unfinished::beside(session.path());
        if has_ended {
            unfinished.is_told();
        }
        // From now on: before this, a signal ends what has not begun.
        let listener = session.block_on(async { stops.listener(drill.time(drill.timeout.as_ref())) });
        let failed = |error: std::io::Error| Failure::new("Could not begin").because(&error);
        session.beside(listener.map_err(failed)?);
        let arguments = drill.arguments.iter().map(OsString::from).collect();
        Ok(Self { program, directory, arguments, stops: stops.clone(), session, unfinished, lock })
    }

    /// Does other work to its end.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.session.block_on(work)
    }

    fn run(
        &mut self,
        words: &[&str],
        more: &[OsString],
        stdout: Stdout,
        until: Until,
    ) -> Result<Ended, Failure> {
        let gently = match until {
            Until::First => self.stops.first.clone(),
            Until::Second => self.stops.second.clone(),
        };
        let hard = self.stops.third.clone();
        self.session.ending = Ending::Asked { gently, hard, whole_group: false };
        let chdir = OsString::from(format!("-chdir={}", self.directory.display()));
        let words: Vec<OsString> = [self.program.clone(), chdir]
            .into_iter()
            .chain(words.iter().map(OsString::from))
            .chain(more.iter().cloned())
            .collect();
        let automated = [("TF_IN_AUTOMATION".to_owned(), "1".into())];
        let failed =
            |error: std::io::Error| Failure::new("Could not share the lock of the drill").because(&error);
        self.lock.share(true).map_err(failed)?;
        let ended = self.session.run(&words, &automated, stdout);
        self.lock.share(false).map_err(failed)?;
        ended
    }

    /// Runs a step that tells what it does.
    fn step(&mut self, words: &[&str], with_arguments: bool, until: Until) -> Result<(), Wrong> {
        let more = if with_arguments { self.arguments.clone() } else { Vec::new() };
        let ended = self.run(words, &more, Stdout::Told, until);
        let ended = ended.map_err(|failure| Wrong::Failed(failure.to_string()))?;
        if ended.exit == Exit::DONE {
            return Ok(());
        }
        let said = problem(ended.stdout.expose()).to_owned();
        let asked = match until {
            Until::First => &self.stops.first,
            Until::Second => &self.stops.second,
        };
        match self.stops.why().filter(|_| asked.is_cancelled()) {
            Some(why) => Err(Wrong::Interrupted(format!("{why}\n\n{said}"))),
            None => Err(Wrong::Failed(said)),
        }
    }

    /// Makes the configuration ready. A lock file that is there is kept to.
    ///
    /// # Errors
    /// What the core says.
    pub fn init(&mut self) -> Result<(), Wrong> {
        let mut words = vec!["init", "-input=false", "-no-color"];
        if self.directory.join(".terraform.lock.hcl").is_file() {
            words.push("-lockfile=readonly");
        }
        // Also on the way to what has to be destroyed.
        self.step(&words, false, Until::Second)
    }

    /// Checks that the core works with the state that is served to it, and with no other: a configuration with another
    /// backend would destroy what that one has.
    ///
    /// # Errors
    /// When it works with another one; nothing was changed then.
    pub fn check_state(&mut self) -> Result<(), Failure> {
        let lineage = self.session.state().map(|state| state.lineage().to_owned()).unwrap_or_default();
        let ended = self.run(&["state", "pull"], &[], Stdout::Kept, Until::Second)?;
        let told = object(ended.stdout.expose());
        let theirs = serde_json::from_str::<Head>(told).map(|head| head.lineage).unwrap_or_default();
        let failed =
            || Failure::new(format!("Could not use the configuration in {}", self.directory.display()));
        if ended.exit != Exit::DONE {
            return Err(failed()
                .with("The core could not read the state; what it says is above. Nothing was changed."));
        }
        if theirs == lineage {
            return Ok(());
        }
        Err(failed()
            .with("It has another state than that of the drill, which a drill would destroy; nothing was changed.")
            .with("It needs `backend \"http\" {}` without settings: the state of a drill is the one that this command serves."))
    }

    /// Plans, into memory.
    ///
    /// # Errors
    /// What the core says.
    pub fn plan(&mut self) -> Result<MemoryFile, Wrong> {
        let file = MemoryFile::new()
            .map_err(|error| Wrong::Failed(format!("Could not keep a plan in memory: {error}")))?;
        let out = format!("-out={}", file.path());
        self.step(&["plan", "-input=false", "-no-color", &out], true, Until::First)?;
        Ok(file)
    }

    /// Applies a plan.
    ///
    /// # Errors
    /// What the core says.
    pub fn apply(&mut self, plan: &MemoryFile) -> Result<(), Wrong> {
        self.unfinished.begin();
        let ended = self.step(&["apply", "-input=false", "-no-color", &plan.path()], false, Until::First);
        if !self.stops.third.is_cancelled() {
            self.unfinished.end();
        }
        ended
    }

    /// Destroys all that the state has; what a core could not hand over belongs to it.
    ///
    /// # Errors
    /// What the core says.
    pub fn destroy(&mut self) -> Result<(), Wrong> {
        self.session.recover().map_err(|failure| Wrong::Failed(failure.to_string()))?;
        self.step(&["destroy", "-input=false", "-no-color", "-auto-approve"], true, Until::Second)
    }

    /// What the configuration tells.
    ///
    /// # Errors
    /// When the core cannot say it.
    pub fn outputs(&mut self) -> Result<Outputs, Wrong> {
        let failed = |why: &str| Wrong::Failed(format!("Could not read the outputs: {why}"));
        let ended = self.run(&["output", "-json"], &[], Stdout::Kept, Until::First);
        let ended = ended.map_err(|failure| failed(&failure.to_string()))?;
        if ended.exit != Exit::DONE {
            return Err(failed("the core could not say them"));
        }
        Outputs::parse(object(ended.stdout.expose())).map_err(|error| failed(&error.to_string()))
    }

    /// What is there that a destroy would have to remove, by its address.
    ///
    /// # Errors
    /// When the state does not tell.
    pub fn left(&self) -> Result<Vec<String>, Failure> {
        let failed =
            || Failure::new(format!("Could not read the state in {}", self.session.path().display()));
        let Some(state) = self.session.state() else { return Ok(Vec::new()) };
        state.made().map_err(|error| failed().because(&error))
    }

    /// The state as it is, in clear.
    pub fn state_text(&self) -> zeroize::Zeroizing<String> {
        let state = self.session.state();
        zeroize::Zeroizing::new(state.map(|state| state.text().to_owned()).unwrap_or_default())
    }

    /// Where the state is, and which one it is.
    pub fn state_facts(&self) -> StateFacts {
        let file = self.session.path().display().to_string();
        match self.session.state() {
            Some(state) => StateFacts { file, lineage: state.lineage().to_owned(), serial: state.serial() },
            None => StateFacts { file, ..StateFacts::default() },
        }
    }

    /// With what it is done.
    pub fn versions(&mut self) -> Versions {
        let told = self.run(&["version"], &[], Stdout::Kept, Until::Second);
        // A report without them is one all the same.
        let told = told.map(|ended| ended.stdout.expose().to_owned()).unwrap_or_default();
        let (core, platform) = version(&told);
        Versions { windlass: VERSION.into(), core, platform, providers: providers(&told) }
    }

    /// Looks at what was left behind.
    ///
    /// # Errors
    /// When a state was left in clear and cannot be encrypted.
    pub fn close(self) -> Result<(), Failure> {
        self.session.close()
    }
}

/// What a core says of what went wrong: from its first error on, where it has one.
fn problem(told: &str) -> &str {
    let starts = std::iter::once(0).chain(told.match_indices('\n').map(|(at, _)| at + 1));
    let mut lines = starts.map(|at| &told[at..]);
    let begins =
        |rest: &&str| ["Error: ", "│ Error: ", "╷\n│ Error: "].iter().any(|sign| rest.starts_with(sign));
    lines.find(begins).unwrap_or(told).trim()
}

/// The providers and their versions, of what `version` prints.
fn providers(told: &str) -> BTreeMap<String, String> {
    let lines = told.lines().filter_map(|line| line.strip_prefix("+ provider ")?.split_once(' '));
    lines.map(|(name, version)| (name.to_owned(), version.trim_start_matches('v').to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_core_says_the_error_is_told() {
        let told = "terraform_data.a: Creating...\n╷\n│ Error: local-exec provisioner error\n│ \n│ exit status 3\n╵\n";
        assert_eq!(problem(told), "╷\n│ Error: local-exec provisioner error\n│ \n│ exit status 3\n╵");
        assert_eq!(problem("a\nError: b\nc"), "Error: b\nc");
        assert_eq!(problem("killed\n"), "killed");
    }

    #[test]
    fn providers_are_told_with_their_versions() {
        let told =
            "OpenTofu v1.12.6\non linux_amd64\n+ provider registry.opentofu.org/windlass/windlass v0.1.0\n";
        assert_eq!(
            providers(told),
            BTreeMap::from([("registry.opentofu.org/windlass/windlass".to_owned(), "0.1.0".to_owned())])
        );
    }
}
