//! The control servers that the provider knows, each opened once.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use framework::Field;
use tailnet::{ApiKeys, Control, Direct, Headscale, Program, Tailscale, Through};

use super::choice::{Choice, choose};
use crate::{
    failure::{Failure, Stop},
    hosted::{ControlServers, Host, Hosts},
    settings::TailnetBlock,
};

/// Every tailnet of the process.
pub(crate) struct Tailnets {
    pub(super) hosts: Arc<Hosts>,
    blocks: RwLock<Field<Vec<TailnetBlock>>>,
    /// By what `tailnet` says; empty where it says nothing.
    open: tokio::sync::Mutex<HashMap<String, Arc<dyn Control>>>,
}

impl Tailnets {
    /// None yet; hosts are reached by `hosts`.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts, blocks: RwLock::new(Field::Unknown), open: tokio::sync::Mutex::default() }
    }

    /// Takes over the blocks. What is unknown in one only concerns what names it.
    pub(crate) fn configure(&self, blocks: Field<Vec<TailnetBlock>>) {
        *self.blocks.write().unwrap_or_else(PoisonError::into_inner) = blocks;
    }

    /// The control server that `tailnet` names; `None` while something is unknown that is needed to
    /// reach it.
    ///
    /// # Errors
    /// When there is no such block, it does not say enough, or its host cannot be worked on.
    pub(crate) async fn reach(&self, tailnet: &Field<String>) -> Result<Option<Arc<dyn Control>>, Failure> {
        let choice = {
            let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
            choose(tailnet, &blocks, &|name| std::env::var(name).ok())?
        };
        let Some(choice) = choice else { return Ok(None) };
        let mut open = self.open.lock().await;
        let key = tailnet.as_str().unwrap_or_default();
        if let Some(control) = open.get(key) {
            return Ok(Some(control.clone()));
        }
        let Some(control) = self.open(choice).await? else { return Ok(None) };
        open.insert(key.to_owned(), control.clone());
        Ok(Some(control))
    }

    /// The control server that `tailnet` names, while the core applies.
    ///
    /// # Errors
    /// As [`Tailnets::reach`]; that something is still unknown is a bug.
    pub(crate) async fn for_apply(&self, tailnet: &Field<String>) -> Result<Arc<dyn Control>, Failure> {
        let found = self.reach(tailnet).await?;
        found.ok_or_else(|| {
            Failure::bug("The tailnet or the provider's settings are still unknown during apply.")
        })
    }

    /// The control server that an attribute of a data source or of an ephemeral resource names.
    ///
    /// # Errors
    /// As [`Tailnets::reach`], and while the settings are unknown.
    pub(crate) async fn for_reading(&self, tailnet: &Field<String>) -> Result<Arc<dyn Control>, Failure> {
        self.reach(tailnet).await?.ok_or_else(|| {
            Stop::new(
                "How to reach the control server is not known before apply.",
                "Make what the provider's `tailnet` block depends on first (`-target`), or let this wait for it with \
                 `depends_on`.",
            )
            .into()
        })
    }

    /// Gives back what was taken from the servers: called when the process ends.
    pub(crate) async fn close(&self) {
        let open = std::mem::take(&mut *self.open.lock().await);
        for control in open.into_values() {
            control.close().await;
        }
    }

    async fn open(&self, choice: Choice) -> Result<Option<Arc<dyn Control>>, Failure> {
        Ok(Some(match choice {
            Choice::Tailscale { base_url, tailnet, credentials } => {
                Arc::new(Tailscale::new(Arc::new(Direct::new(&base_url)), &tailnet, credentials))
            }
            Choice::Headscale { base_url, api_key } => {
                let server = Headscale::new(Arc::new(Direct::new(&base_url)), ApiKeys::Given(api_key));
                Arc::new(server.logging_in_at(Some(base_url)))
            }
            Choice::HeadscaleOnHost { host, container, base_url } => {
                let Some(host) = self.hosts.reach(&Field::Known(host)).await? else { return Ok(None) };
                Arc::new(on_host(&host, container.as_deref(), base_url).await?)
            }
        }))
    }
}

#[async_trait]
impl ControlServers for Tailnets {
    async fn reach(&self, tailnet: &Field<String>) -> Result<Option<Arc<dyn Control>>, Failure> {
        Tailnets::reach(self, tailnet).await
    }
}

/// Headscale on a host of ours: in a container, or as a program.
async fn on_host(
    host: &Host,
    container: Option<&str>,
    base_url: Option<String>,
) -> Result<Headscale, Failure> {
    let executor = host.executor.clone();
    let program = match container {
        Some(container) => {
            let docker = host.cli().await?.docker([]);
            Program::in_container(executor.clone(), docker.words(), container)
        }
        None => Program::on(executor.clone()),
    };
    // An address that is found out is the host's own and no machine's.
    let login = base_url.clone();
    let base_url = match base_url {
        Some(base_url) => base_url,
        None => program.address().await?,
    };
    let server = Headscale::new(Arc::new(Through::new(executor, &base_url)), ApiKeys::made_by(program));
    Ok(server.logging_in_at(login))
}
