//! Failures of Tailscale on a host.

use ::tailnet::node::NodeError;

use super::{Failure, Stop, sentence};

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Host(error) => error.into(),
            NodeError::File(error) => error.into(),
            error => story(&error).into(),
        }
    }
}

fn story(error: &NodeError) -> Stop {
    let told = sentence(&error.to_string());
    match error {
        NodeError::Missing { .. } => Stop::new(
            told,
            "Install Tailscale there first and let this depend on it: its packages are at https://pkgs.tailscale.com, and \
             `systemctl enable --now tailscaled` starts the daemon.",
        ),
        NodeError::Silent { said, .. } => Stop::new(
            format!("{told} The command says:\n{said}"),
            "See that it runs (`systemctl enable --now tailscaled`), and that who logs in may give it orders: root, `sudo = \
             true` on the windlass_host, or its operator (`tailscale set --operator=<user>`). A daemon with a socket of its \
             own is named by `socket`.",
        ),
        NodeError::Garbled { .. } => {
            Stop::new(told, "Update Tailscale on the host; 1.60 is the oldest that is known to work.")
        }
        NodeError::Refused { status, said, .. } => Stop::new(
            format!("{} (status {status}). In its own words:\n{said}", told.trim_end_matches('.')),
            hint(said),
        ),
        NodeError::Changed { .. } => Stop::new(
            told,
            "Run the same command again: it looks at what is served before it changes anything.",
        ),
        NodeError::Unfinished { why, .. } => {
            let why =
                why.as_ref().map(|why| format!(" The host could not be asked: {why}.")).unwrap_or_default();
            Stop::new(
                format!("{told}{why}"),
                "It goes on there. Run the same command again: it looks at what is there before it changes anything.",
            )
        }
        // Failures of a host have words of their own.
        NodeError::Host(_) | NodeError::File(_) => Stop::new(told, ""),
    }
}

fn hint(said: &str) -> &'static str {
    let says = |text: &str| said.to_lowercase().contains(text);
    if says("access denied") || says("permission denied") || says("must be root") {
        "Log in as root, with `sudo = true` on the windlass_host, or let the user give orders: `tailscale set \
         --operator=<user>`."
    } else if says("invalid key")
        || says("authkey")
        || says("auth key")
        || says("expired")
        || says("not valid")
    {
        "The key is not good (any more): give another one as `auth_key_wo`, or leave it out, so that one is made for this \
         host alone."
    } else if says("timeout") {
        "See that the host reaches the control server (`login_server`), then apply again."
    } else {
        "Correct what its words name, then apply again."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: NodeError) -> String {
        Failure::from(error).into_diagnostics("Could not join tailnet member \"ssh://web\"", "W.").to_string()
    }

    #[test]
    fn a_refusal_is_quoted_and_tells_what_to_do() {
        let refused = |said: &str| {
            told(NodeError::Refused {
                host: "web".into(),
                operation: "join the tailnet",
                status: 1,
                said: said.into(),
            })
        };
        assert_eq!(
            refused("backend error: invalid key: API key does not exist"),
            "Could not join tailnet member \"ssh://web\"\nTailscale on web did not join the tailnet (status 1). In its own \
             words:\nbackend error: invalid key: API key does not exist\n\nW.\n\nThe key is not good (any more): give \
             another one as `auth_key_wo`, or leave it out, so that one is made for this host alone."
        );
        assert!(refused("Access denied: prefs write access denied").contains("--operator"));
        assert!(
            refused("timeout waiting for Tailscale service to enter a Running state")
                .contains("`login_server`")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let text = told(NodeError::Missing { host: "web".into() });
        assert!(
            text.contains("There is no program \"tailscale\" on web.") && text.contains("pkgs.tailscale.com"),
            "{text}"
        );
        let text = told(NodeError::Silent {
            host: "web".into(),
            said: "failed to connect to local tailscaled".into(),
        });
        assert!(text.contains("failed to connect") && text.contains("`socket`"), "{text}");
    }
}
