//! A local user who puts links in root's way.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command as Process},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The uid of nobody, whose directory it is.
pub const THEIRS: u32 = 65534;

/// Swaps what is staged, the directories `sub` and `.windlass` and the file `file` for links to root's
/// directory and the file in it, for a moment or for good.
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
    for my $name (rand() < 0.3 ? ("sub", ".windlass") : ("sub")) {
        rename $name, "real$name" and symlink $roots, $name;
    }
    select undef, undef, undef, rand() * 0.002;
    for my $name ("sub", ".windlass") {
        unlink $name if -l $name;
        rename "real$name", $name if -d "real$name" and !-e $name;
    }
    symlink "$roots/file", "link" and rename "link", "file";
    select undef, undef, undef, rand() * 0.002;
    unlink "file" if -l "file";
}
"#;

/// Somebody who wants root to do something elsewhere than it means to. Needs root to be shown.
#[derive(Debug)]
pub struct Attack {
    // Removed when it ends, after the attacker.
    _place: TempDir,
    /// A directory of theirs, with the directory `sub` in it.
    pub theirs: PathBuf,
    /// A directory of root's, with nothing but `file` in it.
    pub roots: PathBuf,
    attacker: Option<Child>,
}

impl Attack {
    /// What is in root's file.
    pub const ROOTS: &'static str = "root's";

    /// The two directories, and nobody who does anything yet. `None` where this process is not root's.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn begin() -> Option<Self> {
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
        fs::write(roots.join("file"), Self::ROOTS).unwrap();
        fs::set_permissions(roots.join("file"), fs::Permissions::from_mode(0o600)).unwrap();
        Some(Self { _place: place, theirs, roots, attacker: None })
    }

    /// Lets the attacker swap things in their directory until it is dropped.
    ///
    /// # Panics
    /// When `setpriv` or Perl is not installed.
    #[must_use]
    pub fn start(mut self) -> Self {
        let id = THEIRS.to_string();
        let mut command = Process::new("setpriv");
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "perl", "-e", ATTACK]);
        self.attacker = Some(command.arg(&self.theirs).arg(&self.roots).spawn().unwrap());
        self
    }

    /// The path of `name` in their directory.
    ///
    /// # Panics
    /// Never: the path is text.
    pub fn at(&self, name: &str) -> String {
        self.theirs.join(name).to_str().unwrap().to_owned()
    }

    /// What `look` sees while the attacker does nothing.
    ///
    /// # Panics
    /// When the attacker cannot be held.
    pub fn held<T>(&self, look: impl FnOnce() -> T) -> T {
        let signal = |signal| {
            let Some(id) = self.attacker.as_ref().and_then(|one| Pid::from_raw(one.id().try_into().ok()?))
            else {
                return;
            };
            kill_process(id, signal).unwrap();
        };
        signal(Signal::STOP);
        let seen = look();
        signal(Signal::CONT);
        seen
    }

    /// Nothing of root's is another one.
    ///
    /// # Panics
    /// When it is, after `what`.
    pub fn nothing_was_reached(&self, what: &str) {
        let facts = |path: &Path| {
            let metadata = fs::symlink_metadata(path).unwrap();
            (metadata.uid(), metadata.mode() & 0o7777)
        };
        assert_eq!(facts(&self.roots), (0, 0o755), "{what}");
        let names: Vec<_> = fs::read_dir(&self.roots).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(names, ["file"], "{what}");
        assert_eq!(facts(&self.roots.join("file")), (0, 0o600), "{what}");
        assert_eq!(fs::read_to_string(self.roots.join("file")).unwrap(), Self::ROOTS, "{what}");
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        if let Some(mut attacker) = self.attacker.take() {
            let _ = attacker.kill();
            let _ = attacker.wait();
        }
    }
}
