//! `windlass state`: what is done with an encrypted state beside running commands with it.

mod init;
mod opentofu;
mod show;

use std::path::{Path, PathBuf};

use secret::ProofKey;
use sops::{File, Format};

use crate::exit::{Exit, Failure};
use crate::opening::{identities, open, open_edited};
use crate::run::purpose;
use crate::settings::Settings;
use crate::store::{Held, Lock, LockInfo, State, Store};
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "For whom states are encrypted is said by `[state] recipients` of windlass.toml, else by SOPS_AGE_RECIPIENTS. The creation rules of a `.sops.yaml` are not read: they are for files that `sops` makes."
)]
pub struct Arguments {
    /// The state's file
    #[arg(long, global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Whose state it is
    #[arg(long, global = true, value_name = "NAME")]
    workspace: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Prepare a repository: windlass.toml, .gitattributes, .gitignore, git's textconv
    Init(init::Arguments),
    /// Print what is in the file, values masked; needs no key
    Show {
        /// In place of the state's file (for git's textconv)
        file: Option<PathBuf>,
    },
    /// Print the addresses of all resources
    List,
    /// Print the state, in clear
    Pull,
    /// Replace the state by that of a file, plain or encrypted by SOPS or OpenTofu
    Push {
        /// The file
        file: PathBuf,
        /// Also when it is older, or of another infrastructure
        #[arg(long)]
        force: bool,
    },
    /// Check that the file opens, and that nobody has changed it
    Verify {
        /// Take over what another tool has edited
        #[arg(long)]
        accept: bool,
    },
    /// Encrypt with a new key, for the recipients of the settings and no others
    Rotate,
    /// Begin the state with that of a file, plain or encrypted by SOPS or OpenTofu
    ///
    /// What OpenTofu itself has encrypted is read where its method makes age files, as tofu-age-encryption and
    /// `windlass encryption-method` do.
    Import {
        /// The file
        file: PathBuf,
    },
    /// Tell who holds the lock, and free one that nobody holds
    Unlock,
    /// Print a line for `[guard]` that binds states to the value of a variable
    Guard {
        /// The variable
        variable: String,
    },
}

impl Command {
    /// Whether it reads or writes what is in a state, so that `[guard]` counts.
    const fn opens_the_state(&self) -> bool {
        match self {
            Self::List
            | Self::Pull
            | Self::Push { .. }
            | Self::Verify { .. }
            | Self::Rotate
            | Self::Import { .. } => true,
            // They need no key.
            Self::Init(_) | Self::Show { .. } | Self::Unlock | Self::Guard { .. } => false,
        }
    }
}

/// Does it.
///
/// # Errors
/// When it did not work.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    let path = settings.state_file(arguments.state.as_deref(), arguments.workspace.as_deref())?;
    if arguments.command.opens_the_state() {
        crate::run::guard(&settings, arguments.workspace.as_deref())?;
    }
    match &arguments.command {
        Command::Init(wanted) => init::run(wanted, &settings),
        Command::Show { file } => show::run(file.as_deref().unwrap_or(&path)),
        Command::List => list(&settings, &path),
        Command::Pull => pull(&settings, &path),
        Command::Push { file, force } => push(&settings, &path, file, *force),
        Command::Verify { accept } => verify(&settings, &path, *accept),
        Command::Rotate => rotate(&settings, &path),
        Command::Import { file } => import(&settings, &path, file),
        Command::Unlock => unlock(&path),
        Command::Guard { variable } => guard(&settings, variable),
    }
}

fn existing<'a>(store: &'a Store, path: &Path) -> Result<&'a State, Failure> {
    store.state().ok_or_else(|| {
        Failure::new(format!("Could not open the state in {}", path.display())).with(
            "There is no such file. `windlass run` makes it, and `windlass state import` from another one.",
        )
    })
}

fn list(settings: &Settings, path: &Path) -> Result<Exit, Failure> {
    let store = open(settings, path)?;
    existing(&store, path)?.addresses().iter().for_each(terminal::answer);
    Ok(Exit::DONE)
}

fn pull(settings: &Settings, path: &Path) -> Result<Exit, Failure> {
    let store = open(settings, path)?;
    terminal::raw(existing(&store, path)?.text());
    terminal::raw("\n");
    Ok(Exit::DONE)
}

