//! Hosts that a test adds to a running lab, breaks, replaces and forgets.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cgroup;
use crate::engine::{CGROUP, Engine};
use crate::error::{Error, Result};
use crate::host::{Spec, container_of};
use crate::lab::Lab;
use crate::network::{FIRST_THROWAWAY, Subnet};
use crate::state::{Host, Paths};
use crate::up;
use crate::variant::Variant;

/// The containers whose names and addresses tests of this process have for themselves, also while
/// there is no such container: a test that replaces or removes its machine must not find another
/// test's there.
static HELD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn held() -> MutexGuard<'static, BTreeSet<String>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host of one test; its container is removed when the value is dropped. Not in the state file.
#[derive(Debug)]
pub struct Throwaway<'a> {
    lab: &'a Lab,
    spec: Spec,
    host: Host,
}

impl Lab {
    /// Adds a host of a variant; a jump host answers to the lab's first host that is none.
    ///
    /// # Errors
    /// When no address is left or the host does not get ready.
    pub fn add_host(&self, variant: Variant) -> Result<Throwaway<'_>> {
        up::ensure_hosts(&self.engine, &self.engine.lock()?, &[variant], &|_| {})?;
        let spec = self.claim(variant)?;
        match self.finish(&spec) {
            Ok(host) => Ok(Throwaway { lab: self, spec, host }),
            Err(error) => {
                let _ = remove(&self.engine, &spec);
                held().remove(&container_of(&spec.lab, &spec.name));
                Err(error)
            }
        }
    }

    fn finish(&self, spec: &Spec) -> Result<Host> {
        let host = up::finish(&self.engine, spec)?;
        let bastion = self.hosts().iter().find(|host| Some(&host.address) == spec.bastion.as_ref());
        Ok(Host { jump: bastion.map(Host::as_jump), ..host })
    }

    /// Creates a container with a name and an address that no other test has; the engine lets only
    /// one of several tests at once have a name.
    fn claim(&self, variant: Variant) -> Result<Spec> {
        let taken = taken_names(&self.engine, &self.paths()?)?;
        for last in FIRST_THROWAWAY..=250 {
            let spec = self.spec(variant, last)?;
            let container = container_of(&spec.lab, &spec.name);
            if taken.contains(&container) || !held().insert(container.clone()) {
                continue;
            }
            let created = spec.create(&self.engine);
            if created.is_err() {
                held().remove(&container);
            }
            match created {
                Err(Error::Command { output, .. }) if output.contains("already in use") => {}
                other => return other.map(|()| spec),
            }
        }
        let lab = &self.state.name;
        Err(Error::Refused(format!("the lab {lab:?} has no address left")))
    }

    fn paths(&self) -> Result<Paths> {
        let name = &self.state.name;
        self.state.paths().ok_or_else(|| Error::Refused(format!("the lab {name:?} has no directory")))
    }

    fn spec(&self, variant: Variant, last: u8) -> Result<Spec> {
        let lab = self.paths()?;
        let subnet = Subnet::of(&self.state.registry_host())
            .ok_or_else(|| Error::Refused(format!("the lab {:?} has no subnet", self.state.name)))?;
        let bastion = self.hosts().iter().find(|host| host.variant != Variant::Jump);
        Ok(Spec {
            name: format!("t{last}"),
            address: subnet.address(last),
            variant,
            image: up::image_of(variant, &self.state.host_image),
            public_key: up::read_public_key(&lab)?,
            registries: self.state.registries(),
            bastion: bastion.filter(|_| variant == Variant::Jump).map(|host| host.address.clone()),
            owner: Some(std::process::id()),
            lab,
        })
    }
}

fn taken_names(engine: &Engine, lab: &Paths) -> Result<Vec<String>> {
    let filter = format!("label={}", lab.label());
    let listed = engine.docker(&["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"])?;
    Ok(listed.lines().map(str::to_owned).collect())
}

fn remove(engine: &Engine, spec: &Spec) -> Result<()> {
    let container = container_of(&spec.lab, &spec.name);
    engine.docker(&["rm", "-f", "-v", &container])?;
    for end in ["", "-inner"] {
        cgroup::remove(&format!("{CGROUP}/{}/{}{end}", spec.lab.key(), spec.name));
    }
    Ok(())
}

impl Throwaway<'_> {
    /// Replaces the machine behind the address: a new container with another host key and machine
    /// id and nothing of what was on the old one.
    ///
    /// # Errors
    /// When the new one does not get ready.
    pub fn replace(&mut self) -> Result<()> {
        remove(&self.lab.engine, &self.spec)?;
        self.spec.create(&self.lab.engine)?;
        self.host = self.lab.finish(&self.spec)?;
        Ok(())
    }

    /// Removes the machine for good. Nobody else of this process gets its address while the value
    /// lives.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn destroy(&self) -> Result<()> {
        remove(&self.lab.engine, &self.spec)
    }
}

impl Deref for Throwaway<'_> {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Drop for Throwaway<'_> {
    fn drop(&mut self) {
        let _ = remove(&self.lab.engine, &self.spec);
        held().remove(&container_of(&self.spec.lab, &self.spec.name));
    }
}
