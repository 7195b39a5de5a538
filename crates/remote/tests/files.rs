//! What files go through on their way, seen from this machine.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use remote::{
    Command, Dial, Error, Executor, Local, Noise, Process, Stream,
    files::{Content, Entry, EntryContent, FileError, Files, TreeOptions, WriteOptions},
};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

/// This machine with words before every command, counting the commands.
#[derive(Debug, Default)]
struct Wrapped {
    before: Vec<String>,
    started: AtomicUsize,
}

#[async_trait]
impl Executor for Wrapped {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let words = self.before.iter().chain(command.words()).cloned();
        Local::new().start(&Command::new(words).timeout(command.time_limit())).await
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        Local::new().dial(target).await
    }

    fn name(&self) -> &str {
        "wrapped"
    }

    fn sudo(&self) -> remote::connection::Sudo {
        remote::connection::Sudo::Nothing
    }

    fn noise(&self) -> Option<Noise> {
        None
    }
}

/// A machine whose `tar` unpacks and then runs `script`, in the directory that it has unpacked in.
fn meddling(shims: &tempfile::TempDir, script: &str) -> Wrapped {
    let real = "PATH=${PATH#*:} tar \"$@\" || exit";
    let tar = shims.path().join("tar");
    fs::write(&tar, format!("#!/bin/sh\n{real}\n{script}\n")).unwrap();
    fs::set_permissions(&tar, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("PATH={}:{}", shims.path().display(), std::env::var("PATH").unwrap());
    Wrapped { before: vec!["env".to_owned(), path], ..Wrapped::default() }
}

/// A machine whose programs can write no file beyond 64 KiB: what a full disk is to a transfer.
fn cramped() -> Wrapped {
    let before = ["prlimit", "--fsize=65536", "--"].map(String::from).to_vec();
    Wrapped { before, ..Wrapped::default() }
}

fn temporary_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(".windlass-")).collect()
}

fn path_of(dir: &tempfile::TempDir, name: &str) -> String {
    dir.path().join(name).to_str().unwrap().to_owned()
}

fn entry(path: &str, content: &str) -> Entry {
    Entry { path: path.into(), mode: 0o644, content: EntryContent::Bytes(content.to_owned().into()) }
}

