//! `cargo xtask mirror`: the provider in the layout of a filesystem mirror, so
//! that a real `init` installs it and writes a lock file, without a registry.

use crate::install::hcl_string;
use crate::provider_binary::{self, ADDRESS, BINARY, BuildArguments, REGISTRIES};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(arguments: &BuildArguments) -> Result<()> {
    let configuration = mirror(&provider_binary::build(arguments)?, "mirror")?;
    eprintln!("`init` installs the provider with:");
    println!("export TF_CLI_CONFIG_FILE={}", configuration.display());
    Ok(())
}

/// Writes a mirror of this name under target and a configuration beside it for this program;
/// returns the path of the latter.
pub fn mirror(program: &Path, name: &str) -> Result<PathBuf> {
    let directory = provider_binary::in_target(name);
    fill(&directory, program, provider_binary::version())?;
    let path = directory.with_extension("tfrc");
    fs::write(&path, configuration(&directory))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// One copy per registry, because a CLI only looks under its own.
fn fill(directory: &Path, program: &Path, version: &str) -> Result<()> {
    // A version that is no longer built must not stay behind to be chosen.
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot empty {}", directory.display()))?;
    }
    let platform = platform()?;
    for registry in REGISTRIES {
        let folder = directory.join(registry).join(ADDRESS).join(version).join(&platform);
        let copy = folder.join(format!("{BINARY}_v{version}"));
        fs::create_dir_all(&folder)
            .and_then(|()| fs::copy(program, &copy).map(drop))
            .with_context(|| format!("cannot copy the provider to {}", copy.display()))?;
    }
    Ok(())
}

/// The platform in Go's words, which the layout uses.
fn platform() -> Result<String> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("no provider is built for the architecture {other}"),
    };
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        other => bail!("no provider is built for {other}"),
    };
    Ok(format!("{system}_{architecture}"))
}

fn configuration(directory: &Path) -> String {
    let addresses = REGISTRIES.map(|registry| format!("\"{registry}/{ADDRESS}\"")).join(", ");
    format!(
        "# `init` installs the provider built in this checkout.\n\
         provider_installation {{\n  filesystem_mirror {{\n    path    = {}\n    \
         include = [{addresses}]\n  }}\n\n  direct {{\n    exclude = [{addresses}]\n  }}\n}}\n",
        hcl_string(directory)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_serves_us_and_direct_serves_the_rest() {
        assert_eq!(
            configuration(Path::new("/m")),
            r#"# `init` installs the provider built in this checkout.
provider_installation {
  filesystem_mirror {
    path    = "/m"
    include = ["registry.opentofu.org/windlass/windlass", "registry.terraform.io/windlass/windlass"]
  }

  direct {
    exclude = ["registry.opentofu.org/windlass/windlass", "registry.terraform.io/windlass/windlass"]
  }
}
"#
        );
    }

    #[test]
    fn the_layout_is_the_registrys_and_old_versions_go() {
        let scratch = tempfile::tempdir().unwrap();
        let program = scratch.path().join("program");
        fs::write(&program, "provider").unwrap();
        let directory = scratch.path().join("mirror");
        fill(&directory, &program, "0.0.9").unwrap();
        fill(&directory, &program, "0.1.0").unwrap();
        for registry in REGISTRIES {
            let address = directory.join(registry).join("windlass/windlass");
            let expected =
                address.join("0.1.0").join(platform().unwrap()).join("terraform-provider-windlass_v0.1.0");
            assert_eq!(fs::read_to_string(expected).unwrap(), "provider");
            assert!(!address.join("0.0.9").exists());
        }
    }
}