/// The state of a file, plain or encrypted.
fn read(file: &Path) -> Result<State, Failure> {
    let failed = || Failure::new(format!("Could not read a state from {}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed().because(&error))?;
    if let Ok(state) = State::parse(&text) {
        return Ok(state);
    }
    if let Some(envelope) = opentofu::Envelope::of(&text) {
        return envelope
            .open(&identities()?)
            .map_err(|error| failed().because(&error).with("Nothing was changed."));
    }
    let mut tree = match File::read(&text, Format::Json, &mut identities()?) {
        Ok(tree) => tree,
        Err(sops::Error::NotEncrypted | sops::Error::Syntax { .. }) => {
            return Err(failed().with(
                "It is neither a state nor one that SOPS or OpenTofu has encrypted. Nothing was changed.",
            ));
        }
        Err(error) => return Err(failed().because(&error).with("Nothing was changed.")),
    };
    let state = match tree.get("data").and_then(sops::Value::as_text) {
        Some(text) if tree.get("version").is_none() => State::parse(text),
        _ => {
            let _ = tree.take(crate::store::DIGEST);
            State::of(tree)
        }
    };
    state.map_err(|error| failed().because(&error).with("Nothing was changed."))
}

/// The lock of a command of our own.
fn locked(path: &Path, operation: &str) -> Result<Lock, Failure> {
    let who = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
    let info = LockInfo {
        id: format!("windlass-{}", std::process::id()),
        operation: operation.into(),
        who,
        version: crate::version::VERSION.into(),
        path: path.display().to_string(),
        ..LockInfo::default()
    };
    Lock::take(path, info)
        .map_err(|held| Failure::new("Could not lock the state").because(&held).with("Nothing was changed."))
}

fn push(settings: &Settings, path: &Path, file: &Path, force: bool) -> Result<Exit, Failure> {
    let state = read(file)?;
    let _lock = locked(path, "push")?;
    let mut store = open(settings, path)?;
    let saved = if force { store.put(state) } else { store.save(state) };
    saved.map_err(|error| {
        let failure = Failure::new(format!("Could not push {}", file.display())).because(&error);
        if force { failure } else { failure.with("Nothing was changed. `--force` replaces it all the same.") }
    })?;
    written(&store);
    Ok(Exit::DONE)
}

fn written(store: &Store) {
    if let Some(state) = store.state() {
        terminal::note(format_args!("{} has serial {} now.", store.path().display(), state.serial()));
    }
}

fn verify(settings: &Settings, path: &Path, accept: bool) -> Result<Exit, Failure> {
    let mut store = if accept { open_edited(settings, path)? } else { open(settings, path)? };
    let state = existing(&store, path)?.clone();
    if accept {
        let _lock = locked(path, "verify")?;
        store.put(state).map_err(|error| Failure::new("Could not take over the state").because(&error))?;
        written(&store);
    } else {
        let (serial, lineage) = (state.serial(), state.lineage());
        terminal::answer(format_args!("{}: serial {serial}, lineage {lineage}, unchanged", path.display()));
    }
    Ok(Exit::DONE)
}

fn rotate(settings: &Settings, path: &Path) -> Result<Exit, Failure> {
    let _lock = locked(path, "rotate")?;
    let mut store = open(settings, path)?;
    existing(&store, path)?;
    store.rotate().map_err(|error| Failure::new("Could not rotate the key of the state").because(&error))?;
    terminal::note(
        "The state has a new key. Whoever could read the old file still can: change the secrets in it that matter.",
    );
    Ok(Exit::DONE)
}

fn import(settings: &Settings, path: &Path, file: &Path) -> Result<Exit, Failure> {
    let state = read(file)?;
    let _lock = locked(path, "import")?;
    let mut store = open(settings, path)?;
    if store.state().is_some() {
        return Err(Failure::new(format!("Could not import into {}", path.display()))
            .with("There is a state already; nothing was changed. `windlass state push` replaces one."));
    }
    store
        .put(state)
        .map_err(|error| Failure::new(format!("Could not import {}", file.display())).because(&error))?;
    written(&store);
    terminal::note(format_args!("{} is still there: remove it if it is in clear.", file.display()));
    Ok(Exit::DONE)
}

fn unlock(path: &Path) -> Result<Exit, Failure> {
    match Lock::take(path, LockInfo::default()) {
        Ok(_) => {
            terminal::note("Nobody holds the lock.");
            Ok(Exit::DONE)
        }
        Err(held @ Held::By(_)) => Err(Failure::new("Could not unlock the state").because(&held).with(
            "A process on this machine holds it, and with its end the lock ends: there is nothing to break.",
        )),
        Err(failed) => Err(Failure::new("Could not look at the lock").because(&failed)),
    }
}

fn guard(settings: &Settings, variable: &str) -> Result<Exit, Failure> {
    let failed = || Failure::new(format!("Could not bind states to {variable}"));
    let value = std::env::var(variable).map_err(|_| failed().with("The variable is not set here."))?;
    let key = match &settings.guard.key {
        Some(key) => ProofKey::parse(key).map_err(|error| failed().because(&error))?,
        None => {
            let mut random = [0; 32];
            getrandom::fill(&mut random).map_err(|error| failed().because(&error))?;
            let key = ProofKey::from_random(random);
            terminal::answer(format_args!("key = \"{}\"", key.to_text().expose().trim()));
            key
        }
    };
    terminal::answer(format_args!("hmac.{variable} = \"{}\"", key.proof(&purpose(variable), &value)));
    Ok(Exit::DONE)
}
