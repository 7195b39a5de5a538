//! Which CLIs there are, and which provider they shall run.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// A command line tool that applies configurations: OpenTofu or Terraform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cli {
    /// `tofu` or `terraform`.
    pub name: String,
    /// The program.
    pub path: PathBuf,
}

impl Cli {
    pub(crate) fn at(path: PathBuf) -> Self {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        Self { name, path }
    }

    /// Whether this is OpenTofu, which differs from Terraform in a few texts.
    pub fn is_tofu(&self) -> bool {
        self.name == "tofu"
    }

    /// The version it prints of itself, as `(major, minor)`.
    pub fn version(&self) -> (u64, u64) {
        let output = Command::new(&self.path)
            .args(["version", "-json"])
            // A configuration file that is named and missing is reported on stdout, before the JSON.
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .output()
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = json["terraform_version"].as_str().unwrap();
        let mut parts = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

/// Every CLI that is there: the ones `WINDLASS_CLIS` names (separated by `:`), else the ones on PATH.
///
/// For tests that are about the CLIs themselves; the others have the one of [`crate::test_cli`].
///
/// # Panics
/// When there is none: a run of the acceptance tests that tested nothing must not pass.
pub fn every_cli() -> Vec<Cli> {
    let named = env::var_os("WINDLASS_CLIS").map(|list| env::split_paths(&list).collect::<Vec<_>>());
    let paths =
        named.unwrap_or_else(|| ["tofu", "terraform"].iter().filter_map(|name| on_path(name)).collect());
    let clis: Vec<_> = paths.into_iter().map(Cli::at).collect();
    assert!(!clis.is_empty(), "neither tofu nor terraform was found; `cargo xtask tools` builds OpenTofu");
    clis
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// The provider binary under test: `WINDLASS_PROVIDER`, else the newest build in this checkout.
///
/// # Panics
/// When it has not been built.
pub fn provider_binary() -> PathBuf {
    if let Some(path) = env::var_os("WINDLASS_PROVIDER") {
        return PathBuf::from(path);
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    ["release", "debug"]
        .iter()
        .map(|profile| target.join(profile).join("terraform-provider-windlass"))
        .filter(|path| path.is_file())
        .max_by_key(|path| path.metadata().and_then(|meta| meta.modified()).ok())
        .expect("the provider is not built: run `cargo build -p provider`")
}

/// The top folder of this checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}
