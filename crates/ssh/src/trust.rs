//! Which host keys are accepted, and what is said about the others.

use std::path::{Path, PathBuf};

use remote::{Error, connection::HostKey};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use crate::known_hosts::{self, Line, Verdict};

/// Where the recorded host keys of a host come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Keys that somebody pinned; nothing else is looked at.
    Pinned(Vec<HostKey>),
    /// What known_hosts files say.
    KnownHosts(Files),
}

/// The known_hosts files to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    /// The user's and the system's, where they exist.
    Default,
    /// This one, which has to exist.
    Only(PathBuf),
}

/// A host's address with all that is recorded about its keys, read once per connection.
#[derive(Debug)]
pub(crate) struct Judge {
    host: String,
    address: String,
    port: u16,
    record: Record,
}

#[derive(Debug)]
enum Record {
    Pinned(Vec<HostKey>),
    Lines(Vec<Line>),
}

impl Judge {
    /// Reads what is recorded about the host at `address` and `port`, called `host` in messages.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the known_hosts file that was asked for cannot be read.
    pub(crate) async fn new(host: &str, address: &str, port: u16, trust: &Trust) -> Result<Self, Error> {
        let record = match trust {
            Trust::Pinned(pins) => Record::Pinned(pins.clone()),
            Trust::KnownHosts(files) => Record::Lines(read(files).await?),
        };
        Ok(Self { host: host.to_owned(), address: address.to_owned(), port, record })
    }

    /// One that knows no key and accepts none.
    pub(crate) fn of_nobody() -> Self {
        Self { host: String::new(), address: String::new(), port: 0, record: Record::Pinned(Vec::new()) }
    }

    /// The host key algorithms to ask for: the recorded types first, then the rest.
    ///
    /// Without this a server with several keys could show one of a type that is not recorded.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let recorded: Vec<String> = match &self.record {
            Record::Pinned(pins) => pins.iter().map(|pin| pin.algorithm().to_owned()).collect(),
            Record::Lines(lines) => known_hosts::recorded(lines, &self.address, self.port)
                .iter()
                .map(|key| key.algorithm().as_str().to_owned())
                .collect(),
        };
        let (mut first, rest): (Vec<_>, Vec<_>) = all_algorithms()
            .into_iter()
            .partition(|algorithm| recorded.iter().any(|kind| kind == key_type(algorithm)));
        first.extend(rest);
        first
    }

    /// Accepts the key that was offered, or says why not.
    ///
    /// # Errors
    /// [`Error::HostKeyMismatch`], [`Error::HostKeyUnknown`], or [`Error::Configuration`] where
    /// only a certificate authority is recorded.
    pub(crate) fn check(&self, key: &PublicKey) -> Result<(), Error> {
        match &self.record {
            Record::Pinned(pins) => {
                if pins.contains(&fingerprint(key)) {
                    return Ok(());
                }
                let expected = pins.iter().map(describe_fingerprint).collect();
                Err(self.mismatch(expected, describe(key)))
            }
            Record::Lines(lines) => self.check_lines(lines, key),
        }
    }

    fn check_lines(&self, lines: &[Line], key: &PublicKey) -> Result<(), Error> {
        match known_hosts::check(lines, &self.address, self.port, key) {
            Verdict::Known => Ok(()),
            Verdict::Revoked(line) => {
                let expected = known_hosts::recorded(lines, &self.address, self.port);
                let expected = expected.into_iter().filter(|other| other.key_data() != key.key_data());
                Err(self.mismatch(
                    expected.map(describe).collect(),
                    format!("{} (revoked in {})", describe(key), line.place()),
                ))
            }
            Verdict::Changed(others) => {
                let expected =
                    others.iter().map(|line| format!("{} ({})", describe(&line.key), line.place()));
                Err(self.mismatch(expected.collect(), describe(key)))
            }
            Verdict::OnlyAuthority(line) => Err(Error::Configuration {
                what: format!(
                    "{} names a certificate authority for {}, and host certificates are not supported: record \
                     the host's own key instead (it offered {}), with the line: {}",
                    line.place(),
                    self.host,
                    describe(key),
                    self.line_for(key),
                ),
            }),
            Verdict::Unknown => Err(Error::HostKeyUnknown {
                host: self.host.clone(),
                offered: describe(key),
                known_hosts_line: self.line_for(key),
            }),
        }
    }

    fn mismatch(&self, expected: Vec<String>, offered: String) -> Error {
        Error::HostKeyMismatch { host: self.host.clone(), expected, offered }
    }

    fn line_for(&self, key: &PublicKey) -> String {
        format!("{} {}", known_hosts::name_of(&self.address, self.port), openssh(key))
    }
}

/// The key as it stands in a file: `ssh-ed25519 AAAA…`, without a comment.
pub(crate) fn openssh(key: &PublicKey) -> String {
    let mut key = key.clone();
    key.set_comment("");
    key.to_openssh().unwrap_or_default().trim_end().to_owned()
}

/// The type and fingerprint of a key.
pub(crate) fn fingerprint(key: &PublicKey) -> HostKey {
    let sha256 = key.fingerprint(HashAlg::Sha256).sha256().unwrap_or_default();
    HostKey::new(key.algorithm().as_str(), sha256)
}

/// `<type> SHA256:<base64>` of a key.
pub(crate) fn describe(key: &PublicKey) -> String {
    describe_fingerprint(&fingerprint(key))
}

fn describe_fingerprint(key: &HostKey) -> String {
    format!("{} {}", key.algorithm(), key.fingerprint())
}

/// The type of key that an algorithm signs with; RSA keys have one type and several algorithms.
fn key_type(algorithm: &Algorithm) -> &str {
    match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa",
        other => other.as_str(),
    }
}

/// All that we can check, best first. RSA with SHA-1 is left out, as in OpenSSH since 8.8.
fn all_algorithms() -> Vec<Algorithm> {
    vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ]
}

async fn read(files: &Files) -> Result<Vec<Line>, Error> {
    let (paths, must_exist) = match files {
        Files::Only(path) => (vec![path.clone()], true),
        Files::Default => (default_files(), false),
    };
    let mut lines = Vec::new();
    for path in paths {
        match tokio::fs::read(&path).await {
            Ok(bytes) => lines.extend(known_hosts::parse(&path, &String::from_utf8_lossy(&bytes))),
            // As OpenSSH does: a default that cannot be read records nothing.
            Err(error) if !must_exist => tracing::debug!(target: "ssh", ?path, %error, "no known hosts"),
            Err(error) => {
                let what = format!("could not read the known hosts file {}: {error}", path.display());
                return Err(Error::Configuration { what });
            }
        }
    }
    Ok(lines)
}

/// OpenSSH's defaults that people really have.
fn default_files() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".ssh/known_hosts"));
    home.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]).collect()
}
