//! Straight from this machine, by a full client of HTTP: proxies of the environment, pooled
//! connections.

use std::time::Duration;

use async_trait::async_trait;
use http::Roots;
use reqwest::{Client, Method, header};
use secret::Secret;
use tokio::sync::OnceCell;

use super::{BODY, Call, Reply, TIMEOUT, Transport, TransportError, retry_after};

/// From this machine to a server. Nothing is read or connected before the first request.
pub struct Direct {
    base: String,
    client: OnceCell<Client>,
    timeout: Duration,
}

impl Direct {
    /// To the server at `base`, an address such as `https://api.tailscale.com`.
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), client: OnceCell::new(), timeout: TIMEOUT }
    }

    /// With another limit of time for each request.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    async fn client(&self) -> Result<&Client, TransportError> {
        let build = || async {
            let (timeout, roots) = (self.timeout, Roots::of_address(&self.base));
            let build = move || {
                let builder = Client::builder()
                    .user_agent("windlass")
                    .redirect(reqwest::redirect::Policy::none())
                    .connect_timeout(timeout.min(Duration::from_secs(15)))
                    .timeout(timeout);
                let tls = roots.client_config().map_err(|error| error.to_string())?;
                builder.tls_backend_preconfigured(tls).build().map_err(|error| words(&error))
            };
            // The system's certificates are files.
            let built = tokio::task::spawn_blocking(build).await;
            built.map_err(|error| error.to_string()).flatten().map_err(TransportError::NotSent)
        };
        self.client.get_or_try_init(build).await
    }
}

/// What a client of HTTP says, with its causes and without the address, which messages name already.
fn words(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let last = causes.last().map(ToString::to_string);
    last.unwrap_or_else(|| if error.is_timeout() { "it took too long".to_owned() } else { error.to_string() })
}

#[async_trait]
impl Transport for Direct {
    fn server(&self) -> &str {
        &self.base
    }

    async fn send(&self, call: &Call, bearer: Option<&Secret>) -> Result<Reply, TransportError> {
        let client = self.client().await?;
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::GET);
        let mut request =
            client.request(method, format!("{}{}", self.base, call.path)).header(header::ACCEPT, call.accept);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer.expose());
        }
        if let Some((media_type, content)) = &call.body {
            request = request.header(header::CONTENT_TYPE, *media_type).body(content.expose().to_owned());
        }
        if let Some(version) = &call.if_match {
            request = request.header(header::IF_MATCH, version);
        }
        let sent = request.send().await.map_err(|error| {
            let why = words(&error);
            if error.is_connect() || error.is_builder() {
                TransportError::NotSent(why)
            } else {
                TransportError::Lost(why)
            }
        });
        let mut response = sent?;
        let text =
            |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
        let (etag, wait) = (text(header::ETAG).map(str::to_owned), retry_after(text(header::RETRY_AFTER)));
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| TransportError::Lost(words(&error)))? {
            body.extend_from_slice(&part);
            if body.len() > BODY {
                return Err(TransportError::Lost(format!("the answer has more than {BODY} bytes")));
            }
        }
        Ok(Reply { status, etag, retry_after: wait, body })
    }
}
