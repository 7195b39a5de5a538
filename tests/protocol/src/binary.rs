//! Where the provider's binary is.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context as _, Result, anyhow, bail};

const NAME: &str = "terraform-provider-windlass";

/// The provider's binary: `WINDLASS_PROVIDER`, or what `cargo build -p provider` makes in the
/// target directory of the running test. Built once per test process, so never stale.
pub fn provider_binary() -> Result<&'static Path> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BINARY
        .get_or_init(|| find().map_err(|error| format!("{error:#}")))
        .as_deref()
        .map_err(|error| anyhow!("{error}"))
}

fn find() -> Result<PathBuf> {
    if let Some(path) = env::var_os("WINDLASS_PROVIDER") {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("WINDLASS_PROVIDER names {}, which is no file", path.display());
        }
        return Ok(path);
    }
    let profile = profile_directory()?;
    build(&profile)?;
    let binary = profile.join(NAME);
    if !binary.is_file() {
        bail!("cargo build -p provider left no {}", binary.display());
    }
    Ok(binary)
}

/// `target/<profile>`; the test itself is in `target/<profile>/deps`.
fn profile_directory() -> Result<PathBuf> {
    let test = env::current_exe().context("find the test's own path")?;
    let profile = test.parent().and_then(Path::parent);
    Ok(profile.context("find the target directory of the test")?.to_owned())
}

fn build(profile: &Path) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "provider"]);
    // What cargo tells a test about itself makes build scripts of dependencies run again.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_about_the_test) {
            command.env_remove(&name);
        }
    }
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().context("run cargo build -p provider")?;
    if !status.success() {
        bail!("cargo build -p provider failed ({status})");
    }
    Ok(())
}

fn is_about_the_test(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_") || variable == "OUT_DIR"
}
