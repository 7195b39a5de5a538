//! `windlass run`: a command of OpenTofu or Terraform whose state is encrypted in a file.
//!
//! The state is in memory only: the command gets it from an `http` backend on loopback that this
//! process is. What happens around the command is in [`before`] and [`after`].

mod after;
mod before;
mod child;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use secret::Secret;

pub use before::purpose;
pub use child::{EXECUTE, Execute, execute};

use crate::exit::{Exit, Failure};
use crate::opening::{identities, open};
use crate::server::{Desk, Server};
use crate::settings::Settings;
use crate::store::{Layout, State, Store};
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The state's file, a SOPS file; `{workspace}` in its name is the workspace
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Whose state it is; the command gets it as TF_VAR_workspace
    #[arg(long, value_name = "NAME")]
    workspace: Option<String>,
    /// Another state, read-only; its address is in TF_VAR_remote_state_<name>
    #[arg(long = "with", value_name = "NAME=FILE", value_parser = named)]
    others: Vec<(String, PathBuf)>,
    /// Do not compare the state with the branch's upstream
    #[arg(long)]
    no_upstream: bool,
    /// The command, such as `tofu apply`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write NAME=FILE")?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name || file.is_empty() {
        return Err("a name has letters, digits and `_`, and a file has a name".into());
    }
    Ok((name.to_owned(), file.into()))
}

/// Runs the command and ends as it does.
///
/// # Errors
/// When the command was not started, or the state cannot be used.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    // What this process knows is in no core dump, nor is what its children know.
    child::keep_memory_private();
    let settings = Settings::find()?;
    let path = settings.state_file(arguments.state.as_deref(), arguments.workspace.as_deref())?;
    let directory = before::directory(&arguments.command);
    before::guard(&settings, arguments.workspace.as_deref())?;
    if !arguments.no_upstream {
        before::upstream(&path)?;
    }
    before::warn_of_workspaces(&directory);
    before::refuse_leftovers(&directory, &path)?;
    let mut store = open(&settings, &path)?;
    before::rollback(&mut store)?;
    let others = others(&arguments.others)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("Could not start").because(&error))?;
    let (exit, writes) = runtime.block_on(served(arguments, store, others))?;
    after::leftovers(&directory, &settings)?;
    if writes > 0 {
        terminal::note(format_args!("The state in {} was written.", path.display()));
    }
    Ok(exit)
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

async fn served(
    arguments: &Arguments,
    store: Store,
    others: BTreeMap<String, State>,
) -> Result<(Exit, usize), Failure> {
    let names: Vec<String> = others.keys().cloned().collect();
    let desk = Arc::new(Mutex::new(Desk::new(store, others)));
    let server = Server::listen()
        .await
        .map_err(|error| Failure::new("Could not listen on loopback").because(&error))?;
    let mut environment = server.environment(&names);
    if let Some(workspace) = &arguments.workspace {
        environment.push(("TF_VAR_workspace".into(), Secret::new(workspace.as_str())));
    }
    environment.extend(before::plan_encryption(&arguments.command));
    let serving = tokio::spawn(server.serve(Arc::clone(&desk)));
    let exit = child::run(&arguments.command, environment).await;
    serving.abort();
    let writes = desk.lock().unwrap_or_else(PoisonError::into_inner).writes();
    Ok((exit?, writes))
}
