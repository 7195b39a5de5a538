//! Taking a stack down.

use std::collections::BTreeSet;

use compose::layout::{BUILD, GENERATIONS, GOOD, OURS};
use remote::{
    Command, Input, checked,
    files::{FileError, WriteOptions, copying_script},
    run,
};
use secret::Scrubber;
use tokio_util::sync::CancellationToken;

use crate::{
    before::{self, BEFORE},
    containers::is_of_service,
    context::{Context, Warning},
    error::Error,
    file_access::{self, FileAccess},
    host::Host,
    host_state::{self, HostState, REMEMBERED},
    kept_images::release_images,
    overview,
    ownership::ABANDONED,
    replaced::REPLACED,
    step::Step,
    steps::Steps,
};

/// The files of ours, which go last: they tell what else has to.
const OUR_FILES: [&str; 8] =
    [REMEMBERED, "override.json", "record.json", "key", "source.json", "files", "instance", "manifest.json"];

/// What is kept for a stack, below [`OURS`].
const KEPT: [&str; 4] = [GOOD, GENERATIONS, BUILD, REPLACED];

/// Removes what follows the directory `$1` from our folder in it, in this order, and both if they are
/// empty then.
pub(crate) const FORGET: &str = r#"
[ -x "$1/.windlass" ] || exit 0
go "$1" ''
exec 8<.
[ ! -L ./.windlass ] || exit 0
own .windlass
shift
rm -f -- stat.*
for name; do
  rm -r -f -- "./$name" || exit
