//! The way to a host of the lab for tests that use the libraries without the provider.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lab::{Host, Lab};
use remote::{
    Connection, Executor,
    connection::HostKey,
    credentials::{SshSettings, choose},
};
use sha2::{Digest as _, Sha256};
use ssh::Pool;

/// What runs commands on a host of the lab, reached as the provider would reach it.
///
/// # Panics
/// When the lab's own words about the host cannot be used.
pub fn executor(pool: &Pool, lab: &Lab, host: &Host) -> Arc<dyn Executor> {
    let mut parameters = vec![format!("host_key={}", pin(&host.host_key))];
    if let Some(jump) = &host.jump {
        parameters.push(format!("jump={jump}"));
    }
    parameters.extend(host.variant.sudo().map(|sudo| format!("sudo={sudo}")));
    let connection = format!("ssh://{}@{}:{}?{}", host.user, host.address, host.port, parameters.join("&"));
    let Connection::Ssh(connection) = connection.parse().unwrap() else { panic!("{connection}") };
    let settings = SshSettings {
        private_key_file: Some(host.private_key_file.display().to_string()),
        known_hosts_file: Some(lab.state().known_hosts_file.display().to_string()),
        ..SshSettings::default()
    };
    let credentials = choose(&connection, &[settings], |_| None).unwrap();
    pool.executor(&connection, &credentials)
}

/// The fingerprint of an OpenSSH public key.
fn pin(public_key: &str) -> HostKey {
    let mut words = public_key.split_whitespace();
    let (algorithm, blob) = (words.next().unwrap(), words.next().unwrap());
    HostKey::new(algorithm, Sha256::digest(STANDARD.decode(blob).unwrap()).into())
}
