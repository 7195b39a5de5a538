//! The connections to one host: who shares them, who gets one of its own.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::select_all;
use remote::{Command, Error};
use russh::{Channel, client::Msg, keys::PublicKey};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

use crate::{
    backoff::Backoff,
    channel::Sharing,
    connect::{Failed, RetryHint, greet, log_in, offered_key, transport},
    link::{Link, OpenError, Slot},
    login::Login,
    shared_error::Shared,
    target::Target,
};

/// How long a caller waits for a slot before it is called a stall.
const SLOT_PATIENCE: Duration = Duration::from_secs(10);

/// A wait for a slot that is as long as this is told to the log.
const SLOT_WAIT_TOLD: Duration = Duration::from_millis(5);

/// Connections of one kind at most, stalls and all.
const MOST_LINKS: usize = 8;

/// Connections of their own at once, as long as nobody has to wait too long for one.
const OWN_LINKS: usize = 4;

/// Connections to one host that may be in their unauthenticated part at once. sshd begins to drop
/// at 10 (`MaxStartups`), and we may not be the only ones.
const STARTS: usize = 3;

/// How often a host may hang up on us in a row before that is its answer.
const HANG_UPS: u32 = 8;

/// How often a refused session is asked for again.
const REFUSALS: u32 = 5;

/// How long to wait after the first refusal; twice as long after each one more.
const FIRST_REFUSAL: Duration = Duration::from_millis(10);

/// A host as the pool knows it.
pub(crate) struct Host {
    pub(crate) target: Target,
    jump: Option<Arc<Host>>,
    /// For commands that come and go, and for streams.
    control: Links,
    /// For commands that stay while their callers run others: locks. Who waits for a slot here
    /// holds none there, and who holds one here never needs a second one: nobody waits for others
    /// who wait for them.
    lasting: Links,
    own: Arc<Semaphore>,
    starts: Semaphore,
    handshakes: AtomicU64,
    /// What its login is like, seen by whatever connection.
    pub(crate) login: Arc<Login>,
    stalls: AtomicU64,
}

/// How long a command occupies its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    /// It comes to its end whatever else its caller does: a slot is free before long.
    Short,
    /// Until its caller, who runs other commands meanwhile, has done with it.
    Long,
}

impl Stay {
    /// Whether `command` stays.
    pub(crate) fn of(command: &Command) -> Self {
        if command.is_long_lived() { Self::Long } else { Self::Short }
    }
}

/// The shared connections of one kind, and what keeps callers from making one each.
#[derive(Default)]
struct Links {
    links: Mutex<Vec<Arc<Link>>>,
    /// Held by the one caller who connects.
    connecting: tokio::sync::Mutex<()>,
    /// How the latest attempt failed, and when: for those who waited for it.
    failure: Mutex<Option<(Instant, Shared, RetryHint)>>,
}

impl Host {
    pub(crate) fn new(target: Target, jump: Option<Arc<Host>>) -> Self {
        Self {
            target,
            jump,
            control: Links::default(),
            lasting: Links::default(),
            own: Arc::new(Semaphore::new(OWN_LINKS)),
            starts: Semaphore::new(STARTS),
            handshakes: AtomicU64::new(0),
            login: Arc::default(),
            stalls: AtomicU64::new(0),
        }
    }

