//! The bytes between bollard and the daemon.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bollard::{
    API_DEFAULT_VERSION, BollardRequest, Docker, auth::DockerCredentials, errors::Error as ApiError,
};
use bytes::Bytes;
use futures_util::Stream as Chunks;
use http_body_util::{BodyExt as _, Either, Full, StreamBody};
use hyper::{
    Method, Request, Response, Uri,
    body::{Frame, Incoming},
    header::CONTENT_TYPE,
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo},
};
use remote::{Command, Dial, Executor, Process, Stream};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    sync::oneshot,
};

use crate::{Cli, Error};

/// Idle connections are kept this long; the next call then needs no new stream.
const IDLE: Duration = Duration::from_secs(30);
/// Idle connections kept: to the socket, one for each resource that a CLI works on at once by
/// default; with `dial-stdio` each holds one of the server's few sessions.
const IDLE_SOCKETS: usize = 10;
const IDLE_COMMANDS: usize = 1;
/// Of what `dial-stdio` writes to stderr, this much is kept for the log.
const STDERR_KEPT: u64 = 4096;

/// How much of a call's path a log shows.
const SHOWN: usize = 300;

/// How the daemon is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// A stream to its socket, forwarded by the server.
    Socket,
    /// The stdin and stdout of `docker system dial-stdio`: where the server forbids forwarding, or
    /// where only root may use the socket.
    Command,
}

/// The command that connects its stdin and stdout with the daemon's socket.
pub(super) fn dial_stdio(cli: &Cli) -> Command {
    cli.without_home(["system", "dial-stdio"]).timeout(None)
}

/// Tries the socket itself once; any refusal of the socket (not of the host) means the command.
///
/// Servers do not say why they refuse: forwarding is forbidden, the socket is missing or not
/// permitted all look alike. The command finds out, its failure is diagnosed later.
pub(super) async fn find_route(executor: &dyn Executor, cli: &Cli) -> Result<Route, Error> {
    // Nobody gives sudo for docker to who may use the socket.
    if cli.under_sudo {
        return Ok(Route::Command);
    }
    match executor.dial(&Dial::Unix(cli.socket.clone())).await {
        Ok(_) => Ok(Route::Socket),
        Err(remote::Error::Dial { .. }) => Ok(Route::Command),
        Err(other) => Err(other.into()),
    }
}

/// What bollard sends as the body of a request: its own type is private, this is its spelling.
type Body =
    Either<Full<Bytes>, StreamBody<Pin<Box<dyn Chunks<Item = Result<Frame<Bytes>, io::Error>> + Send>>>>;

/// A bollard client whose every connection is made by `executor`, and the client below it for calls
/// that bollard does not make as they have to be made.
///
/// bollard 0.21 negotiates an API version and then asks without one (its `Uri::parse` joins the
/// path over the version), which a newer daemon would answer in its own newest way. So the version
/// is put into every request here, once `version` has it.
pub(super) fn client(
    executor: Arc<dyn Executor>,
    cli: &Cli,
    route: Route,
    timeout: Duration,
    version: Arc<OnceLock<String>>,
) -> Result<(Docker, Requests), ApiError> {
    let host: Arc<str> = executor.name().into();
    let connector = Connector { executor, cli: Arc::new(cli.clone()), route };
    let idle = match route {
        Route::Socket => IDLE_SOCKETS,
        Route::Command => IDLE_COMMANDS,
    };
    let client: Client<Connector, Body> = Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(hyper_util::rt::TokioTimer::new())
        .pool_max_idle_per_host(idle)
        .build(connector);
    let requests = Requests { client, version, host };
    let of_bollard = requests.clone();
    let transport = move |request: BollardRequest| {
        let requests = of_bollard.clone();
        async move { requests.ask(request).await }
    };
    let docker = Docker::connect_with_custom_transport(
        transport,
        Some("http://docker"),
        timeout.as_secs(),
        API_DEFAULT_VERSION,
    )?;
    Ok((docker, requests))
}

/// Calls that bollard does not make as they have to be made.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    client: Client<Connector, Body>,
    version: Arc<OnceLock<String>>,
    host: Arc<str>,
}

impl Requests {
    /// Sends a request with the credentials of a registry, and reads the answer to its end, which is
    /// when the daemon is done. `call` is the path with its query, without a version.
    pub(super) async fn send(
        &self,
        method: Method,
        call: &str,
        credentials: Option<DockerCredentials>,
        body: Vec<u8>,
    ) -> Result<Bytes, ApiError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://docker{call}"))
            .header(CONTENT_TYPE, "application/json");
        if let Some(credentials) = credentials {
            request = request.header("X-Registry-Auth", URL_SAFE.encode(serde_json::to_vec(&credentials)?));
        }
        let request = request.body(Either::Left(Full::new(body.into())))?;
        let answer = self.ask(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(lost)?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let message = serde_json::from_slice::<Refusal>(&body)
            .map_or_else(|_| String::from_utf8_lossy(&body).into_owned(), |refusal| refusal.message);
        Err(ApiError::DockerResponseServerError { status_code: status.as_u16(), message })
    }

