//! TLS over a stream.

use std::{io, sync::Arc};

use remote::Stream;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::Error;

/// The authorities whose certificates are trusted.
#[derive(Clone, Debug)]
pub struct Roots {
    system: bool,
    given: RootCertStore,
}

impl Roots {
    /// Those that this machine (not the host) trusts: the system's, or those of `SSL_CERT_FILE`
    /// and `SSL_CERT_DIR`. They are read anew for each request over TLS, and by nothing else.
    pub fn system() -> Self {
        Self { system: true, given: RootCertStore::empty() }
    }

    /// Those that `address` takes: this machine's, or none where it is one without TLS (`http://`).
    pub fn of_address(address: &str) -> Self {
        if address.starts_with("http://") { Self::none() } else { Self::system() }
    }

    /// None, until some are added: for a server with an authority of its own.
    pub fn none() -> Self {
        Self { system: false, given: RootCertStore::empty() }
    }

    /// And those of `pem`, one or more certificates. Other kinds of sections are ignored.
    ///
    /// # Errors
    /// [`Error::Pem`] when there is none, or one that cannot be read.
    pub fn and_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| Error::Pem { why: error.to_string() })?;
            self.given.add(certificate).map_err(|error| Error::Pem { why: error.to_string() })?;
            count += 1;
        }
        if count == 0 {
            return Err(Error::Pem { why: "there is no certificate in it".to_owned() });
        }
        Ok(self)
    }

    /// All of them.
    fn gather(&self) -> Result<RootCertStore, Error> {
        let mut roots = self.given.clone();
        if !self.system {
            return Ok(roots);
        }
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            let why = if errors.is_empty() { "there are none".to_owned() } else { errors.join(", ") };
            return Err(Error::SystemRoots { why });
        }
        Ok(roots)
    }

    /// TLS, on ring, with whom these vouch for: for another client of HTTP. Files of the system are read for it.
    ///
    /// # Errors
    /// [`Error::SystemRoots`] when the system has none.
    pub fn client_config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Ok(versions.map_err(other)?.with_root_certificates(self.gather()?).with_no_client_auth())
    }
}

/// Speaks TLS with who has a certificate for `name`.
pub(crate) async fn connect(
    stream: Box<dyn Stream>,
    name: &str,
    roots: &Roots,
) -> Result<TlsStream<Box<dyn Stream>>, Error> {
    let config = roots.client_config()?;
    let name = ServerName::try_from(name.to_owned()).map_err(other)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(Error::Tls)
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Tls(io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_authorities() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let open = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        for pem in ["", "nothing", key, empty, open] {
            let error = Roots::none().and_pem(pem.as_bytes()).unwrap_err();
            assert!(
                error.to_string().starts_with("the certificates of authorities are not valid PEM"),
                "{pem:?}"
            );
        }
    }
}
