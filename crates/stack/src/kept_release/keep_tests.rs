use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
};

use remote::conformance::Tools;

use super::*;

fn run_on(tools: &Tools, script: &str, root: &Path, folder: &str, list: &[&str]) -> bool {
    let words = [root.as_os_str(), OsStr::new(folder), OsStr::new(".staging")];
    tools.run(&copying_script(script), &words, &null_separated(list.iter().copied())).0
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

const LIST: [&str; 6] = ["b c/$x\n\"'", "b c/-small", "b c/large", "large", "link", "z"];

/// The files of [`LIST`] below `from`.
fn fill(from: &Path) {
    fs::create_dir_all(from.join("b c")).unwrap();
    for path in ["b c/-small", "b c/$x\n\"'", "z"] {
        fs::write(from.join(path), path).unwrap();
    }
    fs::set_permissions(from.join("z"), fs::Permissions::from_mode(0o640)).unwrap();
    for path in ["large", "b c/large"] {
        fs::write(from.join(path), vec![7; 600 << 10]).unwrap();
    }
    symlink("b c/-small", from.join("link")).unwrap();
}

/// They are below `to` as they are below `from`.
fn assert_copied(from: &Path, to: &Path, tools: &Tools) {
    for path in ["b c/-small", "b c/$x\n\"'", "z"] {
        assert_eq!(fs::read_to_string(to.join(path)).unwrap(), path, "{tools:?}");
        assert_ne!(inode(&to.join(path)), inode(&from.join(path)));
    }
    assert_eq!(fs::metadata(to.join("z")).unwrap().mode() & 0o7777, 0o640, "{tools:?}");
    for path in ["large", "b c/large"] {
        assert_eq!(inode(&to.join(path)), inode(&from.join(path)), "{tools:?}");
    }
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("b c/-small"));
}

#[test]
fn small_files_are_copied_large_ones_linked_and_links_stay_links() {
    for tools in Tools::all() {
        let dir = tempfile::tempdir().unwrap();
        let (root, ours) = (dir.path(), dir.path().join(".windlass"));
        fill(root);
        assert!(run_on(&tools, ASIDE, root, "build/tree", &LIST), "{tools:?}");
        assert_copied(root, &ours.join("build/tree"), &tools);
        assert_eq!(fs::metadata(ours.join("build/tree/b c")).unwrap().mode() & 0o777, 0o755, "{tools:?}");
        assert!(!ours.join("taken").exists() && !ours.join("copies").exists());
        assert!(!run_on(&tools, ASIDE, root, "other", &["absent"]), "{tools:?}");
        assert!(!ours.join("other").exists());

        // What was there before is replaced, never written through, and what is not named stays.
        let kept = ours.join("before");
        fs::create_dir_all(kept.join("b c")).unwrap();
        fs::write(kept.join("large"), "in the way").unwrap();
        fs::write(root.join("foreign"), "foreign").unwrap();
        symlink("../../foreign", kept.join("z")).unwrap();
        fs::write(kept.join("other"), "stays").unwrap();
        assert!(run_on(&tools, ASIDE, root, "before", &LIST), "{tools:?}");
        assert_copied(root, &kept, &tools);
        assert!(kept.join("other").is_file());
        assert_eq!(fs::read_to_string(root.join("foreign")).unwrap(), "foreign");
    }
}

/// Before a script: what is to be taken lies on a file system of its own, or on one that knows no hard links.
pub(in crate::kept_release) const WITHOUT_LINKS: &str =
    "functions=\"$functions\nln() { case \\$1 in -s) command ln \\\"\\$@\\\" ;; *) return 1 ;; esac; }\n\"\n";

#[test]
fn where_there_can_be_no_hard_links_files_are_copied() {
    for tools in Tools::all() {
        let dir = tempfile::tempdir().unwrap();
        let (root, kept) = (dir.path(), dir.path().join(".windlass/before"));
        fill(root);
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        fs::File::open(root.join("large")).unwrap().set_modified(time).unwrap();
        let script = format!("{WITHOUT_LINKS}{ASIDE}");
        assert!(run_on(&tools, &script, root, "before", &LIST), "{tools:?}");
        for path in LIST {
            let (from, to) = (root.join(path), kept.join(path));
            assert_ne!(inode(&from), inode(&to), "{path} with {tools:?}");
            if path != "link" {
                assert_eq!(fs::read(&from).unwrap(), fs::read(&to).unwrap());
                assert_eq!(fs::metadata(&from).unwrap().mode(), fs::metadata(&to).unwrap().mode());
            }
        }
        assert_eq!(fs::metadata(kept.join("large")).unwrap().modified().unwrap(), time, "{tools:?}");
        assert_eq!(fs::read_link(kept.join("link")).unwrap(), Path::new("b c/-small"));
        assert!(!run_on(&tools, &script, root, "other", &["absent"]), "{tools:?}");
    }
}

#[test]
fn what_is_kept_comes_back_in_the_place_of_what_is_there() {
    for tools in Tools::all() {
        let dir = tempfile::tempdir().unwrap();
        let (root, ours) = (dir.path(), dir.path().join(".windlass"));
        let kept = ours.join("generations/1");
        fill(&kept);
        fs::create_dir_all(kept.join("new/deep")).unwrap();
        fs::write(kept.join("new/deep/x"), "x").unwrap();
        symlink("generations/1", ours.join("good")).unwrap();
        fs::write(root.join("large"), "in the way").unwrap();
        fs::create_dir(root.join("b c")).unwrap();
        symlink("b c", root.join("z")).unwrap();
        fs::write(root.join("other"), "stays").unwrap();
        let list = [&LIST[..], &["new/deep/x"]].concat();
        assert!(run_on(&tools, BACK, root, "good", &list), "{tools:?}");
        assert_copied(&kept, root, &tools);
        assert!(root.join("other").is_file() && root.join("new/deep/x").is_file());
        assert_eq!(fs::metadata(root.join("new")).unwrap().mode() & 0o777, 0o755, "{tools:?}");
        assert!(!ours.join("taken").exists() && !ours.join("copies").exists());
        assert!(!run_on(&tools, BACK, root, "good", &["absent"]), "{tools:?}");
    }
}

#[test]
fn the_link_leads_to_the_new_one_and_the_others_go() {
    for tools in Tools::all() {
        let dir = tempfile::tempdir().unwrap();
        let ours = dir.path().join(".windlass");
        for name in ["one", "two", "half"] {
            fs::create_dir_all(ours.join("generations").join(name)).unwrap();
        }
        for target in ["generations/one", "generations/two"] {
            fs::create_dir_all(ours.join(target)).unwrap();
            let words = [dir.path(), Path::new(target), Path::new("good")];
            assert!(tools.run(&turn_script(), &words, b"").0, "{tools:?}");
            assert_eq!(fs::read_link(ours.join("good")).unwrap(), Path::new(target));
            assert_eq!(fs::read_dir(ours.join("generations")).unwrap().count(), 1);
        }
        let words = [dir.path(), Path::new("good"), Path::new("none")];
        assert!(tools.run(&copying_script(REMOVE), &words, b"").0, "{tools:?}");
        assert!(!ours.join("good").exists() && ours.join("generations").exists());
    }
}
