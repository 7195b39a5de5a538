//! `cargo xtask tools`: the OpenTofu that tests use.
//!
//! A `tofu` on `PATH` is used as it is. Otherwise the version pinned in
//! tests/tools is built into the cache, in a folder named after everything that
//! decides what comes out, so that another pin never meets an old binary.

use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MODULE: &str = "github.com/opentofu/opentofu";

/// Without this, OpenTofu calls itself a development build, and a constraint
/// such as `required_version >= 1.12.0` does not count pre-releases.
const LINKER_FLAGS: &str = "-s -w -X github.com/opentofu/opentofu/version.dev=no";

#[derive(clap::Args)]
pub struct ToolsArguments {
    /// Use the pinned version even when a `tofu` is on PATH
    #[arg(long)]
    pinned: bool,
    /// How many packages to compile at once (default: as many as processors)
    #[arg(long)]
    jobs: Option<u32>,
}

pub fn run(arguments: &ToolsArguments) -> Result<()> {
    let found = paths::on_path("tofu").filter(|_| !arguments.pinned);
    let tofu = match found {
        Some(tofu) => tofu,
        None => pinned(arguments.jobs)?,
    };
    println!("{}", tofu.display());
    Ok(())
}

/// The pinned OpenTofu from the cache, built when it is not there yet.
pub fn pinned(jobs: Option<u32>) -> Result<PathBuf> {
    let module = paths::root().join("tests/tools");
    let pin = Pin::read(&module)?;
    let folder = paths::cache()?.join("tools").join(pin.folder());
    let tofu = folder.join("tofu");
    if !tofu.exists() {
        build(&module, &pin, &folder, jobs)?;
    }
    Ok(tofu)
}

/// As [`pinned`]; `None` where it is not built yet and there is no Go to build it.
pub fn pinned_if_possible() -> Result<Option<PathBuf>> {
    let module = paths::root().join("tests/tools");
    let folder = Pin::read(&module)?.folder();
    let built = paths::cache()?.join("tools").join(folder).join("tofu");
    if built.exists() || paths::on_path("go").is_some() {
        return pinned(None).map(Some);
    }
    Ok(None)
}

/// What decides which binary comes out.
#[derive(Debug, PartialEq)]
struct Pin {
    version: String,
    digest: String,
}

impl Pin {
    fn read(module: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = module.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        Self::of(&read("go.mod")?, &read("go.sum")?)
    }

    fn of(go_mod: &str, go_sum: &str) -> Result<Self> {
        let version = go_mod
            .lines()
            .filter_map(|line| line.trim().strip_prefix(MODULE))
            .find_map(|rest| rest.strip_prefix(" v")?.split_whitespace().next())
            .with_context(|| format!("tests/tools/go.mod does not pin {MODULE}"))?;
        let mut hash = Sha256::new();
        for part in [go_mod, go_sum, LINKER_FLAGS] {
            hash.update(part);
            hash.update([0]);
        }
        let digest = hash.finalize();
        Ok(Self {
            version: version.to_owned(),
            digest: digest[..6].iter().map(|b| format!("{b:02x}")).collect(),
        })
    }

    fn folder(&self) -> String {
        format!("tofu-{}-{}", self.version, self.digest)
    }
}

fn build(module: &Path, pin: &Pin, folder: &Path, jobs: Option<u32>) -> Result<()> {
    if paths::on_path("go").is_none() {
        bail!(
            "there is no `tofu` on PATH and no `go` to build OpenTofu {} with; install either",
            pin.version
        );
    }
    eprintln!(
        "building OpenTofu {} once, which takes minutes; it is kept in {}",
        pin.version,
        folder.display()
    );
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Beside the final place, so that the rename is atomic and two builds at once are harmless.
    let scratch = tempfile::tempdir_in(folder)
        .with_context(|| format!("cannot create a folder in {}", folder.display()))?;
    let built = scratch.path().join("tofu");
    shell::run(
        Command::new("nice")
            .args(["go", "build", "-mod=readonly", "-trimpath"])
            .arg("-buildvcs=false")
            .args(jobs.map(|jobs| format!("-p={jobs}")))
            .args(["-ldflags", LINKER_FLAGS, "-o"])
            .arg(&built)
            .arg(format!("{MODULE}/cmd/tofu"))
            .env("CGO_ENABLED", "0")
            .current_dir(module),
    )?;
    check_version(&built, &pin.version)?;
    fs::rename(&built, folder.join("tofu"))
        .with_context(|| format!("cannot move OpenTofu into {}", folder.display()))
}

fn check_version(tofu: &Path, expected: &str) -> Result<()> {
    // A broken configuration of the user's would be reported on stdout, before the JSON.
    let answer =
        shell::output(Command::new(tofu).args(["version", "-json"]).env("TF_CLI_CONFIG_FILE", "/dev/null"))?;
    let answer: serde_json::Value = serde_json::from_str(&answer)
        .with_context(|| format!("{} does not say its version", tofu.display()))?;
    match answer["terraform_version"].as_str() {
        Some(version) if version == expected => Ok(()),
        other => bail!("the OpenTofu built from tests/tools says it is {other:?}, not {expected}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GO_MOD: &str = "module m\n\ntool github.com/opentofu/opentofu/cmd/tofu\n\n\
        require (\n\tgithub.com/opentofu/opentofu v1.12.6 // indirect\n)\n";

    #[test]
    fn the_folder_names_the_version_and_every_input() {
        let pin = Pin::of(GO_MOD, "sums").unwrap();
        assert_eq!(pin.version, "1.12.6");
        assert!(pin.folder().starts_with("tofu-1.12.6-"));
        let other = Pin::of(GO_MOD, "other sums").unwrap();
        assert_ne!(pin.folder(), other.folder());
    }

    #[test]
    fn a_go_mod_without_the_pin_is_refused() {
        let error = Pin::of("module m\n", "").unwrap_err().to_string();
        assert!(error.contains("does not pin"), "{error}");
    }

    #[test]
    fn the_checked_in_module_pins_a_version() {
        let pin = Pin::read(&paths::root().join("tests/tools")).unwrap();
        assert!(pin.version.starts_with("1."), "{}", pin.version);
    }
}
