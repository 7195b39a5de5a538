//! One attempt to reach a host, from the first packet to the answer "you may come in".

use std::{io, sync::Arc};

use remote::{Dial, Error};
use russh::keys::PublicKey;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};

use crate::{
    auth::authenticate,
    channel::{Purpose, Sharing, drain},
    handshake::{Failure, Handle, ServerInfo, Verifier, shake_hands},
    link::{Link, OpenError},
    proxy::proxied,
    socket::Socket,
    target::Target,
    trust::Judge,
};

/// An attempt that failed, and whether the next one may fare better.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) retry: RetryHint,
}

/// When another attempt makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryHint {
    /// Never: a wrong key stays wrong.
    None,
    /// When the host may still be booting: nobody answered.
    Booting,
    /// Soon: the host answered and hung up, as sshd does when too many knock at once
    /// (`MaxStartups`).
    Busy,
}

impl Failed {
    pub(crate) fn hopeless(error: Error) -> Self {
        Self { error, retry: RetryHint::None }
    }

    fn unreachable(
        target: &Target,
        retry: RetryHint,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { error: Error::Unreachable { host: target.to_string(), source: source.into() }, retry }
    }
}

/// A stream to a host's SSH port.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Opens a stream to the host's port, through `jump` where there is one. `sharing` says whether
/// others use the connection to the jump host.
pub(crate) async fn transport(
    target: &Target,
    jump: Option<&Arc<Link>>,
    sharing: Sharing,
) -> Result<Box<dyn Transport>, Failed> {
    match jump {
        None => direct(target).await,
        Some(jump) => through(target, jump, sharing).await,
    }
}

async fn direct(target: &Target) -> Result<Box<dyn Transport>, Failed> {
    let connecting = async {
        match &target.proxy {
            Some(proxy) => proxied(proxy, &target.address, target.port).await,
            None => Ok(TcpStream::connect((target.address.as_str(), target.port)).await?),
        }
    };
    let stream = match timeout(target.connect_timeout, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Failed::unreachable(target, RetryHint::Booting, error)),
        Err(_) => {
            return Err(Failed::unreachable(target, RetryHint::Booting, too_long(target, "connecting")));
        }
    };
    // Small requests and their answers are most of what we send.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(target: "ssh", %error, "could not switch off delays");
    }
    Ok(Box::new(stream))
}

async fn through(target: &Target, jump: &Arc<Link>, sharing: Sharing) -> Result<Box<dyn Transport>, Failed> {
    let dial = Dial::Tcp(target.address.clone(), target.port);
    match timeout(target.connect_timeout, jump.open_socket(&dial)).await {
        Ok(Ok(channel)) => {
            let drained = drain(channel, Purpose::Socket, sharing, jump.clone(), ());
            Ok(Box::new(Socket::from(drained)))
        }
        Ok(Err(error)) => {
            let retry = match &error {
                OpenError::Refused(russh::ChannelOpenFailure::ConnectFailed) => RetryHint::Booting,
                OpenError::Dead | OpenError::Stalled => RetryHint::Busy,
                OpenError::Refused(_) | OpenError::Protocol(_) => RetryHint::None,
            };
            Err(Failed::unreachable(target, retry, JumpFailed { jump: jump_name(target), source: error }))
        }
        Err(_) => Err(Failed::unreachable(target, RetryHint::Booting, too_long(target, "connecting"))),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the jump host {jump} could not connect to it")]
struct JumpFailed {
    jump: String,
    #[source]
    source: OpenError,
}

fn jump_name(target: &Target) -> String {
    target.jump.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn too_long(target: &Target, what: &str) -> io::Error {
    let text = format!("{what} took longer than {} s", target.connect_timeout.as_secs_f32());
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// Exchanges keys over `stream` and checks the host key; sends nothing that says who we are.
pub(crate) async fn greet(
    target: &Target,
    stream: Box<dyn Transport>,
) -> Result<(Handle, Arc<ServerInfo>), Failed> {
    let judge = Judge::new(&target.to_string(), &target.address, target.port, &target.trust)
        .await
        .map_err(Failed::hopeless)?;
    let verifier = Verifier::new(judge);
    let server = verifier.server_info();
    Ok((greet_with(target, stream, verifier).await?, server))
}

/// The key that the host offers. It is not checked, so nothing but the question is sent.
pub(crate) async fn offered_key(target: &Target, stream: Box<dyn Transport>) -> Result<PublicKey, Failed> {
    let (offered, mut key) = oneshot::channel();
    let result = greet_with(target, stream, Verifier::showing(offered)).await;
    match (key.try_recv(), result) {
        (Ok(key), _) => Ok(key),
        (Err(_), Err(failed)) => Err(failed),
        (Err(_), Ok(_)) => Err(Failed::unreachable(target, RetryHint::None, "it offered no host key")),
    }
}

async fn greet_with(
    target: &Target,
    stream: Box<dyn Transport>,
    verifier: Verifier,
) -> Result<Handle, Failed> {
    match timeout(target.connect_timeout, shake_hands(stream, verifier)).await {
        Ok(Ok(handle)) => Ok(handle),
        Ok(Err(Failure::HostKey(error))) => Err(Failed::hopeless(*error)),
        Ok(Err(Failure::Protocol(error))) => {
            let retry = if hung_up(&error) { RetryHint::Busy } else { RetryHint::None };
            Err(Failed::unreachable(target, retry, error))
        }
        Err(_) => Err(Failed::unreachable(target, RetryHint::Booting, too_long(target, "the SSH handshake"))),
    }
}

/// Whether the host (or something before it) ended the connection without giving a reason.
fn hung_up(error: &russh::Error) -> bool {
    use russh::Error as E;
    matches!(error, E::Disconnect | E::HUP | E::IO(_) | E::SendError | E::RecvError | E::ConnectionTimeout)
}

/// Authenticates over a connection whose host key was accepted.
pub(crate) async fn log_in(
    target: &Target,
    mut handle: Handle,
    server: &ServerInfo,
) -> Result<Handle, Failed> {
    match authenticate(&mut handle, server, &target.to_string(), &target.user, &target.identity).await {
        Ok(()) => Ok(handle),
        Err(error @ Error::Unreachable { .. }) => Err(Failed { error, retry: RetryHint::Busy }),
        Err(error) => Err(Failed::hopeless(error)),
    }
}
