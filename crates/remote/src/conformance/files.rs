//! Single files.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    Executor,
    files::{Content, FileError, Files, Kind, WriteOptions},
};

use super::shell;

/// `echo hello | sha256sum`
const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

/// Names that would mean something to a shell, to tar, find, or to a program's options.
pub(super) const ODD_NAMES: [&str; 10] = [
    "{}",
    "with space",
    "-rf",
    "quo'te\"s",
    "new\nline",
    "$HOME;id",
    "*?[a]",
    "ünï",
    "back\\slash\\n",
    "a=b",
];

pub(super) async fn facts(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = temporary.path().to_owned();
    let script = "cd \"$1\" && echo hello >file && chmod 4640 file && mkdir -m 0701 dir && ln -s file link && \
                  ln -s nowhere broken && mkfifo pipe";
    shell(exec, script, &[&dir]).await;
    let at = |name: &str| format!("{dir}/{name}");
    let paths = ["file", "dir", "link", "broken", "pipe", "absent", "file/below"].map(at);

    let all = files.stat(&paths).await.expect("facts");
    let file = &all[&at("file")];
    assert_eq!((file.kind, file.mode, file.size), (Kind::File, 0o4640, 6));
    assert_eq!(file.sha256.as_deref(), Some(HELLO));
    assert_eq!((all[&at("dir")].kind, all[&at("dir")].mode), (Kind::Directory, 0o701));
    assert_eq!((all[&at("link")].kind, all[&at("link")].link.as_deref()), (Kind::Symlink, Some("file")));
    assert_eq!(all[&at("broken")].link.as_deref(), Some("nowhere"));
    assert_eq!((all[&at("link")].sha256.as_deref(), all[&at("pipe")].kind), (None, Kind::Special));
    assert!(!all.contains_key(&at("absent")) && !all.contains_key(&at("file/below")));

    temporary.remove().await.expect("the directory is removed");
    assert!(files.stat(&[&dir]).await.expect("facts").is_empty());
}

pub(super) async fn write(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = temporary.path();

    let options = WriteOptions { mode: 0o640, directory_mode: 0o751, ..WriteOptions::default() };
    let path = format!("{dir}/new/er/file");
    let written = files.write(&path, "hello\n", &options).await.expect("a file in new directories");
    assert_eq!((written.sha256.as_str(), written.replaced), (HELLO, false));
    let content = Content::Reader { reader: Box::new(&b"other"[..]), length: 5 };
    let options = WriteOptions { mode: 0o4755, ..options };
    let written = files.write(&path, content, &options).await.expect("a file is replaced");
    assert!(written.replaced);
    let paths = [path.clone(), format!("{dir}/new"), format!("{dir}/new/er")];
    let all = files.stat(&paths).await.expect("facts");
    let modes: Vec<u32> = paths.iter().map(|path| all[path].mode).collect();
    assert_eq!(modes, [0o4755, 0o751, 0o751]);
    assert_eq!(all[&path].sha256.as_deref(), Some(written.sha256.as_str()));

    for name in ODD_NAMES {
        let path = format!("{dir}/{name}/{name}");
        files
            .write(&path, "hello\n", &WriteOptions::default())
            .await
            .unwrap_or_else(|error| panic!("{name:?}: {error}"));
        let all = files.stat(&[&path]).await.expect("facts");
        assert_eq!((all[&path].mode, all[&path].sha256.as_deref()), (0o644, Some(HELLO)), "{name:?}");
    }
    let large = vec![b'x'; 5 << 20];
    files.write(&format!("{dir}/large"), large, &WriteOptions::default()).await.expect("5 MiB");
    files.write(&format!("{dir}/empty"), "", &WriteOptions::default()).await.expect("an empty file");
    shell(exec, r#"ln -s new "$1/to""#, &[dir]).await;
    let through = format!("{dir}/to/through");
    files.write(&through, "hello\n", &WriteOptions::default()).await.expect("a directory behind a link");
    nothing_temporary_in(exec, dir).await;
    temporary.remove().await.expect("the directory is removed");
}

/// What must not be replaced is not, and says so.
pub(super) async fn write_refused(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = temporary.path();
    shell(exec, "cd \"$1\" && mkdir dir && echo hello >file && ln -s file link && ln -s nowhere broken && mkfifo pipe", &[dir]).await;
    for (name, expected) in [
        ("dir", Kind::Directory),
        ("link", Kind::Symlink),
        ("broken", Kind::Symlink),
        ("pipe", Kind::Special),
    ] {
        let error = files.write(&format!("{dir}/{name}"), "x", &WriteOptions::default()).await.unwrap_err();
        assert!(matches!(error, FileError::Occupied { kind, .. } if kind == expected), "{name}: {error:?}");
    }
    let error = files.write(&format!("{dir}/file/below"), "x", &WriteOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::NotADirectory { kind: Kind::File, .. }), "{error:?}");
    let error = files.write(&format!("{dir}/broken/below"), "x", &WriteOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::Failed { .. }), "{error:?}");
    let nobody = WriteOptions { owner: Some("windlass-has-no-such-user".into()), ..WriteOptions::default() };
    files.write(&format!("{dir}/file"), "x", &nobody).await.unwrap_err();
    assert_eq!(shell(exec, r#"cat "$1/file""#, &[dir]).await, "hello\n");
    nothing_temporary_in(exec, dir).await;
    temporary.remove().await.expect("the directory is removed");
}

/// A write that stops in the middle leaves the old file and nothing else.
pub(super) async fn write_cut_short(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = temporary.path();
    let path = format!("{dir}/file");
    files.write(&path, "hello\n", &WriteOptions::default()).await.expect("the first write");
    let content = Content::Reader { reader: Box::new(Torn(3 << 20)), length: 8 << 20 };
    let error = files.write(&path, content, &WriteOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::Here { .. }), "{error:?}");
    let token = tokio_util::sync::CancellationToken::new();
    token.cancel();
    files.clone().cancelled_by(&token).write(&path, "x", &WriteOptions::default()).await.unwrap_err();
    assert_eq!(shell(exec, r#"cat "$1""#, &[&path]).await, "hello\n");
    nothing_temporary_in(exec, dir).await;
    temporary.remove().await.expect("the directory is removed");
}

/// Yields so many bytes and then fails.
struct Torn(usize);

impl AsyncRead for Torn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.0 == 0 {
            return Poll::Ready(Err(std::io::Error::other("torn")));
        }
        let count = self.0.min(into.remaining());
        into.put_slice(&vec![b'x'; count]);
        self.0 -= count;
        Poll::Ready(Ok(()))
    }
}

