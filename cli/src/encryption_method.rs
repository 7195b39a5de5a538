//! `windlass encryption-method`: OpenTofu's external encryption method. A header, then one message in
//! and one out, each JSON; what is encrypted is an age file for the recipients of the settings.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secret::Secret;
use serde::{Deserialize, Serialize};
use sops::Recipient;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::opening::identities;
use crate::settings::Settings;
use crate::terminal;

const HEADER: &str = r#"{"magic":"OpenTofu-External-Encryption-Method","version":1}"#;

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Which way
    #[command(subcommand)]
    way: Way,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Way {
    /// Encrypt what comes on stdin
    Encrypt {
        /// An age recipient or SSH public key, in place of those of the settings; repeatable
        #[arg(long = "recipient", value_name = "KEY")]
        recipients: Vec<String>,
    },
    /// Decrypt what comes on stdin
    Decrypt,
}

#[derive(Deserialize)]
struct Asked {
    payload: String,
}

#[derive(Serialize)]
struct Answered {
    payload: String,
}

/// Answers one message.
///
/// # Errors
/// When it is none, or the keys do not fit.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    // OpenTofu reads it before it sends anything.
    terminal::answer(HEADER);
    let failed = || Failure::new("Could not answer OpenTofu");
    let mut message = Zeroizing::new(String::new());
    std::io::stdin().lock().read_to_string(&mut message).map_err(|error| failed().because(&error))?;
    let asked: Asked = serde_json::from_str(&message)
        .map_err(|_| failed().with("What it sent is not a message of its encryption method."))?;
    let payload = Zeroizing::new(
        STANDARD.decode(&asked.payload).map_err(|_| failed().with("What it sent is not in base64."))?,
    );
    let answer = match &arguments.way {
        Way::Encrypt { recipients } => encrypt(recipients, &payload)?,
        Way::Decrypt => decrypt(&payload)?,
    };
    let answer = Answered { payload: STANDARD.encode(&*answer) };
    let text = Secret::new(serde_json::to_string(&answer).map_err(|error| failed().because(&error))?);
    terminal::raw(text.expose());
    Ok(Exit::DONE)
}

fn encrypt(recipients: &[String], payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: sops::Error| {
        Failure::new("Could not encrypt for OpenTofu")
            .because(&error)
            .with("Recipients come from --recipient, `[state] recipients` of windlass.toml, or SOPS_AGE_RECIPIENTS.")
    };
    let recipients = if recipients.is_empty() {
        Settings::find()?.recipients()?
    } else {
        recipients.iter().map(|text| text.parse()).collect::<Result<Vec<Recipient>, _>>().map_err(failed)?
    };
    sops::encrypt(&recipients, payload).map(Zeroizing::new).map_err(failed)
}

fn decrypt(payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let identities = identities()?;
    identities.decrypt(payload).ok_or_else(|| {
        Failure::new("Could not decrypt for OpenTofu")
            .with(format!("None of the {} identities at hand opens it, or it was changed.", identities.count()))
            .with("They come from SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD, the default key file of SOPS, and SSH keys.")
    })
}
