//! Asking servers on the web.

use std::time::Duration;

use http::Roots;
use reqwest::Client;

/// A call that takes longer is lost.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client for the server at `address`, which goes nowhere else: a redirection would take what it sends along.
///
/// # Errors
/// When this machine has no certificates that it trusts.
pub fn client(address: &str) -> Result<Client, Box<dyn std::error::Error>> {
    Ok(Client::builder()
        .user_agent("windlass")
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .tls_backend_preconfigured(Roots::of_address(address).client_config()?)
        .build()?)
}
