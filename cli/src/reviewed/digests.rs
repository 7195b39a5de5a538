//! Digests of what a plan is made from: the files of a configuration, and the programs of its providers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Folders that no configuration is in.
const NO_FOLDERS: [&str; 3] = [".terraform", ".git", "node_modules"];
/// Files beside it that change by themselves: states, their locks, plans, and what is compared by itself.
const NO_FILES: [&str; 8] = [
    ".tfstate",
    ".tfstate.backup",
    ".tfstate.sops.json",
    ".sops.json.lock",
    ".new",
    ".tfplan",
    ".lock.info",
    ".lock.hcl",
];

/// SHA-256 of a file.
pub fn of_file(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(secret::hex(&hash.finalize())),
            length => hash.update(&buffer[..length]),
        }
    }
}

/// SHA-256 of a text.
pub fn of_text(text: &str) -> String {
    secret::hex(&Sha256::digest(text))
}

/// The files of a configuration: all that is in its directory and in those of the modules that `init`
/// has found outside of it, by path from that directory. `but` are files that do not count.
///
/// # Errors
/// When one cannot be read.
pub fn of_configuration(directory: &Path, but: &[PathBuf]) -> std::io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let but: Vec<PathBuf> = but.iter().filter_map(|path| path.canonicalize().ok()).collect();
    for module in std::iter::once(PathBuf::new()).chain(modules(directory)) {
        walk(&directory.join(&module), &module, &but, &mut found)?;
    }
    Ok(found)
}

/// What a core reads by itself, by the ends of names.
const READ: [&str; 9] =
    [".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars", ".tfvars.json", ".hcl", ".tfrc", "windlass.toml"];
/// What a configuration reads a whole folder by.
const WHOLE: [&str; 2] = ["fileset(", "fileexists("];

/// Whether a file that has come to lie in the directory of a configuration may be a part of it: one whose
/// name a core reads, or that the configuration may read, because it says its name or takes the directory as
/// a whole. `files` are its own, modules included, as paths from there.
pub fn may_be_read<'f>(directory: &Path, mut files: impl Iterator<Item = &'f String>, name: &str) -> bool {
    let is_read = |name: &str| READ.iter().any(|end| name.ends_with(end));
    if name.contains('/') || is_read(name) {
        return true;
    }
    files.any(|path| {
        // What cannot be read may say anything.
        let text = || std::fs::read_to_string(directory.join(path));
        is_read(path) && text().map_or(true, |text| text.contains(name) || takes_the_directory(&text))
    })
}

/// Whether a text names the directory itself, and not only something in it.
fn takes_the_directory(text: &str) -> bool {
    let whole = |variable: &str| {
        text.match_indices(variable).any(|(at, _)| !text[at + variable.len()..].starts_with("}/"))
    };
    WHOLE.iter().any(|call| text.contains(call))
        || ["path.module", "path.root", "path.cwd"].iter().any(|variable| whole(variable))
        || ["\".\"", "\"./\"", "\"..\"", "\"../\""].iter().any(|place| text.contains(place))
}

fn walk(
    folder: &Path,
    name: &Path,
    but: &[PathBuf],
    found: &mut BTreeMap<String, String>,
) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        let own = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !NO_FOLDERS.contains(&own.as_str()) {
                walk(&path, &name, but, found)?;
            }
        } else if !NO_FILES.iter().any(|end| own.ends_with(end)) && !is_one_of(&path, but) {
            found.insert(name.display().to_string(), of_entry(&path, kind.is_symlink())?);
        }
    }
    Ok(())
}

fn is_one_of(path: &Path, all: &[PathBuf]) -> bool {
    !all.is_empty() && path.canonicalize().is_ok_and(|path| all.contains(&path))
}

/// A link counts by where it leads, and by what is there.
fn of_entry(path: &Path, is_link: bool) -> std::io::Result<String> {
    if !is_link {
        return of_file(path);
    }
    let target = std::fs::read_link(path)?;
    let there = if path.is_file() { of_file(path)? } else { String::new() };
    Ok(of_text(&format!("{} {there}", target.display())))
}

#[derive(Deserialize)]
struct Modules {
    #[serde(rename = "Modules")]
    modules: Vec<Module>,
}

#[derive(Deserialize)]
struct Module {
    #[serde(rename = "Dir")]
    dir: PathBuf,
}

/// The directories of modules that are not below the configuration's, and the fetched ones.
fn modules(directory: &Path) -> Vec<PathBuf> {
    let text = std::fs::read(data(directory).join("modules/modules.json")).unwrap_or_default();
    let modules = serde_json::from_slice::<Modules>(&text).map(|all| all.modules).unwrap_or_default();
    let outside = |dir: &PathBuf| {
        dir.is_absolute()
            || dir.starts_with("..")
            || dir.components().any(|part| part.as_os_str() == ".terraform")
    };
    modules
        .into_iter()
        .map(|module| module.dir)
        .filter(outside)
        .filter(|dir| directory.join(dir).is_dir())
        .collect()
}

/// Where a core keeps what `init` fetched.
fn data(directory: &Path) -> PathBuf {
    directory.join(std::env::var_os("TF_DATA_DIR").map_or_else(|| ".terraform".into(), PathBuf::from))
}

/// The lock file's digest.
///
/// # Errors
/// When it is there and cannot be read.
pub fn of_lock_file(directory: &Path) -> std::io::Result<Option<String>> {
    let path = directory.join(".terraform.lock.hcl");
    if path.exists() { of_file(&path).map(Some) } else { Ok(None) }
}

