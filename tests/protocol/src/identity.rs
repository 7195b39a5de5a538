//! The certificate that a core shows, and its key.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use p521::{
    ecdsa::{DerSignature, SigningKey, signature::Signer as _},
    elliptic_curve::Generate as _,
};
use rustls::{
    SignatureAlgorithm, SignatureScheme, client::ResolvesClientCert, pki_types::CertificateDer,
    sign::CertifiedKey,
};
use x509_cert::{
    builder::{Builder as _, CertificateBuilder, profile::cabf::Root},
    der::{Encode as _, asn1::Ia5String, oid::db::rfc5280},
    ext::pkix::{ExtendedKeyUsage, SubjectAltName, name::GeneralName},
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfo,
    time::Validity,
};

const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// A client's certificate with the key that will sign the handshake.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    certificate: CertificateDer<'static>,
    key: SigningKey,
}

impl ClientIdentity {
    /// What go-plugin makes for every start: a self-signed ECDSA P-521 certificate of
    /// `localhost` with CA:TRUE, for client and server use.
    pub fn generate() -> Result<Self> {
        let key = SigningKey::generate();
        Ok(Self { certificate: certificate(&key, 1)?, key })
    }

    /// The same key in another certificate.
    pub fn reissued(&self) -> Result<Self> {
        Ok(Self { certificate: certificate(&self.key, 2)?, key: self.key.clone() })
    }

    /// This certificate, but with a key that does not belong to it.
    pub fn with_key_of(&self, other: &Self) -> Self {
        Self { certificate: self.certificate.clone(), key: other.key.clone() }
    }

    /// The certificate as PEM, as it goes into `PLUGIN_CLIENT_CERT`.
    pub fn pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let body = STANDARD.encode(&self.certificate);
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, tail) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = tail;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// For rustls: shows this certificate where the server offers P-521, like Go's TLS.
    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        let key = Arc::new(Key(self.key.clone()));
        let certified = CertifiedKey::new(vec![self.certificate.clone()], key);
        Arc::new(Resolver(Arc::new(certified)))
    }
}

fn certificate(key: &SigningKey, serial: u32) -> Result<CertificateDer<'static>> {
    let name = Name::from_str("CN=localhost,O=HashiCorp,C=US")?;
    let mut builder = CertificateBuilder::new(
        Root::new(false, name)?,
        SerialNumber::from(serial),
        Validity::from_now(THIRTY_YEARS)?,
        SubjectPublicKeyInfo::from_key(key.verifying_key())?,
    )?;
    builder.add_extension(&SubjectAltName(vec![GeneralName::DnsName(Ia5String::new("localhost")?)]))?;
    builder.add_extension(&ExtendedKeyUsage(vec![rfc5280::ID_KP_CLIENT_AUTH, rfc5280::ID_KP_SERVER_AUTH]))?;
    let certificate = builder.build::<_, DerSignature>(key)?;
    Ok(CertificateDer::from(certificate.to_der()?))
}

#[derive(Debug)]
struct Resolver(Arc<CertifiedKey>);

impl ResolvesClientCert for Resolver {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes).map(|_| Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// ECDSA P-521 with SHA-512 for rustls, which on ring cannot sign with it.
#[derive(Debug)]
struct Key(SigningKey);

impl rustls::sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        offered
            .contains(&SignatureScheme::ECDSA_NISTP521_SHA512)
            .then(|| Box::new(HandshakeSigner(self.0.clone())) as _)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

#[derive(Debug)]
struct HandshakeSigner(SigningKey);

impl rustls::sign::Signer for HandshakeSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature: DerSignature = self.0.sign(message);
        Ok(signature.as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}
