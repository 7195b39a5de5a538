//! A gRPC channel to a provider's socket.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::{ClientIdentity, Handshake};

/// Connects as a core does: with TLS when the handshake has a certificate, which is then the
/// only one trusted, and showing `identity`, if there is one.
///
/// A server that refuses the client's certificate does so after the TLS 1.3 handshake, so
/// that only the first call shows it.
pub async fn connect(handshake: &Handshake, identity: Option<&ClientIdentity>) -> Result<Channel> {
    let socket = handshake.socket.clone();
    // Nothing resolves the name; the connector below knows the socket.
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = match &handshake.certificate {
        None => {
            let connector = move |_: Uri| plain(socket.clone());
            endpoint.connect_with_connector(tower::service_fn(connector)).await
        }
        Some(certificate) => {
            let config = client_config(certificate, identity)?;
            let connector = move |_: Uri| encrypted(socket.clone(), Arc::clone(&config));
            endpoint.connect_with_connector(tower::service_fn(connector)).await
        }
    };
    channel.with_context(|| format!("connect to {}", handshake.socket.display()))
}

async fn plain(socket: PathBuf) -> std::io::Result<TokioIo<UnixStream>> {
    UnixStream::connect(socket).await.map(TokioIo::new)
}

async fn encrypted(
    socket: PathBuf,
    config: Arc<ClientConfig>,
) -> std::io::Result<TokioIo<tokio_rustls::client::TlsStream<UnixStream>>> {
    let stream = UnixStream::connect(socket).await?;
    let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(TokioIo::new(stream))
}

fn client_config(server_certificate: &[u8], identity: Option<&ClientIdentity>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(server_certificate)).context("trust the provider")?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity.resolver()),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}
