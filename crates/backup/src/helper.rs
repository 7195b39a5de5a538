//! A container that reaches a volume for those who cannot read Docker's directories, and is never
//! started.
//!
//! The daemon copies files out of and into a container that does not run, with its volumes mounted, as
//! root. So no program is needed in it: its image is empty, is made on the host (`docker import` of an
//! archive without entries), and nothing is ever pulled.

use docker::engine::State;
use remote::{
    Command, Executor, Input, Output,
    collect::{Limits, Overflow, run_checked, run_with},
};

use crate::{archive, error::Error, moment::Moment};

/// The image, which has nothing in it.
const IMAGE: &str = "windlass-helper:empty";

/// Says of such a container which volume it is for.
const LABEL: &str = "windlass.corpus";

/// What the volume is called in it, at the root.
pub(crate) const PLACE: &str = "corpus";

/// An archive without entries.
const EMPTY_ARCHIVE: [u8; 1024] = [0; 1024];

/// How much an archive of a directory without entries is at most.
const NO_ENTRIES: usize = 4096;

/// After how many seconds a container of this kind is for sure one of a call that was killed.
const ABANDONED: i64 = 24 * 3600;

/// Docker on a host.
#[derive(Clone, Debug)]
pub struct Docker {
    /// The daemon.
    pub engine: docker::Engine,
    /// The client, for what flows in bulk.
    pub cli: docker::Cli,
}

/// A container that reaches a volume.
#[derive(Debug)]
pub(crate) struct Helper<'a> {
    exec: &'a dyn Executor,
    docker: &'a Docker,
    id: String,
}

impl<'a> Helper<'a> {
    /// Makes one for `volume`, which is there. What calls that were killed left for it goes first: as
    /// long as there is one, the volume cannot be removed.
    pub(crate) async fn make(
        exec: &'a dyn Executor,
        docker: &'a Docker,
        volume: &str,
    ) -> Result<Self, Error> {
        if docker.engine.image(IMAGE).await?.is_none() {
            let empty = Input::bytes(EMPTY_ARCHIVE.to_vec());
            run_checked(exec, &docker.cli.docker(["import", "-", IMAGE]), empty).await?;
        }
        remove_abandoned(docker, volume).await?;
        let made = run_checked(exec, &create_command(docker, volume), Input::Nothing).await?;
        let id = made.stdout_text().trim().to_owned();
        Ok(Self { exec, docker, id })
    }

    /// The command that writes what is in the volume to stdout, as an archive.
    pub(crate) fn read_command(&self) -> Command {
        let from = format!("{}:/{PLACE}/.", self.id);
        self.docker.cli.docker(["cp", &from, "-"]).timeout(None).bulk()
    }

    /// The command that extracts stdin, in which the volume is called [`PLACE`]: under its own name it
    /// gets its owner and its mode as well.
    pub(crate) fn write_command(&self) -> Command {
        let to = format!("{}:/", self.id);
        self.docker.cli.docker(["cp", "-", &to]).timeout(None).bulk()
    }

    /// Whether nothing is in the volume.
    pub(crate) async fn is_empty(&self) -> Result<bool, Error> {
        let limits = Limits { cap: NO_ENTRIES, overflow: Overflow::Fail, ..Limits::default() };
        match run_with(self.exec, &self.read_command(), Input::Nothing, &limits).await {
            Ok(Output { status: 0, stdout, .. }) => Ok(archive::is_empty(&stdout[..])),
            Ok(output) => {
                remote::checked(self.exec, &self.read_command(), &output)?;
                Ok(false)
            }
            Err(remote::Error::TooMuchOutput { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes it, and not the volume.
    pub(crate) async fn remove(self) {
        if let Err(error) = self.docker.engine.remove(&self.id).await {
            tracing::warn!(id = self.id, %error, "could not remove a container that reached a volume");
        }
    }
}

async fn remove_abandoned(docker: &Docker, volume: &str) -> Result<(), Error> {
    let now = Moment::now().unix();
    for container in docker.engine.containers_of_volume(volume).await? {
        let is_ours = container.label(LABEL) == Some(volume) && container.state == State::Created;
        if is_ours && now - container.created > ABANDONED {
            docker.engine.remove(&container.id).await?;
        }
    }
    Ok(())
}

fn create_command(docker: &Docker, volume: &str) -> Command {
    let label = format!("{LABEL}={volume}");
    // Nothing of the image is copied into a volume that is empty; it has nothing anyway.
    let mount = format!("type=volume,source={volume},target=/{PLACE},volume-nocopy");
    let create = ["create", "--pull", "never", "--network", "none", "--label", &label, "--mount", &mount];
    docker.cli.docker(create).args([IMAGE, "never-started"])
}
