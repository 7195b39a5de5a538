//! Removing a lab.

use crate::cgroup;
use crate::engine::{CGROUP, Engine, EngineLock};
use crate::error::{Result, join};
use crate::network;
use crate::state::Paths;

/// Removes what a lab has: in the engine, in the kernel, and its files.
pub(crate) fn remove(engine: &Engine, _lock: &EngineLock, lab: &Paths) -> Result<()> {
    let filter = format!("label={}", lab.label());
    let listed = engine.docker(&["ps", "-a", "-q", "--filter", &filter])?;
    let containers: Vec<&str> = listed.lines().collect();
    std::thread::scope(|scope| {
        let removals: Vec<_> = containers
            .iter()
            .map(|container| scope.spawn(|| engine.docker(&["rm", "-f", "-v", container]).map(drop)))
            .collect();
        removals.into_iter().try_for_each(join)
    })?;
    network::remove(engine, lab)?;
    cgroup::remove(&format!("{CGROUP}/{}", lab.key()));
    lab.remove()
}
