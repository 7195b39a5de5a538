//! Scripts that go on when the connection is gone by which they were started.

use crate::Command;

/// Runs the script `$1` with what follows it, where the end of this session does not reach: by `systemd-run` where
/// systemd runs and lets us, else by `setsid`.
const LAUNCH: &str = r#"
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1 &&
  systemd-run --quiet --collect --setenv="PATH=$PATH" -- /bin/sh -c "$@" >/dev/null 2>&1 </dev/null
then
  exit 0
fi
if command -v setsid >/dev/null 2>&1; then
  setsid /bin/sh -c "$@" </dev/null >/dev/null 2>&1 &
else
  trap '' HUP
  /bin/sh -c "$@" </dev/null >/dev/null 2>&1 &
fi
"#;

/// The command that starts `script`, whose `$0` is `name`, and does not wait for its end; its own words follow. What
/// it prints is lost.
pub fn detached_command(script: &str, name: &str) -> Command {
    Command::new(["sh", "-c", LAUNCH, "windlass-launch", script, name])
}
