//! A state that is served, for one command or for several that follow each other.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secret::Secret;
use tokio::runtime::Runtime;

use super::child::{self, Ended, Ending, Stdout};
use super::{after, before, drill};
use crate::exit::Failure;
use crate::opening::{identities, open};
use crate::server::{Desk, Server};
use crate::settings::Settings;
use crate::store::{Layout, State, Store};
use crate::terminal;

/// Whose state it is.
#[derive(clap::Args, Debug)]
pub struct Target {
    /// The state's file, a SOPS file; `{workspace}` in its name is the workspace
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Whose state it is; the command gets it as TF_VAR_workspace
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
    /// Another state, read-only; its address is in TF_VAR_remote_state_<name>
    #[arg(long = "with", value_name = "NAME=FILE", value_parser = named)]
    pub others: Vec<(String, PathBuf)>,
    /// Do not compare the state with the branch's upstream
    #[arg(long)]
    pub no_upstream: bool,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write NAME=FILE")?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name || file.is_empty() {
        return Err("a name has letters, digits and `_`, and a file has a name".into());
    }
    Ok((name.to_owned(), file.into()))
}

/// Whether a state is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// Always.
    Always,
    /// Where there is one, or the settings name one: else the configuration has a backend of its own.
    IfThere,
}

/// For how long a thread stays that has nothing to do.
const KEPT: Duration = Duration::from_millis(100);

/// Whose states are served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Anybody's.
    Any,
    /// Those that a drill has begun.
    Drill,
}

/// A state that is served.
pub struct Session {
    /// Who ends a command early.
    pub ending: Ending,
    runtime: Runtime,
    environment: Vec<(String, Secret)>,
    desk: Option<Arc<Mutex<Desk>>>,
    settings: Settings,
    directory: PathBuf,
    path: PathBuf,
}

impl Session {
    /// Checks all that has to be so before a state is handed out, and serves it.
    ///
    /// # Errors
    /// When something is not so, or the state does not open.
    pub fn open(target: &Target, directory: &Path, serve: Serve) -> Result<Self, Failure> {
        Self::open_of(target, directory, serve, Of::Any)
    }

    /// The same for the state of a drill, and for no other: one that is not there yet is begun, and what an interrupted
    /// run has left beside it belongs to it.
    ///
    /// # Errors
    /// As [`Self::open`], and when the state is none of a drill.
    pub fn open_drill(target: &Target, directory: &Path) -> Result<Self, Failure> {
        Self::open_of(target, directory, Serve::Always, Of::Drill)
    }

    fn open_of(target: &Target, directory: &Path, serve: Serve, of: Of) -> Result<Self, Failure> {
        // What this process knows is in no core dump, nor is what its children know.
        child::keep_memory_private();
        let settings = Settings::find()?;
        let path = settings.state_file(target.state.as_deref(), target.workspace.as_deref())?;
        before::guard(&settings, target.workspace.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // A child whose parent is killed is told so by each thread that there is.
            .thread_keep_alive(KEPT)
            .build()
            .map_err(|error| Failure::new("Could not start").because(&error))?;
        let mut session = Self {
            ending: Ending::default(),
            runtime,
            environment: target
                .workspace
                .iter()
                .map(|name| ("TF_VAR_workspace".into(), name.as_str().into()))
                .collect(),
            desk: None,
            settings,
            directory: directory.to_owned(),
            path,
        };
        let is_there =
            target.state.is_some() || session.settings.state.file.is_some() || session.path.exists();
        if serve == Serve::Always || is_there {
            session.serve(target, of)?;
        }
        Ok(session)
    }

    fn serve(&mut self, target: &Target, of: Of) -> Result<(), Failure> {
        if !target.no_upstream {
            before::upstream(&self.path)?;
        }
        before::warn_of_workspaces(&self.directory);
        if of == Of::Any {
            before::refuse_leftovers(&self.directory, &self.path)?;
        }
        before::missing(&self.path)?;
        let mut store = open(&self.settings, &self.path)?;
        before::rollback(&mut store)?;
        before::openable(&mut store)?;
        if of == Of::Drill {
            drill::begin(&mut store)?;
            drill::recover(&self.directory, &mut store)?;
        }
        let others = others(&target.others)?;
        let names: Vec<String> = others.keys().cloned().collect();
        let desk = Arc::new(Mutex::new(Desk::new(store, others)));
        let server = self
            .runtime
            .block_on(Server::listen())
            .map_err(|error| Failure::new("Could not listen on loopback").because(&error))?;
        self.environment.extend(server.environment(&names));
        // It answers while a command is waited for, and ends with the runtime.
        self.runtime.spawn(server.serve(Arc::clone(&desk)));
        self.desk = Some(desk);
        Ok(())
    }

    /// Runs a command with it, to its end.
    ///
    /// # Errors
    /// When it was not started.
    pub fn run(
        &self,
        words: &[OsString],
        more: &[(String, Secret)],
        stdout: Stdout,
    ) -> Result<Ended, Failure> {
        let environment = [&self.environment, more].concat();
        self.runtime.block_on(child::run(words, &environment, stdout, &self.ending))
    }

    /// Does other work to its end, as a command is waited for.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Does a task beside what is waited for.
    pub fn beside(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// The state as it is now, where it is served and there is one.
    pub fn state(&self) -> Option<State> {
        let desk = self.desk.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        desk.store().state().cloned()
    }

    /// The file of the state.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes over what a core could not hand over, into the state of a drill.
    ///
    /// # Errors
    /// When it cannot be taken over, or is of another infrastructure.
    pub fn recover(&self) -> Result<(), Failure> {
        let Some(desk) = &self.desk else { return Ok(()) };
        drill::recover(&self.directory, desk.lock().unwrap_or_else(PoisonError::into_inner).store_mut())
    }

    /// What the repository says.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Looks at what was left behind.
    ///
    /// # Errors
    /// When a state was left in clear and cannot be encrypted.
    pub fn close(self) -> Result<(), Failure> {
        let Some(desk) = self.desk else { return Ok(()) };
        let writes = desk.lock().unwrap_or_else(PoisonError::into_inner).writes();
        after::leftovers(&self.directory, &self.settings)?;
        if writes > 0 {
            terminal::note(format_args!("The state in {} was written.", self.path.display()));
        }
        Ok(())
    }
}

fn others(files: &[(String, PathBuf)]) -> Result<BTreeMap<String, State>, Failure> {
    let read = |path: &Path| -> Result<State, Failure> {
        let failed = || Failure::new(format!("Could not open the state in {}", path.display()));
        let store = Store::open(path, Vec::new(), Layout::Structured, identities()?, false)
            .map_err(|error| failed().because(&error))?;
        store.state().cloned().ok_or_else(|| failed().with("There is no such file; the command was not run."))
    };
    files.iter().map(|(name, path)| Ok((name.clone(), read(path)?))).collect()
}
