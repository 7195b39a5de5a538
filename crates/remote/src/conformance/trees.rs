//! Trees of files.

use std::path::Path;

use crate::{
    Executor,
    files::{Entry, EntryContent, FileError, Files, Kind, Removed, TreeOptions, random_name},
};

use super::{
    files::{ODD_NAMES, nothing_temporary_in},
    shell,
};

fn file(path: &str, mode: u32, content: &str) -> Entry {
    Entry { path: path.to_owned(), mode, content: EntryContent::Bytes(content.to_owned().into()) }
}

fn link(path: &str, target: &str) -> Entry {
    Entry { path: path.to_owned(), mode: 0o777, content: EntryContent::Symlink(target.to_owned()) }
}

/// Type, mode, link target and path of everything below `dir`, a line each.
async fn listing(exec: &dyn Executor, dir: &str) -> String {
    let script = r#"
cd "$1" && find . -mindepth 1 | LC_ALL=C sort | while read -r path; do
  case $(stat -c %F "$path") in dir*) kind=d ;; sym*) kind=l ;; *) kind=f ;; esac
  echo "$kind $(stat -c %a "$path") $(readlink "$path") ${path#./}"
done"#;
    shell(exec, script, &[dir]).await
}

pub(super) async fn upload(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = format!("{}/in/the tree", temporary.path());
    let options = TreeOptions { directory_mode: 0o750, ..TreeOptions::default() };

    let empty = Entry { path: "empty".into(), mode: 0o700, content: EntryContent::Directory };
    let first = [file("b/c/run", 0o755, "one"), file("a", 0o600, "one"), link("b/to", "c/run"), empty];
    files.upload_tree(&dir, &first, &options).await.expect("a new tree");
    let expected = "f 600  a\nd 750  b\nd 750  b/c\nf 755  b/c/run\nl 777 c/run b/to\nd 700  empty\n";
    assert_eq!(listing(exec, &dir).await, expected);

    // Somebody else's files, and a mode that is not ours to change.
    shell(
        exec,
        r#"umask 022 && mkdir "$1/data" && echo theirs >"$1/data/file" && chmod 711 "$1/b""#,
        &[&dir],
    )
    .await;
    let second = [
        file("a", 0o644, "two"),
        link("b/to", "run"),
        file("b/new/x", 0o644, ""),
        file("data/ours", 0o644, ""),
    ];
    files.upload_tree(&dir, &second, &options).await.expect("changes to a tree");
    let expected = "f 644  a\nd 711  b\nd 750  b/c\nf 755  b/c/run\nd 750  b/new\nf 644  b/new/x\nl 777 run b/to\n\
                    d 755  data\nf 644  data/file\nf 644  data/ours\nd 700  empty\n";
    assert_eq!(listing(exec, &dir).await, expected);
    assert_eq!(shell(exec, r#"cat "$1/a" "$1/b/c/run" "$1/data/file""#, &[&dir]).await, "twoonetheirs\n");

    let odd: Vec<Entry> = ODD_NAMES.iter().map(|name| file(&format!("{name}/{name}"), 0o644, name)).collect();
    let odd_dir = format!("{}/-odd 'dir' $(id)", temporary.path());
    for round in ["a new tree", "the same tree again"] {
        files.upload_tree(&odd_dir, &odd, &options).await.unwrap_or_else(|error| panic!("{round}: {error}"));
        for name in ODD_NAMES {
            assert_eq!(shell(exec, r#"cat "$1/$2/$2""#, &[&odd_dir, name]).await, name);
        }
    }
    let many: Vec<Entry> = (0..1500).map(|index| file(&format!("many/{index:0>60}"), 0o644, "x")).collect();
    files.upload_tree(&dir, &many, &options).await.expect("many new files");
    files.upload_tree(&dir, &many, &options).await.expect("more files than one command names");
    assert_eq!(shell(exec, r#"ls "$1/many" | wc -l"#, &[&dir]).await.trim(), "1500");
    nothing_temporary_in(exec, temporary.path()).await;
    temporary.remove().await.expect("the directory is removed");
}

/// An upload that cannot be completed changes nothing.
pub(super) async fn upload_refused(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = temporary.path();
    let script =
        "cd \"$1\" && echo old >file && mkdir dir outside && ln -s file link && ln -s outside inside";
    shell(exec, script, &[dir]).await;
    let before = listing(exec, dir).await;
    for (entry, occupied, expected) in [
        (file("dir", 0o644, ""), "dir", Kind::Directory),
        (file("link", 0o644, ""), "link", Kind::Symlink),
        (file("file/below", 0o644, ""), "file", Kind::File),
        (file("inside/x", 0o644, ""), "inside", Kind::Symlink),
        (link("dir", "x"), "dir", Kind::Directory),
    ] {
        let entries = [file("file", 0o644, "new"), entry];
        let error = files
            .upload_tree(dir, &entries[usize::from(occupied == "file")..], &TreeOptions::default())
            .await;
        let Err(FileError::Occupied { path, kind, .. }) = error else { panic!("{occupied}: {error:?}") };
        assert_eq!((path, kind), (format!("{dir}/{occupied}"), expected));
    }
    let missing = Entry {
        path: "z".into(),
        mode: 0o644,
        content: EntryContent::File("/windlass/has/no/such/file".into()),
    };
    let error = files.upload_tree(dir, &[file("file", 0o644, "new"), missing], &TreeOptions::default()).await;
    assert!(matches!(error, Err(FileError::Here { .. })), "{error:?}");
    assert_eq!(listing(exec, dir).await, before);
    assert_eq!(shell(exec, r#"cat "$1/file""#, &[dir]).await, "old\n");
    temporary.remove().await.expect("the directory is removed");
}

pub(super) async fn download(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = temporary.path();
    let entries = [file("a b/c", 0o755, "content"), link("a b/to", "c")];
    files.upload_tree(&format!("{dir}/tree"), &entries, &TreeOptions::default()).await.expect("a tree");
    let target = local_directory();
    files.download_tree(&format!("{dir}/tree"), &target).await.expect("a tree comes back");
    assert_eq!(std::fs::read_to_string(target.join("a b/to")).expect("a link to a file"), "content");
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata(&target.join("a b/c")).permissions());
    assert_eq!(mode & 0o7777, 0o755);
    let error = files.download_tree(&format!("{dir}/absent"), &target).await.unwrap_err();
    assert!(matches!(error, FileError::Absent { .. }), "{error:?}");
    shell(exec, r#"ln -s /etc "$1/tree/out""#, &[dir]).await;
    let error = files.download_tree(&format!("{dir}/tree"), &target).await.unwrap_err();
    assert!(matches!(error, FileError::Unsafe { .. }), "{error:?}");
    std::fs::remove_dir_all(&target).expect("the target can be removed");
    temporary.remove().await.expect("the directory is removed");
}

fn metadata(path: &Path) -> std::fs::Metadata {
    std::fs::metadata(path).expect("a downloaded file")
}

/// A directory here that nobody else uses.
fn local_directory() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("windlass-conformance-{}", random_name().expect("a name")))
}

pub(super) async fn remove(exec: &dyn Executor) {
    let files = Files::on(exec);
    let temporary = files.temp_dir().await.expect("a temporary directory");
    let dir = format!("{}/tree", temporary.path());
    let entries =
        [file("a/b/c", 0o644, ""), file("a/-d", 0o644, ""), file("e", 0o644, ""), link("f", "/etc")];
    files.upload_tree(&dir, &entries, &TreeOptions::default()).await.expect("a tree");
    let script = "cd \"$1\" && mkdir ../outside dir && touch a/theirs ../outside/x && ln -s ../outside out";
    shell(exec, script, &[&dir]).await;

    let removed =
        files.remove(&dir, &["a/b/c", "a/-d", "f", "absent/x", "out/x", "dir"]).await.expect("files go");
    let expected = Removed {
        files: ["a/-d", "a/b/c", "f"].map(String::from).to_vec(),
        directories: vec!["a/b".to_owned()],
        left: ["out/x", "dir"].map(String::from).to_vec(),
    };
    assert_eq!(removed, expected);
    let left = listing(exec, temporary.path()).await;
    for path in ["outside/x", "tree/a/theirs", "tree/e", "tree/dir"] {
        assert!(left.contains(&format!(" {path}\n")), "{path} is gone:\n{left}");
    }

    shell(exec, r#"cd "$1" && rm a/theirs out && rmdir dir"#, &[&dir]).await;
    let removed = files.remove(&dir, &["a/b/c", "e"]).await.expect("the rest goes");
    assert_eq!(
        (removed.files, removed.directories),
        (vec!["e".to_owned()], vec!["a".to_owned(), ".".to_owned()])
    );
    let removed = files.remove(&dir, &["a/b/c", "e"]).await.expect("what is gone stays gone");
    assert_eq!(removed, Removed::default());
    temporary.remove().await.expect("the directory is removed");
}
