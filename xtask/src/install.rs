//! `cargo xtask install`: a CLI configuration that makes the provider built
//! here the one that `windlass/windlass` means; and the companion beside it.

use crate::provider_binary::{self, ADDRESS, BuildArguments, REGISTRIES};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(arguments: &BuildArguments) -> Result<()> {
    let configuration = install(&provider_binary::build(arguments)?, "dev.tfrc")?;
    let companion = provider_binary::build_companion(arguments)?;
    eprintln!("the companion is {}", companion.display());
    eprintln!("no `init` is needed with:");
    println!("export TF_CLI_CONFIG_FILE={}", configuration.display());
    Ok(())
}

/// Writes a configuration of this name under target for this program, and returns its path. Tests and
/// the demo have files of their own: what a person has installed stays what they installed.
pub fn install(program: &Path, name: &str) -> Result<PathBuf> {
    let directory = program.parent().context("the provider has no directory")?;
    let path = provider_binary::in_target(name);
    fs::write(&path, dev_overrides(directory)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The address is spelled out for both registries: whichever CLI reads this,
/// and however the configuration spells the address, it finds this directory.
pub fn dev_overrides(directory: &Path) -> String {
    let mut text = String::from(
        "# The provider built in this checkout, without `init`.\n\
         provider_installation {\n  dev_overrides {\n",
    );
    for registry in REGISTRIES {
        text += &format!("    \"{registry}/{ADDRESS}\" = {}\n", hcl_string(directory));
    }
    text + "  }\n\n  direct {}\n}\n"
}

/// A path as an HCL string; `${` and `%{` would start a template.
pub fn hcl_string(path: &Path) -> String {
    let text = path.to_string_lossy();
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_registries_lead_to_the_directory() {
        assert_eq!(
            dev_overrides(Path::new("/build/release")),
            r#"# The provider built in this checkout, without `init`.
provider_installation {
  dev_overrides {
    "registry.opentofu.org/windlass/windlass" = "/build/release"
    "registry.terraform.io/windlass/windlass" = "/build/release"
  }

  direct {}
}
"#
        );
    }

    #[test]
    fn a_path_stays_a_path_in_hcl() {
        assert_eq!(hcl_string(Path::new("/a \"b\"/${c}/d\\e")), r#""/a \"b\"/$${c}/d\\e""#);
    }
}
