//! A core with one provider.

use std::{ops::Deref, process::ExitStatus};

use anyhow::Result;
use tfplugin5::{
    pb::provider_client::ProviderClient,
    plugin::{Empty, grpc_controller_client::GrpcControllerClient},
};
use tonic::transport::Channel;

use crate::{ClientIdentity, Handshake, ProviderProcess, connect};

/// Whether connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Mutual TLS with a fresh certificate, a core's default.
    Tls,
    /// What a core does under `TF_DISABLE_PLUGIN_TLS`.
    Plain,
}

/// A running provider and a connection to it. The provider is killed on drop.
///
/// Derefs to its [`ProviderProcess`] for signals, output and what is left behind.
#[derive(Debug)]
pub struct Core {
    process: ProviderProcess,
    handshake: Handshake,
    identity: Option<ClientIdentity>,
    channel: Channel,
}

impl Core {
    /// Connects to a provider that has announced itself.
    pub(crate) async fn connect(
        process: ProviderProcess,
        handshake: Handshake,
        identity: Option<ClientIdentity>,
    ) -> Result<Self> {
        let channel = connect(&handshake, identity.as_ref()).await?;
        Ok(Self { process, handshake, identity, channel })
    }

    /// A client of the provider's service, without limits on message sizes. Clients share one
    /// connection; each call needs one of its own (`core.client().configure(…)`).
    pub fn client(&self) -> ProviderClient<Channel> {
        ProviderClient::new(self.channel.clone())
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(usize::MAX)
    }

    /// The connection, for go-plugin's own services.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// What the provider announced.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The certificate that the provider was started with.
    pub fn identity(&self) -> Option<&ClientIdentity> {
        self.identity.as_ref()
    }

    /// Calls Shutdown, whose answer a core ignores, and waits for the process.
    pub async fn shutdown(mut self) -> Result<ExitStatus> {
        self.end().await
    }

    /// Like [`Core::shutdown`], and lets one look at the process afterwards.
    pub async fn end(&mut self) -> Result<ExitStatus> {
        let _ = GrpcControllerClient::new(self.channel.clone()).shutdown(Empty {}).await;
        self.process.exit().await
    }

    /// Waits for the end of a process that was told to end by other means.
    pub async fn exit(&mut self) -> Result<ExitStatus> {
        self.process.exit().await
    }
}

impl Deref for Core {
    type Target = ProviderProcess;

    fn deref(&self) -> &ProviderProcess {
        &self.process
    }
}
