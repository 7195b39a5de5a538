//! What belonged to a test process that is gone without having cleaned up (killed, not panicked).

use std::path::Path;

use crate::engine::{Engine, EngineLock};
use crate::error::Result;
use crate::labels::{LAB, OWNER};
use crate::removal;
use crate::state::Paths;

/// Removes labs and throwaway hosts whose owner is gone; the lock must be held.
pub(crate) fn remove(engine: &Engine, lock: &EngineLock) -> Result<()> {
    let filter = format!("label={OWNER}");
    let list = |kind: &[&str], id: &str| {
        let format = format!("{{{{.Label \"{OWNER}\"}}}} {id}");
        let mut line = kind.to_vec();
        line.extend(["--filter", &filter, "--format", &format]);
        engine.docker(&line)
    };
    let directory = format!("{{{{.Label \"{LAB}\"}}}}");
    for lab in orphans(&list(&["network", "ls"], &directory)?, is_running) {
        if let Some(lab) = Paths::at(Path::new(lab)) {
            removal::remove(engine, lock, &lab)?;
        }
    }
    for container in orphans(&list(&["ps", "-a"], "{{.Names}}")?, is_running) {
        engine.docker(&["rm", "-f", "-v", container])?;
    }
    Ok(())
}

fn is_running(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// Second words of the lines whose first one is the id of a process that does not run.
fn orphans(list: &str, is_running: impl Fn(u32) -> bool) -> Vec<&str> {
    list.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(owner, _)| owner.parse().is_ok_and(|owner| !is_running(owner)))
        .map(|(_, thing)| thing)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_gone_process_owned_is_an_orphan() {
        let list = "7 mine\n8 theirs\n nobodys\n";
        assert_eq!(orphans(list, |process| process == 7), ["theirs"]);
        assert!(is_running(std::process::id()));
    }
}
