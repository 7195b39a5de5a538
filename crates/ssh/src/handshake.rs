//! The protocol's beginning: algorithms, and the host key before anything else.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

use remote::Error;
use russh::{
    Channel, Names, Preferred, cipher,
    client::{self, ChannelOpenHandle, Config, DisconnectReason, Handler, Msg, Session},
    compression,
    keys::{Algorithm, PublicKey, PublicKeyOrCertificate},
};
use tokio::sync::{oneshot, watch};

use crate::{signals::is_tailscale, trust::Judge};

/// A host that says nothing is asked whether it is there this often.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// A connection is given up when so many questions stay without an answer.
const KEEPALIVE_TRIES: usize = 3;

/// What a host may send on one channel before we ask for more: 200 MB/s at a round trip of 40 ms. More costs
/// the host: OpenSSH keeps all that it may send in one piece of memory, which it moves as it sends. A copy of a
/// gibibyte took a sixth longer with four times as much, and no less with a half or a quarter of it.
const WINDOW: u32 = 8 << 20;

/// The largest packet that the library takes.
const PACKET: u32 = 65_535;

/// A handle to a connection whose host key was accepted.
pub(crate) type Handle = client::Handle<Verifier>;

/// Speaks the protocol over `stream` until the keys are exchanged and the host key is accepted.
///
/// # Errors
/// [`Failure::HostKey`] when it is not; then nothing was sent that says who we are.
pub(crate) async fn shake_hands<S>(stream: S, verifier: Verifier) -> Result<Handle, Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    client::connect_stream(Arc::new(config(verifier.judge.algorithms())), stream, verifier).await
}

/// Measured settings (AES-GCM is the fastest where the processor knows AES).
fn config(host_keys: Vec<Algorithm>) -> Config {
    let preferred = Preferred {
        key: Cow::Owned(host_keys),
        cipher: Cow::Borrowed(&[
            cipher::AES_128_GCM,
            cipher::AES_256_GCM,
            cipher::CHACHA20_POLY1305,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]),
        compression: Cow::Borrowed(&[compression::NONE]),
        ..Preferred::DEFAULT
    };
    Config {
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        nodelay: true,
        keepalive_interval: Some(KEEPALIVE_EVERY),
        keepalive_max: KEEPALIVE_TRIES,
        preferred,
        ..Config::default()
    }
}

/// Why a handshake ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The network or the protocol.
    #[error(transparent)]
    Protocol(#[from] russh::Error),
    /// The host key was refused.
    #[error(transparent)]
    HostKey(Box<Error>),
}

/// What a server told about itself before anybody logged in.
#[derive(Debug, Default)]
pub(crate) struct ServerInfo {
    /// The host key that was accepted.
    pub(crate) key: OnceLock<PublicKey>,
    /// The version string: `SSH-2.0-OpenSSH_9.2p1 …`.
    pub(crate) version: OnceLock<String>,
    /// Why it ended the connection, if it said so: `Too many authentication failures`.
    pub(crate) goodbye: OnceLock<String>,
    /// What it had to say while we authenticated, and was to be shown (RFC 4252 §5.4).
    pub(crate) banner: watch::Sender<String>,
}

/// How much of what a server says while we authenticate is kept.
const BANNER: usize = 4 << 10;

impl ServerInfo {
    /// Whether it is Tailscale's own, which asks the tailnet's policy and looks at no key.
    pub(crate) fn is_tailscale(&self) -> bool {
        self.version.get().is_some_and(|version| is_tailscale(version))
    }
}

/// Checks the host key and refuses everything that a server might open towards us.
pub(crate) struct Verifier {
    judge: Judge,
    /// Where the offered key is left for somebody who only wants to see it.
    offered: Option<oneshot::Sender<PublicKey>>,
    server: Arc<ServerInfo>,
}

impl Verifier {
    pub(crate) fn new(judge: Judge) -> Self {
        Self { judge, offered: None, server: Arc::default() }
    }

    /// Accepts nothing and sends the key that is offered to `offered`.
    pub(crate) fn showing(offered: oneshot::Sender<PublicKey>) -> Self {
        Self { judge: Judge::of_nobody(), offered: Some(offered), server: Arc::default() }
    }

    /// Where to find, once keys are exchanged, what the server told.
    pub(crate) fn server_info(&self) -> Arc<ServerInfo> {
        self.server.clone()
    }
}

impl Handler for Verifier {
    type Error = Failure;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, Failure> {
        // Certificates are never asked for, so a server that shows one breaks the protocol.
        let PublicKeyOrCertificate::PublicKey { key, .. } = offered else { return Ok(false) };
        if let Some(to) = self.offered.take() {
            // Nobody waits any more: then nobody misses it. And whoever only looks goes no further.
            let _ = to.send(key.clone());
            return Ok(false);
        }
        self.judge.check(key).map_err(|error| Failure::HostKey(Box::new(error)))?;
        // Keys are exchanged again now and then; the first one counts.
        self.server.key.get_or_init(|| key.clone());
        Ok(true)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut Session) -> Result<(), Failure> {
        self.server.banner.send_modify(|said| {
            let room = BANNER.saturating_sub(said.len());
            said.extend(banner.chars().take(room));
        });
        Ok(())
    }

    async fn kex_done(&mut self, _: Option<&[u8]>, _: &Names, session: &mut Session) -> Result<(), Failure> {
        self.server.version.get_or_init(|| String::from_utf8_lossy(session.remote_sshid()).into_owned());
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Failure>) -> Result<(), Failure> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.server.goodbye.get_or_init(|| info.message);
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }

    // The library's default accepts what a server opens; nothing of ours is for a server to reach.
    // Dropping the reply refuses.

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Failure> {
        Ok(())
    }
}
