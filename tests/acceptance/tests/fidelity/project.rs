//! The folder of a project in the workspace: copied from the fixtures and edited.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use crate::case::Action;

/// Words that stand for images in fixtures and edits: the registry's address is not known there.
#[derive(Clone, Debug)]
pub struct Images(pub Vec<(&'static str, String)>);

impl Images {
    /// The text with the images in the place of their words.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (word, image)| text.replace(word, image))
    }
}

/// Copies the fixture of this name to `folder`.
///
/// # Panics
/// When there is no such fixture or it holds something else than text files.
pub fn copy(name: &str, folder: &Path, images: &Images) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/fidelity").join(name);
    copy_folder(&fixture, folder, images);
}

fn copy_folder(from: &Path, to: &Path, images: &Images) {
    fs::create_dir_all(to).unwrap();
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries.map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&from, &to, images);
        } else {
            write(&to, &images.fill(&read(&from)));
            // What the checkout's umask makes of a file must not decide.
            let executable = from.metadata().unwrap().permissions().mode() & 0o100 != 0;
            set_mode(&to, if executable { 0o755 } else { 0o644 });
        }
    }
}

/// Does what an action does to files; the others are not for here.
///
/// # Panics
/// When the action does not fit the folder as it is.
pub fn edit(folder: &Path, action: &Action, images: &Images) {
    match action {
        Action::Replace(path, from, to) => {
            let path = folder.join(path);
            let (text, from) = (read(&path), images.fill(from));
            assert_eq!(text.matches(&from).count(), 1, "{from:?} in {}:\n{text}", path.display());
            write(&path, &text.replace(&from, &images.fill(to)));
        }
        Action::Append(path, more) => {
            let path = folder.join(path);
            write(&path, &(read(&path) + &images.fill(more)));
        }
        Action::Write(path, text) => write(&folder.join(path), &images.fill(text)),
        Action::Many(path, count) => (1..=*count).for_each(|number| {
            write(&folder.join(path).join(format!("{number}.html")), &format!("{number}\n"))
        }),
        Action::Delete(path) => fs::remove_file(folder.join(path)).unwrap(),
        Action::Rename(from, to) => {
            let to = folder.join(to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::rename(folder.join(from), to).unwrap();
        }
        Action::Mode(path, mode) => set_mode(&folder.join(path), *mode),
        Action::Link(path, target) => {
            let path = folder.join(path);
            let _ = fs::remove_file(&path);
            symlink(target, path).unwrap();
        }
        _ => {}
    }
}

fn read(path: &PathBuf) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn every_edit_fits_its_project() {
        let images = Images(vec![("BUSYBOX_1", "busybox@1".to_owned())]);
        let dir = tempfile::tempdir().unwrap();
        for case in cases::all() {
            let folder = dir.path().join(case.name);
            copy(case.name, &folder, &images);
            let steps = case.steps.iter().flat_map(|step| &step.actions);
            case.first.iter().chain(steps).for_each(|action| edit(&folder, action, &images));
        }
    }

    #[test]
    fn every_fixture_is_a_case() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/fidelity");
        let mut found: Vec<_> = fs::read_dir(fixtures)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut cases: Vec<_> = cases::all().iter().map(|case| case.name.to_owned()).collect();
        found.sort();
        cases.sort();
        assert_eq!(found, cases);
    }
}
