//! The client of S3: object_store's, over our own client of HTTP, whose TLS runs on ring, and which looks
//! at what servers answer.

use std::sync::Arc;

use async_trait::async_trait;
use http::Roots;
use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AwsCredential, Checksum},
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
};
use reqwest::{Method, StatusCode};

use super::{
    S3Settings,
    lock::Locking,
    patience::{CONNECT, SILENCE},
    refusal::{Cause, Refusal},
    through::Through,
};

/// How often a request is sent again at most.
const TRIES: usize = 20;

/// What a bucket is spoken with.
pub(super) struct Clients {
    pub(super) client: AmazonS3,
    /// One whose uploads have a checksum, and a lock where the settings say so.
    pub(super) locking: AmazonS3,
    /// The client of HTTP which both stand on.
    pub(super) web: HttpClient,
}

/// The clients for `bucket`. Nothing is connected.
pub(super) fn build(bucket: &str, settings: &S3Settings) -> Result<Clients, Cause> {
    let endpoint = settings.endpoint.as_deref().unwrap_or("https://");
    let web = match &settings.via {
        Some(host) => HttpClient::new(Through::new(host.clone(), endpoint)),
        None => HttpClient::new(http_client(endpoint)?),
    };
    let client = builder(bucket, settings).with_http_connector(Connector(web.clone())).build()?;
    let locked = settings.lock.map(|lock| {
        let credential = AwsCredential {
            key_id: settings.access_key_id.clone(),
            secret_key: settings.secret_access_key.expose().to_owned(),
            token: settings.session_token.as_ref().map(|token| token.expose().to_owned()),
        };
        let (inner, region) = (web.clone(), settings.region.clone());
        HttpClient::new(Locking { inner, lock, region, credential: Arc::new(credential) })
    });
    let locking = builder(bucket, settings)
        .with_checksum_algorithm(Checksum::SHA256)
        .with_http_connector(Connector(locked.unwrap_or_else(|| web.clone())))
        .build()?;
    Ok(Clients { client, locking, web })
}

fn builder(bucket: &str, settings: &S3Settings) -> AmazonS3Builder {
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: TRIES,
        retry_timeout: settings.patience,
    };
    let mut builder = AmazonS3Builder::new()
        .with_retry(retry)
        .with_bucket_name(bucket)
        .with_region(&settings.region)
        .with_access_key_id(&settings.access_key_id)
        .with_secret_access_key(settings.secret_access_key.expose())
        // Servers of one's own have no name for each bucket.
        .with_virtual_hosted_style_request(false)
        // Some servers cannot remove many objects at once, and a snapshot has few.
        .with_disable_bulk_delete(true);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(token) = &settings.session_token {
        builder = builder.with_token(token.expose());
    }
    builder
}

fn http_client(endpoint: &str) -> Result<reqwest::Client, Cause> {
    let builder = reqwest::Client::builder()
        .user_agent("windlass")
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        // A signature is made for one address.
        .redirect(reqwest::redirect::Policy::none())
        .tls_backend_preconfigured(Roots::of_address(endpoint).client_config()?);
    Ok(builder.build()?)
}

/// Gives requests a client of ours.
#[derive(Debug)]
struct Connector(HttpClient);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Watched(self.0.clone())))
    }
}

/// Looks at answers that have no content of an object: an error that comes with a status of success is none,
/// and a refusal keeps its code.
#[derive(Debug)]
struct Watched(HttpClient);

#[async_trait]
impl HttpService for Watched {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_list = request.uri().query().is_some_and(|query| query.contains("list-type="));
        let is_content = *request.method() == Method::GET && !is_list;
        let response = self.0.execute(request).await?;
        if is_content && response.status().is_success() {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let body = body.bytes().await?;
        let refusal = Refusal::of(parts.status, &body);
        match refusal {
            // An error of the server, whatever its status: it may be another one the next time.
            Some(_) if parts.status.is_success() => parts.status = StatusCode::INTERNAL_SERVER_ERROR,
            Some(refusal) if refusal.is_final() => {
                return Err(HttpError::new(HttpErrorKind::Unknown, refusal));
            }
            _ => {}
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}
