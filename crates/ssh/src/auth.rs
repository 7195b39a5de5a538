//! Showing who we are, to a host whose key was accepted.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use remote::{
    Error,
    credentials::{Agent, Key},
};
use russh::{
    client::AuthResult,
    keys::{
        HashAlg, PrivateKeyWithHashAlg, PublicKey,
        agent::{AgentIdentity, client::AgentClient},
    },
};
use secret::Secret;
use tokio::time::sleep;

use crate::{
    handshake::{Handle, ServerInfo},
    keys,
    trust::describe,
};

/// An agent may ask a person; a server may ask a directory. Both end at some point.
const AUTHENTICATION_LIMIT: Duration = Duration::from_secs(60);

/// How long a Tailscale that has shown an address gets to let us in all the same: what it says before
/// it lets somebody in may have one too.
const CONFIRMED: Duration = Duration::from_secs(2);

/// With what to authenticate. `none` is always tried first, the key next, the agent last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// A private key.
    pub(crate) key: Option<Key>,
    /// What the private key is encrypted with.
    pub(crate) passphrase: Option<Secret>,
    /// Whether to ask the agent.
    pub(crate) agent: Agent,
    /// Where the agent listens, if anywhere.
    pub(crate) agent_socket: Option<PathBuf>,
}

/// Authenticates `user`; `host` is for messages only.
///
/// # Errors
/// [`Error::Authentication`] with everything that was tried, [`Error::TailnetPolicy`] where Tailscale SSH
/// does not let us in, [`Error::Configuration`] when our key cannot be used, [`Error::Unreachable`] when
/// the connection ends.
pub(crate) async fn authenticate(
    handle: &mut Handle,
    server: &ServerInfo,
    host: &str,
    user: &str,
    identity: &Identity,
) -> Result<(), Error> {
    let attempt = Attempt { handle, server, host, user, tried: Vec::new() };
    match tokio::time::timeout(AUTHENTICATION_LIMIT, attempt.run(identity)).await {
        Ok(result) => result,
        Err(elapsed) => Err(Error::Unreachable { host: host.to_owned(), source: Box::new(elapsed) }),
    }
}

struct Attempt<'a> {
    handle: &'a mut Handle,
    server: &'a ServerInfo,
    host: &'a str,
    user: &'a str,
    /// What was shown to the host and refused, or could not be shown.
    tried: Vec<String>,
}

