//! Pinned programs that are put on hosts.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::cli::root;

/// The pinned restic: `WINDLASS_RESTIC`, else what `cargo xtask tools` builds when it is not there yet.
pub fn restic_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("WINDLASS_RESTIC") {
        Some(path) => path.into(),
        None => built("restic"),
    })
}

fn built(tool: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--package", "xtask", "--", "tools", tool]);
    let output = command.current_dir(root()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "`cargo xtask tools {tool}` failed");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}
