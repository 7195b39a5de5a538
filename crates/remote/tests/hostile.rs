//! What root writes in a directory of somebody else's, who puts links in its way meanwhile.
//!
//! Needs to be root, and does nothing where it is not.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::{Child, Command as Process},
};

use remote::{
    conformance::Tools,
    files::{Entry, EntryContent, FileError, Files, TreeOptions, WriteOptions},
};

/// The uid of nobody, whose directory it is.
const THEIRS: u32 = 65534;
/// How often each operation is tried.
const ROUNDS: usize = 12;

/// Swaps what is staged, the directory `sub` and the file `file` for links to root's directory and the file in
/// it, for a moment or for good.
const ATTACK: &str = r#"
chdir $ARGV[0] or die;
my $roots = $ARGV[1];
while (1) {
    opendir(my $here, ".");
    for my $name (grep { /^\.windlass-/ && !-l $_ } readdir $here) {
        next if rand() < 0.8;
        my $to = -d $name ? $roots : "$roots/file";
        rename $name, "moved$name" and symlink $to, $name;
    }
    rename "sub", "real" and symlink $roots, "sub";
    select undef, undef, undef, rand() * 0.002;
    unlink "sub";
    rename "real", "sub";
    symlink "$roots/file", "link" and rename "link", "file";
    select undef, undef, undef, rand() * 0.002;
    unlink "file" if -l "file";
}
"#;

struct Attack {
    // Removed when it ends, after the attacker.
    _place: tempfile::TempDir,
    theirs: PathBuf,
    roots: PathBuf,
    attacker: Option<Child>,
}