#[tokio::test]
async fn a_file_is_private_and_the_old_one_there_until_all_has_come() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_of(&dir, "file");
    fs::write(&path, "old").unwrap();
    let (mut ours, theirs) = tokio::io::duplex(1 << 20);
    let local = Local::new();
    let files = Files::on(&local);
    let content = Content::Reader { reader: Box::new(theirs), length: 400_000 };
    let options = WriteOptions { mode: 0o666, ..WriteOptions::default() };
    let watch = async {
        ours.write_all(&vec![b'n'; 300_000]).await.unwrap();
        let temporary = loop {
            if let Some(path) = temporary_files(dir.path()).first()
                && path.join("new").exists()
            {
                break path.clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&temporary), mode(&temporary.join("new"))), (0o700, 0o600));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        ours.write_all(&vec![b'n'; 100_000]).await.unwrap();
        drop(ours);
    };
    let (written, ()) = tokio::join!(files.write(&path, content, &options), watch);
    assert!(written.unwrap().replaced);
    assert_eq!(fs::read(&path).unwrap(), vec![b'n'; 400_000]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o666);
    assert_eq!(temporary_files(dir.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn cancelling_in_the_middle_leaves_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_of(&dir, "file");
    fs::write(&path, "old").unwrap();
    let (mut ours, theirs) = tokio::io::duplex(1 << 20);
    let local = Local::new();
    let token = CancellationToken::new();
    let files = Files::on(&local).cancelled_by(&token);
    let content = Content::Reader { reader: Box::new(theirs), length: 400_000 };
    let watch = async {
        ours.write_all(&vec![b'n'; 300_000]).await.unwrap();
        while temporary_files(dir.path()).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        token.cancel();
    };
    let options = WriteOptions::default();
    let (written, ()) = tokio::join!(files.write(&path, content, &options), watch);
    assert!(matches!(written, Err(FileError::Remote(Error::Cancelled))), "{written:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(temporary_files(dir.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_write_that_finds_no_room_leaves_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_of(&dir, "file");
    fs::write(&path, "old").unwrap();
    let cramped = cramped();
    let large = vec![b'n'; 200_000];
    let error = Files::on(&cramped).write(&path, large, &WriteOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::Failed { operation: "write", .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(temporary_files(dir.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn content_that_arrives_damaged_replaces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = path_of(&dir, "file");
    fs::write(&path, "old").unwrap();
    let shims = tempfile::tempdir().unwrap();
    let damaging = meddling(&shims, "printf x >>new");
    let error = Files::on(&damaging).write(&path, "new", &WriteOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::Damaged { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(temporary_files(dir.path()), Vec::<PathBuf>::new());
}

/// A rename that fails in the middle says what is in place; each file is old or new as a whole.
#[tokio::test]
async fn a_tree_that_is_only_in_part_in_place_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "old").unwrap();
    // Somebody makes a directory where a file goes, after it has been looked at.
    let shims = tempfile::tempdir().unwrap();
    let meddling = meddling(&shims, "mkdir -p ../b/full");
    let entries = [entry("a", "new"), entry("b", "new"), entry("c", "new")];
    let target = dir.path().to_str().unwrap();
    let error =
        Files::on(&meddling).upload_tree(target, &entries, &TreeOptions::default()).await.unwrap_err();
    let FileError::Partial { moved, of, stderr, .. } = &error else { panic!("{error:?}") };
    assert_eq!((moved.as_slice(), *of), (&["a".to_owned()][..], 3));
    assert!(stderr.contains("cannot overwrite directory"), "{stderr}");
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "new");
    assert_eq!(temporary_files(dir.path()), Vec::<PathBuf>::new());
}

/// Two trees beside each other, the directory above them not there yet: both bring it.
#[tokio::test]
async fn a_directory_that_someone_else_makes_meanwhile_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let shims = tempfile::tempdir().unwrap();
    let overtaken = meddling(&shims, &format!("mkdir -p '{}/new/other/full'", dir.path().display()));
    let (target, entries) = (path_of(&dir, "new/mine"), [entry("sub/a", "1")]);
    Files::on(&overtaken).upload_tree(&target, &entries, &TreeOptions::default()).await.unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("new/mine/sub/a")).unwrap(), "1");
    assert!(dir.path().join("new/other/full").is_dir());
    assert_eq!(temporary_files(dir.path()), Vec::<PathBuf>::new());
    assert_eq!(temporary_files(&dir.path().join("new")), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_upload_that_finds_no_room_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "old").unwrap();
    let cramped = cramped();
    let entries = [entry("a", "new"), entry("b", &"x".repeat(200_000)), entry("new/c", "new")];
    let target = dir.path().to_str().unwrap();
    let error = Files::on(&cramped).upload_tree(target, &entries, &TreeOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::Failed { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// A command costs two round trips, so their number is part of what is promised.
#[tokio::test]
async fn few_commands_do_it() {
    let dir = tempfile::tempdir().unwrap();
    let counted = Wrapped::default();
    let files = Files::on(&counted);
    let count = |expected: usize, what: &str| {
        assert_eq!(counted.started.swap(0, Ordering::Relaxed), expected, "{what}");
    };
    files.write(&path_of(&dir, "new/dir/file"), "x", &WriteOptions::default()).await.unwrap();
    count(2, "a file in new directories");
    let many: Vec<String> = (0..300).map(|index| path_of(&dir, &index.to_string())).collect();
    files.stat(&many).await.unwrap();
    count(1, "facts of 300 paths");
    let tree: Vec<Entry> = (0..300).map(|index| entry(&format!("sub/{index}"), "x")).collect();
    let target = path_of(&dir, "tree");
    for round in ["a new tree", "the same tree again"] {
        files.upload_tree(&target, &tree, &TreeOptions::default()).await.unwrap();
        count(2, round);
    }
    let paths: Vec<&str> = tree.iter().map(|entry| entry.path.as_str()).collect();
    files.remove(&target, &paths).await.unwrap();
    count(2, "removing a tree");
    assert!(!Path::new(&target).exists());
}

/// A tree that is not there yet appears at once, with everything in it.
#[tokio::test]
async fn an_owner_is_given_before_anything_is_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = TreeOptions { owner: Some("windlass-has-no-such-user".into()), ..TreeOptions::default() };
    let target = path_of(&dir, "tree");
    let local = Local::new();
    let error = Files::on(&local).upload_tree(&target, &[entry("a", "x")], &nobody).await.unwrap_err();
    let FileError::Failed { stderr, .. } = &error else { panic!("{error:?}") };
    assert!(stderr.contains("windlass-has-no-such-user"), "{stderr}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
