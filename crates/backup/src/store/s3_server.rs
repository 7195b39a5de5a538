//! A server that speaks S3, with a bucket, for tests: a real one on loopback, with a hand on what goes wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

pub mod locks;
mod metered;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use s3s::{Body, auth::SimpleAuth, service::S3Service, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use secret::Secret;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

use self::{
    locks::{Locks, Verdict},
    metered::{Meter, Metered},
};
use super::S3Settings;
use crate::moment::Moment;

/// The name of the only bucket.
pub const BUCKET: &str = "bucket";
/// The name of the only key.
pub const KEY_ID: &str = "windlass-test-id";
/// That key.
pub const KEY: &str = "windlass-test-s3cret";

/// A request, as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Such as `PUT`.
    pub method: String,
    /// `/bucket/key`.
    pub path: String,
    /// What is behind the question mark.
    pub query: String,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What the server says.
    Its,
    /// A status and a document, and the server never sees the request.
    Instead(u16, String),
    /// The server does what was asked, and its answer is lost with the connection.
    Lost,
    /// It says that it has stored an object, and has not.
    Forgotten,
}

type Hook = Box<dyn FnMut(&Asked) -> Answer + Send>;
type Fault = Box<dyn std::error::Error + Send + Sync>;

#[derive(Default)]
struct Hand {
    hook: Mutex<Option<Hook>>,
    asked: Mutex<Vec<(Asked, Answer)>>,
    /// Of a bucket with object lock.
    locks: Option<Locks>,
}

impl Hand {
    fn answer(&self, asked: Asked) -> Answer {
        let mut hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = hook.as_mut().map_or(Answer::Its, |hook| hook(&asked));
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((asked, answer.clone()));
        answer
    }
}

impl Hand {
    /// The uploads that were begun long ago, and of which nobody has sent the end.
    fn uploads(&self) -> String {
        let mut open = BTreeMap::new();
        for (Asked { method, path, query }, answer) in
            &*self.asked.lock().unwrap_or_else(PoisonError::into_inner)
        {
            if !matches!(answer, Answer::Its | Answer::Lost) {
                continue;
            }
            let of_upload = query.split('&').find_map(|pair| pair.strip_prefix("uploadId="));
            match (method.as_str(), of_upload) {
                ("PUT", Some(upload)) => drop(open.insert(upload.to_owned(), path.clone())),
                ("POST" | "DELETE", Some(upload)) => drop(open.remove(upload)),
                _ => {}
            }
        }
        let root = format!("/{BUCKET}/");
        let one = |(upload, path): (String, String)| {
            let key = path.trim_start_matches(&root);
            format!(
                "<Upload><Key>{key}</Key><UploadId>{upload}</UploadId><Initiated>2001-02-03T04:05:06.000Z</Initiated></Upload>"
            )
        };
        let list: String = open.into_iter().map(one).collect();
        format!(
            "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{list}</ListMultipartUploadsResult>"
        )
    }
}

/// A server, until it is dropped.
pub struct S3Server {
    dir: TempDir,
    address: SocketAddr,
    hand: Arc<Hand>,
    meter: Arc<Meter>,
    runtime: Option<Runtime>,
}

impl S3Server {
    /// Starts one on a free port, with an empty bucket.
    #[must_use]
    pub fn start() -> Self {
        Self::with(|_| Hand::default())
    }

    /// The same with object lock, and perhaps a mode and days by which the bucket locks each object itself.
    #[must_use]
    pub fn start_with_lock(default: locks::ByDefault) -> Self {
        Self::with(|objects| Hand { locks: Some(Locks::new(objects, default)), ..Hand::default() })
    }

