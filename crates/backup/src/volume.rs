//! Docker volumes: where their data are, and how we get at them.
//!
//! Root finds them in a directory of the host and works there as with any other one. Who may use
//! Docker and is not root goes through a container that is never started ([`Helper`]).

use docker::engine::{State, Volume as Found, VolumeSpec};
use remote::{
    Command, Executor, Input,
    files::{Files, Kind},
    run,
};

use crate::{
    error::Error,
    helper::{Docker, Helper},
    subject::Subject,
};

/// A Docker volume on a host.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Docker there.
    pub docker: Docker,
    /// Its name.
    pub name: String,
}

/// A way to what is in a volume.
pub(crate) enum Way<'a> {
    /// A directory of the host, which the connection may read and write.
    Directory(String),
    /// A container that has it.
    Container(Helper<'a>),
}

impl Volume {
    /// The way to a volume that is there.
    pub(crate) async fn way<'a>(&'a self, exec: &'a dyn Executor) -> Result<Way<'a>, Error> {
        let Some(found) = self.docker.engine.volume(&self.name).await? else {
            let subject = Subject::Volume(self.name.clone());
            return Err(Error::SourceMissing { subject, host: exec.name().to_owned() });
        };
        match directory(exec, &found).await? {
            Some(directory) => Ok(Way::Directory(directory)),
            None => Ok(Way::Container(Helper::make(exec, &self.docker, &self.name).await?)),
        }
    }

    /// Makes the volume, where there is none of its name, and says whether it did.
    pub(crate) async fn make(&self) -> Result<bool, Error> {
        if self.docker.engine.volume(&self.name).await?.is_some() {
            return Ok(false);
        }
        let spec =
            VolumeSpec { name: self.name.clone(), driver: "local".to_owned(), ..VolumeSpec::default() };
        self.docker.engine.create_volume(&spec).await?;
        Ok(true)
    }

    /// Makes an empty volume of it, which nothing was in before something of ours.
    pub(crate) async fn make_anew(&self) -> Result<(), Error> {
        let Some(found) = self.docker.engine.volume(&self.name).await? else { return Ok(()) };
        self.docker.engine.remove_volume(&self.name).await?;
        self.docker.engine.create_volume(&found.spec).await?;
        Ok(())
    }

    /// Removes the volume that [`Volume::make`] made.
    pub(crate) async fn unmake(&self) -> Result<(), Error> {
        Ok(self.docker.engine.remove_volume(&self.name).await?)
    }

    /// That no container has its data open: it would go on with what was there before.
    pub(crate) async fn check_unused(&self) -> Result<(), Error> {
        let idle = [State::Created, State::Exited, State::Dead];
        let containers = self.docker.engine.containers_of_volume(&self.name).await?;
        let names: Vec<String> =
            containers.into_iter().filter(|one| !idle.contains(&one.state)).map(|one| one.name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let host = self.docker.engine.host().to_owned();
        Err(Error::InUse { volume: self.name.clone(), host, containers: names.join(", ") })
    }
}

/// The directory of a volume, if we are root there. What an option or a plugin mounts is there only
/// while a container uses it, and what a daemon in a machine of its own has is not there at all.
async fn directory(exec: &dyn Executor, found: &Found) -> Result<Option<String>, Error> {
    if found.spec.driver != "local" || !found.spec.options.is_empty() {
        return Ok(None);
    }
    let who = run(exec, &Command::new(["id", "-u"]).privileged(), Input::Nothing).await?;
    if who.stdout_text().trim() != "0" {
        return Ok(None);
    }
    let path = &found.mountpoint;
    let kinds = Files::on(exec).privileged(true).kinds(&[path]).await?;
    Ok((kinds.get(path) == Some(&Kind::Directory)).then(|| path.clone()))
}