/// The settings of the backend, as `init` wrote them down.
pub fn of_backend(directory: &Path) -> String {
    let text = std::fs::read(data(directory).join("terraform.tfstate")).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    of_text(&value.get("backend").map(ToString::to_string).unwrap_or_default())
}

/// The workspace that the core is in.
pub fn workspace(directory: &Path) -> String {
    let chosen = std::env::var("TF_WORKSPACE").ok().filter(|name| !name.is_empty());
    let kept = || std::fs::read_to_string(data(directory).join("environment")).ok();
    let name = chosen.or_else(kept).unwrap_or_default();
    if name.trim().is_empty() { "default".into() } else { name.trim().to_owned() }
}

/// The programs of the providers: those that `init` has put there, and those that the CLI's
/// configuration overrides.
///
/// # Errors
/// When one cannot be read.
pub fn of_providers(directory: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let installed = data(directory).join("providers");
    if installed.is_dir() {
        programs(&installed, Path::new(""), &mut found)?;
    }
    for (source, path) in overrides() {
        if path.is_dir() {
            programs(&path, Path::new(&source), &mut found)?;
        } else if path.is_file() {
            found.insert(source, of_file(&path)?);
        }
    }
    Ok(found)
}

/// A folder of a provider may be a link into a cache or a mirror, so links are followed.
fn programs(folder: &Path, name: &Path, found: &mut BTreeMap<String, String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), name.join(entry.file_name()));
        let own = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            programs(&path, &name, found)?;
        } else if own.starts_with("terraform-provider-") && path.is_file() {
            found.insert(name.display().to_string(), of_file(&path)?);
        }
    }
    Ok(())
}

/// `dev_overrides` of the CLI's configuration.
fn overrides() -> Vec<(String, PathBuf)> {
    let path = std::env::var_os("TF_CLI_CONFIG_FILE").or_else(|| std::env::var_os("TERRAFORM_CONFIG"));
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places = [".tofurc", ".terraformrc"].map(|name| home.as_ref().map(|home| home.join(name)));
    let place = path.map(PathBuf::from).or_else(|| places.into_iter().flatten().find(|path| path.is_file()));
    let text = place.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    overridden(&text)
}

fn overridden(text: &str) -> Vec<(String, PathBuf)> {
    let Some((_, block)) = text.split_once("dev_overrides") else { return Vec::new() };
    let block = block.split('}').next().unwrap_or_default();
    let pair = |line: &str| {
        let (name, path) = line.split_once('=')?;
        let bare = |text: &str| text.trim().trim_matches('"').to_owned();
        Some((bare(name), PathBuf::from(bare(path))))
    };
    block.lines().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_its_files_and_those_of_its_modules() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("root/main.tf", "a");
        write("root/sub/app/compose.yaml", "b");
        write(
            "root/.terraform/modules/modules.json",
            r#"{"Modules":[{"Key":"","Dir":"."},{"Key":"m","Dir":"../shared/m"},{"Key":"f","Dir":".terraform/modules/f"},{"Key":"s","Dir":"sub"}]}"#,
        );
        write("root/.terraform/modules/f/main.tf", "c");
        write("root/.terraform/other", "x");
        write("shared/m/main.tf", "d");
        for name in [
            "x.tfstate",
            "terraform.tfstate.backup",
            "default.tfstate.sops.json",
            "p.tfplan",
            ".terraform.lock.hcl",
            "out",
        ] {
            write(&format!("root/{name}"), "x");
        }
        let root = folder.path().join("root");
        let found = of_configuration(&root, &[root.join("out")]).unwrap();
        let names: Vec<&String> = found.keys().collect();
        assert_eq!(
            names,
            ["../shared/m/main.tf", ".terraform/modules/f/main.tf", "main.tf", "sub/app/compose.yaml"]
        );
        assert_eq!(found["main.tf"], of_text("a"));
        let before = found["main.tf"].clone();
        std::fs::remove_file(root.join("main.tf")).unwrap();
        std::os::unix::fs::symlink("sub/app/compose.yaml", root.join("main.tf")).unwrap();
        assert_ne!(of_configuration(&root, &[]).unwrap()["main.tf"], before);
    }

    #[test]
    fn what_nobody_reads_is_no_part_of_a_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let may = |text: &str, name: &str| {
            std::fs::write(folder.path().join("main.tf"), text).unwrap();
            may_be_read(folder.path(), ["main.tf".to_owned()].iter(), name)
        };
        let app = "source_dir = \"${path.module}/app\"\n";
        assert!(!may(app, "comment.md") && !may(app, "plan.log"));
        for (text, name) in [
            (app, "new.tf"),
            (app, "x.auto.tfvars"),
            (app, "app/comment.md"),
            ("source_dir = path.module\n", "comment.md"),
            ("source_dir = \"${path.root}\"\n", "comment.md"),
            ("source_dir = \".\"\n", "comment.md"),
            ("for_each = fileset(\"x\", \"*\")\n", "comment.md"),
            ("input = file(\"comment.md\")\n", "comment.md"),
        ] {
            assert!(may(text, name), "{text} {name}");
        }
    }

    #[test]
    fn overridden_providers_are_found_in_the_settings_of_the_cli() {
        let text = "provider_installation {\n  dev_overrides {\n    \"example.org/a/b\" = \"/opt/b\"\n  }\n  direct {}\n}\n";
        assert_eq!(overridden(text), [("example.org/a/b".to_owned(), PathBuf::from("/opt/b"))]);
        assert_eq!(overridden("direct {}"), []);
    }
}
