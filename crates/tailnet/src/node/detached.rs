//! Commands that go on when the connection is gone by which they were started.
//!
//! A machine that is reached through its tailnet may lose the connection by what it is told. So the
//! command is started where the end of a session does not reach it ([`detached_command`]), writes what
//! came of it into a private directory, and is waited for by looking there, by whatever connection
//! comes through.

use std::time::Duration;

use remote::{
    Command, Input, detached_command,
    files::{Files, TempDir},
    poll::Poll,
    run_checked,
};
use secret::{Scrubber, Secret};
use tokio_util::sync::CancellationToken;

use super::{NOT_FOUND, Node, NodeError};

/// What the private directories are called, each with something of its own behind it. Those that are
/// left of calls that were cut off go with the next one, a day later.
const PREFIX: &str = ".windlass-tailscale";

/// Writes stdin, which is the key, into the directory `$1`.
const KEEP: &str = r#"umask 077; cat >"$1/key""#;

/// Runs what follows the directory `$1` to its end and writes down what came of it.
const RUN: &str = r#"
umask 077
dir=$1
shift
"$@" </dev/null >"$dir/said" 2>&1
status=$?
rm -f -- "$dir/key"
printf '%s\n' "$status" >"$dir/new" && mv -f -- "$dir/new" "$dir/status"
"#;

/// Tells the status and what was said, once it is there; waits for that for up to five seconds.
const LOOK: &str = r#"
count=0
while [ ! -f "$1/status" ] && [ "$count" -lt 50 ]; do
  sleep 0.1 2>/dev/null || sleep 1
  count=$((count + 1))
done
[ -f "$1/status" ] || exit 0
cat -- "$1/status" "$1/said"
"#;

/// How long one look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(15);

/// How long to wait before the next look.
const INTERVAL: Duration = Duration::from_millis(500);

impl Node {
    /// Runs `tailscale` with the words that `words` makes of the path of a file that has `key`, detached,
    /// and waits for its end for up to `limit`. The file is gone then.
    ///
    /// # Errors
    /// [`NodeError::Refused`] when it failed, [`NodeError::Unfinished`] when nobody could see its end.
    pub async fn detached(
        &self,
        operation: &'static str,
        key: Option<&Secret>,
        words: impl FnOnce(&str) -> Vec<String> + Send,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), NodeError> {
        let words = |file: &str| self.words(&words(file));
        let (status, said) = self.run_detached(operation, key, words, limit, cancel).await?;
        match status {
            0 => Ok(()),
            NOT_FOUND => Err(NodeError::Missing { host: self.name().to_owned() }),
            _ => {
                let said = Scrubber::new(key.cloned()).scrub(said.trim());
                Err(NodeError::Refused { host: self.name().to_owned(), operation, status, said })
            }
        }
    }

    async fn run_detached(
        &self,
        operation: &'static str,
        key: Option<&Secret>,
        words: impl FnOnce(&str) -> Vec<String> + Send,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<(u32, String), NodeError> {
        let executor = self.executor.as_ref();
        let place = Files::on(executor).temp_dir_in(&self.home, PREFIX).await?;
        let directory = place.path().to_owned();
        if let Some(key) = key {
            let keep = Command::new(["sh", "-c", KEEP, "windlass-keep", &directory]);
            if let Err(error) = run_checked(executor, &keep, Input::bytes(key.expose().to_owned())).await {
                clear(place).await;
                return Err(error.into());
            }
        }
        let launch = detached_command(RUN, "windlass-detached").arg(&directory);
        let launch = launch.args(words(&format!("{directory}/key"))).privileged();
        let ended = match run_checked(executor, &launch, Input::Nothing).await {
            Ok(_) => self.wait_for(operation, &directory, limit, cancel).await,
            Err(error) => Err(error.into()),
        };
        // What still runs has to find its directory.
        if !matches!(ended, Err(NodeError::Unfinished { .. })) {
            clear(place).await;
        }
        ended
    }

    async fn wait_for(
        &self,
        operation: &'static str,
        directory: &str,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<(u32, String), NodeError> {
        let look = Command::new(["sh", "-c", LOOK, "windlass-look", directory]);
        let look = look.privileged().timeout(Some(LOOK_LIMIT));
        let poll = Poll::new(INTERVAL, limit, cancel);
        let mut why;
        loop {
            match run_checked(self.executor.as_ref(), &look, Input::Nothing).await {
                Ok(output) => {
                    why = None;
                    let text = output.stdout_text();
                    let (status, said) = text.split_once('\n').unwrap_or((&text, ""));
                    if let Ok(status) = status.trim().parse() {
                        return Ok((status, said.to_owned()));
                    }
                }
                Err(error) if error.is_lost() || matches!(error, remote::Error::Timeout { .. }) => {
                    why = Some(remote::chain(&error));
                }
                Err(error) => return Err(error.into()),
            }
            if poll.next().await.is_err() {
                let host = self.name().to_owned();
                return Err(NodeError::Unfinished {
                    host,
                    operation,
                    seconds: poll.elapsed().as_secs(),
                    why,
                });
            }
        }
    }
}

/// Removes what a detached command has left.
async fn clear(place: TempDir<'_>) {
    let directory = place.path().to_owned();
    if let Err(error) = place.remove().await {
        tracing::info!(%error, directory, "could not remove what a detached command left");
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use remote::Local;

    use super::*;

    /// Runs a script as it would run `tailscale`.
    async fn run_script(home: &Path, script: &str, limit: u64) -> Result<(u32, String), NodeError> {
        let node = Node::new(Arc::new(Local::default()), None, home.to_str().unwrap());
        let words = |file: &str| ["sh", "-c", script, "script", file].map(str::to_owned).to_vec();
        let (limit, cancel) = (Duration::from_secs(limit), CancellationToken::new());
        node.run_detached("join", Some(&Secret::from("hunter2")), words, limit, &cancel).await
    }

    #[tokio::test]
    async fn what_runs_detached_is_waited_for_and_leaves_no_key() {
        let home = tempfile::tempdir().unwrap();
        let script = "printf 'got %s, mode %s\n' \"$(cat \"$1\")\" \"$(stat -c %a \"$1\")\"; exit 3";
        let ended = run_script(home.path(), script, 20).await.unwrap();
        assert_eq!(ended, (3, "got hunter2, mode 600\n".to_owned()));
        let left = || std::fs::read_dir(home.path()).unwrap().count();
        assert_eq!(left(), 0);
        let error = run_script(home.path(), "exec sleep 7", 1).await.unwrap_err();
        assert!(matches!(error, NodeError::Unfinished { operation: "join", .. }), "{error}");
        assert_eq!(left(), 1, "what still runs finds its directory");
    }

    #[tokio::test]
    async fn a_key_of_a_call_that_was_cut_off_goes_with_the_next_one() {
        let home = tempfile::tempdir().unwrap();
        let old = home.path().join(".windlass-tailscale-abcdefghij");
        std::fs::create_dir(&old).unwrap();
        std::fs::write(old.join("key"), "hunter2").unwrap();
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(3 * 24 * 3600);
        std::fs::File::open(&old).unwrap().set_modified(long_ago).unwrap();
        run_script(home.path(), "exit 0", 20).await.unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_runs_detached_is_in_a_session_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let script = "cut -d ' ' -f 6 /proc/self/stat";
        let (status, session) = run_script(home.path(), script, 20).await.unwrap();
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert_eq!(status, 0);
        assert_ne!(own.split(' ').nth(5), Some(session.trim()));
    }
}
