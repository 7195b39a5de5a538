//! Which files are shipped to a host: a directory, or texts, and what is laid over either.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _},
    num::NonZero,
    panic::resume_unwind,
    path::{Component, Path, PathBuf},
    sync::{
        Arc, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::SystemTime,
};

use remote::files::{Entry, EntryContent};
use sha2::{Digest as _, Sha256};

use crate::{
    FileDigest, LINK, Manifest, Modes, check_relative,
    hashed::{self, Hashed, Identity},
    left_out::{self, HEAD},
    link_digest, sha256,
    walk::{self, Found, matching},
};

/// The mode of files that are texts in the configuration.
const TEXT_MODE: u32 = 0o644;

/// For so many files it is not worth it to begin a thread.
const FEW: usize = 16;

/// More threads than this wait for the disk, not for a processor.
const MOST_THREADS: usize = 8;

/// How much of a file is read at once.
const CHUNK: usize = 256 << 10;

/// Why a directory cannot be shipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("files of {directory:?} cannot be shipped: {}", problems.join("; "))]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct TreeError {
    pub directory: String,
    /// What is wrong with it, or with each of its files: `<path>: <reason>`.
    pub problems: Vec<String>,
}

/// The files that are shipped, by their paths relative to the directory that they are shipped to.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// By path.
    pub files: BTreeMap<String, TreeFile>,
    /// The paths of those that are put there once, and are the host's from then on.
    pub seeds: BTreeSet<String>,
}

/// One of them.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct TreeFile {
    /// Its content and mode.
    pub digest: FileDigest,
    /// Its length in bytes.
    pub size: u64,
    pub content: Content,
}

/// Where the content of a file is.
#[derive(Clone, Debug)]
pub enum Content {
    /// In a file here.
    Disk(PathBuf),
    /// In the configuration.
    Text(String),
    /// It is a symbolic link: its target, and what it points to here.
    Link(String, PathBuf),
}

impl Tree {
    /// What lies in `directory`, hashed.
    ///
    /// # Errors
    /// Every file that cannot be shipped.
    pub fn directory(directory: &str, modes: Modes) -> Result<Self, TreeError> {
        Self::chosen(directory, modes, |_, names| Ok(names))
    }

    /// As [`Tree::directory`], only of what `choose` takes among the names of all files. The others
    /// are not looked at.
    ///
    /// # Errors
    /// As [`Tree::directory`], and what `choose` finds wrong.
    pub fn chosen(
        directory: &str,
        modes: Modes,
        choose: impl FnOnce(&Path, Vec<String>) -> Result<Vec<String>, String>,
    ) -> Result<Self, TreeError> {
        let root = Path::new(directory);
        let found = match root.canonicalize() {
            Ok(canonical) if canonical.is_dir() => walk::files(root).and_then(|found| {
                let Found { names, asked_for } = found;
                let chosen = choose(root, names).map_err(|problem| vec![problem])?;
                let source = Source { root, canonical: &canonical, modes, asked_for };
                source.take_all(&chosen)
            }),
            Ok(_) => Err(vec![format!("{directory:?} is not a directory")]),
            Err(error) => Err(vec![format!("{directory:?} cannot be read: {error}")]),
        };
        found.map_err(|problems| TreeError { directory: directory.to_owned(), problems })
    }

    /// Has the files in `directory` hashed in the background, for who will want [`Tree::directory`] of it soon. What
    /// is wrong with them, that one tells.
    pub fn hash_ahead(directory: String) {
        // Not a thread of a runtime, which would wait for it at its end although nobody wants it then.
        let hash = move || drop(Self::directory(&directory, Modes::default()));
        let begun = thread::Builder::new().name("hash-ahead".to_owned()).spawn(hash);
        drop(begun);
    }

