//! The line by which a provider announces itself, read by go-plugin's rules.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// A certificate field up to this length is ignored, as in go-plugin.
const SHORTEST_CERTIFICATE: usize = 50;

/// The fields of a handshake line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Version of go-plugin's own protocol; 1.
    pub core_protocol: u32,
    /// Version of the provider protocol.
    pub protocol: u32,
    /// Path of the unix socket.
    pub socket: PathBuf,
    /// The provider's certificate in DER, if there is one.
    pub certificate: Option<Vec<u8>>,
    /// All fields as they came.
    pub fields: Vec<String>,
}

impl Handshake {
    /// Reads a line without its newline.
    pub fn parse(line: &str) -> Result<Self> {
        let fields: Vec<String> = line.trim().split('|').map(str::to_owned).collect();
        ensure!(fields.len() >= 4, "the handshake {line:?} has fewer than four fields");
        let core_protocol = fields[0].parse().context("read the core protocol")?;
        ensure!(core_protocol == 1, "core protocol {core_protocol} is not 1");
        let protocol = fields[1].parse().context("read the provider protocol")?;
        ensure!(fields[2] == "unix", "network {:?} is not unix", fields[2]);
        match fields.get(4).map(String::as_str) {
            Some("grpc") => {}
            other => bail!("transport {other:?} is not grpc"),
        }
        let certificate = fields
            .get(5)
            .filter(|field| field.len() > SHORTEST_CERTIFICATE)
            .map(|field| STANDARD_NO_PAD.decode(field).context("read the certificate"))
            .transpose()?;
        let socket = PathBuf::from(&fields[3]);
        Ok(Self { core_protocol, protocol, socket, certificate, fields })
    }
}
