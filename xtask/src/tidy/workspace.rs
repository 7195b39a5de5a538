//! The workspace as the rules see it: who is where and names whom.

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use std::path::Path;

/// One member of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// Relative to the root of the workspace.
    pub directory: String,
    /// Members it depends on, in whatever section of its manifest.
    pub ours: Vec<String>,
    /// Crates from elsewhere it depends on.
    pub foreign: Vec<String>,
}

/// Reads the members with `cargo metadata`, without resolving anything.
///
/// # Errors
/// When cargo cannot read the workspace.
pub fn read(root: &Path) -> Result<Vec<Member>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .with_context(|| format!("cannot read the workspace at {}", root.display()))?;
    Ok(members(&metadata))
}

fn members(metadata: &Metadata) -> Vec<Member> {
    let packages = metadata.workspace_packages();
    let names: Vec<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let member = |package: &&cargo_metadata::Package| {
        let directory = package
            .manifest_path
            .parent()
            .and_then(|directory| directory.strip_prefix(&metadata.workspace_root).ok())
            .map(ToString::to_string)
            .unwrap_or_default();
        let (ours, foreign) = package
            .dependencies
            .iter()
            .map(|dependency| dependency.name.clone())
            // A crate's tests may depend on the crate itself, to switch on a feature.
            .filter(|name| *name != *package.name)
            .partition(|name| names.contains(&name.as_str()));
        Member { name: package.name.to_string(), directory, ours, foreign }
    };
    packages.iter().map(member).collect()
}