    /// The Compose texts under the names that they get on the host, and these names.
    pub fn texts(texts: &[String]) -> (Self, Vec<String>) {
        let mut tree = Self::default();
        let names: Vec<String> = (0..texts.len()).map(name_of_text).collect();
        for (name, text) in names.iter().zip(texts) {
            tree.lay_over(name, text);
        }
        (tree, names)
    }

    /// Puts a text in the place of, or beside, what there is.
    pub fn lay_over(&mut self, path: &str, text: &str) {
        let kept = self.files.get(path).map(|file| file.digest.mode).filter(|mode| mode & LINK != LINK);
        let digest = FileDigest { sha256: sha256(text.as_bytes()), mode: kept.unwrap_or(TEXT_MODE) };
        let file = TreeFile { digest, size: text.len() as u64, content: Content::Text(text.to_owned()) };
        self.files.insert(path.to_owned(), file);
    }

    /// Makes seeds of the files that `patterns` fit, in the language of an ignore file; the patterns that
    /// fit none.
    ///
    /// # Errors
    /// The first pattern that is not valid.
    pub fn seed(&mut self, patterns: &[String]) -> Result<Vec<String>, String> {
        self.seeds = matching(patterns, self.files.keys())?;
        let fits_none = |pattern: &&String| {
            matching(std::slice::from_ref(*pattern), self.files.keys()).is_ok_and(|fit| fit.is_empty())
        };
        Ok(patterns.iter().filter(|pattern| !pattern.starts_with('!')).filter(fits_none).cloned().collect())
    }

    /// The list of the files that stay as they are shipped: all but seeds.
    pub fn manifest(&self) -> Manifest {
        let files = self.files.iter().filter(|(path, _)| !self.seeds.contains(*path));
        let digests = files.map(|(path, file)| (path.clone(), file.digest.clone()));
        Manifest { files: digests.collect() }
    }

    /// How many bytes the files have.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }

    /// The symbolic links among the files: path to target.
    pub fn links(&self) -> BTreeMap<String, String> {
        let target = |file: &TreeFile| match &file.content {
            Content::Link(target, _) => Some(target.clone()),
            Content::Disk(_) | Content::Text(_) => None,
        };
        self.files.iter().filter_map(|(path, file)| Some((path.clone(), target(file)?))).collect()
    }
}

/// A directory whose files are taken.
struct Source<'a> {
    root: &'a Path,
    canonical: &'a Path,
    modes: Modes,
    asked_for: BTreeSet<String>,
}

impl Source<'_> {
    fn take_all(&self, names: &[String]) -> Result<Tree, Vec<String>> {
        let mut tree = Tree::default();
        let mut problems = Vec::new();
        for (name, taken) in names.iter().zip(self.taken(names)) {
            match taken {
                Ok(file) => tree.files.extend(file.map(|file| (name.clone(), file))),
                Err(problem) => problems.push(format!("{}: {problem}", name.escape_debug())),
            }
        }
        if problems.is_empty() { Ok(tree) } else { Err(problems) }
    }

    /// What [`Self::take`] says of each of `names`, asked by as many threads as there are processors.
    fn taken(&self, names: &[String]) -> Vec<Result<Option<TreeFile>, String>> {
        let turn = hashed::turn(self.canonical);
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let next = AtomicUsize::new(0);
        // One after another: a large file keeps one thread from none of the others.
        let some = || {
            let (mut taken, mut chunk) = (Vec::new(), vec![0; CHUNK]);
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(name) = names.get(at) else { return taken };
                taken.push((at, self.take(name, &mut chunk)));
            }
        };
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = processors.min(names.len().div_ceil(FEW)).min(MOST_THREADS);
        let mut all = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
            let mut all = some();
            for other in others {
                all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            all
        });
        all.sort_unstable_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, taken)| taken).collect()
    }

    /// The file `name`; none where it is a state or a plan.
    fn take(&self, name: &str, chunk: &mut [u8]) -> Result<Option<TreeFile>, String> {
        check_relative(name)?;
        let path = self.root.join(name);
        let facts = path.symlink_metadata().map_err(|error| error.to_string())?;
        if facts.is_symlink() {
            return link(self.canonical, &path).map(Some);
        }
        if facts.is_file() {
            return self.plain(name, (&path, &facts), chunk).map_err(|error| error.to_string());
        }
        Err("it is a device, pipe or socket".to_owned())
    }

    fn plain(
        &self,
        name: &str,
        (path, facts): (&Path, &fs::Metadata),
        chunk: &mut [u8],
    ) -> io::Result<Option<TreeFile>> {
        let hashed = match Identity::of(facts).known() {
            Some(hashed) => hashed,
            None => hash(path, chunk)?,
        };
        if hashed.is_of_core && !self.asked_for.contains(name) {
            return Ok(None);
        }
        let digest = FileDigest { sha256: hashed.sha256.clone(), mode: self.modes.of(mode_of(facts)) };
        Ok(Some(TreeFile { digest, size: facts.len(), content: Content::Disk(path.to_owned()) }))
    }
}

