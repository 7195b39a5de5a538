//! Real machines of a tailnet: Tailscale's own daemon, without a network device of its own.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{HeadscaleServer, headscale::RELAY_BY_HTTP, tools::tailscale_binary};

/// How long the daemon may take to start.
const START: Duration = Duration::from_secs(30);

/// A machine. It is gone, without a word to the server, when it is dropped.
pub struct Machine {
    daemon: Child,
    directory: TempDir,
}

impl Machine {
    /// Starts one that has joined nothing.
    ///
    /// # Panics
    /// When the daemon does not start; its log is shown.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// As [`Machine::start`], with a SOCKS5 proxy into its tailnet, as a job of CI has; its address.
    ///
    /// # Panics
    /// As [`Machine::start`].
    pub fn start_with_proxy() -> (Self, String) {
        let listen = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().to_string();
        let machine = Self::start_with(Some(&format!("--socks5-server={listen}")));
        (machine, format!("socks5://{listen}"))
    }

    fn start_with(more: Option<&str>) -> Self {
        let directory = tempfile::Builder::new().prefix("windlass-machine-").tempdir().unwrap();
        symlink(tailscale_binary(), directory.path().join("tailscale")).unwrap();
        let log = fs::File::create(directory.path().join("log")).unwrap();
        let daemon = Command::new(tailscale_binary())
            .args(["--tun=userspace-networking", "--port=0", "--no-logs-no-support"])
            .arg(format!("--statedir={}", directory.path().display()))
            .arg(format!("--socket={}", directory.path().join("socket").display()))
            .args(more)
            .env_clear()
            .env("HOME", directory.path())
            .env(RELAY_BY_HTTP.0, RELAY_BY_HTTP.1)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let machine = Self { daemon, directory };
        let end = Instant::now() + START;
        while !machine.socket().exists() {
            assert!(Instant::now() < end, "tailscaled does not start:\n{}", machine.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        machine
    }

    /// Starts one that joins by this key and calls itself so, and waits until it is connected.
    pub fn join(server: &HeadscaleServer, key: &str, hostname: &str, more: &[&str]) -> Self {
        let machine = Self::start();
        machine.up(server, key, hostname, more);
        machine
    }

    /// Joins by this key, and waits until it is connected.
    ///
    /// # Panics
    /// When it does not come to that.
    pub fn up(&self, server: &HeadscaleServer, key: &str, hostname: &str, more: &[&str]) {
        let file = self.directory.path().join("key");
        fs::write(&file, key).unwrap();
        let words = [
            "up".to_owned(),
            format!("--login-server={}", server.url()),
            format!("--auth-key=file:{}", file.display()),
            format!("--hostname={hostname}"),
            "--timeout=60s".to_owned(),
        ];
        self.tailscale(words.iter().map(String::as_str).chain(more.iter().copied()));
    }

    /// A directory with a program `tailscale`, for a `PATH`.
    pub fn program(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// The socket of the daemon.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// Runs Tailscale's own command, and gives what it prints.
    ///
    /// # Panics
    /// When it fails.
    pub fn tailscale<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        let output = Command::new(self.directory.path().join("tailscale"))
            .arg(format!("--socket={}", self.socket().display()))
            .args(words)
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tailscale failed: {said}\n{}", self.log());
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it knows of itself.
    pub fn status(&self) -> Value {
        serde_json::from_str(&self.tailscale(["status", "--json"])).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
