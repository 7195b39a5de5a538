//! Mutual TLS as go-plugin's AutoMTLS does it: both sides pin the other's certificate.
//!
//! The core's certificate is self-signed ECDSA P-521 with CA:TRUE. rustls on ring offers no
//! P-521 (so Go would send no certificate at all) and webpki refuses a CA as an end entity.
//! Therefore the client is not checked by a chain: its certificate must equal the announced
//! one byte for byte, and the handshake's signature must verify under its key.

use std::sync::{Arc, LazyLock};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature},
    pki_types::{
        AlgorithmIdentifier, CertificateDer, InvalidSignature, PrivateKeyDer, SignatureVerificationAlgorithm,
        UnixTime, alg_id,
        pem::{self, PemObject as _},
    },
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use time::{Duration, OffsetDateTime};

/// Years that our certificate is valid; the process lives for seconds. As in go-plugin.
const YEARS: i64 = 30;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("read the core's certificate in PLUGIN_CLIENT_CERT: {0}")]
    ClientCertificate(String),
    #[error("make the plugin's own certificate")]
    OwnCertificate(#[source] rcgen::Error),
    #[error("set up TLS")]
    Configuration(#[source] rustls::Error),
}

/// What a provider needs to speak TLS with one core.
pub(crate) struct ServerTls {
    /// TLS 1.3 only, ALPN h2, with our certificate and the pinned client.
    pub config: Arc<ServerConfig>,
    /// Our certificate, as it goes into the handshake line.
    pub certificate: CertificateDer<'static>,
}

impl ServerTls {
    /// Makes a certificate of our own and pins the one in `client_pem`.
    pub fn for_client(client_pem: &str) -> Result<Self, TlsError> {
        let pinned = client_certificate(client_pem)?;
        let (certificate, key) = own_certificate().map_err(TlsError::OwnCertificate)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Configuration)?
            .with_client_cert_verifier(Arc::new(PinnedClient { pinned }))
            .with_single_cert(vec![certificate.clone()], key)
            .map_err(TlsError::Configuration)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A core connects once per process; tickets would only cost.
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), certificate })
    }
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// The one certificate in `pem`. More than one would leave open which one is pinned.
fn client_certificate(pem: &str) -> Result<CertificateDer<'static>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, pem::Error>>()
        .map_err(|error| TlsError::ClientCertificate(error.to_string()))?;
    match <[_; 1]>::try_from(certificates) {
        Ok([certificate]) => Ok(certificate),
        Err(other) => {
            Err(TlsError::ClientCertificate(format!("expected one PEM certificate, found {}", other.len())))
        }
    }
}

/// A fresh self-signed P-256 certificate for `localhost`, the name that every core asks for.
fn own_certificate() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let now = OffsetDateTime::now_utc();
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()])?;
    parameters.not_before = now - Duration::days(1);
    parameters.not_after = now + Duration::days(365 * YEARS);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = parameters.self_signed(&key)?.der().clone();
    Ok((certificate, PrivateKeyDer::Pkcs8(key.serialize_der().into())))
}

