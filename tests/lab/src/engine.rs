//! The outer engine: a dockerd of our own, beside whatever else runs on the machine.
//!
//! It has its own data, sockets and containerd namespace, touches neither iptables nor IP
//! forwarding (a second engine that did would flush the first one's rules), lives while at least
//! one lab exists and is ended by the process id that we started.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cgroup;
use crate::command::{
    check_interrupt, find_program, last_lines, output, run, run_with_input, system_path, words,
};
use crate::error::{Error, Result};
use crate::labels::LAB;
use crate::state::Paths;

/// Top of the control groups of all labs.
pub(crate) const CGROUP: &str = "windlass-lab";

/// The engine and where it keeps things.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    root: PathBuf,
    client: String,
}

/// Held while the engine, its images or its list of labs change; released when dropped.
pub(crate) struct EngineLock {
    _file: File,
    /// Held while what all images are made from changes: several are made at the same time.
    pub base: Mutex<()>,
}

/// Where built images and tools stay when the checkout goes:
/// `${WINDLASS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/windlass}`.
#[must_use]
pub fn cache_dir() -> PathBuf {
    cache_dir_from(|name| std::env::var(name).ok())
}

fn cache_dir_from(variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(cache) = set("WINDLASS_CACHE") {
        return PathBuf::from(cache);
    }
    if let Some(cache) = set("XDG_CACHE_HOME") {
        return Path::new(&cache).join("windlass");
    }
    Path::new(&set("HOME").unwrap_or_else(|| "/root".to_owned())).join(".cache/windlass")
}

impl Engine {
    /// The engine of this user's cache, running or not.
    ///
    /// # Errors
    /// When not run as root.
    pub fn locate() -> Result<Self> {
        if run(&words(&["id", "-u"]))?.trim() != "0" {
            return Err(Error::Refused(
                "the lab starts an engine and containers of its own: run it as root".to_owned(),
            ));
        }
        Ok(Self { root: cache_dir().join("lab"), client: client() })
    }

    /// The engine with this socket.
    pub fn of_socket(socket: &Path) -> Self {
        let root = socket.parent().and_then(Path::parent).unwrap_or(socket);
        Self { root: root.to_owned(), client: client() }
    }

