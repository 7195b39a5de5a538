//! Places that one test has for itself.

use std::sync::atomic::{AtomicU32, Ordering};

use lab::{Host, Lab};

/// A name that no other test of any run has.
pub fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A directory on a host of the lab that belongs to the user who logs in; removed when dropped.
pub struct Scratch<'a> {
    lab: &'a Lab,
    host: &'a Host,
    path: String,
}

impl<'a> Scratch<'a> {
    /// Makes one below `/tmp`.
    pub fn on(lab: &'a Lab, host: &'a Host) -> Self {
        Self::named(lab, host, &unique("windlass-test"))
    }

    /// Makes `/tmp/<name>`, for a test that wants the same path on several hosts.
    pub fn named(lab: &'a Lab, host: &'a Host, name: &str) -> Self {
        let path = format!("/tmp/{name}");
        lab.exec_ok(host, &["install", "-d", "-o", &host.user, &path]).unwrap();
        Self { lab, host, path }
    }

    /// The path of `name` in it.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// The directory itself.
    pub fn root(&self) -> &str {
        &self.path
    }

    /// The host that it is on.
    pub fn host(&self) -> &Host {
        self.host
    }

    /// What root reads in a file on the host, past the code under test; `None` when there is none.
    pub fn read(&self, path: &str) -> Option<String> {
        let output = self.lab.exec(self.host, &["cat", "--", path]).unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// `stat -c <format>` of a path, by root.
    ///
    /// # Panics
    /// When there is nothing.
    #[track_caller]
    pub fn stat(&self, path: &str, format: &str) -> String {
        self.lab.exec_ok(self.host, &["stat", "-c", format, "--", path]).unwrap()
    }

    /// Runs words as root on the host, past the code under test.
    ///
    /// # Panics
    /// When they fail.
    #[track_caller]
    pub fn root_runs(&self, words: &[&str]) -> String {
        self.lab.exec_ok(self.host, words).unwrap()
    }

    /// Writes a file as root on the host, past the code under test, in place.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) {
        let output = self.lab.exec_with_input(self.host, &["tee", "--", path], text.as_bytes()).unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let _ = self.lab.exec(self.host, &["rm", "-rf", "--", &self.path]);
    }
}
