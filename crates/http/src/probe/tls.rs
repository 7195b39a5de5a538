//! TLS over a stream, with the certificates that this machine trusts.

use std::{io, sync::Arc};

use remote::Stream;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Outcome;

/// The certificates of authorities that this machine trusts: the system's, or those of
/// `SSL_CERT_FILE` and `SSL_CERT_DIR`. They are read anew for each probe, and by nothing else.
pub(super) fn of_this_machine() -> Result<RootCertStore, Outcome> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        let why = if errors.is_empty() { "there are none".to_owned() } else { errors.join(", ") };
        return Err(Outcome::Roots(why));
    }
    Ok(roots)
}

/// Speaks TLS with who calls itself `host`.
pub(super) async fn wrap(
    stream: Box<dyn Stream>,
    host: &str,
    roots: RootCertStore,
) -> Result<TlsStream<Box<dyn Stream>>, Outcome> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(io::Error::other(error)))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(failed)
}

fn failed(error: io::Error) -> Outcome {
    Outcome::Tls(error)
}
