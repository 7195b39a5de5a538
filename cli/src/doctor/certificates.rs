//! How long the certificate of a server is still valid.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Roots;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::finding::{Finding, Report};
use crate::advice;

/// How long a server may take.
const LIMIT: Duration = Duration::from_secs(15);
/// With fewer days left than this, renewal should have happened: a warning, or an error.
const LEFT: (i64, i64) = (21, 7);
const DAY: i64 = 86_400;

/// Why it could not be told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("the server could not be reached")]
    Io(#[from] std::io::Error),
    #[error("the server did not answer within {} s", LIMIT.as_secs())]
    Late,
    #[error(transparent)]
    Roots(#[from] http::Error),
    #[error("{0:?} is not a name of a server")]
    Name(String),
    #[error("its certificate cannot be read")]
    Unreadable,
}

/// What there is to say of the certificate of the server at `address`: a name, or a name and a port.
pub async fn certificate(address: &str) -> Report {
    let findings = match tokio::time::timeout(LIMIT, seconds_left(address)).await.unwrap_or(Err(Untold::Late))
    {
        Ok(left) => vec![judge(left)],
        Err(error) => vec![Finding::error("certificate", remote::chain(&error), advice::TLS)],
    };
    Report { subject: address.to_owned(), findings }
}

/// What a certificate's rest of life means.
fn judge(seconds: i64) -> Finding {
    let days = seconds.div_euclid(DAY);
    let seen = format!("its certificate is valid for {days} more days");
    match days {
        days if days < LEFT.1 => Finding::error("certificate", seen, advice::RENEWAL),
        days if days < LEFT.0 => Finding::warning("certificate", seen, advice::RENEWAL),
        _ => Finding::ok("certificate", seen),
    }
}

/// The name and the port of an address.
fn parts(address: &str) -> (&str, u16) {
    let port = address.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    port.filter(|(name, _)| !name.contains(':') || name.ends_with(']')).unwrap_or((address, 443))
}

/// For how many more seconds the certificate is valid, which this machine trusts.
async fn seconds_left(address: &str) -> Result<i64, Untold> {
    let (host, port) = parts(address);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| Untold::Name(address.to_owned()))?;
    let config = Roots::system().client_config()?;
    let stream = TcpStream::connect((bare, port)).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    let first = session.peer_certificates().and_then(|all| all.first()).ok_or(Untold::Unreadable)?;
    let certificate = Certificate::from_der(first).map_err(|_| Untold::Unreadable)?;
    let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Ok(seconds(end) - seconds(now))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_certificate_that_was_not_renewed_is_told_before_it_ends() {
        for (days, level) in [
            (90, Level::Ok),
            (21, Level::Ok),
            (20, Level::Warning),
            (7, Level::Warning),
            (6, Level::Error),
            (-1, Level::Error),
        ] {
            let found = judge(days * DAY + 5);
            assert_eq!(found.level, level, "{days}");
            assert!(found.seen.contains(&format!(" {days} more days")), "{}", found.seen);
        }
    }

    #[test]
    fn an_address_has_a_port_or_the_usual_one() {
        for (address, expected) in [
            ("shop.example.org", ("shop.example.org", 443)),
            ("shop.example.org:8443", ("shop.example.org", 8443)),
            ("[::1]:8443", ("[::1]", 8443)),
            ("::1", ("::1", 443)),
        ] {
            assert_eq!(parts(address), expected);
        }
    }
}
