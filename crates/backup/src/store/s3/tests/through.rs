//! A bucket that only a host sees.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use remote::{Command, Dial, Error as RemoteError, Executor, Noise, Process, Stream, connection::Sudo};

use super::*;

/// A host that has a name for the server which nobody else knows.
#[derive(Debug)]
struct Overlay {
    port: u16,
    dialled: AtomicUsize,
    in_bulk: AtomicUsize,
}

const ENDPOINT: &str = "http://minio.overlay:9000";

#[async_trait]
impl Executor for Overlay {
    async fn start(&self, command: &Command) -> Result<Process, RemoteError> {
        Local::new().start(command).await
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, RemoteError> {
        assert_eq!(*target, Dial::Tcp("minio.overlay".to_owned(), 9000));
        self.dialled.fetch_add(1, SeqCst);
        Local::new().dial(&Dial::Tcp("127.0.0.1".to_owned(), self.port)).await
    }

    async fn dial_bulk(&self, target: &Dial) -> Result<Box<dyn Stream>, RemoteError> {
        self.in_bulk.fetch_add(1, SeqCst);
        self.dial(target).await
    }

    fn name(&self) -> &str {
        "swarm-1"
    }

    fn sudo(&self) -> Sudo {
        Sudo::Nothing
    }

    fn noise(&self) -> Option<Noise> {
        None
    }
}

fn through(server: &S3Server) -> (Arc<Overlay>, S3Store) {
    let host = Arc::new(Overlay { port: server.port(), dialled: 0.into(), in_bulk: 0.into() });
    let endpoint = Some(ENDPOINT.to_owned());
    let settings = S3Settings { endpoint, via: Some(host.clone()), ..server.settings() };
    (host, S3Store { part: 5 << 20, ..S3Store::new(BUCKET, "prod", &settings).unwrap() })
}

#[tokio::test]
async fn it_is_a_store_like_any_other() {
    let server = S3Server::start();
    let (host, store) = through(&server);
    conformance::check(&store).await;
    assert!(host.dialled.load(SeqCst) > host.in_bulk.load(SeqCst) && host.in_bulk.load(SeqCst) > 0);
    assert_eq!(store.location(), "s3://bucket/prod at http://minio.overlay:9000 from swarm-1");
    assert_eq!(store.url(), "s3://bucket/prod");
}

#[tokio::test]
async fn a_snapshot_goes_that_way_and_a_server_that_is_cut_off_is_told() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let (_, store) = through(&server);
    let taken = take(&store, &source).await.unwrap();
    verify(&store, &taken).await.unwrap();
    assert_eq!(server.pending_parts(), 0);
    server.cut_after(0);
    let error = store.folders().await.unwrap_err();
    assert_eq!(error.to_string(), "could not list the snapshots in s3://bucket/prod");
    server.mend();
    // Who is refused is told so, that way too.
    let settings = S3Settings {
        endpoint: Some(ENDPOINT.to_owned()),
        secret_access_key: Secret::new("another"),
        via: Some(Arc::new(Overlay { port: server.port(), dialled: 0.into(), in_bulk: 0.into() })),
        ..server.settings()
    };
    let error = S3Store::new(BUCKET, "prod", &settings).unwrap().folders().await.unwrap_err();
    assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
}
