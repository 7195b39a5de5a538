//! The pinned programs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The pinned Headscale.
pub fn headscale_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| pinned("WINDLASS_HEADSCALE", "headscale"))
}

/// The pinned Headscale of the release before that.
pub fn older_headscale_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| pinned("WINDLASS_OLDER_HEADSCALE", "headscale-0.28"))
}

/// The pinned daemon of Tailscale, which is its command too where it is called `tailscale`.
pub fn tailscale_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| pinned("WINDLASS_TAILSCALE", "tailscale"))
}

/// What `variable` says, else what `cargo xtask tools` builds when it is not there yet.
fn pinned(variable: &str, tool: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "xtask", "--", "tools", tool])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "`cargo xtask tools {tool}` failed");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}