    /// How many connections were made to it so far.
    pub(crate) fn handshakes(&self) -> u64 {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// How often nobody gave a slot back for so long that another connection was opened.
    pub(crate) fn stalls(&self) -> u64 {
        self.stalls.load(Ordering::Relaxed)
    }

    /// A usable control connection; connects when there is none.
    pub(crate) async fn link(&self) -> Result<Arc<Link>, Failed> {
        self.links_or_connect(&self.control, 0).await.map(|mut links| links.swap_remove(0))
    }

    /// As [`Host::link`]; a host that does not answer is asked again until `until`.
    pub(crate) async fn link_until(&self, until: Instant) -> Result<Arc<Link>, Error> {
        self.persist(until, || self.link()).await
    }

    /// The key that the host offers, unchecked; a host that does not answer is asked again until
    /// `until`.
    pub(crate) async fn offered_key(&self, until: Instant) -> Result<PublicKey, Error> {
        let look_once = || async {
            let jump = self.passage(Sharing::Shared).await?;
            let stream = transport(&self.target, jump.as_ref(), Sharing::Shared).await?;
            offered_key(&self.target, stream).await
        };
        self.persist(until, look_once).await
    }

    /// The key that the host has, checked as for any connection; a host that does not answer is
    /// asked again until `until`.
    pub(crate) async fn verified_key(&self, until: Instant) -> Result<PublicKey, Error> {
        let link = self.link_until(until).await?;
        let gone = || self.unreachable("it told no host key").error;
        link.server_info().key.get().cloned().ok_or_else(gone)
    }

    async fn persist<T, F>(&self, until: Instant, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let mut backoff = Backoff::default();
        loop {
            let failed = match attempt().await {
                Ok(reached) => return Ok(reached),
                Err(failed) => failed,
            };
            let wait = backoff.next_wait();
            if failed.retry == RetryHint::None || Instant::now() + wait >= until {
                return Err(failed.error);
            }
            tracing::debug!(target: "ssh", host = %self.target, error = %failed.error, ?wait, "not there yet");
            sleep(wait).await;
        }
    }

    fn links(&self, stay: Stay) -> &Links {
        match stay {
            Stay::Short => &self.control,
            Stay::Long => &self.lasting,
        }
    }

    /// The usable connections of a kind, more than `beyond` of them: connects when there are fewer.
    ///
    /// Callers at the same time share one attempt and its result, success or failure.
    async fn links_or_connect(&self, of: &Links, beyond: usize) -> Result<Vec<Arc<Link>>, Failed> {
        let asked = Instant::now();
        let usable = of.usable();
        if usable.len() > beyond {
            return Ok(usable);
        }
        let _connecting = of.connecting.lock().await;
        let usable = of.usable();
        if usable.len() > beyond {
            return Ok(usable);
        }
        if let Some(failed) = of.failure_since(asked) {
            return Err(failed);
        }
        if of.lock().len() >= MOST_LINKS {
            return Err(self.unreachable("it stalled on all connections that may be opened to it"));
        }
        match self.connect(Sharing::Shared).await {
            Ok(link) => of.lock().push(Arc::new(link)),
            Err(failed) => return Err(of.remember(failed)),
        }
        let usable = of.usable();
        if usable.is_empty() {
            return Err(self.unreachable("the connection ended as soon as it was made"));
        }
        Ok(usable)
    }

    fn unreachable(&self, why: &str) -> Failed {
        let error = Error::Unreachable { host: self.target.to_string(), source: why.into() };
        Failed { error, retry: RetryHint::Busy }
    }

    /// A session channel on a shared connection, with its slot. Nothing was sent on it yet.
    pub(crate) async fn session(&self, stay: Stay) -> Result<(Channel<Msg>, Arc<Link>, Slot), SessionError> {
        let mut died = false;
        let mut stalls = 0;
        loop {
            let (link, slot) = self.slot(stay).await?;
            match self.open_patiently(&link, slot).await {
                Ok((channel, slot)) => return Ok((channel, link, slot)),
                // The pooled connection had died; nothing was sent, so a new one is tried once.
                Err((OpenError::Dead, _)) if !died => died = true,
                Err((OpenError::Stalled, _)) if stalls < MOST_LINKS => {
                    stalls += 1;
                    tracing::warn!(target: "ssh", host = %self.target, "opens no channels, trying another connection");
                }
                Err((OpenError::Refused(reason), Some(slot))) => {
                    if !link.lower_limit(slot) {
                        return Err(SessionError::Open(OpenError::Refused(reason)));
                    }
                    tracing::debug!(target: "ssh", host = %self.target, ?reason, "takes fewer sessions than expected");
                }
                Err((error, _)) => return Err(SessionError::Open(error)),
            }
        }
    }

    /// Opens a session; a refusal is only believed when it is repeated. sshd counts a session that
    /// we have closed until it has cleaned up, which may be after it read our next request.
    async fn open_patiently(
        &self,
        link: &Link,
        mut slot: Slot,
    ) -> Result<(Channel<Msg>, Slot), (OpenError, Option<Slot>)> {
        for attempt in 0.. {
            match link.open_session(slot).await {
                Err((OpenError::Refused(_), Some(kept))) if attempt < REFUSALS => slot = kept,
                result => return result,
            }
            sleep(FIRST_REFUSAL * (1 << attempt)).await;
        }
        Err((OpenError::Dead, None))
    }

    /// A slot on some connection of the kind.
    ///
    /// On a control connection one comes back before long, so that it is waited for. When none does
    /// for too long another connection is opened, so that callers who hold slots and wait for more
    /// do not wait for each other for ever. Waiting long while others come and go is no stall. What
    /// stays gives no slot back before long: when all are taken, the next connection is due.
    async fn slot(&self, stay: Stay) -> Result<(Arc<Link>, Slot), Failed> {
        let of = self.links(stay);
        let mut links = self.links_or_connect(of, 0).await?;
        let began = Instant::now();
        loop {
            let returned = || links.iter().map(|link| link.slots_returned()).sum::<u64>();
            let mut waiting = select_all(links.iter().map(|link| {
                let (link, slot) = (link.clone(), link.slot());
                Box::pin(async move { slot.await.map(|slot| (link, slot)) })
            }));
            let patience = match stay {
                Stay::Long if of.lock().len() < MOST_LINKS => Duration::ZERO,
                Stay::Long | Stay::Short => SLOT_PATIENCE,
            };
            loop {
                let before = returned();
                match timeout(patience, &mut waiting).await {
                    Ok((Some(found), ..)) => {
                        self.tell_wait(began);
                        return Ok(found);
                    }
                    Ok((None, ..)) => break,
                    Err(_) if returned() != before => {}
                    Err(_) => break,
                }
            }
            drop(waiting);
            links = self.another(stay, links).await?;
        }
    }

    /// Tells the log of a wait for a slot that was one.
    fn tell_wait(&self, began: Instant) {
        let took = began.elapsed();
        if took >= SLOT_WAIT_TOLD {
            let took_ms = took.as_millis() as u64;
            tracing::debug!(target: "ssh", host = %self.target, took_ms, "waited for a session");
        }
    }

    async fn another(&self, stay: Stay, links: Vec<Arc<Link>>) -> Result<Vec<Arc<Link>>, Failed> {
        let of = self.links(stay);
        let open = of.lock().len();
        if open >= MOST_LINKS {
            return self.links_or_connect(of, 0).await;
        }
        if stay == Stay::Short {
            self.stalls.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                target: "ssh", host = %self.target, open,
                "no free session for {} s, opening another connection", SLOT_PATIENCE.as_secs()
            );
        }
        self.links_or_connect(of, links.len()).await
    }

