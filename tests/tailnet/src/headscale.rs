//! A real Headscale, with its policy in the database.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::tools::{headscale_binary, older_headscale_binary};

/// What a machine's daemon needs in its environment to speak to the relay of a Headscale without TLS.
pub const RELAY_BY_HTTP: (&str, &str) = ("TS_DEBUG_USE_DERP_HTTP", "1");

/// How long it may take to answer.
const START: Duration = Duration::from_secs(30);

/// A running Headscale. It ends, and all it has written goes, when it is dropped.
pub struct HeadscaleServer {
    binary: &'static Path,
    process: Child,
    directory: TempDir,
    url: String,
}

/// The files of a Headscale's directory: its configuration, and the relays that it must have, which
/// are none. It keeps what it knows beside them, and its policy in the database.
pub fn configuration(directory: &str, listen: &str, url: &str) -> [(&'static str, String); 2] {
    let config = format!(
        "server_url: {url}\nlisten_addr: {listen}\nmetrics_listen_addr: \"\"\ngrpc_listen_addr: 127.0.0.1:0\n\
         grpc_allow_insecure: false\nnoise:\n  private_key_path: {directory}/noise.key\nprefixes:\n  v4: 100.64.0.0/10\n  \
         v6: fd7a:115c:a1e0::/48\n  allocation: sequential\nderp:\n  server:\n    enabled: false\n  urls: []\n  \
         paths: [{directory}/derp.yaml]\n  auto_update_enabled: false\ndisable_check_updates: true\ndatabase:\n  \
         type: sqlite\n  sqlite:\n    path: {directory}/db.sqlite\nlog:\n  level: info\npolicy:\n  mode: database\n\
         dns:\n  magic_dns: true\n  base_domain: tailnet.test\n  override_local_dns: false\n  nameservers:\n    \
         global: []\nunix_socket: {directory}/hs.sock\nunix_socket_permission: \"0770\"\nlogtail:\n  enabled: false\n"
    );
    let relays =
        "regions:\n  900:\n    regionid: 900\n    regioncode: test\n    regionname: test\n    nodes: []\n";
    [("config.yaml", config), ("derp.yaml", relays.to_owned())]
}

impl HeadscaleServer {
    /// Starts one with the user `ops` and no policy, and waits until it answers.
    ///
    /// # Panics
    /// When it does not come up; its log is shown.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// As [`HeadscaleServer::start`], of the release before the current one.
    ///
    /// # Panics
    /// As [`HeadscaleServer::start`].
    pub fn start_older() -> Self {
        Self::start_of(older_headscale_binary(), "127.0.0.1")
    }

    /// Starts one that listens on this address of the machine, on a port that is free there.
    ///
    /// # Panics
    /// As [`HeadscaleServer::start`].
    pub fn start_at(address: &str) -> Self {
        Self::start_of(headscale_binary(), address)
    }

    /// As [`HeadscaleServer::start_at`], with a relay of its own: machines that have none at all look for another
    /// network all the time, and what they send each other is lost. They speak to it by HTTP where
    /// [`RELAY_BY_HTTP`] is in their environment.
    ///
    /// # Panics
    /// As [`HeadscaleServer::start`].
    pub fn start_with_relay(address: &str) -> Self {
        Self::start_as(headscale_binary(), address, |config, directory| {
            let stun = UdpSocket::bind((address, 0)).unwrap().local_addr().unwrap();
            let relay = format!(
                "enabled: true\n    region_id: 900\n    region_code: test\n    region_name: test\n    \
                 stun_listen_addr: {stun}\n    private_key_path: {directory}/derp.key\n    \
                 automatically_add_embedded_derp_region: true\n    ipv4: {address}"
            );
            let with_relay = config.replace("enabled: false\n  urls", &format!("{relay}\n  urls"));
            with_relay.replace(&format!("paths: [{directory}/derp.yaml]"), "paths: []")
        })
    }

    fn start_of(binary: &'static Path, address: &str) -> Self {
        Self::start_as(binary, address, |config, _| config)
    }

    fn start_as(binary: &'static Path, address: &str, configure: impl Fn(String, &str) -> String) -> Self {
        let directory = tempfile::Builder::new().prefix("windlass-headscale-").tempdir().unwrap();
        // A port that is free now is free a moment later, as far as this machine's own tests go.
        let listen = TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().to_string();
        let url = format!("http://{listen}");
        let place = directory.path().display().to_string();
        for (name, text) in configuration(&place, &listen, &url) {
            let text = if name == "config.yaml" { configure(text, &place) } else { text };
            fs::write(directory.path().join(name), text).unwrap();
        }
        let process = serve(binary, directory.path());
        let server = Self { binary, process, directory, url };
        server.wait_until_it_answers();
        server.run(&["users", "create", "ops"]);
        server
    }

    /// Its address, for `base_url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the configuration is that its own command needs.
    pub fn config(&self) -> PathBuf {
        self.directory.path().join("config.yaml")
    }

    /// Runs its own command, and gives what that prints as JSON.
    ///
    /// # Panics
    /// When the command fails.
    pub fn run(&self, arguments: &[&str]) -> Value {
        let output = Command::new(self.binary)
            .args(["--config", self.config().to_str().unwrap(), "--output", "json"])
            .args(arguments)
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "headscale {arguments:?} failed: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// A key of its interface, good for an hour.
    pub fn api_key(&self) -> String {
        self.run(&["apikeys", "create", "--expiration", "1h"]).as_str().unwrap().to_owned()
    }

    /// Puts a policy into force.
    pub fn set_policy(&self, text: &str) {
        let file = self.directory.path().join("policy.hujson");
        fs::write(&file, text).unwrap();
        self.run(&["policy", "set", "--file", file.to_str().unwrap()]);
    }

    /// The machines that it lists.
    pub fn nodes(&self) -> Vec<Value> {
        self.run(&["nodes", "list"]).as_array().cloned().unwrap_or_default()
    }

    /// A directory with a program `headscale` that is told its configuration, for a `PATH`.
    pub fn program(&self) -> PathBuf {
        let folder = self.directory.path().join("bin");
        fs::create_dir_all(&folder).unwrap();
        let script = format!(
            "#!/bin/sh\nexec {} --config {} \"$@\"\n",
            self.binary.display(),
            self.config().display()
        );
        let program = folder.join("headscale");
        fs::write(&program, script).unwrap();
        let mut mode = fs::metadata(&program).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        fs::set_permissions(&program, mode).unwrap();
        folder
    }

    /// Makes the only key of its interface one of a year ago, as if it had been made and run out then. It
    /// is stopped for that.
    ///
    /// # Panics
    /// When there is no such key.
    pub fn age_api_key(&mut self) {
        let key = self.run(&["apikeys", "list"])[0].clone();
        let shown = key["prefix"].as_str().unwrap();
        let prefix = shown.strip_prefix("hskey-api-").unwrap_or(shown).trim_end_matches("-***");
        let made = key["created_at"]["seconds"].as_i64().unwrap();
        let year = 1970 + made / 31_556_952;
        // Asked to end, it writes all that it knows into one file.
        let ended = Command::new("sh").args(["-c", &format!("kill {}", self.process.id())]).status().unwrap();
        assert!(ended.success());
        self.process.wait().unwrap();
        let place = self.directory.path().join("db.sqlite");
        let mut bytes = fs::read(&place).unwrap();
        age(&mut bytes, prefix, year);
        fs::write(&place, bytes).unwrap();
        let _ = fs::remove_file(self.directory.path().join("hs.sock"));
        self.process = serve(self.binary, self.directory.path());
        self.wait_until_it_answers();
    }

    fn wait_until_it_answers(&self) {
        let end = Instant::now() + START;
        while std::net::TcpStream::connect(self.url.trim_start_matches("http://")).is_err()
            || !self.directory.path().join("hs.sock").exists()
        {
            let log = || fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < end, "Headscale does not answer:\n{}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Starts the program; what it says goes into its log.
fn serve(binary: &Path, directory: &Path) -> Child {
    let log = fs::File::options().create(true).append(true).open(directory.join("log")).unwrap();
    Command::new(binary)
        .args(["serve", "--config"])
        .arg(directory.join("config.yaml"))
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// How long the record of a key is at most, in its database.
const RECORD: usize = 250;

/// Takes a year off both times in the record of the key that begins with `prefix`. SQLite keeps texts as
/// they are, and one of the same length is the same record.
fn age(database: &mut [u8], prefix: &str, year: i64) {
    let (from, to) = (format!("{year}-"), format!("{}-", year - 1));
    let mut aged = 0;
    for start in 0..database.len().saturating_sub(prefix.len()) {
        if !database[start..].starts_with(prefix.as_bytes()) {
            continue;
        }
        for at in start..(start + RECORD).min(database.len() - from.len()) {
            if database[at..].starts_with(from.as_bytes()) {
                database[at..at + to.len()].copy_from_slice(to.as_bytes());
                aged += 1;
            }
        }
    }
    assert!(aged >= 2, "{aged} times were found beside the key {prefix}");
}

impl Drop for HeadscaleServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
