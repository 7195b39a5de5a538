//! Words for Tailscale's command. Pure.

use super::{NodeState, Prefs};
use crate::EXIT_ROUTES;

/// Where machines log in to Tailscale's own control server.
pub const TAILSCALE_LOGIN: &str = "https://controlplane.tailscale.com";

/// The settings of a machine that somebody has an opinion about; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSettings {
    /// What it calls itself.
    pub hostname: Option<String>,
    /// Whether it takes routes that others offer.
    pub accept_routes: Option<bool>,
    /// Whether it uses the tailnet's DNS.
    pub accept_dns: Option<bool>,
    /// The routes that it offers, without those of an exit node.
    pub routes: Option<Vec<String>>,
    /// Whether it offers to be an exit node.
    pub offers_exit: Option<bool>,
    /// The exit node that it uses; empty is none.
    pub exit_node: Option<String>,
    /// Whether Tailscale SSH is on.
    pub ssh: Option<bool>,
}

impl Prefs {
    /// The routes that are offered, without those of an exit node, sorted.
    pub fn routes(&self) -> Vec<String> {
        let is_plain = |route: &&String| !EXIT_ROUTES.contains(&route.as_str());
        let mut routes: Vec<String> = self.advertise_routes.iter().filter(is_plain).cloned().collect();
        routes.sort();
        routes
    }

    /// Whether it offers to be an exit node.
    pub fn offers_exit(&self) -> bool {
        EXIT_ROUTES.iter().all(|route| self.advertise_routes.iter().any(|offered| offered == route))
    }

    /// What `up` resets where it is not told: the settings that nobody here has an opinion about.
    fn kept(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut keep = |is_set: bool, word: String| {
            if is_set {
                words.push(word);
            }
        };
        keep(!self.operator_user.is_empty(), format!("--operator={}", self.operator_user));
        keep(self.shields_up, "--shields-up".to_owned());
        keep(self.no_snat, "--snat-subnet-routes=false".to_owned());
        keep(self.no_stateful_filtering == Some(false), "--stateful-filtering".to_owned());
        keep(self.netfilter_mode == 0, "--netfilter-mode=off".to_owned());
        keep(self.netfilter_mode == 1, "--netfilter-mode=nodivert".to_owned());
        keep(self.exit_node_allow_lan_access, "--exit-node-allow-lan-access".to_owned());
        keep(self.app_connector.advertise, "--advertise-connector".to_owned());
        keep(self.posture_checking, "--report-posture".to_owned());
        words
    }
}

/// Whether both addresses are those of one control server.
pub fn same_server(one: &str, other: &str) -> bool {
    let plain = |url: &str| match url.trim_end_matches('/') {
        "" | "https://login.tailscale.com" => TAILSCALE_LOGIN.to_owned(),
        url => url.to_ascii_lowercase(),
    };
    plain(one) == plain(other)
}

/// Logs in to `server` by the key in `key_file` with these settings; those that nobody has an opinion
/// about stay, but that there is no exit node yet: its name is known only in the tailnet. Tags come
/// from the key.
pub fn up(
    prefs: &Prefs,
    wanted: &NodeSettings,
    server: &str,
    key_file: Option<&str>,
    again: bool,
) -> Vec<String> {
    let flag = |name: &str, value: bool| format!("--{name}={value}");
    let hostname = wanted.hostname.as_ref().unwrap_or(&prefs.hostname);
    let routes = wanted.routes.clone().unwrap_or_else(|| prefs.routes());
    let mut words = vec!["up".to_owned(), format!("--login-server={server}")];
    words.extend(key_file.map(|file| format!("--auth-key=file:{file}")));
    if again {
        words.push("--force-reauth".to_owned());
    }
    words.push(format!("--hostname={hostname}"));
    words.push("--advertise-tags=".to_owned());
    words.push(flag("accept-routes", wanted.accept_routes.unwrap_or(prefs.route_all)));
    words.push(flag("accept-dns", wanted.accept_dns.unwrap_or(prefs.corp_dns)));
    words.push(format!("--advertise-routes={}", routes.join(",")));
    words.push(flag("advertise-exit-node", wanted.offers_exit.unwrap_or_else(|| prefs.offers_exit())));
    words.push("--exit-node=".to_owned());
    words.push(flag("ssh", wanted.ssh.unwrap_or(prefs.run_ssh)));
    words.extend(prefs.kept());
    words.push("--accept-risk=all".to_owned());
    words.push("--timeout=90s".to_owned());
    words
}

