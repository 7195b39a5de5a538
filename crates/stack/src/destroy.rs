//! Taking a stack down.

use std::collections::BTreeSet;

use compose::layout::{BUILD, GENERATIONS, GOOD, OURS};
use remote::files::{FileError, WriteOptions};
use secret::Scrubber;

use crate::{
    before,
    containers::is_of_service,
    context::{Context, Warning},
    error::Error,
    file_access::{self, FileAccess},
    host::Host,
    host_state::{self, HostState},
    kept_images::release_images,
    kept_release, overview,
    ownership::ABANDONED,
    replaced::REPLACED,
    step::Step,
    steps::Steps,
};

/// The files of ours, which go last: they tell what else has to.
const OUR_FILES: [&str; 7] =
    ["override.json", "record.json", "key", "source.json", "files", "instance", "manifest.json"];

/// Which stack is to be taken down.
#[derive(Clone, Copy, Debug)]
pub struct DestroyRequest<'a> {
    /// The name of its project.
    pub name: &'a str,
    /// Where its files are, where that is known.
    pub directory: Option<&'a str>,
    /// The id of the very stack; empty where it has none.
    pub instance: &'a str,
    /// Whether its volumes go too, with everything in them.
    pub volumes: bool,
}

/// What taking a stack down came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destroyed {
    /// It is gone, but for what containers of others use: `network web_default`.
    Gone(BTreeSet<String>),
    /// What is there is another stack than the one that was to go. Nothing was changed.
    Another,
}

/// Takes the stack down by its project's label, and its shipped files away. Already gone is fine.
/// Needs neither files nor secrets.
///
/// # Errors
/// When something of it could not be removed; what went before that is gone.
pub async fn destroy(cx: &Context, host: &Host, request: DestroyRequest<'_>) -> Result<Destroyed, Error> {
    let DestroyRequest { name, directory, instance, volumes } = request;
    let lock = host.lock(cx, name).await?;
    let compose = host.compose(cx, &Scrubber::default());
    let steps = Steps::under(&lock);
    let done = async {
        let state = match directory {
            Some(directory) => Some(host_state::inspect(host.executor(), directory).await?),
            None => None,
        };
        if let (Some(directory), Some(state)) = (directory, &state)
            && is_another(host, name, (directory, state), instance).await?
        {
            return Ok(Destroyed::Another);
        }
        // What can be removed is known before anything is.
        let removal = match (directory, &state) {
            (Some(directory), Some(state)) => Some((directory, Removal::of(host, directory, state).await?)),
            _ => None,
        };
        steps.begin(Step::Stop).await?;
        let left = compose.down(name, volumes, cx.remaining()).await?;
        release_images(&host.engine, name, []).await?;
        if let Some((directory, removal)) = removal {
            steps.begin(Step::Remove).await?;
            let paths = removal.carry_out(host, directory).await?;
            if !paths.is_empty() {
                let (stack, directory) = (name.to_owned(), directory.to_owned());
                cx.warn(Warning::FilesLeft { stack, directory, paths });
            }
        }
        Ok(Destroyed::Gone(left))
    };
    let done = done.await;
    lock.release().await;
    done
}

/// Lets go of the stack with the id `instance`, which runs on: the next one of its name may take it up.
///
/// # Errors
/// When the host cannot be asked, or the note not be written.
pub async fn abandon(
    cx: &Context,
    host: &Host,
    name: &str,
    directory: &str,
    instance: &str,
) -> Result<(), Error> {
    let lock = host.lock(cx, name).await?;
    let done = async {
        let state = host_state::inspect(host.executor(), directory).await?;
        if state.instance.as_deref() == Some(instance) {
            let path = format!("{directory}/{OURS}/instance");
            host.files().write(&path, format!("{ABANDONED}\n").into_bytes(), &WriteOptions::PRIVATE).await?;
        }
        Ok(())
    };
    let done = done.await;
    lock.release().await;
    done
}

/// Whether what is on the host is another stack than the one in `directory` with the id `instance`:
/// by the id that lies there, or, where nothing of ours does, by the directory that its containers
/// name.
async fn is_another(
    host: &Host,
    name: &str,
    (directory, state): (&str, &HostState),
    instance: &str,
) -> Result<bool, Error> {
    if state.is_ours() {
        return Ok(state.is_of_another(instance));
    }
    let containers = host.engine.containers(name).await?;
    let mut places =
        containers.iter().filter(|one| is_of_service(one)).filter_map(overview::directory).peekable();
    Ok(places.peek().is_some() && places.all(|place| place != directory))
}

/// Removes what was shipped to `directory`, by the manifest there, and nothing else; what was there before
/// an import is put back. Which files are left because they may not be removed, relative to the
/// directory.
///
/// # Errors
/// When the host cannot be asked.
pub async fn remove_files(host: &Host, directory: &str) -> Result<Vec<String>, Error> {
    let state = host_state::inspect(host.executor(), directory).await?;
    Removal::of(host, directory, &state).await?.carry_out(host, directory).await
}

/// What is removed from a stack's directory.
#[derive(Debug, Default)]
struct Removal {
    /// Whether a stack of ours is there.
    ours: bool,
    /// The shipped files that can go.
    files: Vec<String>,
    /// Those that cannot: they, or the directory that they are in, belong to somebody else.
    left: Vec<String>,
}

impl Removal {
    /// Decides what can be removed, and changes nothing.
    async fn of(host: &Host, directory: &str, state: &HostState) -> Result<Self, Error> {
        let shipped = state.paths();
        let FileAccess { stuck, absent, .. } =
            file_access::inspect(host.executor(), directory, shipped.iter()).await?;
        let there = shipped.into_iter().filter(|path| !absent.contains(path));
        let (left, files) = there.partition(|path| stuck.contains(path));
        Ok(Self { ours: state.is_ours(), files, left })
    }

    /// Does it. What turns out to be impossible is left as well: the containers are gone by now, and
    /// nothing is won by stopping half-way.
    async fn carry_out(self, host: &Host, directory: &str) -> Result<Vec<String>, Error> {
        if !self.ours {
            return Ok(Vec::new());
        }
        kept_release::remove_all(host, directory, &[GOOD, GENERATIONS, BUILD, REPLACED]).await?;
        let mut left = self.left;
        if !self.files.is_empty() {
            match host.files().remove(directory, &self.files).await {
                Err(FileError::Denied { .. }) => {
                    let now = file_access::inspect(host.executor(), directory, self.files.iter()).await?;
                    left.extend(self.files.into_iter().filter(|path| !now.absent.contains(path)));
                }
                done => drop(done?),
            }
        }
        remove_ours(host, directory).await?;
        before::put_back(host, directory).await?;
        Ok(left)
    }
}

/// Removes what is kept for the stack in `directory`, and what is known of it there; the files that
/// were shipped stay.
pub(crate) async fn forget(host: &Host, directory: &str) -> Result<(), Error> {
    kept_release::remove(host, directory).await?;
    remove_ours(host, directory).await?;
    before::put_back(host, directory).await
}

async fn remove_ours(host: &Host, directory: &str) -> Result<(), Error> {
    let ours: Vec<String> = OUR_FILES.iter().map(|name| format!("{OURS}/{name}")).collect();
    host.files().remove(directory, &ours).await?;
    Ok(())
}