/// Lets exactly one certificate in, and only with proof of its key.
#[derive(Debug)]
struct PinnedClient {
    pinned: CertificateDer<'static>,
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.pinned {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not offered".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

type Algorithm = &'static dyn SignatureVerificationAlgorithm;
type Mapping = Vec<(SignatureScheme, &'static [Algorithm])>;

/// ring's algorithms and P-521, which ring does not have.
fn algorithms() -> WebPkiSupportedAlgorithms {
    static ALL: LazyLock<Vec<Algorithm>> = LazyLock::new(|| {
        let ring = provider().signature_verification_algorithms.all;
        ring.iter().copied().chain([P521]).collect()
    });
    static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
        let ring = provider().signature_verification_algorithms.mapping;
        let p521: (SignatureScheme, &'static [Algorithm]) = (SignatureScheme::ECDSA_NISTP521_SHA512, &[P521]);
        ring.iter().copied().chain([p521]).collect()
    });
    WebPkiSupportedAlgorithms { all: &ALL, mapping: &MAPPING }
}

const P521: Algorithm = &EcdsaP521Sha512;

/// ECDSA on P-521 with SHA-512, by the p521 crate.
#[derive(Debug)]
struct EcdsaP521Sha512;

impl SignatureVerificationAlgorithm for EcdsaP521Sha512 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        use p521::ecdsa::{Signature, VerifyingKey, signature::Verifier as _};
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pem_of(der: &[u8]) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let body = STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn the_server_offers_p521_beside_ring() {
        let schemes = algorithms().supported_schemes();
        assert!(schemes.contains(&SignatureScheme::ECDSA_NISTP521_SHA512));
        assert!(schemes.contains(&SignatureScheme::ECDSA_NISTP256_SHA256));
        assert!(schemes.contains(&SignatureScheme::ECDSA_NISTP384_SHA384));
    }

    #[test]
    fn a_certificate_that_differs_in_one_byte_is_not_the_pinned_one() {
        let (certificate, _) = own_certificate().unwrap();
        let client = PinnedClient { pinned: certificate.clone() };
        let now = UnixTime::now();
        assert!(client.verify_client_cert(&certificate, &[], now).is_ok());
        let mut other = certificate.to_vec();
        *other.last_mut().unwrap() ^= 1;
        assert!(client.verify_client_cert(&other.into(), &[], now).is_err());
    }

    #[test]
    fn exactly_one_certificate_is_taken() {
        let one = pem_of(&[1, 2, 3]);
        assert_eq!(client_certificate(&one).unwrap().as_ref(), [1, 2, 3]);
        for broken in ["", "nonsense", &format!("{one}{one}"), &one[..30]] {
            let error = client_certificate(broken).unwrap_err();
            assert!(error.to_string().contains("PLUGIN_CLIENT_CERT"), "{error}");
        }
    }

    /// A key and its signature of "a message", both made by OpenSSL.
    const KEY: &str = "\
        0400f9d2b5ce727aef8222e718c8cae898fd5720817437e3163e2a9af43ca407f025412d930694e92dad2171\
        5e3b096110d235f64771dd4f2b716df0d4cb93ed0ad24c000f8ff8ed54e9f0253c0e9364841b3662e5ca52a5\
        73c9170279f8b3c16c50b12e55872754280881821df6dc1de3d289fa8ce35dec2edea0a99d09fc2f2a107432\
        fe";
    const SIGNATURE: &str = "\
        3081870241329a787cec6cab1f08d9edc6b532f36b3f8d12bab8f5708410040f34c775d7025e91d8cccb720e\
        cc9681b045c7ae28f73195793131de781bb0458c440e074b1717024201e3b777b546ae13c80ce536d6e152b3\
        8e749f3ba560c41a1150512e28c286bbde3d586e7de1e492e8160199cb4250341cd5bca34d691d7418a1e9fb\
        3d187f486ed5";

    fn bytes(hex: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn p521_agrees_with_openssl() {
        let verify = |key: &[u8], message: &[u8]| P521.verify_signature(key, message, &bytes(SIGNATURE));
        let mut key = bytes(KEY);
        assert!(verify(&key, b"a message").is_ok());
        assert!(verify(&key, b"a massage").is_err());
        key[132] ^= 1;
        assert!(verify(&key, b"a message").is_err());
    }

    #[test]
    fn p521_refuses_garbage() {
        assert!(EcdsaP521Sha512.verify_signature(&[], b"m", &[]).is_err());
        assert!(EcdsaP521Sha512.verify_signature(&[4; 133], b"m", &[0x30, 0]).is_err());
    }

    proptest! {
        #[test]
        fn pem_round_trips(der in proptest::collection::vec(any::<u8>(), 1..600)) {
            prop_assert_eq!(client_certificate(&pem_of(&der)).unwrap().to_vec(), der);
        }

        #[test]
        fn hostile_pem_never_panics(text in "(-----(BEGIN|END) [A-Z ]{0,12}-----|[A-Za-z0-9+/=\n]{0,80}|\\PC{0,20}|\n){0,8}") {
            let _ = client_certificate(&text);
        }

        #[test]
        fn hostile_keys_and_signatures_never_panic(
            key in proptest::collection::vec(any::<u8>(), 0..140),
            signature in proptest::collection::vec(any::<u8>(), 0..150),
        ) {
            prop_assert!(EcdsaP521Sha512.verify_signature(&key, b"m", &signature).is_err());
        }
    }
}