/// Root gives files away, and a privileged write keeps the owner that a file has.
pub(super) async fn owner(exec: &dyn Executor) {
    let files = Files::on(exec).privileged(true);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let path = format!("{}/file", temporary.path());
    let daemon =
        WriteOptions { owner: Some("daemon".into()), group: Some("1".into()), ..WriteOptions::default() };
    match files.write(&path, "x", &daemon).await {
        Ok(_) => {
            files.write(&path, "y", &WriteOptions::default()).await.expect("a second write");
            let all = files.stat(&[&path]).await.expect("facts");
            assert_eq!((all[&path].owner.as_str(), all[&path].group.as_str()), ("daemon", "daemon"));
        }
        Err(error) => {
            assert!(matches!(error, FileError::Denied { .. }), "{error:?}");
            assert_ne!(shell(exec, "id -u", &[]).await, "0\n", "root may give files away");
        }
    }
    temporary.remove().await.expect("the directory is removed");
}

pub(super) async fn download(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = temporary.path();
    let sent: Vec<u8> =
        (0..3_u32 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let path = format!("{dir}/-odd 'name'");
    let written =
        files.write(&path, sent.clone(), &WriteOptions::default()).await.expect("3 MiB are written");
    let mut received = Vec::new();
    let downloaded = files.download(&path, &mut received).await.expect("a file comes back");
    assert_eq!((downloaded.size, downloaded.sha256), (3 << 20, written.sha256));
    assert!(received == sent, "other bytes came back");
    let error = files.download(&format!("{dir}/absent"), &mut received).await.unwrap_err();
    assert!(matches!(error, FileError::Absent { .. }), "{error:?}");
    let error = files.download(dir, &mut received).await.unwrap_err();
    assert!(matches!(error, FileError::Failed { .. }), "{error:?}");
    temporary.remove().await.expect("the directory is removed");
}

/// No temporary file or staging directory of ours is left below `dir`.
pub(super) async fn nothing_temporary_in(exec: &dyn Executor, dir: &str) {
    let left = shell(exec, r#"find "$1" -name '.windlass-*'"#, &[dir]).await;
    assert_eq!(left, "");
}
