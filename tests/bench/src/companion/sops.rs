//! The same state through real sops and through ours, in turns.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use companion_tests::Workspace;
use serde_json::Value;

use super::{sample, timed};
use crate::{samples::Samples, table::Row};

const ROUNDS: usize = 5;
/// Ours is to take at most a fifth of the time.
const SHARE: f64 = 20.0;

pub(crate) fn rows(workspace: &Workspace) -> Result<Vec<Row>> {
    workspace.write("plain.json", sample::state(1));
    let (file, theirs) = (workspace.path("fresh.tfstate.sops.json"), workspace.path("theirs.json"));
    let state = file.display().to_string();
    let [mut encrypting, mut decrypting, mut sops_encrypting, mut sops_decrypting] =
        std::array::from_fn(|_| Samples::default());
    for _ in 0..ROUNDS {
        // One that is there would be followed, which `import` does not do.
        let _ = std::fs::remove_file(&file);
        timed(
            &mut encrypting,
            &mut workspace.windlass(&["state", "--state", &state, "import", "plain.json"]),
            b"",
        )?;
        let told =
            timed(&mut decrypting, &mut workspace.windlass(&["state", "--state", &state, "pull"]), b"")?;
        let [is, was] =
            [told.stdout.as_slice(), sample::state(1).as_bytes()].map(serde_json::from_slice::<Value>);
        ensure!(is.context("read what opens")? == was?, "ours opens as something else");
        let mut encrypt = real(workspace);
        encrypt.args([
            "encrypt",
            "--age",
            &workspace.keys.recipient,
            "--encrypted-regex",
            ".*",
            "plain.json",
        ]);
        let told = timed(&mut sops_encrypting, &mut encrypt, b"")?;
        std::fs::write(&theirs, told.stdout).context("write what sops says")?;
        timed(&mut sops_decrypting, real(workspace).arg("decrypt").arg(&theirs), b"")?;
    }
    let row = |what: &str, ours: &Samples, sops: &Samples| -> Result<Row> {
        let (ours, sops) = (ours.median()?, sops.median()?);
        Ok(Row::new(format!("{what} of 2 MB, of what sops takes"), 100.0 * ours / sops, "%")
            .limit(SHARE)
            .beside(format!("{ours:.0} ms; sops {sops:.0} ms")))
    };
    Ok(vec![
        row("encrypting a state", &encrypting, &sops_encrypting)?,
        row("decrypting a state", &decrypting, &sops_decrypting)?,
    ])
}

fn real(workspace: &Workspace) -> Command {
    let mut command = Command::new(companion_tests::sops());
    command
        .env_clear()
        .env("HOME", workspace.path("home"))
        .env("SOPS_AGE_KEY", &workspace.keys.identity)
        .current_dir(workspace.path("."));
    command
}
