//! The interface of Tailscale's daemon itself, over its socket on the machine.
//!
//! It is asked through the connection. Where that is not let through, or the login may only look, the
//! machine's own `curl` asks in its place, as root.

use std::{sync::Arc, time::Duration};

use http::{Client, Method, Request, Url};
use remote::{Command, Dial, Executor, Input, run};
use serde_json::{Value, json};

use super::{NOT_FOUND, NodeError, NodeState, Prefs, state};
use crate::serve::ServeConfig;

/// Where the daemon listens unless it is told otherwise.
pub const SOCKET: &str = "/var/run/tailscale/tailscaled.sock";

/// What the daemon answers to; it refuses every other name.
const BASE: &str = "http://local-tailscaled.sock/localapi/v0/";

/// How long it may take to answer.
const LIMIT: Duration = Duration::from_secs(20);

/// What curl says of a socket that does not answer.
const CURL_UNREACHED: u32 = 7;

/// The daemon of one machine.
#[derive(Clone)]
pub struct LocalApi {
    executor: Arc<dyn Executor>,
    socket: String,
}

/// What is served, and the version of it that the daemon goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// The configuration.
    pub config: ServeConfig,
    /// Which one it is, to the daemon.
    etag: String,
}

struct Ask<'a> {
    operation: &'static str,
    method: Method,
    path: &'static str,
    if_match: Option<&'a str>,
    body: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    etag: Option<String>,
    body: Vec<u8>,
}

impl LocalApi {
    /// That of the machine behind `executor`, which listens on `socket`, or where it usually does.
    pub fn new(executor: Arc<dyn Executor>, socket: Option<String>) -> Self {
        Self { executor, socket: socket.unwrap_or_else(|| SOCKET.to_owned()) }
    }

    /// Where it listens.
    pub fn socket(&self) -> &str {
        &self.socket
    }

    /// What the daemon knows of itself and its settings; exit nodes by their ids alone.
    ///
    /// # Errors
    /// [`NodeError::Silent`] where it does not run.
    pub async fn state(&self) -> Result<NodeState, NodeError> {
        let told = self.ask(&Ask::get("tell its status", "status?peers=false")).await?;
        let status = state::read(&told).map_err(|why| self.garbled("its status", &why))?;
        let told = self.ask(&Ask::get("tell its settings", "prefs")).await?;
        let prefs: Prefs = serde_json::from_slice(&told).map_err(|why| self.garbled("its settings", &why))?;
        Ok(NodeState { prefs, ..status })
    }

    /// What it serves.
    ///
    /// # Errors
    /// As [`LocalApi::state`].
    pub async fn serving(&self) -> Result<Serving, NodeError> {
        let answer = self.answer(&Ask::get("tell what it serves", "serve-config")).await?;
        let told: Value =
            serde_json::from_slice(&answer.body).map_err(|why| self.garbled("what it serves", &why))?;
        let etag = answer.etag.unwrap_or_default();
        if etag.is_empty() {
            let (host, what) = (self.name(), "what it serves");
            return Err(NodeError::Garbled { host, what, why: "it does not say which version it is".into() });
        }
        Ok(Serving { config: ServeConfig::new(told), etag })
    }

    /// Serves `config` in place of what was `found`.
    ///
    /// # Errors
    /// [`NodeError::Changed`] where something else is served by now; nothing is changed then.
    pub async fn serve(&self, config: &ServeConfig, found: &Serving) -> Result<(), NodeError> {
        let ask = Ask {
            if_match: Some(&found.etag),
            ..Ask::with(Method::POST, "serve that", "serve-config", &config.to_value())
        };
        self.ask(&ask).await.map(drop)
    }

    /// Offers to host these services, and no others.
    ///
    /// # Errors
    /// [`NodeError::Refused`] where the daemon does not take them.
    pub async fn advertise(&self, services: &[String]) -> Result<(), NodeError> {
        let body = json!({"AdvertiseServicesSet": true, "AdvertiseServices": services});
        self.ask(&Ask::with(Method::PATCH, "offer its services", "prefs", &body)).await.map(drop)
    }

    fn name(&self) -> String {
        self.executor.name().to_owned()
    }

    fn garbled(&self, what: &'static str, why: &serde_json::Error) -> NodeError {
        NodeError::Garbled { host: self.name(), what, why: why.to_string() }
    }

    async fn ask(&self, ask: &Ask<'_>) -> Result<Vec<u8>, NodeError> {
        self.answer(ask).await.map(|answer| answer.body)
    }

    async fn answer(&self, ask: &Ask<'_>) -> Result<Answer, NodeError> {
        let url = ask.url().parse::<Url>().map_err(|why| NodeError::Garbled {
            host: self.name(),
            what: "its address",
            why: why.to_string(),
        })?;
        let answer = match self.dialled(ask, url).await {
            Ok(answer) if answer.status != 403 => answer,
            Ok(refused) => self.by_curl(ask, &words(&refused)).await?,
            Err(error @ http::Error::Remote(_)) => self.by_curl(ask, &remote::chain(&error)).await?,
            // It may have been done: asking once more would only say that it has been changed.
            Err(error) => {
                return Err(NodeError::Silent { host: self.name(), said: remote::chain(&error) });
            }
        };
        match answer.status {
            200..=299 => Ok(answer),
            412 => Err(NodeError::Changed { host: self.name() }),
            status => Err(NodeError::Refused {
                host: self.name(),
                operation: ask.operation,
                status: status.into(),
                said: words(&answer),
            }),
        }
    }

