//! What root writes in a directory of somebody else's, who puts links in its way meanwhile.
//!
//! Needs to be root, and does nothing where it is not.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    process::Command as Process,
};

use remote::{
    conformance::{Attack, THEIRS, Tools},
    files::{Entry, EntryContent, FileError, Files, TreeOptions, WriteOptions},
};

/// How often each operation is tried.
const ROUNDS: usize = 12;

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
    let mut done = [0; 8];
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
        if let Ok(text) = files.read_text(&attack.at("sub/file")).await {
            assert_ne!(text.as_deref(), Some(Attack::ROOTS), "reading");
            done[7] += 1;
        }
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
    let reading = Files::on(tools).privileged(true);
    symlink(attack.roots.join("file"), attack.at("leak")).unwrap();
    for path in ["leak", "foreign/file"] {
        let error = reading.read_text(&attack.at(path)).await.unwrap_err();
        assert!(matches!(error, FileError::Link { .. }), "{error:?}");
    }
    symlink("sub/a", attack.at("shared")).unwrap();
    std::os::unix::fs::chown(attack.at("sub/a"), Some(THEIRS), None).unwrap();
    symlink(attack.at("sub/a"), attack.roots.join("env")).unwrap();
    for path in [attack.at("shared"), attack.roots.join("env").to_str().unwrap().to_owned()] {
        assert_eq!(reading.read_text(&path).await.unwrap().as_deref(), Some("x"), "{path}");
    }
    assert_eq!(reading.read_text(&attack.at("sub/none")).await.unwrap(), None);
    assert_eq!(reading.read_text(&attack.at("none/at all")).await.unwrap(), None);
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
