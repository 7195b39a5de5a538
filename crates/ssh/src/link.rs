//! One authenticated connection.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use remote::Dial;
use russh::{Channel, ChannelOpenFailure, Disconnect, client::Msg};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    handshake::{Handle, ServerInfo},
    signals::refuses_signals,
};

/// Session channels at once on one connection. sshd's `MaxSessions` is 10 unless somebody changed
/// it, and somebody may have a session of their own on a multiplexed connection.
const SLOTS: usize = 8;

/// How long opening a channel may take before we ask whether the host is still there.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

/// How long the host may take to answer that question.
const PING_PATIENCE: Duration = Duration::from_secs(5);

/// What a channel that does not open says about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// A session needs nothing but sshd: it stalls.
    Session,
    /// A socket's open may be waiting for its target.
    Socket,
}

/// A connection, and what it can still take.
pub(crate) struct Link {
    handle: Arc<Handle>,
    slots: Arc<Semaphore>,
    /// How many slots there are, taken or not.
    limit: AtomicUsize,
    returned: Arc<AtomicU64>,
    /// Set when the host answers but opens no channels, or does not answer at all.
    stalled: Arc<AtomicBool>,
    /// See [`crate::signals`] and [`crate::kill`].
    refuses_signals: bool,
    server: Arc<ServerInfo>,
    /// The connection this one runs through.
    _jump: Option<Arc<Link>>,
}

/// Why a channel was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The connection has ended; nothing was sent on a channel.
    #[error("the connection has ended")]
    Dead,
    /// The host is there but does not open channels.
    #[error("the host answers but opened no channel within {} s", OPEN_PATIENCE.as_secs())]
    Stalled,
    /// The host refused.
    #[error("the host refused to open a channel ({0:?})")]
    Refused(ChannelOpenFailure),
    /// The protocol failed in another way.
    #[error(transparent)]
    Protocol(russh::Error),
}

impl Link {
    pub(crate) fn new(
        handle: Handle,
        server: Arc<ServerInfo>,
        as_root: bool,
        jump: Option<Arc<Link>>,
    ) -> Self {
        let version = server.version.get().map(String::as_str).unwrap_or_default();
        let refuses_signals = refuses_signals(version, as_root);
        Self {
            handle: Arc::new(handle),
            slots: Arc::new(Semaphore::new(SLOTS)),
            limit: AtomicUsize::new(SLOTS),
            returned: Arc::default(),
            stalled: Arc::default(),
            refuses_signals,
            server,
            _jump: jump,
        }
    }

