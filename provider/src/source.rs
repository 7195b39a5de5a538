//! Which files are shipped to a host: a directory, or texts, and what is laid over either.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Component, Path, PathBuf},
};

use compose::{layout::OURS, manifest::Manifest, predict::FileDigest};
use framework::{Diagnostic, Diagnostics};
use ignore::WalkBuilder;
use remote::files::{Entry, EntryContent};
use sha2::{Digest as _, Sha256};

/// The file that names what is not shipped.
const IGNORE_FILE: &str = ".windlassignore";
/// Never shipped: the history of the sources.
const GIT: &str = ".git";
/// The mode of files that are texts in the configuration.
const TEXT_MODE: u32 = 0o644;
/// The type bits that tell a symbolic link from a file, as `stat` has them.
const LINK: u32 = 0o120_000;

/// The files that are shipped, by their paths relative to the directory that they are shipped to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) files: BTreeMap<String, SourceFile>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Its content and mode.
    pub(crate) digest: FileDigest,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// Where its content is.
    pub(crate) content: Content,
}

/// Where the content of a file is.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// In a file here.
    Disk(PathBuf),
    /// In the configuration.
    Text(String),
    /// It is a symbolic link: its target, and what it points to here.
    Link(String, PathBuf),
}

impl Source {
    /// What lies in `directory`, hashed. `attribute` is the one that names it.
    ///
    /// # Errors
    /// Every file that cannot be shipped, at `attribute`.
    pub(crate) fn directory(directory: &str, attribute: &str) -> Result<Self, Diagnostics> {
        Self::chosen(directory, attribute, |_, names| Ok(names))
    }

    /// As [`Source::directory`], only of what `choose` takes among the names of all files. The others
    /// are not looked at.
    ///
    /// # Errors
    /// As [`Source::directory`], and what `choose` finds wrong.
    pub(crate) fn chosen(
        directory: &str,
        attribute: &str,
        choose: impl FnOnce(&Path, Vec<String>) -> Result<Vec<String>, String>,
    ) -> Result<Self, Diagnostics> {
        let root = Path::new(directory);
        let found = match root.canonicalize() {
            Ok(canonical) if canonical.is_dir() => names(root).and_then(|names| {
                let chosen = choose(root, names).map_err(|problem| vec![problem])?;
                Self::take_all(root, &canonical, &chosen)
            }),
            Ok(_) => Err(vec![format!("{directory:?} is not a directory")]),
            Err(error) => Err(vec![format!("{directory:?} cannot be read: {error}")]),
        };
        found.map_err(|problems| unfit(directory, attribute, &problems).into())
    }

    fn take_all(root: &Path, canonical: &Path, names: &[String]) -> Result<Self, Vec<String>> {
        let mut source = Self::default();
        let mut problems = Vec::new();
        for name in names {
            match take(root, canonical, name) {
                Ok(file) => drop(source.files.insert(name.clone(), file)),
                Err(problem) => problems.push(format!("{name}: {problem}")),
            }
        }
        if problems.is_empty() { Ok(source) } else { Err(problems) }
    }

    /// The Compose texts under the names that they get on the host, and these names.
    pub(crate) fn texts(texts: &[String]) -> (Self, Vec<String>) {
        let mut source = Self::default();
        let names: Vec<String> = (0..texts.len()).map(name_of_text).collect();
        for (name, text) in names.iter().zip(texts) {
            source.lay_over(name, text);
        }
        (source, names)
    }

    /// Puts a text in the place of, or beside, what there is.
    pub(crate) fn lay_over(&mut self, path: &str, text: &str) {
        let kept = self.files.get(path).map(|file| file.digest.mode).filter(|mode| mode & LINK != LINK);
        let digest = FileDigest { sha256: sha256(text.as_bytes()), mode: kept.unwrap_or(TEXT_MODE) };
        let file = SourceFile { digest, size: text.len() as u64, content: Content::Text(text.to_owned()) };
        self.files.insert(path.to_owned(), file);
    }

    /// The list of the files.
    pub(crate) fn manifest(&self) -> Manifest {
        let digests = self.files.iter().map(|(path, file)| (path.clone(), file.digest.clone()));
        Manifest { files: digests.collect() }
    }