impl Attempt<'_> {
    async fn run(mut self, identity: &Identity) -> Result<(), Error> {
        // A key that cannot be used is the user's mistake, whatever the host would say.
        let key = match &identity.key {
            Some(source) => Some((source, keys::load(source, identity.passphrase.as_ref()).await?)),
            None => None,
        };
        // Tailscale SSH lets people in by their address; others tell here what they accept.
        let answer = if self.server.is_tailscale() {
            // It looks at nothing else.
            Ok(self.ask_tailscale().await?)
        } else {
            self.handle.authenticate_none(self.user).await
        };
        if self.accepted(answer, "none".to_owned())? {
            return Ok(());
        }
        if let Some((source, key)) = key {
            let what = format!("{} ({})", keys::name(source), describe(key.public_key()));
            let hash = self.hash_for(key.public_key()).await;
            let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
            let answer = self.handle.authenticate_publickey(self.user, key).await;
            if self.accepted(answer, what)? {
                return Ok(());
            }
        }
        match (identity.agent, &identity.agent_socket) {
            (Agent::Never, _) | (Agent::IfThere, None) => {}
            (_, Some(socket)) => {
                if self.ask_agent(socket).await? {
                    return Ok(());
                }
            }
            (Agent::Required, None) => self.tried.push("agent (SSH_AUTH_SOCK is not set)".to_owned()),
        }
        Err(Error::Authentication {
            host: self.host.to_owned(),
            user: self.user.to_owned(),
            tried: self.tried,
        })
    }

    /// Asks to be let in by our address. Where the policy wants somebody to confirm that in a browser,
    /// Tailscale says where and keeps us waiting, for half an hour: nobody would see it, so that is its
    /// answer. One that lets nobody in says why and hangs up.
    async fn ask_tailscale(&mut self) -> Result<AuthResult, Error> {
        let mut said = self.server.banner.subscribe();
        let shows_address = async {
            // The sender lives as long as the connection's information, which is ours.
            let _ = said.wait_for(|said| address_in(said).is_some()).await;
            sleep(CONFIRMED).await;
        };
        let answer = tokio::select! {
            answer = self.handle.authenticate_none(self.user) => answer,
            () = shows_address => return Err(self.policy()),
        };
        let has_said_why = !self.server.banner.borrow().is_empty();
        match answer {
            Ok(AuthResult::Failure { .. }) | Err(_) if has_said_why => Err(self.policy()),
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    fn policy(&self) -> Error {
        let said = self.server.banner.borrow();
        Error::TailnetPolicy {
            host: self.host.to_owned(),
            user: self.user.to_owned(),
            said: said.trim().to_owned(),
            confirm_at: address_in(&said),
        }
    }

    async fn ask_agent(&mut self, socket: &Path) -> Result<bool, Error> {
        let place = socket.display();
        let mut agent = match AgentClient::connect_uds(socket).await {
            Ok(agent) => agent,
            Err(error) => {
                self.tried.push(format!("agent at {place} (not reached: {error})"));
                return Ok(false);
            }
        };
        let identities = match agent.request_identities().await {
            Ok(identities) => identities,
            Err(error) => {
                self.tried.push(format!("agent at {place} (did not list its keys: {error})"));
                return Ok(false);
            }
        };
        if identities.is_empty() {
            self.tried.push(format!("agent at {place} (holds no keys)"));
        }
        for identity in identities {
            if self.handle.is_closed() {
                self.tried.push("the host closed the connection before the agent's other keys".to_owned());
                return Ok(false);
            }
            let (answer, what) = match identity {
                AgentIdentity::PublicKey { key, .. } => {
                    let hash = self.hash_for(&key).await;
                    let what = format!("agent key {}", describe(&key));
                    (self.handle.authenticate_publickey_with(self.user, key, hash, &mut agent).await, what)
                }
                AgentIdentity::Certificate { certificate, .. } => {
                    let key = PublicKey::from(certificate.public_key().clone());
                    let hash = self.hash_for(&key).await;
                    let what = format!("agent certificate for {}", describe(&key));
                    let user = self.user;
                    (
                        self.handle.authenticate_certificate_with(user, certificate, hash, &mut agent).await,
                        what,
                    )
                }
            };
            match answer {
                Ok(answer) => {
                    if self.accepted(Ok(answer), what)? {
                        return Ok(true);
                    }
                }
                Err(error) => self.tried.push(format!("{what} (the agent did not sign: {error})")),
            }
        }
        Ok(false)
    }

    /// RSA keys sign with SHA-2; with SHA-1 only where the host says that it knows nothing else.
    async fn hash_for(&self, key: &PublicKey) -> Option<HashAlg> {
        if !key.algorithm().is_rsa() {
            return None;
        }
        match self.handle.best_supported_rsa_hash().await {
            Ok(Some(hash)) => hash,
            Ok(None) | Err(_) => Some(HashAlg::Sha512),
        }
    }

    fn accepted(&mut self, answer: Result<AuthResult, russh::Error>, what: String) -> Result<bool, Error> {
        match answer {
            Ok(AuthResult::Success) => Ok(true),
            Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                let methods: Vec<String> =
                    remaining_methods.iter().map(|method| <&str>::from(method).to_owned()).collect();
                let more = if partial_success {
                    format!(" (accepted, but the host also wants {})", methods.join(", "))
                } else if !methods.is_empty() {
                    let hopeless = !methods.iter().any(|method| method == "publickey");
                    if hopeless {
                        format!(" (the host only offers {})", methods.join(", "))
                    } else {
                        String::new()
                    }
                } else if let Some(goodbye) = self.server.goodbye.get() {
                    format!(" (the host closed the connection: {})", goodbye.trim())
                } else if self.handle.is_closed() {
                    // Nobody refused us: the connection broke.
                    return Err(self.unreachable(russh::Error::Disconnect));
                } else {
                    String::new()
                };
                self.tried.push(what + &more);
                Ok(false)
            }
            Err(error) => Err(self.unreachable(error)),
        }
    }

    fn unreachable(&self, error: russh::Error) -> Error {
        Error::Unreachable { host: self.host.to_owned(), source: Box::new(error) }
    }
}

/// The address of a page in what a server says.
fn address_in(said: &str) -> Option<String> {
    let mut words = said.split_whitespace();
    words.find(|word| word.starts_with("https://") || word.starts_with("http://")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_names_its_address() {
        for (said, address) in [
            (
                "# Tailscale SSH requires an additional check.\n# To authenticate, visit: https://login.tailscale.com/a/abc\n",
                Some("https://login.tailscale.com/a/abc"),
            ),
            (
                "# To authenticate, visit: http://10.0.0.1:8080/auth/x\n# Authentication checked",
                Some("http://10.0.0.1:8080/auth/x"),
            ),
            ("tailscale: tailnet policy does not permit you to SSH to this node\n", None),
            ("", None),
        ] {
            assert_eq!(address_in(said).as_deref(), address, "{said}");
        }
    }
}