done
cd -P /proc/self/fd/8 && rmdir ./.windlass || exit 0
name=${PWD##*/}
cd -P .. && rmdir -- "./$name"
exit 0
"#;

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
            Some(directory) => Some(host_state::inspect(host.executor(), cx.token(), directory).await?),
            None => None,
        };
        if let (Some(directory), Some(state)) = (directory, &state)
            && is_another(host, name, (directory, state), instance).await?
        {
            return Ok(Destroyed::Another);
        }
        // What can be removed is known before anything is.
        let removal = match (directory, &state) {
            (Some(directory), Some(state)) => {
                let place = place_of(directory, state, instance);
                Some((place, Removal::of(host, cx.token(), place, state).await?))
            }
            _ => None,
        };
        steps.begin(Step::Stop).await?;
        let left = compose.down(name, volumes, cx.remaining()).await?;
        release_images(&host.engine, name, []).await?;
        if let Some((directory, removal)) = removal {
            steps.begin(Step::Remove).await?;
            let paths = removal.carry_out(host, cx.token(), directory).await?;
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
        let state = host_state::inspect(host.executor(), cx.token(), directory).await?;
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

/// Where the files of the stack with the id `instance` are that was made in `directory`. Somebody may have
/// put that elsewhere and a link in its place: only by the id it is known to be the same.
fn place_of<'s>(directory: &'s str, state: &'s HostState, instance: &str) -> &'s str {
    let same = !instance.is_empty() && state.instance.as_deref() == Some(instance);
    state.link.as_deref().filter(|_| same).unwrap_or(directory)
}

/// Removes what was shipped to `directory`, by the manifest there, and nothing else; what was there before
/// an import is put back. Which files are left because they may not be removed, relative to the
/// directory. `token` ends looking at them. Through a link nothing is removed, and where it leads to
/// `now`, nothing is left either: that is where the files shall be.
///
/// # Errors
/// When the host cannot be asked.
pub async fn remove_files(
    host: &Host,
    token: &CancellationToken,
    directory: &str,
    now: Option<&str>,
) -> Result<Vec<String>, Error> {
    let state = host_state::inspect(host.executor(), token, directory).await?;
    if state.link.as_deref().is_some_and(|target| Some(target) == now) {
        return Ok(Vec::new());
    }
    Removal::of(host, token, directory, &state).await?.carry_out(host, token, directory).await
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
    /// Whether files are kept that were there before.
    before: bool,
}

impl Removal {
    /// Decides what can be removed, and changes nothing.
    async fn of(
        host: &Host,
        token: &CancellationToken,
        directory: &str,
        state: &HostState,
    ) -> Result<Self, Error> {
        let shipped = state.paths();
        let FileAccess { stuck, absent, .. } =
            file_access::inspect(host.executor(), token, directory, shipped.iter()).await?;
        let there = shipped.into_iter().filter(|path| !absent.contains(path));
        let linked = state.link.as_deref().is_some_and(|target| target != directory);
        let (left, files) = there.partition(|path| linked || stuck.contains(path));
        Ok(Self { ours: state.is_ours() && !linked, files, left, before: state.folders.contains(BEFORE) })
    }

    /// Does it. What turns out to be impossible is left as well: the containers are gone by now, and
    /// nothing is won by stopping half-way.
    async fn carry_out(
        self,
        host: &Host,
        token: &CancellationToken,
        directory: &str,
    ) -> Result<Vec<String>, Error> {
        if !self.ours {
            return Ok(self.left);
        }
        let mut left = self.left;
        if !self.files.is_empty() {
            match host.files().remove(directory, &self.files).await {
                Err(FileError::Denied { .. }) => {
                    let now =
                        file_access::inspect(host.executor(), token, directory, self.files.iter()).await?;
                    left.extend(self.files.into_iter().filter(|path| !now.absent.contains(path)));
                }
                done => drop(done?),
            }
        }
        remove_ours(host, directory).await?;
        if self.before {
            before::put_back(host, directory).await?;
        }
        Ok(left)
    }
}

/// Removes what is kept for the stack in `directory`, and what is known of it there; the files that
/// were shipped stay.
pub(crate) async fn forget(host: &Host, directory: &str) -> Result<(), Error> {
    remove_ours(host, directory).await?;
    before::put_back(host, directory).await
}

/// Removes what is kept, and what is known: the files that tell what else has to go are the last.
async fn remove_ours(host: &Host, directory: &str) -> Result<(), Error> {
    let command = Command::new(["sh", "-c", &copying_script(FORGET), "windlass-forget", directory]);
    let command = command.args(KEPT).args(OUR_FILES).privileged();
    let output = run(host.executor(), &command, Input::Nothing).await?;
    Ok(checked(host.executor(), &command, &output)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use remote::conformance::Tools;

    use super::*;

    #[test]
    fn a_stack_that_was_put_elsewhere_is_found_by_its_id_alone() {
        let state = HostState {
            link: Some("/mnt/web".to_owned()),
            instance: Some("a".to_owned()),
            ..HostState::default()
        };
        assert_eq!(place_of("/srv/web", &state, "a"), "/mnt/web");
        assert_eq!(place_of("/srv/web", &state, "b"), "/srv/web");
        assert_eq!(place_of("/srv/web", &HostState { instance: None, ..state }, ""), "/srv/web");
    }

    #[test]
    fn what_is_ours_goes_and_nothing_else() {
        for tools in Tools::all() {
            let dir = tempfile::tempdir().unwrap();
            let forget = |root: &str| {
                let root = dir.path().join(root);
                let words: Vec<_> = std::iter::once(root.into_os_string())
                    .chain(KEPT.iter().chain(&OUR_FILES).map(std::ffi::OsString::from))
                    .collect();
                let words: Vec<&std::ffi::OsStr> = words.iter().map(AsRef::as_ref).collect();
                tools.run(&copying_script(FORGET), &words, b"").0
            };
            let put = |path: &str| {
                let path = dir.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            };
            for path in ["a/.windlass/good/x", "a/.windlass/key", "b/.windlass/key", "b/data", "real/key"] {
                put(path);
            }
            put("c/.windlass/before/x");
            fs::create_dir(dir.path().join("d")).unwrap();
            std::os::unix::fs::symlink("../real", dir.path().join("d/.windlass")).unwrap();
            for root in ["a", "b", "c", "d", "none"] {
                assert!(forget(root), "{tools:?} {root}");
            }
            let is_there = |path: &str| dir.path().join(path).exists();
            assert!(!is_there("a") && !is_there("b/.windlass") && is_there("b/data"));
            assert!(is_there("c/.windlass/before/x") && is_there("real/key"), "{tools:?}");
        }
    }
}