    /// The symbolic links among the files: path to target.
    pub(crate) fn links(&self) -> BTreeMap<String, String> {
        let target = |file: &SourceFile| match &file.content {
            Content::Link(target, _) => Some(target.clone()),
            Content::Disk(_) | Content::Text(_) => None,
        };
        self.files.iter().filter_map(|(path, file)| Some((path.clone(), target(file)?))).collect()
    }
}

/// The file `name` below `root`.
fn take(root: &Path, canonical: &Path, name: &str) -> Result<SourceFile, String> {
    check_relative(name)?;
    let path = root.join(name);
    let facts = path.symlink_metadata().map_err(|error| error.to_string())?;
    if facts.is_symlink() {
        return link(canonical, &path);
    }
    if facts.is_file() {
        return plain(&path, &facts).map_err(|error| error.to_string());
    }
    Err("it is a device, pipe or socket".to_owned())
}

/// Checks a path relative to the directory that files are shipped to.
pub(crate) fn check_relative(path: &str) -> Result<(), String> {
    plain_parts(path)?;
    if path.split('/').next() == Some(OURS) {
        return Err(format!("must not be below {OURS}, which is ours on the host"));
    }
    Ok(())
}

/// Checks that a path has no part that is none, and nothing that a command would take for more.
pub(crate) fn plain_parts(path: &str) -> Result<(), String> {
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("must have no empty part and no `.` or `..` in it".to_owned());
    }
    if path.contains("{}") || path.chars().any(char::is_control) {
        return Err("must not contain control characters or {}".to_owned());
    }
    Ok(())
}

impl SourceFile {
    /// The bytes that Compose would read.
    ///
    /// # Errors
    /// When the file cannot be read (any more).
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        match &self.content {
            Content::Disk(path) | Content::Link(_, path) => fs::read(path),
            Content::Text(text) => Ok(text.clone().into_bytes()),
        }
    }

    /// The file for an upload to `path`.
    pub(crate) fn entry(&self, path: &str) -> Entry {
        let content = match &self.content {
            Content::Disk(file) => EntryContent::File(file.clone()),
            Content::Text(text) => EntryContent::Bytes(text.clone().into_bytes().into()),
            Content::Link(target, _) => EntryContent::Symlink(target.clone()),
        };
        Entry { path: path.to_owned(), mode: self.digest.mode & 0o7777, content }
    }
}

/// The name of the text at `index`.
fn name_of_text(index: usize) -> String {
    match index {
        0 => "compose.yaml".to_owned(),
        index => format!("compose.{index}.yaml"),
    }
}

fn walk(root: &Path) -> ignore::Walk {
    WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .filter_entry(|entry| entry.file_name() != GIT)
        .sort_by_file_name(Ord::cmp)
        .build()
}