/// Hashes a file by way of `chunk`, and remembers that.
fn hash(path: &Path, chunk: &mut [u8]) -> io::Result<Arc<Hashed>> {
    let since = SystemTime::now();
    let mut file = fs::File::open(path)?;
    let before = Identity::of(&file.metadata()?);
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let mut hash = Sha256::new_with_prefix(&head);
    loop {
        match file.read(chunk) {
            Ok(0) => break,
            Ok(count) => hash.update(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let hashed = Hashed { sha256: secret::hex(&hash.finalize()), is_of_core: left_out::is_of_core(&head) };
    let hashed = Arc::new(hashed);
    before.remember(Arc::clone(&hashed), (since, Identity::of(&file.metadata()?)));
    Ok(hashed)
}

impl TreeFile {
    /// The bytes that Compose would read.
    ///
    /// # Errors
    /// When the file cannot be read (any more).
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match &self.content {
            Content::Disk(path) | Content::Link(_, path) => fs::read(path),
            Content::Text(text) => Ok(text.clone().into_bytes()),
        }
    }

    /// The file for an upload to `path`.
    pub fn entry(&self, path: &str) -> Entry {
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

fn mode_of(facts: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    facts.permissions().mode() & 0o7777
}

/// A symbolic link, which must stay inside of the directory however it is followed.
fn link(root: &Path, path: &Path) -> Result<TreeFile, String> {
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
    Ok(TreeFile { digest, size, content: Content::Link(text, path.to_owned()) })
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

#[cfg(test)]
mod tests {
    use std::{
        os::unix::fs::{PermissionsExt as _, symlink},
        time::Duration,
    };

    use super::*;
    use crate::testing::directory;

    fn shipped(dir: &tempfile::TempDir) -> Result<Tree, TreeError> {
        Tree::directory(dir.path().to_str().unwrap(), Modes::Exact)
    }

    fn names(tree: &Tree) -> Vec<&str> {
        tree.files.keys().map(String::as_str).collect()
    }

    #[test]
    fn everything_is_shipped_but_what_is_ignored() {
        let dir = directory(&[
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
            names(&shipped(&dir).unwrap()),
            [".env", ".gitignore", "compose.yaml", "conf/x.conf", "keep.log"]
        );
    }

    #[test]
    fn modes_and_links_are_kept() {
        let dir = directory(&[("a/run.sh", "#!/bin/sh\n")]);
        fs::set_permissions(dir.path().join("a/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("../a/run.sh", dir.path().join("a/link")).unwrap();
        let tree = shipped(&dir).unwrap();
        assert_eq!(tree.files["a/run.sh"].digest.mode, 0o750);
        assert_eq!(tree.files["a/link"].digest, link_digest("../a/run.sh"));
        assert_eq!(tree.files["a/link"].read().unwrap(), b"#!/bin/sh\n");
        assert!(matches!(tree.files["a/link"].entry("a/link").content, EntryContent::Symlink(_)));
    }

    #[test]
    fn what_a_umask_does_to_modes_does_not_count() {
        let dir = directory(&[("a", ""), ("run", "")]);
        let modes = |plain: u32, tool: u32| {
            for (name, mode) in [("a", plain), ("run", tool)] {
                fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
            }
            let tree = Tree::directory(dir.path().to_str().unwrap(), Modes::Git).unwrap();
            (tree.files["a"].digest.mode, tree.files["run"].digest.mode)
        };
        for (plain, tool) in [(0o644, 0o755), (0o664, 0o775), (0o600, 0o700), (0o440, 0o4755)] {
            assert_eq!(modes(plain, tool), (0o644, 0o755));
        }
        assert_eq!(modes(0o644, 0o644).1, 0o644);
    }

    #[test]
    fn seeds_are_shipped_and_in_no_manifest() {
        let dir =
            directory(&[("acme/acme.json", "{}"), ("acme/README", ""), ("db/a.sql", ""), ("x.sql", "")]);
        let mut tree = shipped(&dir).unwrap();
        let patterns = ["acme/", "!README", "/*.sql", "gone.json"].map(str::to_owned);
        assert_eq!(tree.seed(&patterns).unwrap(), ["gone.json"]);
        assert_eq!(tree.seeds.iter().collect::<Vec<_>>(), ["acme/acme.json", "x.sql"]);
        assert_eq!(tree.manifest().files.keys().collect::<Vec<_>>(), ["acme/README", "db/a.sql"]);
        assert_eq!(tree.files.len(), 4);
        assert!(tree.seed(&["a[z-a]".to_owned()]).is_err());
    }

    #[test]
    fn links_that_leave_the_directory_are_all_named() {
        let dir = directory(&[("a", "")]);
        symlink("/etc/passwd", dir.path().join("absolute")).unwrap();
        symlink("../x", dir.path().join("up")).unwrap();
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        let error = shipped(&dir).unwrap_err().to_string();
        assert!(error.contains("absolute:") && error.contains("up:"), "{error}");
        assert!(!error.contains("dangling"), "{error}");
    }

    #[test]
    fn what_was_hashed_before_is_not_hashed_again_and_a_change_is_seen() {
        let dir = directory(&[("a", "one"), ("plan", "PK\u{3}\u{4}")]);
        let old = SystemTime::now() - Duration::from_secs(60);
        for name in ["a", "plan"] {
            let file = fs::File::options().append(true).open(dir.path().join(name)).unwrap();
            file.set_modified(old).unwrap();
        }
        // When they changed, nobody can set.
        thread::sleep(Duration::from_secs(4));
        let first = shipped(&dir).unwrap();
        let identity = || Identity::of(&fs::metadata(dir.path().join("a")).unwrap());
        assert_eq!(identity().known().unwrap().sha256, sha256(b"one"));
        assert_eq!(shipped(&dir).unwrap().manifest().hash(), first.manifest().hash());
        // As long as before, and of the same time.
        fs::write(dir.path().join("a"), "two").unwrap();
        fs::File::options().append(true).open(dir.path().join("a")).unwrap().set_modified(old).unwrap();
        assert_eq!(shipped(&dir).unwrap().files["a"].digest.sha256, sha256(b"two"));
        assert!(identity().known().is_none());
    }

    #[test]
    fn texts_get_names_and_overlays_win() {
        let (mut tree, files) = Tree::texts(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(files, ["compose.yaml", "compose.1.yaml"]);
        tree.lay_over("conf/x", "1");
        let before = tree.manifest().hash();
        tree.lay_over("conf/x", "2");
        assert_ne!(tree.manifest().hash(), before);
    }

    #[test]
    fn a_directory_that_is_not_there_is_reported() {
        let error = Tree::directory("/no/such/directory", Modes::Git).unwrap_err();
        assert!(error.to_string().contains("cannot be read"));
    }
}
