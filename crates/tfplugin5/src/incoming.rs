//! Accepts connections, does the TLS handshake, hands them to the gRPC server.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{UnixListener, UnixStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;

/// A client that says nothing for so long is dropped.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait after a failed accept (no file descriptors left) instead of spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Counts connections, for the decision whether anybody is still there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Census(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    open: AtomicUsize,
    ever: AtomicU64,
}

impl Census {
    /// There was a connection and there is none now.
    pub fn deserted(&self) -> bool {
        self.0.ever.load(Ordering::Acquire) > 0 && self.0.open.load(Ordering::Acquire) == 0
    }

    fn enter(&self) -> Presence {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        self.0.ever.fetch_add(1, Ordering::AcqRel);
        Presence(self.clone())
    }
}

/// One counted connection.
struct Presence(Census);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A connection whose peer may use the provider.
pub(crate) struct Connection {
    stream: Stream,
    _presence: Presence,
}

enum Stream {
    Plain(UnixStream),
    Tls(Box<TlsStream<UnixStream>>),
}

/// Accepts on `listener` for as long as the returned stream is read. With an `acceptor`,
/// connections whose handshake fails are logged and dropped; handshakes run side by side.
pub(crate) fn connections(
    listener: UnixListener,
    acceptor: Option<TlsAcceptor>,
    census: Census,
) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        while !sender.is_closed() {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = sender.closed() => return,
            };
            match accepted {
                Ok((socket, _)) => {
                    tokio::spawn(admit(socket, acceptor.clone(), census.enter(), sender.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a plugin connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn admit(
    socket: UnixStream,
    acceptor: Option<TlsAcceptor>,
    presence: Presence,
    sender: mpsc::Sender<io::Result<Connection>>,
) {
    let stream = match acceptor {
        None => Stream::Plain(socket),
        Some(acceptor) => match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "refused a plugin connection");
                return;
            }
            Err(_) => {
                tracing::warn!("dropped a plugin connection that did not finish its handshake");
                return;
            }
        },
    };
    let _ = sender.send(Ok(Connection { stream, _presence: presence })).await;
}

impl tonic::transport::server::Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
