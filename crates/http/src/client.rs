//! Sending a request through an executor.

use std::time::Duration;

use remote::{Dial, Executor};

use crate::{
    Error, Request, Response, Roots,
    exchange::{self, BodyLimit},
    tls,
};

/// How long a request may take when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a body may be when nothing else is said.
const BODY: usize = 8 << 20;

/// How requests are sent: which way, for how long, and whom to trust.
#[derive(Clone, Debug)]
pub struct Client {
    target: Option<Dial>,
    server_name: Option<String>,
    roots: Roots,
    timeout: Duration,
    body: BodyLimit,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// Dials the host and port of each address, trusts the authorities of this machine, waits
    /// 30 seconds and reads bodies of up to 8 MiB.
    pub fn new() -> Self {
        Self {
            target: None,
            server_name: None,
            roots: Roots::system(),
            timeout: TIMEOUT,
            body: BodyLimit::Refused(BODY),
        }
    }

    /// Dials `target` whatever host the address has: a unix socket, or an API server by another
    /// address than its certificate's.
    #[must_use]
    pub fn target(mut self, target: Dial) -> Self {
        self.target = Some(target);
        self
    }

    /// Asks for the certificate of `name` (a name or an IP address) instead of the address' host.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Trusts these authorities.
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// How long a request may take in all: dialling, TLS, sending, and reading the last byte.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A body of more than `limit` bytes is [`Error::TooLarge`].
    #[must_use]
    pub fn body_limit(mut self, limit: usize) -> Self {
        self.body = BodyLimit::Refused(limit);
        self
    }

    /// Reads the first `limit` bytes of a body and lets the rest be.
    #[must_use]
    pub fn body_beginning(mut self, limit: usize) -> Self {
        self.body = BodyLimit::Cut(limit);
        self
    }

    /// Sends `request` from where `from` is and reads the whole response. Dropping the future ends
    /// the connection.
    ///
    /// # Errors
    /// See [`Error`]; a status of failure is a response.
    pub async fn send(&self, from: &dyn Executor, request: Request) -> Result<Response, Error> {
        let answered = tokio::time::timeout(self.timeout, self.exchange(from, request)).await;
        answered.unwrap_or(Err(Error::Timeout { limit: self.timeout }))
    }

    async fn exchange(&self, from: &dyn Executor, request: Request) -> Result<Response, Error> {
        let url = request.url();
        let own = || Dial::Tcp(url.host().to_owned(), url.port());
        let stream = from.dial(&self.target.clone().unwrap_or_else(own)).await?;
        if !url.is_https() {
            return exchange::over(stream, request, self.body).await;
        }
        let name = self.server_name.as_deref().unwrap_or(url.host());
        let stream = tls::connect(stream, name, &self.roots).await?;
        exchange::over(stream, request, self.body).await
    }
}
