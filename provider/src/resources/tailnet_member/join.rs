//! Bringing a host into its tailnet, and waiting until the control server knows it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use framework::Apply;
use secret::Secret;
use tailnet::{
    Control, Device, DeviceChange, KeySpec, Kind,
    node::{self, Node, NodeState, State},
};

use super::{TailnetMember, model::MemberModel};
use crate::{
    failure::{Explain as _, Failure, Stop},
    hosted::{OnHost, OnMachine},
    tailnet_devices::Looks,
};

/// How long Tailscale may take to log in: a little more than it gives itself.
const LOGIN: Duration = Duration::from_secs(120);
/// How long it may take to take over settings.
const SETTING: Duration = Duration::from_secs(60);
/// How long a control server may take to list a machine as it is.
const LISTED: Duration = Duration::from_secs(180);
/// How long a machine is waited for to hear of its own tags.
const HEARD: Duration = Duration::from_secs(15);
/// For how long a key is good that is made for this one login.
const KEY: Duration = Duration::from_secs(600);

/// What the world looks like when something behind the login failed.
pub(super) const JOINED: &str =
    "The host has joined the tailnet. The next apply goes on from there, without another key.";

/// One apply at one host.
pub(super) struct Joining<'a> {
    pub(super) on: &'a OnMachine<'a>,
    pub(super) node: Node,
    pub(super) planned: &'a MemberModel,
    /// The key that somebody gave.
    pub(super) key: Option<&'a Secret>,
    pub(super) server: String,
}

impl Joining<'_> {
    async fn control(&self) -> Result<Arc<dyn Control>, Failure> {
        self.on.hosts.control_for_apply(&self.planned.tailnet).await
    }

    /// Logs in, with a key where the host belongs to no tailnet or has to join `again`.
    pub(super) async fn log_in(&self, found: &NodeState, again: bool) -> Result<NodeState, Failure> {
        if found.has_joined() && !again {
            self.up("connect", found, None, false).await?;
        } else if let Some(key) = self.key {
            self.control().await?;
            self.up("join the tailnet", found, Some(key), again).await?;
        } else {
            self.log_in_by_own_key(found, again).await?;
        }
        let joined = self.node.state().await.with_world(JOINED)?;
        if joined.state == State::Running {
            Ok(joined)
        } else {
            Err(not_running(&joined, self.on.host.name()))
        }
    }

    /// The key is for this machine alone: worthless once it has joined, and taken back if it has not.
    async fn log_in_by_own_key(&self, found: &NodeState, again: bool) -> Result<(), Failure> {
        let control = self.control().await?;
        let tags = self.planned.wanted_tags().unwrap_or_default();
        if tags.is_empty() && control.kind() == Kind::Headscale {
            return Err(Stop::new(
                "The host is in no tailnet yet, and Headscale makes keys only for tags or for a user.",
                "Set `tags`, or make a key for a user (`windlass_tailnet_key` as an ephemeral resource) and give it as \
                 `auth_key_wo`.",
            )
            .at("tags")
            .into());
        }
        let spec = KeySpec {
            description: "Windlass joins a host".to_owned(),
            tags,
            preauthorized: true,
            expiry: KEY,
            ..KeySpec::default()
        };
        let made = control.create_key(&spec).await?;
        let joined = self.up("join the tailnet", found, Some(&made.secret), again).await;
        if joined.is_err()
            && let Err(error) = control.revoke_key(&made.info.id).await
        {
            tracing::info!(%error, id = made.info.id, "could not take back a key; it is worthless after ten minutes");
        }
        joined
    }

    async fn up(
        &self,
        operation: &'static str,
        found: &NodeState,
        key: Option<&Secret>,
        again: bool,
    ) -> Result<(), Failure> {
        let wanted = self.planned.settings();
        let words = |file: &str| node::up(&found.prefs, &wanted, &self.server, key.map(|_| file), again);
        Ok(self.node.detached(operation, key, words, LOGIN, self.on.cx.token()).await?)
    }

    /// Sets what is not as wanted yet.
    pub(super) async fn set(&self, found: NodeState) -> Result<NodeState, Failure> {
        let Some(words) = node::set(&found, &self.planned.settings()) else { return Ok(found) };
        let done =
            self.node.detached("change its settings", None, |_| words, SETTING, self.on.cx.token()).await;
        done?;
        Ok(self.node.state().await?)
    }

    /// Waits until the control server lists the machine as it shall be, which it is told where its tags
    /// are others. That takes a while after a login; one that joined earlier is only asked for its tags.
    pub(super) async fn settle(
        &self,
        mut state: NodeState,
        has_logged_in: bool,
    ) -> Result<NodeState, Failure> {
        let wanted = self.planned.wanted_tags();
        let has_tags = |tags: &[String]| wanted.as_ref().is_none_or(|wanted| wanted == tags);
        if !has_logged_in && has_tags(&state.tags) {
            return Ok(state);
        }
        let control = self.control().await?;
        let looks = Looks::within(LISTED, self.on.cx.token());
        let mut is_told = false;
        loop {
            let device = control.device(&state.id).await?;
            match (&device, &wanted) {
                (Some(device), _) if has_tags(&device.tags) && (device.online || !has_logged_in) => {
                    state.tags = device.tags.clone();
                    return Ok(state);
                }
                (Some(device), Some(wanted)) if !is_told && !has_tags(&device.tags) => {
                    control.change_device(&device.id, &DeviceChange::Tags(wanted.clone())).await?;
                    is_told = true;
                    continue;
                }
                _ => {}
            }
            if looks.next().await.is_err() {
                return Err(not_listed(control.as_ref(), &state, device.as_ref(), wanted.as_deref()));
            }
            if device.is_none() {
                // One that was another machine before tells that one's id until it has heard of its new one.
                state = self.node.state().await?;
            }
        }
    }

    /// What the host says of itself once it has heard of these tags, which comes with the next map of the
    /// tailnet: until then it tells the old ones, and the next plan would want to change them. One that
    /// hears nothing for a while is taken as it is.
    pub(super) async fn told(&self, tags: &[String]) -> Result<NodeState, Failure> {
        let looks = Looks::within(HEARD, self.on.cx.token());
        let tags: BTreeSet<&String> = tags.iter().collect();
        loop {
            let state = self.node.state().await?;
            if state.tags.iter().collect::<BTreeSet<_>>() == tags || looks.next().await.is_err() {
                return Ok(state);
            }
        }
    }
}

