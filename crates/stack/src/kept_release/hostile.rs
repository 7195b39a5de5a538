//! What root keeps and puts back in a directory of somebody else's, who puts links in its way.
//!
//! Needs to be root, and does nothing where it is not.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown, symlink},
    path::{Path, PathBuf},
};

use remote::{
    conformance::{Attack, THEIRS, Tools},
    files::copying_script,
};
use tree::null_separated;

use super::{
    generation::tests::make_by,
    keep::{ASIDE, BACK, tests::WITHOUT_LINKS},
};
use crate::{before, destroy, replaced};

/// How often each script is tried.
const ROUNDS: usize = 10;
/// What is shipped there.
const SHIPPED: [&str; 2] = ["file", "sub/file"];

/// One of the scripts, with everything that it needs; whether it succeeded.
type Try = (&'static str, fn(&Tools, &Path, &str) -> bool);

fn run(tools: &Tools, script: &str, root: &Path, words: &[&str], list: &[&str]) -> bool {
    let words = [&[root.to_str().unwrap()], words].concat();
    tools.run(&copying_script(script), &words, &null_separated(list.iter().copied())).0
}

const TRIES: [Try; 7] = [
    ("keeping a generation", |tools, root, name| {
        let made = make_by(tools, root, name, &SHIPPED);
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(made).0
    }),
    ("copying aside", |tools, root, name| {
        run(tools, ASIDE, root, &[&format!("build/{name}"), ".windlass-a.staging"], &SHIPPED)
    }),
    ("copying aside without hard links", |tools, root, name| {
        let words = [&format!("copied/{name}"), ".windlass-a.staging"];
        run(tools, &format!("{WITHOUT_LINKS}{ASIDE}"), root, &words, &SHIPPED)
    }),
    ("copying back", |tools, root, _| {
        run(tools, LEAVE, root, &["kept"], &[]);
        run(tools, BACK, root, &["kept", ".windlass-b.staging"], &["file", "sub/file", "sub/new/file"])
    }),
    ("setting aside", |tools, root, name| run(tools, replaced::SCRIPT, root, &[name, "3"], &SHIPPED)),
    ("putting back what was before", |tools, root, _| {
        run(tools, LEAVE, root, &["before"], &[]);
        run(tools, before::PUT_BACK, root, &[".windlass-c.staging", before::EACH], &[])
    }),
    ("forgetting", |tools, root, _| run(tools, destroy::FORGET, root, &["good", "generations"], &[])),
];

/// Leaves something in our folder `name`, to be put back.
const LEAVE: &str = r#"
go "$1" ''
own .windlass
mkdir -p -- "./$2/sub/new"
for path in file sub/file sub/new/file; do printf kept >"./$2/$path"; done
"#;

/// Whether a file below `place` holds what only root may read.
fn leaks(place: &Path) -> Option<PathBuf> {
    let mut found = fs::read_dir(place).into_iter().flatten().filter_map(Result::ok);
    found.find_map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => leaks(&entry.path()),
        Ok(kind) if kind.is_file() => {
            fs::read_to_string(entry.path()).is_ok_and(|text| text == Attack::ROOTS).then(|| entry.path())
        }
        _ => None,
    })
}

#[test]
fn whoever_swaps_links_in_leads_root_nowhere() {
    for tools in Tools::all() {
        let Some(attack) = Attack::begin().map(Attack::start) else { return };
        let mut done = [0; TRIES.len()];
        for round in 0..ROUNDS {
            for ((what, attempt), done) in TRIES.iter().zip(&mut done) {
                *done += usize::from(attempt(&tools, &attack.theirs, &format!("{round}")));
                attack.nothing_was_reached(what);
                let leak = attack.held(|| leaks(&attack.theirs));
                assert_eq!(leak, None, "{what} with {tools:?}");
            }
        }
        // An attacker who wins every race by making everything fail shows nothing.
        assert!(done.iter().sum::<usize>() > 0, "nothing was done at all with {tools:?}: {done:?}");
    }
}

#[test]
fn a_link_that_is_there_already_is_not_followed() {
    for tools in Tools::all() {
        for (what, attempt) in TRIES {
            let Some(attack) = Attack::begin() else { return };
            fs::write(attack.at("file"), "theirs").unwrap();
            fs::remove_dir(attack.at("sub")).unwrap();
            symlink(&attack.roots, attack.at("sub")).unwrap();
            attempt(&tools, &attack.theirs, "1");
            attack.nothing_was_reached(what);
            assert_eq!(leaks(&attack.theirs), None, "{what} with {tools:?}");
        }
        for (what, attempt) in TRIES.iter().filter(|(what, _)| !what.ends_with("back")) {
            let Some(attack) = Attack::begin() else { return };
            fs::write(attack.at("file"), "theirs").unwrap();
            symlink(&attack.roots, attack.at(".windlass")).unwrap();
            let done = attempt(&tools, &attack.theirs, "1");
            assert!(!done || *what == "forgetting" || what.starts_with("putting"), "{what}");
            attack.nothing_was_reached(what);
        }
    }
}

/// Links that somebody left where we keep things lead nowhere, and what was somebody's becomes root's.
#[test]
fn a_folder_of_ours_that_was_somebodys_is_taken_from_them() {
    for tools in Tools::all() {
        let Some(attack) = Attack::begin() else { return };
        for folder in [".windlass", ".windlass/before", ".windlass/before/deep", ".windlass/build"] {
            fs::create_dir(attack.at(folder)).unwrap();
            chown(attack.at(folder), Some(THEIRS), None).unwrap();
        }
        for link in ["generations", "replaced", "build/tree"] {
            symlink(&attack.roots, attack.theirs.join(".windlass").join(link)).unwrap();
        }
        fs::write(attack.at("file"), "theirs").unwrap();
        fs::write(attack.at("sub/file"), "theirs").unwrap();
        for (what, attempt) in &TRIES[..5] {
            assert!(attempt(&tools, &attack.theirs, "1"), "{what} with {tools:?}");
            attack.nothing_was_reached(what);
        }
        assert!(
            run(&tools, ASIDE, &attack.theirs, &["build/tree", ".windlass-a.staging"], &SHIPPED),
            "{tools:?}"
        );
        attack.nothing_was_reached("copying over a link");
        for folder in [".windlass", ".windlass/before", ".windlass/before/deep"] {
            assert_eq!(fs::metadata(attack.at(folder)).unwrap().uid(), 0, "{folder} with {tools:?}");
        }
    }
}