    fn with(hand: impl FnOnce(PathBuf) -> Hand) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(dir.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY_ID, KEY));
        let hand = Arc::new(hand(dir.path().join(BUCKET)));
        let (service, meter) = (builder.build(), Arc::<Meter>::default());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        runtime.spawn(serve(listener, service, hand.clone(), meter.clone()));
        Self { dir, address, hand, meter, runtime: Some(runtime) }
    }

    /// Its address: `http://127.0.0.1:port`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How one gets in. Nothing is tried for long.
    #[must_use]
    pub fn settings(&self) -> S3Settings {
        S3Settings {
            endpoint: Some(self.endpoint()),
            region: "us-east-1".to_owned(),
            access_key_id: KEY_ID.to_owned(),
            secret_access_key: Secret::new(KEY),
            session_token: None,
            key_from: "the test".to_owned(),
            patience: Duration::from_millis(300),
            via: None,
            lock: None,
        }
    }

    /// The mode and the end of the locks of all objects, by their keys.
    #[must_use]
    pub fn locked(&self) -> BTreeMap<String, (String, Moment)> {
        self.hand.locks.as_ref().map(Locks::locked).unwrap_or_default()
    }

    /// How many versions of objects there are, and markers that hide some.
    #[must_use]
    pub fn versions(&self) -> usize {
        self.hand.locks.as_ref().map_or(0, Locks::count)
    }

    /// Ends all locks.
    pub fn end_locks(&self) {
        self.hand.locks.iter().for_each(Locks::end);
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The directory that the objects of the bucket are files of.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        self.dir.path().join(BUCKET)
    }

    /// The keys of all objects of the bucket, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let (root, mut keys) = (self.objects(), Vec::new());
        let mut open = vec![root.clone()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                } else {
                    keys.push(entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        keys.sort();
        keys
    }

    /// How many parts of uploads there are that were neither finished nor ended.
    #[must_use]
    pub fn pending_parts(&self) -> usize {
        self.parts().len()
    }

    /// Makes those parts as old as that.
    pub fn age_parts(&self, age: Duration) {
        for part in self.parts() {
            let file = fs::File::options().write(true).open(part).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
    }

    fn parts(&self) -> Vec<PathBuf> {
        let paths = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().contains(".part-")).collect()
    }

    /// From now on decides what becomes of each request.
    pub fn answer(&self, hook: impl FnMut(&Asked) -> Answer + Send + 'static) {
        *self.hand.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// All requests so far, oldest first.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.hand.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().map(|(asked, _)| asked.clone()).collect()
    }

    /// From now on takes that many bytes, then cuts every connection and lets nobody in.
    pub fn cut_after(&self, bytes: u64) {
        self.meter.limit(bytes);
    }

    /// Lets everybody in again.
    pub fn mend(&self) {
        self.meter.limit(u64::MAX);
    }

    /// How many bytes were taken so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.meter.taken()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // Within another runtime nothing may be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: std::net::TcpListener, service: S3Service, hand: Arc<Hand>, meter: Arc<Meter>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (service, hand) = (service.clone(), hand.clone());
        let stream = TokioIo::new(Metered::new(stream, meter.clone()));
        let service = service_fn(move |request| answer(service.clone(), hand.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(stream, service));
    }
}

async fn answer(
    service: S3Service,
    hand: Arc<Hand>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Fault> {
    let asked = Asked {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
    };
    let answer = hand.answer(asked.clone());
    match answer {
        Answer::Instead(status, document) => {
            return Ok(Response::builder().status(status).body(Body::from(document))?);
        }
        Answer::Forgotten => return Ok(Response::builder().header("etag", "\"0\"").body(Body::empty())?),
        Answer::Its | Answer::Lost => {}
    }
    let lists_uploads = asked.method == "GET" && asked.query.contains("uploads=");
    if let Some(locks) = &hand.locks
        && let Verdict::Answer(said) = locks.check(&asked, &request)
    {
        return Ok(said);
    }
    let mut its =
        hyper::service::Service::call(&service, request).await.map_err(|error| format!("{error:?}"))?;
    // The real one checks the signature, and then cannot do it.
    if lists_uploads && its.status() == 501 {
        return Ok(Response::new(Body::from(hand.uploads())));
    }
    if let Some(locks) = &hand.locks {
        locks.done(&asked, &mut its);
    }
    if answer == Answer::Lost { Err("lost".into()) } else { Ok(its) }
}
