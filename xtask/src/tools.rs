//! `cargo xtask tools`: the OpenTofu that tests use; and the current Docker Compose of the long
//! matrices, with the buildx that it builds with.
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

/// A program that a Go module of ours pins.
struct Tool {
    /// What it is called.
    program: &'static str,
    /// The module with the pin, in the checkout.
    pinned_in: &'static str,
    /// The module that is pinned.
    module: &'static str,
    /// The package of the program in it.
    package: &'static str,
    /// What the linker writes into it; `{version}` is the one that is pinned.
    linker_flags: &'static str,
    /// What prints its version, and where that is in JSON; `None` prints it as it is.
    asked: (&'static [&'static str], Option<&'static str>),
}

const TOFU: Tool = Tool {
    program: "tofu",
    pinned_in: "tests/tools",
    module: "github.com/opentofu/opentofu",
    package: "cmd/tofu",
    // Without this, OpenTofu calls itself a development build, and a constraint
    // such as `required_version >= 1.12.0` does not count pre-releases.
    linker_flags: "-s -w -X github.com/opentofu/opentofu/version.dev=no",
    asked: (&["version", "-json"], Some("terraform_version")),
};

const COMPOSE: Tool = Tool {
    program: "docker-compose",
    pinned_in: "tests/tools/compose",
    module: "github.com/docker/compose/v5",
    package: "cmd",
    linker_flags: "-s -w -X github.com/docker/compose/v5/internal.Version={version}",
    asked: (&["version", "--short"], None),
};

/// Compose 2.40.2 and later ask for 0.17 or later; the lab's distribution has an older one.
const BUILDX: Tool = Tool {
    program: "docker-buildx",
    pinned_in: "tests/tools/buildx",
    module: "github.com/docker/buildx",
    package: "cmd/buildx",
    linker_flags: "-s -w -X github.com/docker/buildx/version.Version=v{version}",
    // What it says that Docker reads of every plugin.
    asked: (&["docker-cli-plugin-metadata"], Some("Version")),
};

#[derive(clap::Args)]
pub struct ToolsArguments {
    /// Use the pinned version even when a `tofu` is on PATH
    #[arg(long)]
    pinned: bool,
    /// How many packages to compile at once (default: as many as processors)
    #[arg(long)]
    jobs: Option<u32>,
    /// Print the path of the current Docker Compose instead, for WINDLASS_COMPOSE
    #[arg(long, conflicts_with = "pinned")]
    compose: bool,
    /// Print the path of the buildx that it builds with instead, for WINDLASS_BUILDX
    #[arg(long, conflicts_with_all = ["pinned", "compose"])]
    buildx: bool,
}

pub fn run(arguments: &ToolsArguments) -> Result<()> {
    let plugins = [(arguments.compose, COMPOSE), (arguments.buildx, BUILDX)];
    if let Some((_, plugin)) = plugins.into_iter().find(|(wanted, _)| *wanted) {
        println!("{}", plugin.built(arguments.jobs)?.display());
        return Ok(());
    }
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
    TOFU.built(jobs)
}

/// A current Docker Compose from the cache, built when it is not there yet.
pub fn compose() -> Result<PathBuf> {
    COMPOSE.built(None)
}

/// The buildx of that Compose from the cache, built when it is not there yet.
pub fn buildx() -> Result<PathBuf> {
    BUILDX.built(None)
}

