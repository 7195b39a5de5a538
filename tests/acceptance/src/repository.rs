//! A git repository that a host can fetch.

use lab::{Host, Lab};

use crate::unique;

/// A repository on a host, served to that host alone; it goes when it is dropped.
pub struct Repository<'a> {
    lab: &'a Lab,
    host: Host,
    place: String,
    /// What serves it.
    port: String,
}

impl<'a> Repository<'a> {
    /// An empty one.
    pub fn on(lab: &'a Lab, host: &Host) -> Self {
        let place = format!("/tmp/{}", unique("repository"));
        let make = format!("set -e; mkdir -p {place}/repo; git init -q -b main {place}/repo");
        lab.exec_ok(host, &["sh", "-c", &make]).unwrap();
        // A port that nobody uses: the daemon tells by staying.
        let serve = format!(
            "for port in $(shuf -i 20000-30000 -n 20); do \
               git daemon --reuseaddr --listen=127.0.0.1 --port=$port --base-path={place} --export-all \
                 --pid-file={place}/pid >/dev/null 2>&1 & \
               daemon=$!; i=0; while [ $i -lt 50 ]; do \
                 git ls-remote git://127.0.0.1:$port/repo >/dev/null 2>&1 && {{ echo $port; exit 0; }}; \
                 kill -0 $daemon 2>/dev/null || break; sleep 0.1; i=$((i+1)); done; done; exit 1"
        );
        let port = lab.exec_ok(host, &["sh", "-c", &serve]).unwrap().trim().to_owned();
        Self { lab, host: host.clone(), place, port }
    }

    /// Commits files (path, text) beside those that are there; the commit.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        let repository = format!("{}/repo", self.place);
        for (path, text) in files {
            let write = "mkdir -p \"$(dirname \"$0\")\" && cat >\"$0\"";
            let path = format!("{repository}/{path}");
            let done =
                self.lab.exec_with_input(&self.host, &["sh", "-c", write, &path], text.as_bytes()).unwrap();
            assert!(done.status.success(), "{done:?}");
        }
        let line = format!(
            "set -e; cd {repository}; git add .; git -c user.name=t -c user.email=t@t commit -q -m t; git rev-parse HEAD"
        );
        self.lab.exec_ok(&self.host, &["sh", "-c", &line]).unwrap().trim().to_owned()
    }

    /// The URL of a directory in it, as of a commit.
    pub fn url(&self, commit: &str, directory: &str) -> String {
        format!("git://127.0.0.1:{}/repo#{commit}:{directory}", self.port)
    }
}

impl Drop for Repository<'_> {
    fn drop(&mut self) {
        let line = format!("kill $(cat {place}/pid); rm -rf {place}", place = self.place);
        let _ = self.lab.exec(&self.host, &["sh", "-c", &line]);
    }
}
