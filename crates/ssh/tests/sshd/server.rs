//! A real sshd per test, on a free port of the loopback address, gone when the test ends.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use remote::{
    Executor,
    connection::{Connection, SshConnection},
    credentials::{Agent, Credentials, Key, Login},
};
use ssh::Pool;
use tempfile::TempDir;

/// What every server of the tests says; the options of a test come before it, and the first
/// mention of a keyword counts in sshd.
const COMMON: &str = "\
ListenAddress 127.0.0.1
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
LogLevel DEBUG1
";

/// A running sshd.
pub struct Sshd {
    dir: TempDir,
    child: Option<Child>,
    /// Where it listens.
    pub port: u16,
}

impl Sshd {
    /// Starts one with an ed25519 host key and `options` in its configuration.
    pub fn start(options: &[&str]) -> Self {
        let mut sshd = Self::prepare(options);
        sshd.run();
        sshd
    }

    /// Everything but the process: nobody listens at its port yet.
    pub fn prepare(options: &[&str]) -> Self {
        // sshd wants it for the part of it that has no rights; packages make it at boot.
        let _ = fs::create_dir_all("/run/sshd");
        let sshd = Self { dir: tempfile::tempdir().unwrap(), child: None, port: free_port() };
        keygen(&sshd.path("host"), &["-t", "ed25519"]);
        keygen(&sshd.path("user"), &["-t", "ed25519"]);
        sshd.authorize(&sshd.path("user.pub"));
        sshd.configure(options, &["host"]);
        fs::write(sshd.path("known_hosts"), sshd.known_hosts_line("host")).unwrap();
        sshd
    }

    /// Writes its configuration, with the files of its host keys.
    pub fn configure(&self, options: &[&str], host_keys: &[&str]) {
        let mut text = options.join("\n");
        text += &format!(
            "\nPort {}\nAuthorizedKeysFile {}\n{COMMON}",
            self.port,
            self.path("authorized").display()
        );
        // Whatever the tester's own shell does at its start stays out of the tests.
        text += &format!("SetEnv HOME={}\n", self.dir.path().display());
        for key in host_keys {
            text += &format!("HostKey {}\n", self.path(key).display());
        }
        fs::write(self.path("config"), text).unwrap();
    }

    /// Starts the process and waits until it listens.
    pub fn run(&mut self) {
        let listening = format!("Server listening on 127.0.0.1 port {}", self.port);
        let before = self.log().matches(&listening).count();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-f"])
            .arg(self.path("config"))
            .arg("-E")
            .arg(self.path("log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("/usr/sbin/sshd (package openssh-server)");
        let child = self.child.insert(child);
        let has_ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        let log = self.dir.path().join("log");
        let log = || fs::read_to_string(&log).unwrap_or_default();
        while log().matches(&listening).count() == before {
            assert!(!has_ended(child), "sshd does not listen:\n{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it with all its sessions and what runs in them.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal("-KILL", &descendants(child.id()));
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Kills its sessions and what runs in them; the server goes on.
    pub fn kill_sessions(&self) {
        signal("-KILL", &self.sessions());
    }

    /// Stops its sessions without ending them; the server goes on.
    pub fn freeze_sessions(&self) {
        signal("-STOP", &self.sessions());
    }

    /// The processes that it started.
    pub fn sessions(&self) -> Vec<u32> {
        self.child.as_ref().map(|child| descendants(child.id())).unwrap_or_default()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How often something was sent to it that says who we are.
    pub fn authentications(&self) -> usize {
        self.log().lines().filter(|line| line.contains("userauth-request for user")).count()
    }

    /// How many connections it let in.
    pub fn logins(&self) -> usize {
        self.log().lines().filter(|line| line.contains("Accepted publickey for ")).count()
    }

    /// A file of its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Lets the owner of a public key in.
    pub fn authorize(&self, public: &Path) {
        let mut keys = fs::read_to_string(self.path("authorized")).unwrap_or_default();
        keys += &fs::read_to_string(public).unwrap();
        fs::write(self.path("authorized"), keys).unwrap();
    }

    /// The line of known_hosts for one of its host keys.
    pub fn known_hosts_line(&self, key: &str) -> String {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        format!("[127.0.0.1]:{} {public}", self.port)
    }

    /// Its address as a connection; `parameters` begin with `?` or are empty.
    pub fn connection(&self, parameters: &str) -> SshConnection {
        ssh_connection(&format!("ssh://127.0.0.1:{}{parameters}", self.port))
    }

    /// The host behind a pool of its own.
    pub fn executor(&self) -> Arc<dyn Executor> {
        Pool::with_agent(None).executor(&self.connection(""), &self.credentials())
    }

    /// What lets us in: its user key, and its known_hosts file.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            target: Login { user: me(), host: "127.0.0.1".to_owned(), port: self.port },
            jump: Vec::new(),
            key: Some(Key::File(self.path("user").display().to_string())),
            passphrase: None,
            agent: Agent::Never,
            known_hosts_file: Some(self.path("known_hosts").display().to_string()),
            connect_timeout: Duration::from_secs(3600),
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A connection string as a value.
pub fn ssh_connection(text: &str) -> SshConnection {
    match text.parse().unwrap() {
        Connection::Ssh(ssh) => *ssh,
        Connection::Local(_) => panic!("{text} is local"),
    }
}

/// A key pair in `file` and `file.pub`; `-N` defaults to no passphrase.
pub fn keygen(file: &Path, arguments: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    command.arg("-q").args(arguments).arg("-f").arg(file);
    if !arguments.contains(&"-N") {
        command.args(["-N", ""]);
    }
    assert!(command.stdin(Stdio::null()).status().unwrap().success(), "ssh-keygen {arguments:?}");
}

/// Who runs the tests, and therefore whom a test's sshd lets in.
pub fn me() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A port of the loopback address where nobody listens.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The children of a process, theirs, and so on.
fn descendants(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let of = found[next];
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
        next += 1;
    }
    found.remove(0);
    found
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; the state and the parent follow it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn signal(signal: &str, pids: &[u32]) {
    if pids.is_empty() {
        return;
    }
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    // Some may have ended by themselves meanwhile.
    let _ = Command::new("kill").arg(signal).args(pids).stderr(Stdio::null()).status();
}