/// The names of all files below `root` that no [`IGNORE_FILE`] leaves out.
fn names(root: &Path) -> Result<Vec<String>, Vec<String>> {
    let (mut names, mut problems) = (Vec::new(), Vec::new());
    for found in walk(root) {
        let entry = match found {
            Ok(entry) => entry,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        let directory = entry.file_type().is_some_and(|kind| kind.is_dir());
        if directory || entry.file_name() == IGNORE_FILE {
            continue;
        }
        let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
        match inside.to_str() {
            Some(name) => names.push(name.to_owned()),
            None => problems.push(format!("{}: its name is not UTF-8", inside.display())),
        }
    }
    if problems.is_empty() { Ok(names) } else { Err(problems) }
}

fn plain(path: &Path, facts: &fs::Metadata) -> io::Result<SourceFile> {
    let mut hash = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut HashWriter(&mut hash))?;
    let digest = FileDigest { sha256: hex(&hash.finalize()), mode: mode_of(facts) };
    Ok(SourceFile { digest, size: facts.len(), content: Content::Disk(path.to_owned()) })
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn mode_of(facts: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    facts.permissions().mode() & 0o7777
}

/// A symbolic link, which must stay inside of the directory however it is followed.
fn link(root: &Path, path: &Path) -> Result<SourceFile, String> {
    let target = fs::read_link(path).map_err(|error| error.to_string())?;
    let text = target.to_str().ok_or("the target of the link is not UTF-8")?.to_owned();
    let leaves = || format!("the link to {text:?} leaves the directory");
    let above = path.parent().unwrap_or(path).canonicalize().map_err(|error| error.to_string())?;
    let pointed = normal(&above.join(&target));
    let real = pointed.canonicalize();
    let inside = real.as_deref().unwrap_or(&pointed).starts_with(root) && pointed.starts_with(root);
    if target.is_absolute() || !inside {
        return Err(leaves());
    }
    let digest = link_digest(&text);
    let size = fs::metadata(path).map_or(0, |facts| facts.len());
    Ok(SourceFile { digest, size, content: Content::Link(text, path.to_owned()) })
}

/// How a symbolic link counts in hashes and manifests.
pub(crate) fn link_digest(target: &str) -> FileDigest {
    FileDigest { sha256: sha256(target.as_bytes()), mode: LINK | 0o777 }
}

/// The path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

fn unfit(directory: &str, attribute: &str, problems: &[String]) -> Diagnostic {
    Diagnostic::error(format!("Could not read {directory:?}"))
        .detail(format!("These files cannot be shipped:\n{}", problems.join("\n")))
        .detail("Nothing was changed.")
        .detail(format!("Correct them, or name them in a {IGNORE_FILE} file. A relative `{attribute}` starts from where tofu runs; `${{path.module}}/…` is safer."))
        .at(attribute)
}

/// The SHA-256 of a content, as hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn source(dir: &tempfile::TempDir) -> Result<Source, Diagnostics> {
        Source::directory(dir.path().to_str().unwrap(), "source_dir")
    }

    fn names(source: &Source) -> Vec<&str> {
        source.files.keys().map(String::as_str).collect()
    }

    #[test]
    fn everything_is_shipped_but_what_is_ignored() {
        let dir = tree(&[
            ("compose.yaml", "a"),
            (".env", "b"),
            (".gitignore", "conf"),
            ("conf/x.conf", "c"),
            ("conf/x.log", "d"),
            ("keep.log", "e"),
            (".git/config", "f"),
            ("conf/.windlassignore", "*.log\n"),
            (".windlassignore", "secret/\n"),
            ("secret/key", "g"),
        ]);
        assert_eq!(
            names(&source(&dir).unwrap()),
            [".env", ".gitignore", "compose.yaml", "conf/x.conf", "keep.log"]
        );
    }

    #[test]
    fn modes_and_links_are_kept() {
        let dir = tree(&[("a/run.sh", "#!/bin/sh\n")]);
        fs::set_permissions(dir.path().join("a/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("../a/run.sh", dir.path().join("a/link")).unwrap();
        let source = source(&dir).unwrap();
        assert_eq!(source.files["a/run.sh"].digest.mode, 0o750);
        assert_eq!(source.files["a/link"].digest, link_digest("../a/run.sh"));
        assert_eq!(source.files["a/link"].read().unwrap(), b"#!/bin/sh\n");
        assert!(matches!(source.files["a/link"].entry("a/link").content, EntryContent::Symlink(_)));
    }

    #[test]
    fn links_that_leave_the_directory_are_all_named() {
        let dir = tree(&[("a", "")]);
        symlink("/etc/passwd", dir.path().join("absolute")).unwrap();
        symlink("../x", dir.path().join("up")).unwrap();
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        let error = source(&dir).unwrap_err().iter().next().unwrap().clone();
        assert!(error.detail.contains("absolute:") && error.detail.contains("up:"), "{error}");
        assert!(!error.detail.contains("dangling"), "{error}");
        assert_eq!(error.path.unwrap().to_string(), "source_dir");
    }

    #[test]
    fn texts_get_names_and_overlays_win() {
        let (mut source, files) = Source::texts(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(files, ["compose.yaml", "compose.1.yaml"]);
        source.lay_over("conf/x", "1");
        let before = source.manifest().hash();
        source.lay_over("conf/x", "2");
        assert_ne!(source.manifest().hash(), before);
    }

    #[test]
    fn a_directory_that_is_not_there_is_told() {
        let error = Source::directory("/no/such/directory", "source_dir").unwrap_err();
        assert!(error.to_string().contains("cannot be read"));
    }
}
