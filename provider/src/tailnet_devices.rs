//! Machines of a tailnet: how one is looked for and waited for.

use std::time::Duration;

use tailnet::{Control, Device};
use tokio::time::{Instant, sleep};

use crate::failure::{Failure, Stop};

/// How often the list is asked for while a machine is waited for.
const INTERVAL: Duration = Duration::from_secs(2);

/// The one machine that fits, `what` in words. With `patience` it has to be connected, and is waited
/// for: of several, that is the one that lives; the others are what a replaced machine has left.
///
/// # Errors
/// When there is none, or several.
pub(crate) async fn find(
    control: &dyn Control,
    what: &str,
    fits: &(dyn Fn(&Device) -> bool + Sync),
    patience: Option<Duration>,
) -> Result<Device, Failure> {
    let end = Instant::now() + patience.unwrap_or_default();
    loop {
        let all = control.devices().await?;
        let fitting: Vec<&Device> = all.iter().filter(|device| fits(device)).collect();
        let online: Vec<&Device> = fitting.iter().copied().filter(|device| device.online).collect();
        let chosen = if patience.is_some() { &online } else { &fitting };
        match (chosen.as_slice(), patience) {
            ([device], _) => return Ok((*device).clone()),
            ([], Some(_)) if Instant::now() < end => sleep(INTERVAL.min(end - Instant::now())).await,
            ([], _) => return Err(none(what, &fitting, &all, patience).into()),
            (several, _) => return Err(too_many(several).into()),
        }
    }
}

fn none(what: &str, offline: &[&Device], all: &[Device], patience: Option<Duration>) -> Stop {
    let waited = patience.map(|patience| format!(" within {} s", patience.as_secs())).unwrap_or_default();
    if !offline.is_empty() {
        return Stop::new(
            format!(
                "The tailnet has such a machine, and it was not connected{waited}: {}.",
                in_words(offline)
            ),
            "See that it runs and that tailscaled on it is logged in.",
        );
    }
    let names: Vec<&str> = all.iter().map(|device| device.name.as_str()).take(20).collect();
    let there = if names.is_empty() { "no machine".to_owned() } else { names.join(", ") };
    Stop::new(
        format!("The tailnet has no {what}{waited}. It has: {there}."),
        "Correct what is looked for, or give a machine that is being made time by `wait_for`.",
    )
}

fn too_many(several: &[&Device]) -> Stop {
    Stop::new(
        format!("Several machines fit: {}.", in_words(several)),
        "Remove those that are gone from the tailnet, or look for `name` or `id`, which only one has. With `wait_for` only \
         machines that are connected count.",
    )
}

/// Machines, and which of them live.
pub(crate) fn in_words(devices: &[&Device]) -> String {
    let one = |device: &&Device| {
        let seen =
            if device.online { "connected".to_owned() } else { format!("last seen {}", device.last_seen) };
        format!("{} (id {}, {seen})", device.name, device.id)
    };
    devices.iter().map(one).collect::<Vec<_>>().join(", ")
}
