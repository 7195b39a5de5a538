//! What git knows of a state's file. Where there is no git, or the file is not in it, it knows nothing.

use std::path::Path;
use std::process::{Command, Stdio};

/// How a file stands to the upstream of its branch.
#[derive(Debug, PartialEq, Eq)]
pub enum Upstream {
    /// There is nothing newer, or no upstream.
    Fine,
    /// It could not be asked, and what is known of it has nothing newer.
    Unreachable,
    /// This upstream has another version, which is not in the history here.
    Newer(String),
}

fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let told = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(words)
        // Nobody is there to answer.
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    told.status.success().then(|| String::from_utf8_lossy(&told.stdout).into_owned())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// The branch that is checked out.
pub fn branch(here: &Path) -> Option<String> {
    git(here, &["symbolic-ref", "--short", "-q", "HEAD"]).map(|text| text.trim().to_owned())
}

/// The file as the commit has it that is checked out, when that is not what lies there.
pub fn committed(path: &Path) -> Option<String> {
    let (folder, name) = (folder(path), path.file_name()?.to_str()?);
    let blob = git(folder, &["rev-parse", "-q", "--verify", &format!("HEAD:./{name}")])?;
    let here = git(folder, &["hash-object", "--", name])?;
    if blob == here { None } else { git(folder, &["cat-file", "blob", blob.trim()]) }
}

/// Whether the commit that is checked out has the file.
pub fn has(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| {
        git(folder(path), &["rev-parse", "-q", "--verify", &format!("HEAD:./{name}")]).is_some()
    })
}

/// Asks the upstream of the branch whether it has another version of the file.
pub fn compare(path: &Path) -> Upstream {
    let folder = folder(path);
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Upstream::Fine };
    let Some(upstream) = git(folder, &["rev-parse", "--abbrev-ref", "@{upstream}"]) else {
        return Upstream::Fine;
    };
    let fetched = git(folder, &["fetch", "--quiet"]).is_some();
    // What upstream did since the histories parted.
    let changed = git(folder, &["diff", "--name-only", "HEAD...@{upstream}", "--", name]);
    let theirs = git(folder, &["rev-parse", "-q", "--verify", &format!("@{{upstream}}:./{name}")]);
    let ours = git(folder, &["hash-object", "--", name]);
    let is_newer = changed.is_some_and(|changed| !changed.trim().is_empty()) && theirs != ours;
    match (is_newer, fetched) {
        (true, _) => Upstream::Newer(upstream.trim().to_owned()),
        (false, true) => Upstream::Fine,
        (false, false) => Upstream::Unreachable,
    }
}

/// Sets a setting of the repository; whether there is one.
pub fn configure(folder: &Path, name: &str, value: &str) -> bool {
    git(folder, &["config", name, value]).is_some()
}
