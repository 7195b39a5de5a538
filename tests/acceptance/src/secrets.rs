//! Looking for secrets everywhere that they must not be.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::Engine as _;
use lab::{Host, Lab};
use secret::hex;
use sha2::{Digest, Sha256};

use crate::{Run, Workspace, archive::unzipped, unique};

/// Secrets that a test has planted, to be looked for in every spelling in which they could leak:
/// as they are, in base64, in hex, and as their SHA-256, from which a short one can be guessed.
///
/// Where the configuration holds them, it does so in `*.tf`, `*.tfvars` or the environment
/// (`TF_VAR_…`); everything else in a workspace is searched.
pub struct SecretHunt {
    needles: Vec<(String, String)>,
}

impl SecretHunt {
    /// A hunt for these secrets.
    ///
    /// # Panics
    /// When one is so short that it could be found by chance.
    pub fn new(secrets: &[&str]) -> Self {
        let mut needles = Vec::new();
        for secret in secrets {
            assert!(secret.len() >= 12, "{secret:?} is too short to be looked for");
            // The first and last bytes of base64 depend on what is around it.
            let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
            let digest = hex(&Sha256::digest(secret.as_bytes()));
            let spellings = [
                ("as it is", (*secret).to_owned()),
                ("in base64", base64[..base64.len() - 2].to_owned()),
                ("in hex", hex(secret.as_bytes())),
                ("as its SHA-256", digest),
            ];
            needles.extend(spellings.map(|(how, needle)| (format!("{secret:?} {how}"), needle)));
        }
        Self { needles }
    }

    /// Makes all further runs of `workspace` write a log of everything, for
    /// [`SecretHunt::in_workspace`] to find.
    pub fn log_everything(&self, workspace: &mut Workspace) {
        let log = workspace.path().join("trace.log");
        workspace.env("TF_LOG", "TRACE").env("TF_LOG_PATH", log.to_str().unwrap());
    }

    /// Fails when a secret is in any file of the workspace: state, backups, plan files (which are
    /// unpacked), logs.
    ///
    /// # Panics
    /// When one is, or when there was no state or no log to look into.
    #[track_caller]
    pub fn in_workspace(&self, workspace: &Workspace) {
        let mut seen = BTreeSet::new();
        for path in files_below(workspace.path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".tf") || name.ends_with(".tfvars") {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            if bytes.starts_with(b"PK\x03\x04") {
                for (member, bytes) in unzipped(&bytes) {
                    self.in_bytes(&format!("{name}, {member}"), &bytes);
                }
            }
            self.in_bytes(&name, &bytes);
            seen.insert(name);
        }
        for needed in ["terraform.tfstate", "trace.log", "plan.bin"] {
            assert!(seen.contains(needed), "there is no {needed} to look into, only {seen:?}");
        }
    }

    /// Fails when a secret is in what a run printed.
    ///
    /// # Panics
    /// When one is.
    #[track_caller]
    pub fn in_run(&self, run: &Run) {
        self.in_bytes("the output", run.stdout.as_bytes());
        self.in_bytes("the error output", run.stderr.as_bytes());
    }

