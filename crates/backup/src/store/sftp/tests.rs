//! Against OpenSSH's own server of files.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use remote::{Command, Dial, Error, Executor, Local, Noise, Process, Stream, connection::Sudo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::SftpStore;
use crate::{
    Format, MANIFEST, Store as _,
    store::{Content, conformance},
};

fn store(root: &std::path::Path, executor: Arc<dyn Executor>) -> SftpStore {
    let root = root.to_str().unwrap();
    SftpStore::new(format!("sftp://box{root}"), root, executor)
}

#[tokio::test]
async fn it_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    conformance::check(&store(dir.path(), Arc::new(Local::new()))).await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_no_empty_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("unmounted"), Arc::new(Local::new()));
    let error = store.folders().await.unwrap_err();
    assert!(error.to_string().starts_with("could not list the snapshots in sftp://box/"), "{error}");
    let id = conformance::id("prod", 0);
    assert!(store.put(&id, "a", Box::new(&b"x"[..])).await.is_err());
    assert!(store.get(&id, MANIFEST).await.is_err());
}

/// This machine, whose lines are cut after so many bytes went one way.
#[derive(Debug)]
struct Cut {
    after: u64,
    dials: AtomicUsize,
    /// Only the first so many lines are cut.
    cuts: usize,
}

#[async_trait::async_trait]
impl Executor for Cut {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        Local::new().start(command).await
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        let whole = Local::new().dial(target).await?;
        if self.dials.fetch_add(1, Ordering::Relaxed) >= self.cuts {
            return Ok(whole);
        }
        let (near, far) = tokio::io::duplex(64 << 10);
        let (mut from_server, mut to_server) = tokio::io::split(whole);
        let (from_us, mut to_us) = tokio::io::split(far);
        let after = self.after;
        tokio::spawn(async move {
            let sending = async {
                let _ = tokio::io::copy(&mut from_us.take(after), &mut to_server).await;
                // Neither an end nor an answer comes any more.
            };
            tokio::select! {
                () = sending => {}
                _ = tokio::io::copy(&mut from_server, &mut to_us) => {}
            }
            let _ = to_us.shutdown().await;
        });
        Ok(Box::new(near))
    }

    fn name(&self) -> &str {
        "a host at the end of a bad line"
    }

    fn sudo(&self) -> Sudo {
        Sudo::Nothing
    }

    fn noise(&self) -> Option<Noise> {
        None
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_at_any_tenth_leaves_no_file_of_its_name() {
    let content: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
    for tenth in 1..10 {
        let dir = tempfile::tempdir().unwrap();
        let line = Cut { after: 100_000 * tenth, dials: AtomicUsize::new(0), cuts: 1 };
        let (store, id) = (store(dir.path(), Arc::new(line)), conformance::id("prod", 0));
        let put = |content: Vec<u8>| Box::new(std::io::Cursor::new(content)) as Content;
        let name = format!("snapshot.{}", Format::Tar.word());
        store.put(&id, &name, put(content.clone())).await.unwrap_err();
        // By another line it goes on, and nothing of the first try is taken for anything.
        assert!(store.get(&id, &name).await.unwrap().is_none(), "{tenth}");
        assert_eq!(conformance::folders(&store).await, [(id.clone(), false)]);
        store.remove(&id).await.unwrap();
        store.put(&id, &name, put(content.clone())).await.unwrap();
        let mut read = Vec::new();
        store.get(&id, &name).await.unwrap().unwrap().read_to_end(&mut read).await.unwrap();
        assert!(read == content, "{tenth}");
    }
}

#[tokio::test]
async fn who_may_not_write_is_told() {
    let dir = tempfile::tempdir().unwrap();
    // Also root is: what is in its place is no directory.
    std::fs::write(dir.path().join("file"), "").unwrap();
    let store = store(&dir.path().join("file"), Arc::new(Local::new()));
    let put = store.put(&conformance::id("prod", 0), "a", Box::new(&b"x"[..])).await;
    assert!(put.unwrap_err().to_string().contains("could not write a of snapshot-prod-"));
}
