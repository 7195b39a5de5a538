//! The attributes of `windlass_tailnet_member`, and how what the host says becomes attributes.

use std::collections::BTreeSet;

use framework::{Field, Model};
use secret::Secret;
use tailnet::node::{NodeSettings, NodeState, State, TAILSCALE_LOGIN, same_server};

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct MemberModel {
    pub(crate) host: Field<String>,
    pub(crate) tailnet: Field<String>,
    pub(crate) auth_key_wo: Field<Secret>,
    pub(crate) login_server: Field<String>,
    pub(crate) hostname: Field<String>,
    pub(crate) tags: Field<BTreeSet<String>>,
    pub(crate) accept_routes: Field<bool>,
    pub(crate) accept_dns: Field<bool>,
    pub(crate) advertise_routes: Field<BTreeSet<String>>,
    pub(crate) advertise_exit_node: Field<bool>,
    pub(crate) exit_node: Field<String>,
    pub(crate) ssh: Field<bool>,
    pub(crate) socket: Field<String>,
    pub(crate) node_id: Field<String>,
    pub(crate) ipv4: Field<String>,
    pub(crate) ipv6: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) status: Field<String>,
}

/// What a host is that takes part.
pub(super) const CONNECTED: &str = "connected";

impl MemberModel {
    /// The settings that are written down.
    pub(super) fn settings(&self) -> NodeSettings {
        NodeSettings {
            hostname: self.hostname.known().cloned(),
            accept_routes: self.accept_routes.known().copied(),
            accept_dns: self.accept_dns.known().copied(),
            routes: self.advertise_routes.known().map(|routes| routes.iter().cloned().collect()),
            offers_exit: self.advertise_exit_node.known().copied(),
            exit_node: self.exit_node.known().cloned(),
            ssh: self.ssh.known().copied(),
        }
    }

    /// The tags that are written down.
    pub(super) fn wanted_tags(&self) -> Option<Vec<String>> {
        self.tags.known().map(|tags| tags.iter().cloned().collect())
    }

    /// Takes over what the host says. What means the same in other words keeps its own.
    pub(super) fn observe(&mut self, state: &NodeState) {
        let told = |text: Option<&str>| Field::from(text.filter(|text| !text.is_empty()).map(str::to_owned));
        let prefs = &state.prefs;
        if !self.login_server.as_str().is_some_and(|own| same_server(own, &prefs.control_url)) {
            let url = Some(prefs.control_url.as_str()).filter(|url| !url.is_empty());
            self.login_server = url.unwrap_or(TAILSCALE_LOGIN).into();
        }
        if !self.exit_node.known().is_some_and(|own| {
            if own.is_empty() { state.exit_node.is_empty() } else { state.exit_node.contains(own) }
        }) {
            // The first of its spellings is its id, which is its name in no tailnet.
            let name = state.exit_node.get(1).or(state.exit_node.first());
            self.exit_node = name.map(String::as_str).unwrap_or_default().into();
        }
        self.hostname = state.hostname.clone().into();
        self.tags = Field::Known(state.tags.iter().cloned().collect());
        self.accept_routes = prefs.route_all.into();
        self.accept_dns = prefs.corp_dns.into();
        self.advertise_routes = Field::Known(prefs.routes().into_iter().collect());
        self.advertise_exit_node = prefs.offers_exit().into();
        self.ssh = prefs.run_ssh.into();
        self.node_id = state.id.clone().into();
        self.ipv4 = told(state.ipv4());
        self.ipv6 = told(state.ipv6());
        self.name = told(Some(&state.fqdn));
        self.status = match state.state {
            State::LoggedOut => "logged_out",
            State::Unapproved => "unapproved",
            State::Stopped => "stopped",
            State::Starting | State::Running => CONNECTED,
        }
        .into();
    }
}

#[cfg(test)]
mod tests {
    use tailnet::node::Prefs;

    use super::*;

    fn state() -> NodeState {
        let prefs = Prefs {
            control_url: "https://vpn.example.org/".into(),
            advertise_routes: vec!["::/0".into(), "10.0.0.0/16".into(), "0.0.0.0/0".into()],
            ..Prefs::default()
        };
        NodeState {
            exit_node: vec!["9".into(), "gate".into(), "100.64.0.9".into()],
            prefs,
            ..NodeState::default()
        }
    }

    #[test]
    fn what_means_the_same_keeps_its_words() {
        let mut model = MemberModel {
            login_server: "https://VPN.example.org".into(),
            exit_node: "100.64.0.9".into(),
            ..MemberModel::default()
        };
        model.observe(&state());
        assert_eq!(model.login_server, "https://VPN.example.org".into());
        assert_eq!(model.exit_node, "100.64.0.9".into());
        assert_eq!(model.advertise_routes, Field::Known(["10.0.0.0/16".to_owned()].into()));
        assert!(model.advertise_exit_node.is_true());
        let mut imported = MemberModel::default();
        imported.observe(&state());
        assert_eq!((imported.exit_node, imported.name), ("gate".into(), Field::Null));
    }

    #[test]
    fn what_was_observed_is_no_change() {
        let mut model = MemberModel::default();
        model.observe(&state());
        assert_eq!(tailnet::node::set(&state(), &model.settings()), None);
    }
}