    /// Fails when a secret is in a file on `host` that was written in the last hour and is none of
    /// `allowed`; whoever may read it. What containers have for themselves is searched too.
    ///
    /// # Panics
    /// When one is, or when one of `allowed` is readable by everybody.
    #[track_caller]
    pub fn on_host(&self, lab: &Lab, host: &Host, allowed: &[&str]) {
        // A hunt that finds nothing must be one that would have found something.
        let bait = format!("/run/{}", unique("windlass-bait"));
        let bait_words = ["install", "-m", "600", "/dev/stdin", &bait];
        assert!(
            lab.exec_with_input(host, &bait_words, self.needles[0].1.as_bytes()).unwrap().status.success()
        );
        let hits = self.hits_on(lab, host, allowed);
        lab.exec_ok(host, &["rm", "-f", "--", &bait]).unwrap();
        assert_eq!(hits, [bait], "files with secrets on {}", host.name);
        for file in allowed {
            let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "test", "-r", file];
            let readable = lab.exec(host, &nobody).unwrap().status.success();
            assert!(!readable, "{file} on {} holds a secret, and everybody can read it", host.name);
        }
    }

    /// The young files on `host` that hold a secret.
    fn hits_on(&self, lab: &Lab, host: &Host, allowed: &[&str]) -> Vec<String> {
        let line = [
            "find", "/", "(", "-path", "/proc", "-o", "-path", "/sys", "-o", "-path", "/dev", ")", "-prune",
            "-o", "-type", "f", "-mmin", "-60", "-size", "-16M", "-print0",
        ];
        let found = lab.exec(host, &line).unwrap();
        let files = String::from_utf8_lossy(&found.stdout).into_owned();
        let files: Vec<&str> = files.split_terminator('\0').filter(|file| !allowed.contains(file)).collect();
        let patterns: Vec<u8> =
            self.needles.iter().flat_map(|(_, needle)| [needle.as_bytes(), b"\n"].concat()).collect();
        let mut all = Vec::new();
        for group in files.chunks(500) {
            let words = [&["grep", "-l", "-a", "-F", "-f", "-", "--"][..], group].concat();
            let hits = lab.exec_with_input(host, &words, &patterns).unwrap();
            all.extend(String::from_utf8_lossy(&hits.stdout).lines().map(str::to_owned));
        }
        all
    }

    /// Watches the arguments of all processes of this machine, the hosts of the lab included, until
    /// the value is [finished](Watch::finish).
    pub fn watch_arguments(&self) -> Watch {
        let needles: Vec<_> = self.needles.clone();
        let (stop, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (stop.clone(), looks.clone());
        let thread = thread::spawn(move || {
            let (mut hits, mut processes) = (BTreeSet::new(), Processes::default());
            while !stopped.load(Ordering::Relaxed) {
                for line in processes.look() {
                    let found = needles.iter().filter(|(_, needle)| line.contains(needle));
                    hits.extend(found.map(|(what, _)| format!("{what} in {line:?}")));
                }
                counted.fetch_add(1, Ordering::Relaxed);
                // One look takes about as long as this, and must not take a processor for itself.
                thread::sleep(Duration::from_millis(10));
            }
            hits
        });
        Watch { stop, looks, thread }
    }

    #[track_caller]
    fn in_bytes(&self, place: &str, bytes: &[u8]) {
        // The standard library searches texts, and fast also in a development build.
        let text = String::from_utf8_lossy(bytes);
        for (what, needle) in &self.needles {
            if let Some(at) = text.find(needle) {
                let around = at.saturating_sub(200)..(at + needle.len() + 100).min(text.len());
                let around = String::from_utf8_lossy(&text.as_bytes()[around]);
                panic!("{what} is in {place}:\n{around}");
            }
        }
    }
}

/// A watch over the arguments of processes.
pub struct Watch {
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    thread: JoinHandle<BTreeSet<String>>,
}

impl Watch {
    /// Ends it.
    ///
    /// # Panics
    /// When a secret was seen, or when hardly anything was looked at.
    #[track_caller]
    pub fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        let hits = self.thread.join().unwrap();
        assert!(hits.is_empty(), "{hits:#?}");
        assert!(self.looks.load(Ordering::Relaxed) > 3, "the watch ended before it had begun");
    }
}

/// How many looks at its arguments a process gets before it counts as one that stays what it is, and
/// how seldom it is looked at from then on.
const YOUNG: u32 = 200;
const SELDOM: u32 = 50;

/// The processes of this machine, and what was seen of them: a machine with a lab has hundreds, nearly
/// all of which go on with the arguments that they have had for long.
#[derive(Default)]
struct Processes {
    seen: HashMap<OsString, (u32, Vec<u8>)>,
}

impl Processes {
    /// The arguments of processes that are new, or run another program than when they were last seen.
    fn look(&mut self) -> Vec<String> {
        let is_process = |name: &OsString| name.as_encoded_bytes()[0].is_ascii_digit();
        let names = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
        let names: HashSet<OsString> = names.filter(is_process).collect();
        self.seen.retain(|name, _| names.contains(name));
        names.into_iter().filter_map(|name| self.changed(name)).collect()
    }

    fn changed(&mut self, name: OsString) -> Option<String> {
        let (looks, before) = self.seen.entry(name.clone()).or_default();
        *looks = looks.saturating_add(1);
        if *looks > YOUNG && !looks.is_multiple_of(SELDOM) {
            return None;
        }
        // Processes end while they are looked at.
        let line = fs::read(Path::new("/proc").join(name).join("cmdline")).ok()?;
        let text = (line != *before).then(|| String::from_utf8_lossy(&line).replace('\0', " "));
        *before = line;
        text
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(files_below(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunt() -> SecretHunt {
        SecretHunt::new(&["correct horse battery"])
    }

    #[test]
    #[should_panic(expected = "as it is")]
    fn a_secret_is_found() {
        hunt().in_bytes("a file", b"x = correct horse battery;");
    }

    #[test]
    #[should_panic(expected = "in base64")]
    fn a_secret_in_base64_is_found() {
        hunt().in_bytes("a file", b"Y29ycmVjdCBob3JzZSBiYXR0ZXJ5");
    }

    #[test]
    #[should_panic(expected = "as its SHA-256")]
    fn the_hash_of_a_secret_is_found() {
        let hash = hex(&Sha256::digest(b"correct horse battery"));
        hunt().in_bytes("a file", hash.as_bytes());
    }

    #[test]
    fn arguments_are_watched() {
        let watch = hunt().watch_arguments();
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 0.2; :", "correct horse battery"])
            .spawn()
            .unwrap();
        child.wait().unwrap();
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| watch.finish()));
        assert!(seen.is_err());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        hunt().in_bytes("a file", b"correct horse batter");
    }
}