impl Attack {
    fn begin() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (theirs, roots) = (place.path().join("theirs"), place.path().join("roots"));
        for path in [&theirs, &theirs.join("sub"), &roots] {
            fs::create_dir(path).unwrap();
        }
        chown(&theirs, Some(THEIRS), Some(THEIRS)).unwrap();
        chown(theirs.join("sub"), Some(THEIRS), Some(THEIRS)).unwrap();
        fs::write(roots.join("file"), "root's").unwrap();
        fs::set_permissions(roots.join("file"), fs::Permissions::from_mode(0o600)).unwrap();
        Some(Self { _place: place, theirs, roots, attacker: None })
    }

    fn start(mut self) -> Self {
        let id = THEIRS.to_string();
        let mut command = Process::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "perl", "-e", ATTACK]);
        self.attacker = Some(command.arg(&self.theirs).arg(&self.roots).spawn().unwrap());
        self
    }

    fn at(&self, name: &str) -> String {
        self.theirs.join(name).to_str().unwrap().to_owned()
    }

    /// Nothing of root's is another one.
    fn nothing_was_reached(&self, what: &str) {
        let facts = |path: &Path| {
            let metadata = fs::symlink_metadata(path).unwrap();
            (metadata.uid(), metadata.mode() & 0o7777)
        };
        assert_eq!(facts(&self.roots), (0, 0o755), "{what}");
        let names: Vec<_> = fs::read_dir(&self.roots).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(names, ["file"], "{what}");
        assert_eq!(facts(&self.roots.join("file")), (0, 0o600), "{what}");
        assert_eq!(fs::read_to_string(self.roots.join("file")).unwrap(), "root's", "{what}");
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        if let Some(mut attacker) = self.attacker.take() {
            attacker.kill().unwrap();
            attacker.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn whoever_swaps_links_in_leads_root_nowhere() {
    for tools in Tools::all() {
        led_nowhere(&tools).await;
    }
}

async fn led_nowhere(tools: &Tools) {
    let Some(attack) = Attack::begin().map(Attack::start) else { return };
    let files = Files::on(tools).privileged(true);
    let nobody = || Some(THEIRS.to_string());
    let options = WriteOptions { mode: 0o666, owner: nobody(), group: nobody(), ..WriteOptions::default() };
    let tree = TreeOptions { owner: nobody(), group: nobody(), ..TreeOptions::default() };
    let entry = |path: &str| Entry {
        path: path.to_owned(),
        mode: 0o666,
        content: EntryContent::Bytes("ours".into()),
    };
    let entries = [entry("file"), entry("sub/file"), entry("sub/new/file")];
    let mut done = [0; 7];
    for _ in 0..ROUNDS {
        done[0] += usize::from(files.write(&attack.at("file"), "ours", &options).await.is_ok());
        attack.nothing_was_reached("a file");
        done[1] += usize::from(files.write(&attack.at("sub/file"), "ours", &options).await.is_ok());
        attack.nothing_was_reached("a file in a directory");
        done[2] += usize::from(files.make_directory(&attack.at("sub"), &options).await.is_ok());
        attack.nothing_was_reached("a directory");
        done[3] += usize::from(files.upload_tree(&attack.at("sub"), &entries[..1], &tree).await.is_ok());
        done[4] +=
            usize::from(files.upload_tree(attack.theirs.to_str().unwrap(), &entries, &tree).await.is_ok());
        attack.nothing_was_reached("a tree");
        done[5] += usize::from(files.remove(attack.theirs.to_str().unwrap(), &["sub/file"]).await.is_ok());
        done[6] += usize::from(files.remove_file(&attack.at("sub/file")).await.is_ok());
        attack.nothing_was_reached("removing");
    }
    // Without an attacker who wins a race, an operation that goes wrong shows nothing.
    assert!(done.iter().sum::<usize>() > 0, "nothing was done at all: {done:?}");
}

#[tokio::test]
async fn root_follows_links_only_of_those_who_own_where_they_lead() {
    for tools in Tools::all() {
        followed(&tools).await;
    }
}

async fn followed(tools: &Tools) {
    let Some(attack) = Attack::begin() else { return };
    let files = Files::on(tools);
    symlink("sub", attack.at("own")).unwrap();
    symlink(&attack.roots, attack.at("foreign")).unwrap();
    symlink(&attack.theirs, attack.roots.join("by-root")).unwrap();
    files.write(&attack.at("own/a"), "x", &WriteOptions::default()).await.unwrap();
    assert!(attack.theirs.join("sub/a").is_file());
    let by_root = attack.roots.join("by-root/b");
    files.write(by_root.to_str().unwrap(), "x", &WriteOptions::default()).await.unwrap();
    assert!(attack.theirs.join("b").is_file());

    let path = attack.at("foreign/c");
    let error = files.write(&path, "x", &WriteOptions::default()).await.unwrap_err();
    let FileError::Link { link, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*link, attack.at("foreign"));
    let error = files.make_directory(&path, &WriteOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::Link { .. }), "{error:?}");
    let error = files.remove_file(&attack.at("foreign/file")).await.unwrap_err();
    assert!(matches!(error, FileError::Link { .. }), "{error:?}");
    // Where everybody may write, everybody may have put a link.
    fs::set_permissions(&attack.theirs, fs::Permissions::from_mode(0o1777)).unwrap();
    let error = files.write(&attack.at("own/d"), "x", &WriteOptions::default()).await.unwrap_err();
    assert!(matches!(error, FileError::Link { .. }), "{error:?}");
    files.write(&attack.at("e"), "x", &WriteOptions::default()).await.unwrap();
    let facts = files.stat(&[attack.at("e")]).await.unwrap();
    assert_eq!(facts[&attack.at("e")].uid, 0);
}

/// A mount below the tree: a rename does not reach into it.
#[tokio::test]
async fn a_part_on_another_file_system_is_staged_there() {
    let Some(attack) = Attack::begin() else { return };
    let target = attack.roots.join("tree");
    let mounted = target.join("data");
    fs::create_dir_all(&mounted).unwrap();
    let mount = |words: &[&str]| Process::new("mount").args(words).arg(&mounted).status().unwrap().success();
    let source = attack.theirs.join("sub");
    for words in [&["-t", "tmpfs", "tmpfs"][..], &["--bind", source.to_str().unwrap()]] {
        if !mount(words) {
            // Not allowed in this container.
            continue;
        }
        let entry = |path: &str, mode| Entry {
            path: path.to_owned(),
            mode,
            content: EntryContent::Bytes("ours".into()),
        };
        let entries = [entry("a", 0o644), entry("data/b", 0o640), entry("data/new/c", 0o600)];
        let owner = TreeOptions { owner: Some(THEIRS.to_string()), ..TreeOptions::default() };
        for _ in 0..2 {
            let tools = Tools::busybox();
            let sent = Files::on(&tools).upload_tree(target.to_str().unwrap(), &entries, &owner).await;
            let there = ["b", "new/c"].map(|name| fs::metadata(mounted.join(name)).unwrap());
            let found: Vec<_> = fs::read_dir(&mounted).unwrap().map(|one| one.unwrap().file_name()).collect();
            if sent.is_err() || found.len() != 2 {
                Process::new("umount").arg(&mounted).status().unwrap();
                panic!("{sent:?} {found:?}");
            }
            assert_eq!(there.map(|one| (one.uid(), one.mode() & 0o777)), [(THEIRS, 0o640), (THEIRS, 0o600)]);
        }
        assert!(Process::new("umount").arg(&mounted).status().unwrap().success());
    }
}