    /// Through the connection.
    async fn dialled(&self, ask: &Ask<'_>, url: Url) -> Result<Answer, http::Error> {
        let mut request = Request::new(ask.method.clone(), url);
        if let Some(version) = ask.if_match {
            request = request.header("if-match", version)?;
        }
        if let Some(body) = &ask.body {
            request = request.body("application/json", body.clone())?;
        }
        let client = Client::new().target(Dial::Unix(self.socket.clone())).timeout(LIMIT);
        let response = client.send(self.executor.as_ref(), request).await?;
        let etag = response.header("etag").map(str::to_owned);
        Ok(Answer { status: response.status, etag, body: response.body })
    }

    /// As root on the machine, because the connection would not do: `why`.
    async fn by_curl(&self, ask: &Ask<'_>, why: &str) -> Result<Answer, NodeError> {
        let command = Command::new(ask.curl(&self.socket)).privileged().timeout(Some(LIMIT * 2));
        let input = ask.body.clone().map_or(Input::Nothing, |body| Input::bytes(body.into_bytes()));
        let output = run(self.executor.as_ref(), &command, input).await?;
        let silent = |said: String| Err(NodeError::Silent { host: self.name(), said });
        match output.status {
            0 => read(&output.stdout).ok_or_else(|| NodeError::Garbled {
                host: self.name(),
                what: "itself",
                why: "its answer is none of HTTP".into(),
            }),
            CURL_UNREACHED => silent(why.to_owned()),
            NOT_FOUND => silent(format!("{why} (and there is no `curl` that could ask as root)")),
            _ => silent(format!("{why}\n{}", output.stderr_text().trim())),
        }
    }
}

impl<'a> Ask<'a> {
    fn get(operation: &'static str, path: &'static str) -> Self {
        Self { operation, method: Method::GET, path, if_match: None, body: None }
    }

    fn with(method: Method, operation: &'static str, path: &'static str, body: &Value) -> Self {
        Self { method, body: Some(body.to_string()), ..Self::get(operation, path) }
    }

    fn url(&self) -> String {
        format!("{BASE}{}", self.path)
    }

    /// The same as words of curl, the content by stdin.
    fn curl(&self, socket: &str) -> Vec<String> {
        let mut words =
            ["curl", "--silent", "--show-error", "--include", "--max-time", "20", "--unix-socket"]
                .map(str::to_owned)
                .to_vec();
        words.extend([socket, "--request", self.method.as_str()].map(str::to_owned));
        if let Some(version) = self.if_match {
            words.extend(["--header".to_owned(), format!("If-Match: {version}")]);
        }
        if self.body.is_some() {
            // It would ask first whether it may send, and tell both answers.
            words.extend(["--header", "Expect:", "--data-binary", "@-"].map(str::to_owned));
        }
        words.push(self.url());
        words
    }
}

/// What the daemon says in a refusal.
fn words(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let error = serde_json::from_str::<Value>(&text).ok();
    let error = error.and_then(|json| json["error"].as_str().map(str::to_owned));
    error.unwrap_or_else(|| text.trim().to_owned())
}

/// An answer as curl prints it with its head.
fn read(printed: &[u8]) -> Option<Answer> {
    let end = printed.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, body) = (String::from_utf8_lossy(&printed[..end]), &printed[end + 4..]);
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let etag = lines
        .filter_map(|line| line.split_once(':'))
        .find_map(|(name, value)| name.eq_ignore_ascii_case("etag").then(|| value.trim().to_owned()));
    Some(Answer { status, etag, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_asks_the_same() {
        let ask = Ask {
            if_match: Some("abc"),
            ..Ask::with(Method::POST, "serve that", "serve-config", &json!({}))
        };
        assert_eq!(
            ask.curl("/run/ts.sock").join(" "),
            "curl --silent --show-error --include --max-time 20 --unix-socket /run/ts.sock --request POST --header \
             If-Match: abc --header Expect: --data-binary @- http://local-tailscaled.sock/localapi/v0/serve-config"
        );
        assert!(!Ask::get("tell", "prefs").curl("/s").contains(&"@-".to_owned()));
    }

    #[test]
    fn what_curl_prints_is_an_answer() {
        let answer = read(b"HTTP/1.1 200 OK\r\nEtag: abc\r\nDate: x\r\n\r\n{\"TCP\":1}\r\n\r\n").unwrap();
        assert_eq!((answer.status, answer.etag.as_deref()), (200, Some("abc")));
        assert_eq!(answer.body, b"{\"TCP\":1}\r\n\r\n");
        assert_eq!(read(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap().status, 403);
        assert_eq!(read(b"curl: (7) x"), None);
    }

    #[test]
    fn the_words_of_a_refusal_are_found() {
        let words = |body: &str| words(&Answer { status: 500, etag: None, body: body.into() });
        assert_eq!(words("{\"error\":\"netMap is nil\"}"), "netMap is nil");
        assert_eq!(words("serve config denied\n"), "serve config denied");
    }
}