    /// Whether a new channel may be tried on it.
    pub(crate) fn usable(&self) -> bool {
        !self.handle.is_closed() && !self.stalled.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Waits for the right to one session channel.
    pub(crate) fn slot(&self) -> impl Future<Output = Option<Slot>> + Send + use<> {
        let (slots, returned) = (self.slots.clone(), self.returned.clone());
        async move {
            let permit = slots.acquire_owned().await.ok()?;
            Some(Slot { permit: Some(permit), returned })
        }
    }

    /// How many slots were given back so far, to see whether anything moves.
    pub(crate) fn slots_returned(&self) -> u64 {
        self.returned.load(Ordering::Relaxed)
    }

    /// What the server told about itself.
    pub(crate) fn server_info(&self) -> &ServerInfo {
        &self.server
    }

    /// Whether the server refuses to send signals to commands.
    pub(crate) fn refuses_signals(&self) -> bool {
        self.refuses_signals
    }

    /// A session beyond the slots, if the host has one to spare: for ending what runs in others.
    pub(crate) async fn spare_session(&self) -> Option<Channel<Msg>> {
        let handle = self.handle.clone();
        let opening = async move { (handle.channel_open_session().await, ()) };
        self.open(opening, Patience::Session).await.ok().map(|(channel, ())| channel)
    }

    /// Takes note that the host takes fewer sessions than are open now and `refused`, and gives
    /// that slot up for good. False when no other session is open: then not even one is allowed.
    pub(crate) fn lower_limit(&self, refused: Slot) -> bool {
        let others = self.limit.load(Ordering::Relaxed).saturating_sub(self.slots.available_permits() + 1);
        if others == 0 {
            return false;
        }
        refused.forget();
        self.limit.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Opens a session channel. The slot comes back with a channel or with a refusal.
    pub(crate) async fn open_session(
        &self,
        slot: Slot,
    ) -> Result<(Channel<Msg>, Slot), (OpenError, Option<Slot>)> {
        let handle = self.handle.clone();
        self.open(async move { (handle.channel_open_session().await, slot) }, Patience::Session).await
    }

    /// Opens a stream to a socket as the host sees it. It needs no slot.
    pub(crate) async fn open_socket(&self, target: &Dial) -> Result<Channel<Msg>, OpenError> {
        let (handle, target) = (self.handle.clone(), target.clone());
        let opening = async move {
            let opened = match target {
                Dial::Unix(path) => handle.channel_open_direct_streamlocal(path).await,
                // Where it comes from is only for the host's log.
                Dial::Tcp(host, port) => {
                    handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await
                }
                // Those are for sessions.
                Dial::Subsystem(_) => Err(russh::Error::WrongChannel),
            };
            (opened, ())
        };
        match self.open(opening, Patience::Socket).await {
            Ok((channel, ())) => Ok(channel),
            Err((error, _)) => Err(error),
        }
    }

    /// Waits for a channel to open. When the caller goes away first, the channel is closed as
    /// soon as it has opened, else nobody would ever close it.
    async fn open<K, F>(
        &self,
        opening: F,
        patience: Patience,
    ) -> Result<(Channel<Msg>, K), (OpenError, Option<K>)>
    where
        K: Send + 'static,
        F: Future<Output = (Result<Channel<Msg>, russh::Error>, K)> + Send + 'static,
    {
        let (done, mut opened) = tokio::sync::oneshot::channel();
        let stalled = self.stalled.clone();
        tokio::spawn(async move {
            let result = opening.await;
            // An answer, late as it may be, is the end of a stall.
            stalled.store(false, Ordering::Relaxed);
            if let Err((Ok(unwanted), _kept)) = done.send(result) {
                // The connection may have ended as well, and the channel with it.
                let _ = unwanted.close().await;
            }
        });
        loop {
            match timeout(OPEN_PATIENCE, &mut opened).await {
                Ok(Ok((Ok(channel), kept))) => return Ok((channel, kept)),
                Ok(Ok((Err(error), kept))) => return Err((self.explain(error), Some(kept))),
                Ok(Err(_)) => return Err((OpenError::Dead, None)),
                Err(_) => {}
            }
            let answered = matches!(timeout(PING_PATIENCE, self.handle.send_ping()).await, Ok(Ok(())));
            if !answered || self.is_closed() {
                self.stalled.store(true, Ordering::Relaxed);
                return Err((OpenError::Dead, None));
            }
            if patience == Patience::Session {
                self.stalled.store(true, Ordering::Relaxed);
                return Err((OpenError::Stalled, None));
            }
        }
    }

    fn explain(&self, error: russh::Error) -> OpenError {
        match error {
            russh::Error::ChannelOpenFailure(reason) => OpenError::Refused(reason),
            russh::Error::SendError | russh::Error::Disconnect | russh::Error::RecvError => OpenError::Dead,
            _ if self.is_closed() => OpenError::Dead,
            error => OpenError::Protocol(error),
        }
    }

    /// Says goodbye; what still runs on the connection ends without a status.
    pub(crate) async fn close(&self) {
        // A connection that is gone needs no goodbye.
        let _ = timeout(PING_PATIENCE, self.handle.disconnect(Disconnect::ByApplication, "", "")).await;
    }
}

/// The right to one session channel, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    returned: Arc<AtomicU64>,
}

impl Slot {
    fn forget(mut self) {
        if let Some(permit) = self.permit.take() {
            permit.forget();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.returned.fetch_add(1, Ordering::Relaxed);
    }
}