    /// A session channel on a connection of its own. What is returned beside it keeps both alive.
    pub(crate) async fn own_session(&self) -> Result<(Channel<Msg>, Own), SessionError> {
        let OwnLink { link, turn } = self.own_link().await?;
        let Some(slot) = link.slot().await else {
            return Err(SessionError::Open(OpenError::Dead));
        };
        let (channel, slot) =
            link.open_session(slot).await.map_err(|(error, _)| SessionError::Open(error))?;
        Ok((channel, Own { _slot: slot, link, _turn: turn }))
    }

    /// A connection for one stream, which is to be kept with it.
    pub(crate) async fn own_link(&self) -> Result<OwnLink, Failed> {
        let turn = match timeout(SLOT_PATIENCE, self.own.clone().acquire_owned()).await {
            Ok(turn) => turn.ok(),
            // Whoever waits may itself be what the others wait for.
            Err(_) => {
                tracing::warn!(target: "ssh", host = %self.target, "more than {OWN_LINKS} bulk streams at once");
                None
            }
        };
        Ok(OwnLink { link: Arc::new(self.connect(Sharing::Own).await?), turn })
    }

    /// Connects; a host that hangs up because too many knock at once is asked again a few times.
    async fn connect(&self, sharing: Sharing) -> Result<Link, Failed> {
        let mut backoff = Backoff::default();
        for attempt in 1.. {
            let failed = match self.connect_once(sharing).await {
                Ok(link) => return Ok(link),
                Err(failed) => failed,
            };
            if failed.retry != RetryHint::Busy || attempt == HANG_UPS {
                return Err(failed);
            }
            let wait = backoff.next_wait();
            tracing::debug!(target: "ssh", host = %self.target, error = %failed.error, ?wait, "trying again");
            sleep(wait).await;
        }
        Err(self.unreachable("it hung up every time"))
    }

