//! The `http` backend of OpenTofu and Terraform, on loopback, for the processes of one run.
//!
//! Its port, its paths and its password are made for the run and handed over by the environment
//! alone. What is asked for is decided in [`desk`], without a socket.

mod desk;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use secret::Secret;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

pub use desk::{Asked, Desk};

/// No state that anybody has is larger.
const LARGEST: usize = 512 << 20;
const USER: &str = "windlass";

/// The address and the password of a run.
pub struct Access {
    address: String,
    path: String,
    password: Secret,
}

/// A backend that listens.
pub struct Server {
    listener: TcpListener,
    access: Arc<Access>,
}

impl Server {
    /// Listens on loopback.
    ///
    /// # Errors
    /// When the system gives no port or no random numbers.
    pub async fn listen() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let mut random = [0; 48];
        getrandom::fill(&mut random).map_err(std::io::Error::other)?;
        let (path, password) = random.split_at(16);
        let access = Access {
            address: listener.local_addr()?.to_string(),
            path: secret::hex(path),
            password: Secret::new(secret::hex(password)),
        };
        Ok(Self { listener, access: Arc::new(access) })
    }

    /// What a process needs in its environment to use it.
    pub fn environment(&self, others: &[String]) -> Vec<(String, Secret)> {
        let base = format!("http://{}/{}", self.access.address, self.access.path);
        let mut variables: Vec<(String, Secret)> = ["ADDRESS", "LOCK_ADDRESS", "UNLOCK_ADDRESS"]
            .iter()
            .map(|name| (format!("TF_HTTP_{name}"), Secret::new(format!("{base}/state"))))
            .collect();
        variables.push(("TF_HTTP_USERNAME".into(), USER.into()));
        variables.push(("TF_HTTP_PASSWORD".into(), self.access.password.clone()));
        for name in others {
            let address = Secret::new(format!("{base}/with/{name}"));
            variables.push((format!("TF_VAR_remote_state_{name}"), address));
        }
        variables
    }

    /// Answers until the process ends.
    pub async fn serve(self, desk: Arc<Mutex<Desk>>) {
        loop {
            // Out of files for a moment: the core tries again.
            let Ok((stream, _)) = self.listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let (access, desk) = (Arc::clone(&self.access), Arc::clone(&desk));
            tokio::spawn(async move {
                let answer =
                    service_fn(move |request| answer(request, Arc::clone(&access), Arc::clone(&desk)));
                // A client that goes away is no business of ours.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    access: Arc<Access>,
    desk: Arc<Mutex<Desk>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match asked(request, &access).await {
        Ok(asked) => desk.lock().unwrap_or_else(PoisonError::into_inner).answer(asked),
        Err(status) => (status.as_u16(), Vec::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn asked(request: Request<Incoming>, access: &Access) -> Result<Asked, StatusCode> {
    let header = |name: &hyper::header::HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    // A page in a browser that finds the port has another name for this host.
    if header(&HOST) != access.address {
        return Err(StatusCode::FORBIDDEN);
    }
    let expected = STANDARD.encode(format!("{USER}:{}", access.password.expose()));
    // Hashes are compared, so that no time tells how much fits.
    if Sha256::digest(header(&AUTHORIZATION)) != Sha256::digest(format!("Basic {expected}")) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let md5 = header(&hyper::header::HeaderName::from_static("content-md5"));
    let path = request
        .uri()
        .path()
        .strip_prefix(&format!("/{}/", access.path))
        .ok_or(StatusCode::NOT_FOUND)?
        .to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let method = request.method().as_str().to_owned();
    let body =
        Limited::new(request.into_body(), LARGEST).collect().await.map_err(|_| StatusCode::BAD_REQUEST)?;
    let body = body.to_bytes();
    if !md5.is_empty() && md5 != STANDARD.encode(*md5::compute(&body)) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let lock = query.split('&').find_map(|pair| pair.strip_prefix("ID=")).map(str::to_owned);
    let body = Secret::new(String::from_utf8(body.into()).map_err(|_| StatusCode::BAD_REQUEST)?);
    Ok(Asked { method, path, lock, body })
}
