//! The CLIs on this machine that can run the provider.

use crate::{paths, shell, tools};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// OpenTofu or Terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cli {
    pub program: PathBuf,
    pub version: String,
}

/// Every CLI there is: `tofu` (from PATH, else the pinned one, which is built
/// where Go is installed) and `terraform` (from PATH).
///
/// # Errors
/// When there is none, or one does not say its version.
pub fn all() -> Result<Vec<Cli>> {
    let tofu = match paths::on_path("tofu") {
        Some(tofu) => Some(tofu),
        None => tools::opentofu_if_possible()?,
    };
    let found: Vec<PathBuf> = tofu.into_iter().chain(paths::on_path("terraform")).collect();
    if found.is_empty() {
        bail!(
            "neither `tofu` nor `terraform` is on PATH, and there is no `go` to build OpenTofu with; \
             the tests need one of them"
        );
    }
    found.into_iter().map(Cli::asked).collect()
}

/// One CLI that is there already; the pinned OpenTofu is built only when there is none.
///
/// # Errors
/// When there is none and it cannot be built.
pub fn one() -> Result<PathBuf> {
    let there = ["tofu", "terraform"].into_iter().find_map(paths::on_path);
    there.map_or_else(tools::opentofu, Ok)
}

/// A CLI that prints all that documents need: older ones leave out what is
/// write-only.
///
/// # Errors
/// When there is no such CLI.
pub fn for_schema() -> Result<PathBuf> {
    let all = all()?;
    let fit = all.iter().find(|cli| knows_write_only(&cli.version));
    let fit = fit.with_context(|| {
        let versions: Vec<&str> = all.iter().map(|cli| cli.version.as_str()).collect();
        format!("documents need OpenTofu or Terraform 1.11 or newer; found {}", versions.join(", "))
    })?;
    Ok(fit.program.clone())
}

impl Cli {
    fn asked(program: PathBuf) -> Result<Self> {
        // A broken configuration of the user's would be reported on stdout, before the JSON.
        let answer = shell::output(
            Command::new(&program).args(["version", "-json"]).env("TF_CLI_CONFIG_FILE", "/dev/null"),
        )?;
        let answer: Value = serde_json::from_str(&answer)
            .with_context(|| format!("{} does not say its version", program.display()))?;
        let version = answer["terraform_version"]
            .as_str()
            .with_context(|| format!("{} does not say its version", program.display()))?;
        Ok(Self { version: version.to_owned(), program })
    }
}

fn knows_write_only(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u64>().ok());
    (numbers.next(), numbers.next()) >= (Some(1), Some(11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_only_came_with_1_11() {
        assert!(!knows_write_only("1.5.7"));
        assert!(!knows_write_only("1.10.9"));
        assert!(knows_write_only("1.11.0-beta1"));
        assert!(knows_write_only("1.12.6"));
        assert!(knows_write_only("2.0.0"));
        assert!(!knows_write_only("nonsense"));
    }
}
