//! Requests to GitHub's REST API for releases, and to servers of one's own that speak it.

use std::{sync::Arc, time::Duration};

use http::Roots;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header::HeaderMap};
use secret::Secret;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// The version of the API that we speak.
const VERSION: &str = "2022-11-28";

/// How long a connection may take to be there, and for how long a server may be silent.
const CONNECT: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(300);

/// How many things are on a page of a list, which is the most that there can be.
const PAGE: usize = 100;

/// How long is waited after an error of the server, the first time.
const PAUSE: Duration = Duration::from_millis(250);

/// How long at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What went wrong with a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the server cannot be asked")]
    Web(#[from] reqwest::Error),
    #[error("the server says {status}: {message}")]
    Refused { status: StatusCode, message: String },
    #[error("the server wants no more requests for {seconds} s")]
    Limited { seconds: u64 },
    #[error("what the server says cannot be read")]
    Document(#[from] serde_json::Error),
    #[error("TLS cannot be prepared")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("what is to be stored cannot be read")]
    Content(#[from] std::io::Error),
    #[error("{0}")]
    Wrong(&'static str),
}

impl ApiError {
    /// Whether nobody is let in. Who may not know that something is there is told that it is not.
    pub(super) fn is_denied(&self) -> bool {
        let denied = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
        matches!(self, Self::Refused { status, .. } if denied.contains(status))
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }

    /// Whether it is about something that cannot be, such as the removal of a reference that is not there.
    pub(super) fn is_invalid(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// Whether another try may go well: an error of the server, or of the way there.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Web(error) => !error.is_builder() && !error.is_decode(),
            Self::Refused { status, .. } => status.is_server_error(),
            _ => false,
        }
    }
}

/// A release, as far as we look at it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Release {
    pub(super) id: u64,
    pub(super) tag_name: String,
    pub(super) draft: bool,
    pub(super) upload_url: String,
    #[serde(default)]
    pub(super) assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Asset {
    pub(super) id: u64,
    pub(super) name: String,
    /// `uploaded`, or `starter` while it is not.
    pub(super) state: String,
    pub(super) size: u64,
    pub(super) updated_at: String,
}

impl Asset {
    pub(super) fn is_whole(&self) -> bool {
        self.state == "uploaded"
    }
}

/// A repository, and how one gets in.
#[derive(Clone, Debug)]
pub(super) struct Api {
    web: reqwest::Client,
    /// What the paths of its requests begin with.
    base: String,
    token: Arc<Secret>,
    patience: Duration,
}

impl Api {
    pub(super) fn new(
        address: &str,
        repository: &str,
        token: Secret,
        patience: Duration,
    ) -> Result<Self, ApiError> {
        let address = address.trim_end_matches('/');
        let tls = Roots::of_address(address).client_config().map_err(|error| ApiError::Tls(error.into()))?;
        let web = reqwest::Client::builder()
            .user_agent("windlass")
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .tls_backend_preconfigured(tls)
            .build()?;
        Ok(Self { web, base: format!("{address}/repos/{repository}"), token: Arc::new(token), patience })
    }

    fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.web
            .request(method, url)
            .bearer_auth(self.token.expose())
            .header("X-GitHub-Api-Version", VERSION)
            .header("Accept", "application/vnd.github+json")
    }

    /// Sends what `build` makes until it is answered, for as long as there is patience.
    async fn send(&self, build: impl Fn() -> RequestBuilder) -> Result<Response, ApiError> {
        let (until, mut pause) = (Instant::now() + self.patience, PAUSE);
        loop {
            let (error, wait) = match build().send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => {
                    let limited = asked_to_wait(answer.status(), answer.headers());
                    let error = match limited {
                        Some(wait) => ApiError::Limited { seconds: wait.as_secs() },
                        None => refused(answer).await,
                    };
                    (error, limited)
                }
                Err(error) => (ApiError::Web(error), None),
            };
            let wait = wait.or_else(|| error.is_passing().then_some(pause));
            let Some(wait) = wait.filter(|wait| Instant::now() + *wait < until) else { return Err(error) };
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn read<T: DeserializeOwned>(&self, build: impl Fn() -> RequestBuilder) -> Result<T, ApiError> {
        Ok(serde_json::from_slice(&self.send(build).await?.bytes().await?)?)
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        for page in 1.. {
            let url = format!("{}/{path}?per_page={PAGE}&page={page}", self.base);
            let mut some: Vec<T> = self.read(|| self.request(Method::GET, &url)).await?;
            let is_last = some.len() < PAGE;
            all.append(&mut some);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    /// All releases, drafts too.
    pub(super) async fn releases(&self) -> Result<Vec<Release>, ApiError> {
        self.list("releases").await
    }

    pub(super) async fn assets(&self, release: u64) -> Result<Vec<Asset>, ApiError> {
        self.list(&format!("releases/{release}/assets")).await
    }

    /// Makes a draft. It is not sent again: the first one may have arrived.
    pub(super) async fn create(&self, tag: &str) -> Result<Release, ApiError> {
        let body = json!({ "tag_name": tag, "name": tag, "draft": true, "prerelease": true });
        let url = format!("{}/releases", self.base);
        let answer = self.request(Method::POST, &url).body(body.to_string()).send().await?;
        match answer.status().is_success() {
            true => Ok(serde_json::from_slice(&answer.bytes().await?)?),
            false => match asked_to_wait(answer.status(), answer.headers()) {
                Some(wait) if wait < self.patience => {
                    sleep(wait).await;
                    self.read(|| self.request(Method::POST, &url).body(body.to_string())).await
                }
                _ => Err(refused(answer).await),
            },
        }
    }

    /// Changes what `path` is.
    pub(super) async fn change(&self, path: &str, change: &Value) -> Result<(), ApiError> {
        let url = format!("{}/{path}", self.base);
        self.send(|| self.request(Method::PATCH, &url).body(change.to_string())).await.map(drop)
    }

    /// Removes what `path` is; what is gone is none to remove.
    pub(super) async fn delete(&self, path: &str) -> Result<(), ApiError> {
        let url = format!("{}/{path}", self.base);
        match self.send(|| self.request(Method::DELETE, &url)).await {
            Err(error) if !error.is_absent() => Err(error),
            _ => Ok(()),
        }
    }

    /// Uploads a file that has `size` bytes, once.
    pub(super) async fn upload(
        &self,
        release: &Release,
        name: &str,
        (size, body): (u64, reqwest::Body),
    ) -> Result<Asset, ApiError> {
        let address = release.upload_url.split('{').next().unwrap_or_default();
        let request = self.request(Method::POST, &format!("{address}?name={name}"));
        let request =
            request.header("Content-Type", "application/octet-stream").header("Content-Length", size);
        let answer = request.body(body).send().await?;
        if let Some(wait) = asked_to_wait(answer.status(), answer.headers()) {
            return Err(ApiError::Limited { seconds: wait.as_secs() });
        }
        match answer.status().is_success() {
            true => Ok(serde_json::from_slice(&answer.bytes().await?)?),
            false => Err(refused(answer).await),
        }
    }

    /// What is in a file. The server sends us to another one, which does not get the token.
    pub(super) async fn download(&self, asset: u64) -> Result<Response, ApiError> {
        let url = format!("{}/releases/assets/{asset}", self.base);
        let request = || {
            let request = self.web.get(&url).bearer_auth(self.token.expose());
            request.header("X-GitHub-Api-Version", VERSION).header("Accept", "application/octet-stream")
        };
        self.send(request).await
    }

    /// For how long somebody waits who is asked to.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }
}

/// For how long the server wants no more requests, if that is what it says.
fn asked_to_wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if status != StatusCode::FORBIDDEN && status != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") != Some(0) {
        return None;
    }
    let now = u64::try_from(crate::moment::Moment::now().unix()).unwrap_or_default();
    Some(Duration::from_secs(number("x-ratelimit-reset")?.saturating_sub(now) + 1))
}

async fn refused(answer: Response) -> ApiError {
    let status = answer.status();
    let body = answer.bytes().await.unwrap_or_default();
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = said["errors"][0]["code"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
    let message = said["message"].as_str().unwrap_or("nothing that we understand");
    ApiError::Refused { status, message: format!("{message}{code}") }
}