/// Changes what is not as wanted; `None` where all is.
pub fn set(state: &NodeState, wanted: &NodeSettings) -> Option<Vec<String>> {
    let prefs = &state.prefs;
    let mut words = vec!["set".to_owned()];
    let mut flag = |name: &str, wanted: Option<bool>, is: bool| {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != is) {
            words.push(format!("--{name}={wanted}"));
        }
    };
    flag("accept-routes", wanted.accept_routes, prefs.route_all);
    flag("accept-dns", wanted.accept_dns, prefs.corp_dns);
    flag("advertise-exit-node", wanted.offers_exit, prefs.offers_exit());
    flag("ssh", wanted.ssh, prefs.run_ssh);
    if let Some(hostname) = wanted.hostname.as_ref().filter(|hostname| **hostname != state.hostname) {
        words.push(format!("--hostname={hostname}"));
    }
    if let Some(routes) = wanted.routes.as_ref().filter(|routes| **routes != prefs.routes()) {
        words.push(format!("--advertise-routes={}", routes.join(",")));
    }
    let is_exit_node = |name: &String| match name.as_str() {
        "" => state.exit_node.is_empty(),
        _ => state.exit_node.contains(name),
    };
    if let Some(name) = wanted.exit_node.as_ref().filter(|name| !is_exit_node(name)) {
        words.push(format!("--exit-node={name}"));
    }
    if words.len() == 1 {
        return None;
    }
    words.push("--accept-risk=all".to_owned());
    Some(words)
}

/// Leaves the tailnet.
pub fn logout() -> Vec<String> {
    vec!["logout".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_says_every_setting_and_no_key() {
        let prefs = Prefs { corp_dns: true, netfilter_mode: 2, ..Prefs::default() };
        let wanted = NodeSettings {
            hostname: Some("web".into()),
            ssh: Some(true),
            routes: Some(vec!["10.0.0.0/16".into(), "10.1.0.0/16".into()]),
            ..NodeSettings::default()
        };
        assert_eq!(
            up(&prefs, &wanted, "https://vpn.example.org", Some("/root/key"), false),
            [
                "up",
                "--login-server=https://vpn.example.org",
                "--auth-key=file:/root/key",
                "--hostname=web",
                "--advertise-tags=",
                "--accept-routes=false",
                "--accept-dns=true",
                "--advertise-routes=10.0.0.0/16,10.1.0.0/16",
                "--advertise-exit-node=false",
                "--exit-node=",
                "--ssh=true",
                "--accept-risk=all",
                "--timeout=90s"
            ]
        );
    }

    #[test]
    fn joining_keeps_what_somebody_else_has_set() {
        let prefs = Prefs {
            hostname: "by-hand".into(),
            route_all: true,
            operator_user: "deploy".into(),
            shields_up: true,
            no_snat: true,
            no_stateful_filtering: Some(false),
            netfilter_mode: 1,
            exit_node_allow_lan_access: true,
            posture_checking: true,
            advertise_routes: vec!["0.0.0.0/0".into(), "10.0.0.0/16".into(), "::/0".into()],
            ..Prefs::default()
        };
        let words = up(&prefs, &NodeSettings::default(), TAILSCALE_LOGIN, None, true);
        for word in [
            "--force-reauth",
            "--hostname=by-hand",
            "--accept-routes=true",
            "--accept-dns=false",
            "--advertise-routes=10.0.0.0/16",
            "--advertise-exit-node=true",
            "--operator=deploy",
            "--shields-up",
            "--snat-subnet-routes=false",
            "--stateful-filtering",
            "--netfilter-mode=nodivert",
            "--exit-node-allow-lan-access",
            "--report-posture",
        ] {
            assert!(words.iter().any(|there| there == word), "{word} is not in {words:?}");
        }
        assert!(!words.iter().any(|word| word.starts_with("--auth-key")));
    }

    #[test]
    fn only_what_is_other_is_set() {
        let state = NodeState {
            hostname: "web".into(),
            exit_node: vec!["9".into(), "gate".into()],
            prefs: Prefs { corp_dns: true, ..Prefs::default() },
            ..NodeState::default()
        };
        let same = NodeSettings {
            hostname: Some("web".into()),
            accept_dns: Some(true),
            exit_node: Some("gate".into()),
            routes: Some(vec![]),
            ..NodeSettings::default()
        };
        assert_eq!(set(&state, &same), None);
        assert_eq!(set(&state, &NodeSettings::default()), None);
        let other = NodeSettings { exit_node: Some(String::new()), ssh: Some(true), ..same };
        assert_eq!(set(&state, &other).unwrap(), ["set", "--ssh=true", "--exit-node=", "--accept-risk=all"]);
    }

    #[test]
    fn a_server_may_be_spelled_in_several_ways() {
        assert!(same_server("", TAILSCALE_LOGIN) && same_server("https://login.tailscale.com/", ""));
        assert!(same_server("https://VPN.example.org/", "https://vpn.example.org"));
        assert!(!same_server("", "https://vpn.example.org"));
    }
}
