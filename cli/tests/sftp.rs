//! A store behind a real sshd whose account may do nothing but SFTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// The server, and a directory with a corpus and a `windlass.toml`.
struct World {
    dir: TempDir,
    server: Child,
}

impl World {
    fn new(port: u16) -> Self {
        // sshd wants it for the part of it that has no rights; packages make it at boot.
        let _ = fs::create_dir_all("/run/sshd");
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for key in ["host", "user"] {
            let file = path(key);
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file);
            assert!(keygen.stdin(Stdio::null()).status().unwrap().success());
        }
        fs::copy(path("user.pub"), path("authorized")).unwrap();
        let text = |name: &str| path(name).display().to_string();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nUsePAM no\nStrictModes no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n\
             Subsystem sftp internal-sftp\nForceCommand internal-sftp\nAllowTcpForwarding no\n",
            text("host"),
            text("authorized")
        );
        fs::write(path("sshd_config"), config).unwrap();
        let host_key = fs::read_to_string(path("host.pub")).unwrap();
        fs::write(path("known_hosts"), format!("[127.0.0.1]:{port} {host_key}")).unwrap();
        for name in ["data", "box"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("data/a"), vec![7; 3_000_000]).unwrap();
        let me = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        let settings = format!(
            "[[ssh]]\nprivate_key_file = \"{}\"\nknown_hosts_file = \"{}\"\nagent = false\n\n\
             [backup.corpus.prod]\npath = \"{}\"\nstore = \"sftp://{}@127.0.0.1:{port}{}\"\nretention = {{ last = 1 }}\n",
            text("user"),
            text("known_hosts"),
            path("data").canonicalize().unwrap().display(),
            me.trim(),
            path("box").canonicalize().unwrap().display(),
        );
        fs::write(path("windlass.toml"), settings).unwrap();
        let server = serve(&path("sshd_config"), &path("log"));
        Self { dir, server }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn told(&self, words: &[&str]) -> (String, String, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        command.arg("backup").args(words).current_dir(self.dir.path()).stdin(Stdio::null());
        let Output { stdout, stderr, status } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(stdout), text(stderr), status.code())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Starts the server, and waits until it listens.
fn serve(config: &Path, log: &Path) -> Child {
    let mut server = Command::new("/usr/sbin/sshd");
    server.args(["-D", "-f"]).arg(config).arg("-E").arg(log).stdin(Stdio::null());
    let mut server = server.spawn().unwrap();
    while !fs::read_to_string(log).unwrap_or_default().contains("Server listening on") {
        assert!(matches!(server.try_wait(), Ok(None)), "sshd does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    server
}

#[test]
fn snapshots_go_to_an_account_that_may_do_nothing_but_sftp() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let world = World::new(port);
    for _ in 0..2 {
        let (out, err, status) = world.told(&["run"]);
        assert_eq!(status, Some(0), "{out}{err}");
    }
    assert_eq!(fs::read_dir(world.path("box")).unwrap().count(), 1, "one stays");
    let (out, err, status) = world.told(&["verify", "--max-age", "26h"]);
    assert!(status == Some(0) && out.contains(": whole"), "{out}{err}");
    let back = world.path("back");
    let (_, err, status) = world.told(&["restore", "prod", "--to-path", back.to_str().unwrap()]);
    assert_eq!(status, Some(0), "{err}");
    assert!(fs::read(back.join("a")).unwrap() == vec![7; 3_000_000]);

    // Another key is not trusted, and nothing is stored there.
    let line = fs::read_to_string(world.path("user.pub")).unwrap();
    fs::write(world.path("known_hosts"), format!("[127.0.0.1]:{port} {line}")).unwrap();
    let (_, err, status) = world.told(&["run"]);
    assert!(status == Some(1) && err.contains("host key"), "{err}");
    assert_eq!(fs::read_dir(world.path("box")).unwrap().count(), 1);
}