    /// Sends a request, and tells the log of it.
    async fn ask(&self, request: BollardRequest) -> Result<Response<Incoming>, ApiError> {
        let request = to_docker(request, self.version.get().map(String::as_str))?;
        let (call, began) = (shown(&request), Instant::now());
        let answer = self.client.request(request).await;
        let result = answer.as_ref().map_or_else(ToString::to_string, |answer| answer.status().to_string());
        let took_ms = began.elapsed().as_millis() as u64;
        tracing::debug!(host = &*self.host, call, took_ms, result, "asked the engine");
        answer.map_err(lost)
    }
}

/// What the daemon says with a status that is no success.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

fn lost(error: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::IOError { err: io::Error::other(error) }
}

/// The request with a plain `http://docker` authority (the pool's one key, and the `Host` header)
/// and the API version before its path.
fn to_docker(mut request: BollardRequest, version: Option<&str>) -> Result<BollardRequest, ApiError> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let version = version.filter(|_| !path.starts_with("/v1.")).map(|version| format!("/v{version}"));
    let uri = format!("http://docker{}{path}", version.unwrap_or_default()).parse::<Uri>()?;
    *request.uri_mut() = uri;
    Ok(request)
}

/// A call as a log shows it: the path says what is asked, headers and bodies may hold secrets.
fn shown(request: &BollardRequest) -> String {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let cut: String = path.chars().take(SHOWN).collect();
    format!("{} {cut}", request.method())
}

/// The API version to speak with a daemon whose newest is `newest`: that, or the newest that
/// bollard knows.
pub(super) fn common_version(newest: &str) -> Option<String> {
    let (major, minor) = newest.split_once('.')?;
    let theirs: (usize, usize) = (major.parse().ok()?, minor.parse().ok()?);
    let ours = (API_DEFAULT_VERSION.major_version, API_DEFAULT_VERSION.minor_version);
    let (major, minor) = theirs.min(ours);
    Some(format!("{major}.{minor}"))
}

#[derive(Clone)]
struct Connector {
    executor: Arc<dyn Executor>,
    cli: Arc<Cli>,
    route: Route,
}

impl tower_service::Service<Uri> for Connector {
    type Response = Wire;
    type Error = remote::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Wire, remote::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), remote::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let me = self.clone();
        Box::pin(async move {
            let stream: Box<dyn Stream> = match me.route {
                Route::Socket => me.executor.dial(&Dial::Unix(me.cli.socket.clone())).await?,
                Route::Command => {
                    let process = me.executor.start(&dial_stdio(&me.cli)).await?;
                    Box::new(CommandStream::new(process))
                }
            };
            Ok(Wire(TokioIo::new(stream)))
        })
    }
}

/// A stream in the shape that hyper wants.
struct Wire(TokioIo<Box<dyn Stream>>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The stdin and stdout of a command as one stream; dropping it ends the command.
struct CommandStream {
    stdin: Box<dyn AsyncWrite + Send + Unpin>,
    stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// Dropped with the stream, which tells the guard task to end the command.
    _alive: oneshot::Sender<()>,
}

impl CommandStream {
    fn new(process: Process) -> Self {
        let Process { stdin, stdout, stderr, mut control } = process;
        let (alive, dropped) = oneshot::channel();
        tokio::spawn(async move {
            tokio::select! {
                () = log_stderr(stderr) => drop(control.wait().await),
                _ = dropped => control.cancel().await,
            }
        });
        Self { stdin, stdout, _alive: alive }
    }
}

/// Reads stderr to its end, so that it never blocks the command, and logs its beginning.
async fn log_stderr(mut stderr: Box<dyn AsyncRead + Send + Unpin>) {
    let mut kept = Vec::new();
    let read = (&mut stderr).take(STDERR_KEPT).read_to_end(&mut kept).await;
    if read.is_ok() {
        let rest = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        tracing::trace!(rest = rest.unwrap_or_default(), "stderr of dial-stdio has ended");
    }
    if !kept.is_empty() {
        tracing::debug!(stderr = %String::from_utf8_lossy(&kept).trim_end(), "dial-stdio complained");
    }
}

impl AsyncRead for CommandStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for CommandStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_version_is_spoken() {
        assert_eq!(common_version("1.45").as_deref(), Some("1.45"));
        assert_eq!(common_version("1.99").as_deref(), Some("1.53"));
        assert_eq!(common_version("1.9").as_deref(), Some("1.9"));
        assert_eq!(common_version(""), None);
    }
}
