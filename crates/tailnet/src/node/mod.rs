//! A machine of a tailnet, seen from the machine itself: Tailscale's own command on it.
//!
//! What its daemon knows is read ([`Node::state`]), what it shall do is words for its command
//! ([`up`], [`set`]), all pure. What may end the very connection that it is asked by runs detached
//! ([`Node::detached`]): it goes on when the connection is gone, and is waited for by another one.
//! What the command cannot say as a whole, or not safely, is said to the daemon itself ([`LocalApi`]).

mod detached;
mod error;
mod local_api;
mod prefs;
mod state;
mod words;

use std::{sync::Arc, time::Duration};

use remote::{Command, Executor, Input, Output, run};

pub use error::NodeError;
pub use local_api::{LocalApi, SOCKET, Serving};
pub use prefs::Prefs;
pub use state::{NodeState, State};
pub use words::{NodeSettings, TAILSCALE_LOGIN, logout, same_server, set, up};

/// How long the daemon may take to say something.
const QUESTION: Duration = Duration::from_secs(20);

/// What a shell says of a program that is not there.
const NOT_FOUND: u32 = 127;

/// Tailscale's command on one machine.
#[derive(Clone)]
pub struct Node {
    executor: Arc<dyn Executor>,
    socket: Option<String>,
    /// The home directory of who logs in there.
    home: String,
}

impl Node {
    /// That of the machine behind `executor`, where `home` is the login's directory; its daemon listens
    /// on `socket`, or where it usually does.
    pub fn new(executor: Arc<dyn Executor>, socket: Option<String>, home: &str) -> Self {
        Self { executor, socket, home: home.trim_end_matches('/').to_owned() }
    }

    /// The machine in words.
    pub fn name(&self) -> &str {
        self.executor.name()
    }

    /// `tailscale` with these words.
    fn words(&self, words: &[String]) -> Vec<String> {
        let socket = self.socket.as_ref().map(|socket| format!("--socket={socket}"));
        std::iter::once("tailscale".to_owned()).chain(socket).chain(words.iter().cloned()).collect()
    }

    async fn ask(&self, words: &[&str]) -> Result<Output, NodeError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let command = Command::new(self.words(&words)).privileged().timeout(Some(QUESTION));
        let output = run(self.executor.as_ref(), &command, Input::Nothing).await?;
        match output.status {
            0 => Ok(output),
            NOT_FOUND => Err(NodeError::Missing { host: self.name().to_owned() }),
            _ => Err(NodeError::Silent {
                host: self.name().to_owned(),
                said: output.stderr_text().trim().to_owned(),
            }),
        }
    }

    fn garbled(&self, what: &'static str, why: &serde_json::Error) -> NodeError {
        NodeError::Garbled { host: self.name().to_owned(), what, why: why.to_string() }
    }

    /// What the daemon knows of itself and its settings.
    ///
    /// # Errors
    /// [`NodeError::Missing`] where there is no Tailscale, [`NodeError::Silent`] where its daemon does
    /// not run or does not let us ask.
    pub async fn state(&self) -> Result<NodeState, NodeError> {
        let told = self.ask(&["status", "--json", "--peers=false"]).await?;
        let status = state::read(&told.stdout).map_err(|why| self.garbled("its status", &why))?;
        let told = self.ask(&["debug", "prefs"]).await?;
        let prefs: Prefs =
            serde_json::from_slice(&told.stdout).map_err(|why| self.garbled("its settings", &why))?;
        let exit_node = if prefs.exit_node_id.is_empty() {
            vec![prefs.exit_node_ip.clone()].into_iter().filter(|ip| !ip.is_empty()).collect()
        } else {
            let told = self.ask(&["status", "--json"]).await?;
            state::spellings(&told.stdout, &prefs.exit_node_id)
                .map_err(|why| self.garbled("its peers", &why))?
        };
        Ok(NodeState { prefs, exit_node, ..status })
    }
}
