//! Through the connection of a host: its point of view, its network, no public port.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Client, Request, Url};
use remote::Executor;
use secret::Secret;

use super::{BODY, Call, Reply, TIMEOUT, Transport, TransportError, retry_after};

/// From a host to a server that it can reach.
pub struct Through {
    executor: Arc<dyn Executor>,
    base: String,
    server: String,
    client: Client,
}

impl Through {
    /// To the server that is at `base` as `executor`'s host sees it.
    pub fn new(executor: Arc<dyn Executor>, base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let server = format!("{base} (from {})", executor.name());
        Self { executor, base, server, client: Client::new().timeout(TIMEOUT).body_limit(BODY) }
    }
}

#[async_trait]
impl Transport for Through {
    fn server(&self) -> &str {
        &self.server
    }

    async fn send(&self, call: &Call, bearer: Option<&Secret>) -> Result<Reply, TransportError> {
        let request = self.request(call, bearer).map_err(TransportError::NotSent)?;
        let response = self.client.send(self.executor.as_ref(), request).await.map_err(|error| {
            let why = remote::chain(&error);
            match error {
                http::Error::Remote(_) | http::Error::Tls(_) | http::Error::SystemRoots { .. } => {
                    TransportError::NotSent(why)
                }
                _ => TransportError::Lost(why),
            }
        })?;
        Ok(Reply {
            status: response.status,
            etag: response.header("etag").map(str::to_owned),
            retry_after: retry_after(response.header("retry-after")),
            body: response.body,
        })
    }
}

impl Through {
    fn request(&self, call: &Call, bearer: Option<&Secret>) -> Result<Request, String> {
        let url: Url =
            format!("{}{}", self.base, call.path).parse().map_err(|error| format!("its address {error}"))?;
        let method = call.method.parse().map_err(|_| format!("{} is not a method", call.method))?;
        let told = |error: http::Error| error.to_string();
        let mut request = Request::new(method, url).header("accept", call.accept).map_err(told)?;
        if let Some(bearer) = bearer {
            request = request.bearer(bearer).map_err(told)?;
        }
        if let Some((media_type, content)) = &call.body {
            request = request.body(media_type, content.expose().to_owned()).map_err(told)?;
        }
        if let Some(version) = &call.if_match {
            request = request.header("if-match", version).map_err(told)?;
        }
        Ok(request)
    }
}
