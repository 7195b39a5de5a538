//! Machines of a tailnet: how one is looked for and waited for, and how what is set of one is spelled.

use std::time::Duration;

use docker::Cidr;
use remote::poll::{Ended, Poll};
use tailnet::{Control, Device, EXIT_ROUTES};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Stop};

/// How often the list is asked for while a machine is waited for.
const INTERVAL: Duration = Duration::from_secs(2);

/// Looking again until a machine is as it shall be. It mostly is so within moments, so that the first
/// looks are close to each other; a control server is not to be asked ten times a second for minutes.
pub(crate) struct Looks<'a> {
    soon: Poll<'a>,
    later: Poll<'a>,
}

impl<'a> Looks<'a> {
    /// For no longer than `limit`; the time runs from now.
    pub(crate) fn within(limit: Duration, cancel: &'a CancellationToken) -> Self {
        let soon = Poll::new(Duration::from_millis(100), limit.min(Duration::from_secs(5)), cancel);
        Self { soon, later: Poll::new(INTERVAL, limit, cancel) }
    }

    /// Waits until it is time for the next look.
    ///
    /// # Errors
    /// [`Ended`] when there is no next look.
    pub(crate) async fn next(&self) -> Result<(), Ended> {
        match self.soon.next().await {
            Err(Ended::Late) => self.later.next().await,
            outcome => outcome,
        }
    }
}

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

/// Checks a route: servers write each in one way.
pub(crate) fn check_route(text: &str) -> Result<(), String> {
    if EXIT_ROUTES.contains(&text) {
        return Err(
            "must not have the routes of an exit node: there is an attribute of its own for them".to_owned()
        );
    }
    let range: Cidr = text.parse().map_err(|error: docker::CidrError| error.to_string())?;
    if range.to_string() == text { Ok(()) } else { Err(format!("must be written as {range}")) }
}

/// Checks the first label of a name.
#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
pub(crate) fn check_name(text: &String) -> Result<(), String> {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_label = (1..=63).contains(&text.len()) && text.chars().all(fits);
    if is_label && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(());
    }
    Err("must be one label of a name in DNS: lower-case letters, digits and hyphens".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn looks_are_close_at_first_and_end_in_time() {
        let cancel = CancellationToken::new();
        let looks = Looks::within(Duration::from_millis(250), &cancel);
        assert_eq!(looks.next().await, Ok(()));
        while looks.next().await.is_ok() {}
        assert!(looks.soon.left() < Duration::from_millis(100), "as many as there is time for");
        let looks = Looks::within(Duration::from_secs(600), &cancel);
        let (ended, ()) = tokio::join!(looks.next(), async { cancel.cancel() });
        assert_eq!(ended, Err(Ended::Cancelled));
    }

    #[test]
    fn routes_and_names_have_one_spelling() {
        assert!(check_route("10.0.0.0/16").is_ok() && check_route("fd00:1::/64").is_ok());
        assert!(check_route("10.0.0.1/16").is_err() && check_route("10.0.0.0").is_err());
        assert_eq!(check_route("fd00:0001::/64").unwrap_err(), "must be written as fd00:1::/64");
        assert!(check_route("::/0").unwrap_err().contains("exit node"));
        assert!(check_name(&"web-1".to_owned()).is_ok());
        assert!(["Web", "web.x", "-web", ""].into_iter().all(|name| check_name(&name.to_owned()).is_err()));
    }
}
