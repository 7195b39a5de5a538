//! Telling a service that waits for it that a backup has succeeded: when nothing comes, it raises the alarm.

use std::time::Duration;

use http::Roots;
use secret::Secret;

use crate::error::chain;

/// How long the service may take, all in all.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is asked.
const TRIES: usize = 3;

/// Why the service was not told. The URL is a secret, and is in no message.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatError {
    /// It could not be asked.
    #[error("the service that waits for it could not be told: {0}")]
    Unsent(String),
    /// It did not take it.
    #[error("the service that waits for it answered {0}")]
    Refused(u16),
}

/// Asks for `url`, which says that all went well.
///
/// # Errors
/// When the service does not answer, or not with a success.
pub async fn heartbeat(url: &Secret) -> Result<(), HeartbeatError> {
    let unsent = |error: reqwest::Error| HeartbeatError::Unsent(chain(&error.without_url()));
    let tls = Roots::of_address(url.expose()).client_config();
    let tls = tls.map_err(|error| HeartbeatError::Unsent(error.to_string()))?;
    let builder = reqwest::Client::builder().user_agent("windlass").timeout(PATIENCE);
    let client = builder.tls_backend_preconfigured(tls).build().map_err(unsent)?;
    let mut last = HeartbeatError::Unsent("nobody asked".to_owned());
    for _ in 0..TRIES {
        match client.get(url.expose()).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => last = HeartbeatError::Refused(answer.status().as_u16()),
            Err(error) => last = unsent(error),
        }
        // What it does not take now it will not take in a moment either.
        if matches!(last, HeartbeatError::Refused(status) if status < 500) {
            break;
        }
    }
    Err(last)
}
