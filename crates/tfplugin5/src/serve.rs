//! From the start of the process to its end.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::{
    environment::{Environment, handshake_line},
    error_chain::error_chain,
    hclog,
    incoming::{Census, connections},
    lifetime::{Signals, watch_parent},
    pb::provider_server::{Provider, ProviderServer},
    plugin::{grpc_controller_server::GrpcControllerServer, grpc_stdio_server::GrpcStdioServer},
    reattach,
    services::PluginServices,
    socket::{SocketDirectory, SocketError},
    tls::{ServerTls, TlsError},
};

/// How long answers that are on their way may take after the end was asked for. The core
/// kills the process two seconds after Shutdown.
const LAST_ANSWERS: Duration = Duration::from_millis(100);
/// How long giving back may take, see [`serve`].
const CLOSING: Duration = Duration::from_millis(1300);
/// How long dropped work may take to clean up after itself.
const CLEAN_UP: Duration = Duration::from_millis(200);
/// More threads than this gain nothing: the work is waiting for other machines.
const MOST_THREADS: usize = 4;
/// Flow-control windows of a call and of the connection, in bytes; the defaults of 64 KiB
/// make a message of many megabytes crawl.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// What a provider says about itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Printed to stderr when a person starts the binary: what it is, how to install it.
    pub started_by_hand: String,
    /// The provider's source addresses, for the reattach line, such as
    /// `registry.opentofu.org/windlass/windlass`.
    pub addresses: Vec<String>,
    /// Prefixes of the tracing targets that may log at the level that the user asked for;
    /// everything else logs warnings and errors only.
    pub log_targets: Vec<String>,
    /// Run without a core until SIGINT or SIGTERM, and print how to attach one.
    pub debug: bool,
}

/// Why a provider could not be served.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("start the async runtime")]
    Runtime(#[source] io::Error),
    #[error("take over signals")]
    Signals(#[source] io::Error),
    #[error("write the handshake to stdout")]
    Handshake(#[source] io::Error),
    #[error("serve the plugin protocol")]
    Transport(#[source] tonic::transport::Error),
}

/// Serves `provider` until the core asks for the end; the result is the process's exit code.
///
/// Started by a core (the magic cookie is in the environment): announces itself by one line
/// on stdout and serves over a private unix socket, with mutual TLS whenever the core sends a
/// certificate. Shutdown, SIGTERM and SIGHUP end it, SIGINT does not. Started by hand: says
/// what it is and returns 1, unless [`Options::debug`] is set.
///
/// Everything that is still running at the end is dropped; `closing` is what is to be done after
/// that, in at most 1.3 seconds, such as giving back what was taken for the time of the process.
pub fn serve<P: Provider>(
    provider: P,
    options: Options,
    closing: impl Future<Output = ()> + Send,
) -> ExitCode {
    let environment = Environment::of_process();
    if !options.debug && !environment.started_by_core {
        say(&options.started_by_hand);
        return ExitCode::FAILURE;
    }
    hclog::install(&options.log_targets);
    match run(provider, &options, &environment, closing) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("could not {}", error_chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn run<P: Provider>(
    provider: P,
    options: &Options,
    environment: &Environment,
    closing: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let runtime = runtime().map_err(ServeError::Runtime)?;
    let result = runtime.block_on(async {
        let result = serve_until_end(provider, options, environment).await;
        // What does not come about in this time is given up: the core is about to kill us.
        let _ = tokio::time::timeout(CLOSING, closing).await;
        result
    });
    runtime.shutdown_timeout(CLEAN_UP);
    result
}

fn runtime() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().worker_threads(cores.min(MOST_THREADS)).enable_all().build()
}

async fn serve_until_end<P: Provider>(
    provider: P,
    options: &Options,
    environment: &Environment,
) -> Result<(), ServeError> {
    let signals = Signals::install().map_err(ServeError::Signals)?;
    let tls = match &environment.client_certificate {
        Some(pem) if !options.debug => Some(ServerTls::for_client(pem)?),
        _ => None,
    };
    let directory = SocketDirectory::create(&environment.socket_parent)?;
    let listener = directory.listen(environment.socket_group.as_deref())?;
    remove_on_panic(directory.socket());

    let end = CancellationToken::new();
    let census = Census::default();
    tokio::spawn(signals.watch(end.clone(), options.debug));
    if !options.debug {
        tokio::spawn(watch_parent(census.clone(), end.clone()));
    }
    let socket = directory.socket().to_string_lossy();
    let announcement = if options.debug {
        instructions(&options.addresses, &socket)
    } else {
        let certificate = tls.as_ref().map(|tls| tls.certificate.as_ref());
        handshake_line(&socket, certificate, environment.expects_multiplex_field)
    };
    announce(&announcement).map_err(ServeError::Handshake)?;

    let services = PluginServices { end: end.clone() };
    let acceptor = tls.map(|tls| TlsAcceptor::from(tls.config));
    let provider = ProviderServer::new(provider)
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX);
    let server = Server::builder()
        // A Stop must get through beside any number of running calls.
        .max_concurrent_streams(u32::MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .add_service(GrpcControllerServer::new(services.clone()))
        .add_service(GrpcStdioServer::new(services))
        .add_service(provider)
        .serve_with_incoming_shutdown(connections(listener, acceptor, census), end.clone().cancelled_owned());
    let overdue = async {
        end.cancelled().await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        result = server => result.map_err(ServeError::Transport),
        () = overdue => Ok(()),
    }
}

/// What `--debug` prints.
fn instructions(addresses: &[String], socket: &str) -> String {
    let line = reattach::export_line(addresses, std::process::id(), socket);
    format!(
        "The provider is running. To use it, set this where you run tofu or terraform:\n\n\
         {line}\n\n\
         It ends with Ctrl-C."
    )
}

fn announce(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(format!("{text}\n").as_bytes())?;
    stdout.flush()
}

fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A panic may abort the process without unwinding, so the socket is removed by the hook.
/// The core shows lines that begin with "panic: " to the user as a crash of the provider.
fn remove_on_panic(socket: &Path) {
    let socket = socket.to_owned();
    std::panic::set_hook(Box::new(move |panic| {
        say(&format!("panic: {panic}"));
        if cfg!(panic = "abort") {
            let _ = std::fs::remove_file(&socket);
            let _ = socket.parent().map(std::fs::remove_dir);
        }
    }));
}
