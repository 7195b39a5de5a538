//! Through a SOCKS5 proxy, as a machine needs whose Tailscale has no network device: a CI runner.

use std::error::Error;

use remote::connection::Proxy;
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;

/// Why there is no stream, with its cause.
type Failed = Box<dyn Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
enum ProxyFailed {
    #[error("the proxy {proxy} did not answer")]
    Silent { proxy: String, source: std::io::Error },
    #[error("the proxy {proxy} could not connect to it")]
    Refused { proxy: String, source: tokio_socks::Error },
}

/// A stream to `host` that `proxy` connects. The proxy resolves the name: only it may know the names
/// of the tailnet.
pub(crate) async fn proxied(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, Failed> {
    let address = (proxy.host.as_str(), proxy.port_or_default());
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|source| ProxyFailed::Silent { proxy: proxy.to_string(), source })?;
    let connected = Socks5Stream::connect_with_socket(stream, (host, port)).await;
    let connected = connected.map_err(|source| ProxyFailed::Refused { proxy: proxy.to_string(), source })?;
    Ok(connected.into_inner())
}