    /// Directory for what is only needed while the engine runs.
    pub fn run_dir(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Directory for building root file systems.
    pub fn build_dir(&self) -> PathBuf {
        self.root.join("build")
    }

    /// Path of the engine's socket.
    pub fn socket(&self) -> PathBuf {
        self.run_dir().join("docker.sock")
    }

    fn pid_file(&self) -> PathBuf {
        self.run_dir().join("docker.pid")
    }

    fn log_file(&self) -> PathBuf {
        self.run_dir().join("docker.log")
    }

    /// Waits for and takes the lock that all labs of this cache share.
    pub fn lock(&self) -> Result<EngineLock> {
        std::fs::create_dir_all(&self.root).map_err(Error::file("create", &self.root))?;
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(Error::file("create", &path))?;
        file.lock().map_err(Error::file("lock", &path))?;
        Ok(EngineLock { _file: file, base: Mutex::default() })
    }

    /// The words of a docker command to this engine.
    pub fn words<S: AsRef<str>>(&self, arguments: &[S]) -> Vec<String> {
        let socket = format!("unix://{}", self.socket().display());
        let mut line = vec![self.client.clone(), "-H".to_owned(), socket];
        line.extend(words(arguments));
        line
    }

    /// Runs a docker command that must succeed; returns its output without the last line break.
    pub fn docker<S: AsRef<str>>(&self, arguments: &[S]) -> Result<String> {
        self.docker_with_input(arguments, &[])
    }

    /// [`Engine::docker`] with a standard input.
    pub fn docker_with_input<S: AsRef<str>>(&self, arguments: &[S], input: &[u8]) -> Result<String> {
        Ok(run_with_input(&self.words(arguments), input)?.trim_end().to_owned())
    }

    /// Runs a docker command and returns whatever comes out.
    pub fn docker_output<S: AsRef<str>>(&self, arguments: &[S], input: &[u8]) -> Result<Output> {
        output(&self.words(arguments), input)
    }

    /// Whether our engine runs (by its own process id, not by who answers on a socket).
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    fn pid(&self) -> Option<u32> {
        process_of(&self.pid_file(), &self.socket())
    }

    /// Whether something of an engine that was not stopped by [`Engine::stop_if_unused`] may be left.
    pub fn has_crashed(&self) -> bool {
        !self.is_running() && self.run_dir().exists()
    }

    /// Removes files with process ids that are not ours any more (the machine was restarted); what
    /// still runs of a crashed engine is found and ended by the next one.
    fn forget_gone_processes(&self) {
        let _ = std::fs::remove_file(self.pid_file());
        let containerd = self.run_dir().join("exec/containerd/containerd.pid");
        if process_of(&containerd, &self.run_dir()).is_none() {
            let _ = std::fs::remove_file(containerd);
        }
    }

    /// Starts the engine when it does not run; the lock must be held.
    pub fn ensure_started(&self, _lock: &EngineLock, report: &dyn Fn(&str)) -> Result<()> {
        if self.is_running() && self.docker(&["version", "-f", "{{.Server.Version}}"]).is_ok() {
            return Ok(());
        }
        report("starting the lab's own engine");
        self.forget_gone_processes();
        let run_dir = self.run_dir();
        std::fs::create_dir_all(&run_dir).map_err(Error::file("create", &run_dir))?;
        let config = run_dir.join("daemon.json");
        std::fs::write(&config, "{}\n").map_err(Error::file("write", &config))?;
        let log = File::create(self.log_file()).map_err(Error::file("create", self.log_file()))?;
        let line = dockerd_words(&self.root);
        let mut daemon = Command::new("setsid")
            .args(&line)
            .env("PATH", system_path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(Error::file("open", self.log_file()))?)
            .stderr(log)
            .spawn()
            .map_err(|source| Error::Spawn { command: line.join(" "), source })?;
        let started = Instant::now();
        let limit = Duration::from_secs(60);
        loop {
            if self.docker(&["version", "-f", "{{.Server.Version}}"]).is_ok() {
                return Ok(());
            }
            let ended = daemon.try_wait().ok().flatten().is_some();
            let interrupted = check_interrupt();
            if ended || interrupted.is_err() || started.elapsed() > limit {
                let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
                self.stop();
                interrupted?;
                return Err(Error::Timeout {
                    what: "the lab's own engine".to_owned(),
                    seconds: limit.as_secs(),
                    log: last_lines(&log, 15),
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The labs that have something in the engine.
    pub fn labs(&self) -> Result<Vec<Paths>> {
        let format = format!("{{{{.Label \"{LAB}\"}}}}");
        let filter = format!("label={LAB}");
        let mut directories = Vec::new();
        for list in [["network", "ls"].as_slice(), &["ps", "-a"]] {
            let mut line = list.to_vec();
            line.extend(["--filter", &filter, "--format", &format]);
            directories.extend(self.docker(&line)?.lines().map(str::to_owned));
        }
        directories.sort();
        directories.dedup();
        Ok(directories.iter().filter_map(|directory| Paths::at(Path::new(directory))).collect())
    }

    /// Stops the engine when no lab is left; the lock must be held.
    pub fn stop_if_unused(&self, _lock: &EngineLock) -> Result<()> {
        if self.is_running() && self.labs()?.is_empty() {
            self.stop();
        }
        Ok(())
    }

    /// Ends the process that we started and removes everything but the cached images.
    fn stop(&self) {
        if let Some(pid) = self.pid() {
            let _ = run(&words(&["kill", "-TERM", &pid.to_string()]));
            let ended = wait_for_end(pid, Duration::from_secs(20));
            if !ended {
                let _ = run(&words(&["kill", "-KILL", &pid.to_string()]));
                wait_for_end(pid, Duration::from_secs(5));
            }
        }
        self.remove_run_dir();
        cgroup::remove(CGROUP);
    }

    /// Removes the run directory and mounts left in it or in the data by an engine that crashed.
    fn remove_run_dir(&self) {
        unmount_below(&self.root);
        let _ = std::fs::remove_dir_all(self.run_dir());
    }
}

fn client() -> String {
    find_program("docker").unwrap_or_else(|| "docker".to_owned())
}

/// The process of a pid file, if it runs and has this path in its command line (ids are reused).
fn process_of(pid_file: &Path, marker: &Path) -> Option<u32> {
    let pid: u32 = std::fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let marker = marker.to_string_lossy();
    String::from_utf8_lossy(&command).contains(&*marker).then_some(pid)
}

/// Unmounts whatever is mounted below a directory, the deepest first.
pub(crate) fn unmount_below(directory: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for path in mounts_below(&mounts, directory).iter().rev() {
        let _ = run(&words(&["umount", "-l", path]));
    }
}

fn mounts_below(mounts: &str, directory: &Path) -> Vec<String> {
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|path| Path::new(path) != directory && Path::new(path).starts_with(directory))
        .map(str::to_owned)
        .collect()
}

/// Waits until a process is gone; one that nobody has waited for yet counts as gone.
fn wait_for_end(pid: u32, limit: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < limit {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = state.rsplit(')').next().unwrap_or_default().trim_start();
        if state.is_empty() || state.starts_with('Z') {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn dockerd_words(root: &Path) -> Vec<String> {
    let path = |name: &str| root.join(name).to_string_lossy().into_owned();
    let cgroup_parent = format!("/{CGROUP}/engine");
    let socket = format!("unix://{}", path("run/docker.sock"));
    words(&[
        "dockerd",
        "--config-file",
        &path("run/daemon.json"),
        "--host",
        &socket,
        "--data-root",
        &path("engine"),
        "--exec-root",
        &path("run/exec"),
        "--pidfile",
        &path("run/docker.pid"),
        "--bridge",
        "none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
        "--userland-proxy=false",
        "--exec-opt",
        "native.cgroupdriver=cgroupfs",
        "--cgroup-parent",
        &cgroup_parent,
        "--containerd-namespace",
        "windlass-lab",
        "--containerd-plugins-namespace",
        "windlass-lab-plugins",
        "--log-level",
        "warn",
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_follows_the_environment() {
        let from = |pairs: &'static [(&str, &str)]| {
            cache_dir_from(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(from(&[("HOME", "/h")]), Path::new("/h/.cache/windlass"));
        assert_eq!(from(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), Path::new("/x/windlass"));
        assert_eq!(from(&[("XDG_CACHE_HOME", "/x"), ("WINDLASS_CACHE", "/w")]), Path::new("/w"));
        assert_eq!(from(&[("HOME", "/h"), ("XDG_CACHE_HOME", "")]), Path::new("/h/.cache/windlass"));
    }

    #[test]
    fn the_engine_keeps_to_itself() {
        let line = dockerd_words(Path::new("/c/lab"));
        assert_eq!(
            line[..11],
            [
                "dockerd",
                "--config-file",
                "/c/lab/run/daemon.json",
                "--host",
                "unix:///c/lab/run/docker.sock",
                "--data-root",
                "/c/lab/engine",
                "--exec-root",
                "/c/lab/run/exec",
                "--pidfile",
                "/c/lab/run/docker.pid",
            ]
        );
        for word in ["--iptables=false", "--ip-forward=false"] {
            assert!(line.iter().any(|other| other == word), "{word}");
        }
    }

    #[test]
    fn a_reused_process_id_is_not_taken_for_ours() {
        let path = std::env::temp_dir().join(format!("lab-pid-{}", std::process::id()));
        std::fs::write(&path, format!("{}\n", std::process::id())).unwrap();
        let own = std::env::args().next().unwrap();
        let ours = process_of(&path, Path::new(&own));
        let other = process_of(&path, Path::new("/no/such/marker"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(ours, Some(std::process::id()));
        assert_eq!(other, None);
    }

    #[test]
    fn only_mounts_below_are_taken() {
        let mounts = "tmpfs /c tmpfs rw 0 0\nproc /c/lab/a/proc proc rw 0 0\nx /c/labx x rw 0 0\n";
        assert_eq!(mounts_below(mounts, Path::new("/c/lab")), ["/c/lab/a/proc"]);
    }
}