/// Records what the host says of itself now.
pub(super) fn record(on: &OnMachine<'_>, apply: &mut Apply<OnHost<TailnetMember>>, state: &NodeState) {
    let mut model = apply.planned.clone();
    model.observe(state);
    let private = apply.private.clone();
    on.record(apply, model, private);
}

fn not_running(state: &NodeState, host: &str) -> Failure {
    let health = if state.health.is_empty() {
        String::new()
    } else {
        format!(" It says:\n{}", state.health.join("\n"))
    };
    let (happened, next) = match state.state {
        State::Unapproved => (
            format!("{host} has logged in, and the tailnet wants an administrator to let it in.{health}"),
            "Approve the machine in the console, or join by a key that is preauthorized, as those are that this makes; then \
             apply again.",
        ),
        _ => (
            format!("{host} has logged in and is not connected.{health}"),
            "See what it says; where the tailnet is locked, the machine has to be signed (`tailscale lock sign`). Then apply \
             again.",
        ),
    };
    Stop::new(happened, next).into()
}

fn not_listed(
    control: &dyn Control,
    state: &NodeState,
    device: Option<&Device>,
    wanted: Option<&[String]>,
) -> Failure {
    let server = control.kind().name();
    let happened = match device {
        None => format!(
            "The host is the machine {:?} of its tailnet, and {server} does not list it after {} s.",
            state.id,
            LISTED.as_secs()
        ),
        Some(device) => format!(
            "{server} does not list the machine {:?} as it shall be after {} s: it is {}connected, its tags are {:?}, wanted \
             are {:?}.",
            device.id,
            LISTED.as_secs(),
            if device.online { "" } else { "not " },
            device.tags,
            wanted.unwrap_or_default(),
        ),
    };
    Stop::new(
        happened,
        "See that `tailnet` and `login_server` mean the same control server, and that `tagOwners` of the policy has these \
         tags; then apply again.",
    )
    .into()
}