    fn connect_once(
        &self,
        sharing: Sharing,
    ) -> Pin<Box<dyn Future<Output = Result<Link, Failed>> + Send + '_>> {
        Box::pin(async move {
            let jump = self.passage(sharing).await?;
            // The jump host's own starts are counted there; holding ours meanwhile helps nobody.
            let Ok(_start) = self.starts.acquire().await else {
                return Err(Failed::hopeless(Error::Cancelled));
            };
            let began = Instant::now();
            let stream = transport(&self.target, jump.as_ref(), sharing).await?;
            let (handle, server) = greet(&self.target, stream).await?;
            let handle = log_in(&self.target, handle, &server).await?;
            self.handshakes.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(
                target: "ssh", host = %self.target, own = sharing == Sharing::Own,
                after_ms = began.elapsed().as_millis() as u64, "connected"
            );
            Ok(Link::new(handle, server, self.target.user == "root", jump))
        })
    }

    /// The connection through which the host is reached, if it is not reached directly. A stream
    /// that may block gets one of its own all the way, else it would block everybody on the shared.
    async fn passage(&self, sharing: Sharing) -> Result<Option<Arc<Link>>, Failed> {
        Ok(match (&self.jump, sharing) {
            (None, _) => None,
            (Some(jump), Sharing::Shared) => Some(jump.link().await?),
            (Some(jump), Sharing::Own) => Some(Arc::new(jump.connect(Sharing::Own).await?)),
        })
    }

    /// Says goodbye on all shared connections.
    pub(crate) async fn close(&self) {
        for of in [&self.lasting, &self.control] {
            let links = std::mem::take(&mut *of.lock());
            for link in links {
                link.close().await;
            }
        }
    }
}

impl Links {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connections that a channel may be tried on; forgets those that have ended.
    fn usable(&self) -> Vec<Arc<Link>> {
        let mut links = self.lock();
        links.retain(|link| !link.is_closed());
        links.iter().filter(|link| link.usable()).cloned().collect()
    }

    fn remember(&self, failed: Failed) -> Failed {
        let (shared, error) = Shared::split(failed.error);
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *failure = Some((Instant::now(), shared, failed.retry));
        Failed { error, retry: failed.retry }
    }

    fn failure_since(&self, asked: Instant) -> Option<Failed> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = failure.as_ref().filter(|(when, ..)| *when >= asked);
        recent.map(|(_, error, retry)| Failed { error: error.to_error(), retry: *retry })
    }
}

/// A connection of its own, and its place among the few.
pub(crate) struct OwnLink {
    pub(crate) link: Arc<Link>,
    turn: Option<OwnedSemaphorePermit>,
}

/// Keeps a connection of its own, and its place among the few, as long as its channel lives.
pub(crate) struct Own {
    _slot: Slot,
    pub(crate) link: Arc<Link>,
    _turn: Option<OwnedSemaphorePermit>,
}

/// Why there is no session channel.
#[derive(Debug)]
pub(crate) enum SessionError {
    /// The host was not reached.
    Host(Error),
    /// It was, but gave no channel.
    Open(OpenError),
}

impl From<Failed> for SessionError {
    fn from(failed: Failed) -> Self {
        Self::Host(failed.error)
    }
}