/// As [`pinned`]; `None` where it is not built yet and there is no Go to build it.
pub fn pinned_if_possible() -> Result<Option<PathBuf>> {
    if TOFU.in_cache(&TOFU.pin()?)?.exists() || paths::on_path("go").is_some() {
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

impl Tool {
    fn built(&self, jobs: Option<u32>) -> Result<PathBuf> {
        let pin = self.pin()?;
        let program = self.in_cache(&pin)?;
        if !program.exists() {
            self.build(&pin, &program, jobs)?;
        }
        Ok(program)
    }

    fn directory(&self) -> PathBuf {
        paths::root().join(self.pinned_in)
    }

    fn in_cache(&self, pin: &Pin) -> Result<PathBuf> {
        let folder = format!("{}-{}-{}", self.program, pin.version, pin.digest);
        Ok(paths::cache()?.join("tools").join(folder).join(self.program))
    }

    fn pin(&self) -> Result<Pin> {
        let read = |name: &str| {
            let path = self.directory().join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        self.pin_of(&read("go.mod")?, &read("go.sum")?)
    }

    fn pin_of(&self, go_mod: &str, go_sum: &str) -> Result<Pin> {
        let version = go_mod
            .lines()
            .filter_map(|line| line.trim().strip_prefix(self.module))
            .find_map(|rest| rest.strip_prefix(" v")?.split_whitespace().next())
            .with_context(|| format!("{}/go.mod does not pin {}", self.pinned_in, self.module))?;
        let mut hash = Sha256::new();
        for part in [go_mod, go_sum, self.linker_flags] {
            hash.update(part);
            hash.update([0]);
        }
        let digest = hash.finalize();
        Ok(Pin {
            version: version.to_owned(),
            digest: digest[..6].iter().map(|b| format!("{b:02x}")).collect(),
        })
    }

    fn build(&self, pin: &Pin, place: &Path, jobs: Option<u32>) -> Result<()> {
        let Self { program, module, package, .. } = self;
        let version = &pin.version;
        if paths::on_path("go").is_none() {
            bail!(
                "there is no `{program}` and no `go` to build version {version} of it with; install either"
            );
        }
        eprintln!(
            "building {program} {version} once, which takes minutes; it is kept in {}",
            place.display()
        );
        let folder = place.parent().context("a program is in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // Beside the final place, so that the rename is atomic and two builds at once are harmless.
        let scratch = tempfile::tempdir_in(folder)
            .with_context(|| format!("cannot create a folder in {}", folder.display()))?;
        let built = scratch.path().join(program);
        shell::run(
            Command::new("nice")
                .args(["go", "build", "-mod=readonly", "-trimpath"])
                .arg("-buildvcs=false")
                .args(jobs.map(|jobs| format!("-p={jobs}")))
                .arg("-ldflags")
                .arg(self.linker_flags.replace("{version}", version))
                .arg("-o")
                .arg(&built)
                .arg(format!("{module}/{package}"))
                .env("CGO_ENABLED", "0")
                .current_dir(self.directory()),
        )?;
        self.check_version(&built, version)?;
        fs::rename(&built, place).with_context(|| format!("cannot move it to {}", place.display()))
    }

    fn check_version(&self, built: &Path, expected: &str) -> Result<()> {
        let (words, field) = self.asked;
        // A broken configuration of the user's would be reported on stdout, before the JSON.
        let answer = shell::output(Command::new(built).args(words).env("TF_CLI_CONFIG_FILE", "/dev/null"))?;
        let told = match field {
            None => Some(answer.trim().to_owned()),
            Some(field) => {
                let json: serde_json::Value = serde_json::from_str(&answer)
                    .with_context(|| format!("{} does not say its version", built.display()))?;
                json[field].as_str().map(str::to_owned)
            }
        };
        if told.as_deref().map(|told| told.trim_start_matches('v')) != Some(expected) {
            bail!("the {} built from {} says it is {told:?}, not {expected}", self.program, self.pinned_in);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GO_MOD: &str = "module m\n\ntool github.com/opentofu/opentofu/cmd/tofu\n\n\
        require (\n\tgithub.com/opentofu/opentofu v1.12.6 // indirect\n)\n";

    #[test]
    fn the_folder_names_the_version_and_every_input() {
        let pin = TOFU.pin_of(GO_MOD, "sums").unwrap();
        assert_eq!(pin.version, "1.12.6");
        let place = TOFU.in_cache(&pin).unwrap().display().to_string();
        assert!(place.contains("/tools/tofu-1.12.6-") && place.ends_with("/tofu"), "{place}");
        assert_ne!(
            place,
            TOFU.in_cache(&TOFU.pin_of(GO_MOD, "other sums").unwrap()).unwrap().display().to_string()
        );
    }

    #[test]
    fn a_go_mod_without_the_pin_is_refused() {
        let error = TOFU.pin_of("module m\n", "").unwrap_err().to_string();
        assert!(error.contains("tests/tools/go.mod does not pin"), "{error}");
    }

    #[test]
    fn the_checked_in_modules_pin_versions() {
        for (tool, start) in [(TOFU, "1."), (COMPOSE, "5."), (BUILDX, "0.")] {
            let pin = tool.pin().unwrap();
            assert!(pin.version.starts_with(start), "{} {}", tool.program, pin.version);
        }
    }
}
