//! Private keys: where they come from, and what is said when one cannot be used.

use remote::{Error, credentials::Key};
use russh::keys::{self, PrivateKey};
use secret::Secret;

/// Where the key is, in words, without the key.
pub(crate) fn name(key: &Key) -> String {
    match key {
        Key::Text(_) => "the given private key".to_owned(),
        Key::File(path) => format!("the private key file {path}"),
    }
}

/// Reads and decrypts the key.
///
/// # Errors
/// [`Error::Configuration`] that names the source and what is wrong with it.
pub(crate) async fn load(source: &Key, passphrase: Option<&Secret>) -> Result<PrivateKey, Error> {
    let text = match source {
        Key::Text(text) => text.clone(),
        Key::File(path) => read(path).await?,
    };
    let passphrase = passphrase.filter(|passphrase| !passphrase.is_empty()).cloned();
    let called = name(source);
    // Key derivation is slow on purpose; it must not hold up other connections.
    let decoded = tokio::task::spawn_blocking(move || decode(&text, passphrase.as_ref(), &called)).await;
    decoded.unwrap_or_else(|_| Err(broken(&name(source), "decoding it failed")))
}

async fn read(path: &str) -> Result<Secret, Error> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => Err(broken(&format!("the private key file {path}"), &error.to_string())),
    }
}

fn decode(text: &Secret, passphrase: Option<&Secret>, name: &str) -> Result<PrivateKey, Error> {
    // Heredocs and secret stores add spaces and carriage returns that the decoder does not take.
    let lines: Vec<&str> = text.expose().lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let trimmed = Secret::new(lines.join("\n") + "\n");
    if trimmed.expose().starts_with("ssh-") || trimmed.expose().starts_with("ecdsa-") {
        return Err(broken(name, "it is a public key"));
    }
    let key = match keys::decode_secret_key(trimmed.expose(), passphrase.map(Secret::expose)) {
        Ok(key) => key,
        Err(error) => return Err(broken(name, &reason(trimmed.expose(), passphrase, &error))),
    };
    if key.is_encrypted() {
        return Err(broken(name, "it needs a passphrase"));
    }
    Ok(key)
}

/// The library's errors for a bad passphrase differ by format and say nothing to a user.
fn reason(text: &str, passphrase: Option<&Secret>, error: &keys::Error) -> String {
    // What OpenSSH calls PEM; of these the library opens RSA keys under AES-128 only.
    let old = text.contains("Proc-Type: 4,ENCRYPTED");
    let encrypted = old
        || matches!(error, keys::Error::KeyIsEncrypted)
        || text.contains("BEGIN ENCRYPTED PRIVATE KEY")
        || (passphrase.is_some() && text.contains("BEGIN OPENSSH PRIVATE KEY"));
    let readable = text.contains("BEGIN RSA PRIVATE KEY") && text.contains("DEK-Info: AES-128-CBC");
    match (encrypted, passphrase) {
        (true, None) => "it needs a passphrase".to_owned(),
        (true, Some(_)) if old && !readable => "it is encrypted in an old PEM format that cannot be read: \
             convert a copy of it with `ssh-keygen -p -f FILE`"
            .to_owned(),
        (true, Some(_)) => "the passphrase does not open it".to_owned(),
        (false, _) => format!("it is not an OpenSSH, PEM or PKCS#8 private key ({error})"),
    }
}

fn broken(name: &str, why: &str) -> Error {
    Error::Configuration { what: format!("could not use {name}: {why}") }
}
