//! What a configuration asks for, once all of it is known.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Choice,
    layout::{Layout, is_variable_name},
    record::placeholder,
};
use framework::{Diagnostic, Diagnostics, Field, Path};
use secret::Secret;
use sha2::{Digest as _, Sha256};

use super::{
    choice::{chosen, digested},
    job,
    model::StackModel,
    probe, secret_files,
};
use crate::diagnose::tree_error;
use tree::{Tree, check_parts, check_relative, sha256};

/// Goes into every digest, so that another way to predict is another digest.
const DIGEST_FORMAT: &str = "4";
/// Variables by which plain `docker compose` finds the project: they are ours.
pub(super) const RESERVED: [&str; 5] = [
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_FILE",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
    "COMPOSE_ENV_FILES",
];
/// Everything that decides what a stack is, but its place.
pub(super) struct Inputs {
    pub(super) name: String,
    /// The Compose files, relative to the stack's directory.
    pub(super) files: Vec<String>,
    pub(super) profiles: Vec<String>,
    /// Which services are started, and what is waited for.
    pub(super) choice: Choice,
    pub(super) environment: BTreeMap<String, String>,
    /// Names of secrets to what stands for them.
    pub(super) placeholders: BTreeMap<String, Secret>,
    /// Paths of secret files to what stands for them.
    pub(super) secret_files: BTreeMap<String, String>,
    /// Whether services with a `build` section are built.
    pub(super) build: bool,
    /// Service to the image that it runs instead of the files' own; `None` while that is unknown.
    pub(super) images: BTreeMap<String, Option<String>>,
    /// What is shipped, without the user's own `.env`.
    pub(super) source: Tree,
    /// The user's own `.env`.
    pub(super) dotenv: Option<String>,
    /// The services that jobs are runs of, each with the number of its first `job` block.
    pub(super) jobs: BTreeMap<String, usize>,
    /// The attribute to blame for mistakes in the files.
    pub(super) blamed: &'static str,
}

impl Inputs {
    /// The inputs; `None` while a part of them is unknown. Files on this machine are read.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub(super) fn of(config: &StackModel) -> Result<Option<Self>, Diagnostics> {
        let Some((source, files)) = shipped(config)? else { return Ok(None) };
        let (Ok(Some(name)), Ok(profiles), Ok(build), Ok(images)) = (
            config.name.decided(),
            config.profiles.decided(),
            config.build.decided(),
            config.images.decided(),
        ) else {
            return Ok(None);
        };
        let (Some(placeholders), Some(choice)) = (placeholders(config), chosen(config)) else {
            return Ok(None);
        };
        let Some(environment) = environment(config) else { return Ok(None) };
        let Some(jobs) = job::services(config) else { return Ok(None) };
        let Some(secret_files) = secret_files::placeholders(config) else { return Ok(None) };
        secret_files::check(config, &secret_files, &source, &Layout::new("/", &files).env_path())?;
        check_files(config, &source, &files)?;
        let inputs = Self {
            name: name.clone(),
            files,
            profiles: profiles.into_iter().flatten().cloned().collect(),
            choice,
            environment,
            placeholders,
            secret_files,
            build: build == Some(&true),
            images: images
                .into_iter()
                .flatten()
                .map(|(name, image)| (name.clone(), image.known().cloned()))
                .collect(),
            source,
            dotenv: None,
            jobs,
            blamed: if config.config.is_known() { "config" } else { "source_dir" },
        };
        inputs.with_dotenv().map(Some)
    }

    /// Takes the user's own `.env` out of what is shipped: it becomes a part of the generated one.
    fn with_dotenv(mut self) -> Result<Self, Diagnostics> {
        let path = Layout::new("/", &self.files).env_path();
        if let Some(file) = self.source.files.remove(&path) {
            let bytes = file.read().map_err(|error| unreadable(&path, &error))?;
            self.dotenv = Some(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(self)
    }

    /// Where everything is under `directory`.
    pub(super) fn layout(&self, directory: &str) -> Layout {
        Layout::new(directory, &self.files)
    }

    /// `source_hash`: one hash over everything that is shipped; secret files count by their paths and
    /// version.
    pub(super) fn source_hash(&self) -> String {
        let mut hash = self.source.manifest().hash();
        if let Some(text) = &self.dotenv {
            hash = sha256(format!("{hash} {}", sha256(text.as_bytes())).as_bytes());
        }
        for placeholder in self.secret_files.values() {
            hash = sha256(format!("{hash} {placeholder}").as_bytes());
        }
        hash
    }

    /// A digest over everything that a prediction depends on.
    pub(super) fn digest(&self, directory: &str, compose: &str) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        for text in [DIGEST_FORMAT, compose, directory, &self.name, &self.source_hash()] {
            add(text);
        }
        for list in [&self.files, &self.profiles] {
            add(&list.len().to_string());
            list.iter().for_each(|text| add(text));
        }
        for (name, value) in &self.environment {
            add(name);
            add(value);
        }
        add("secrets");
        for (name, placeholder) in &self.placeholders {
            add(name);
            add(placeholder.expose());
        }
        digested(&self.choice).into_iter().for_each(&mut add);
        add(if self.build { "build" } else { "images" });
        for (name, image) in &self.images {
            add(name);
            // No image has such a name.
            add(image.as_deref().unwrap_or("?"));
        }
        // A digest from before there were jobs stays what it is.
        if !self.jobs.is_empty() {
            add("runs");
            self.jobs.keys().for_each(|service| add(service));
        }
        secret::hex(&hash.finalize())
    }
}

/// What is shipped and which of it are the Compose files; `None` while unknown.
fn shipped(config: &StackModel) -> Result<Option<(Tree, Vec<String>)>, Diagnostics> {
    let (Ok(directory), Ok(files), Ok(texts), Ok(overlay)) = (
        config.source_dir.decided(),
        config.files.decided(),
        config.config.decided(),
        config.files_content.decided(),
    ) else {
        return Ok(None);
    };
    let (mut source, names) = match (directory, texts) {
        (Some(directory), _) => (
            Tree::directory(directory).map_err(|error| tree_error("source_dir", &error))?,
            files.cloned().unwrap_or_else(|| vec!["compose.yaml".to_owned()]),
        ),
        (None, Some(texts)) => Tree::texts(texts),
        (None, None) => return Ok(None),
    };
    for (path, text) in overlay.into_iter().flatten() {
        source.lay_over(path, text);
    }
    Ok(Some((source, names)))
}

/// `source_hash` while other inputs may be unknown; `None` while the files themselves are.
pub(super) fn source_hash(config: &StackModel) -> Result<Option<String>, Diagnostics> {
    Ok(shipped_alone(config)?.map(|inputs| inputs.source_hash()))
}

/// The inputs as far as they are files; `None` while these are unknown.
fn shipped_alone(config: &StackModel) -> Result<Option<Inputs>, Diagnostics> {
    let Some((source, files)) = shipped(config)? else { return Ok(None) };
    let Some(secret_files) = secret_files::placeholders(config) else { return Ok(None) };
    let inputs = Inputs {
        name: String::new(),
        profiles: Vec::new(),
        choice: Choice::default(),
        environment: BTreeMap::new(),
        placeholders: BTreeMap::new(),
        secret_files,
        build: false,
        images: BTreeMap::new(),
        dotenv: None,
        jobs: BTreeMap::new(),
        source,
        files,
        blamed: "source_dir",
    };
    inputs.with_dotenv().map(Some)
}

/// The plain values; `None` while one of them is unknown.
fn environment(config: &StackModel) -> Option<BTreeMap<String, String>> {
    let values = config.environment.decided().ok()?.into_iter().flatten();
    let known = values.map(|(name, value)| match value {
        Field::Unknown => None,
        Field::Null => Some((name.clone(), String::new())),
        Field::Known(text) => Some((name.clone(), text.clone())),
    });
    known.collect()
}

/// The stack's own `.env` while other inputs may be unknown; `None` while the files themselves are.
pub(super) fn own_dotenv(config: &StackModel) -> Result<Option<Option<String>>, Diagnostics> {
    Ok(shipped_alone(config)?.map(|inputs| inputs.dotenv))
}

/// What stands for each secret; `None` while a name or the version is unknown.
fn placeholders(config: &StackModel) -> Option<BTreeMap<String, Secret>> {
    let secrets = config.secrets_wo.decided().ok()?;
    let Some(secrets) = secrets.filter(|secrets| !secrets.is_empty()) else { return Some(BTreeMap::new()) };
    let version = config.secrets_wo_version.decided().ok()?.cloned().unwrap_or_default();
    Some(secrets.keys().map(|name| (name.clone(), Secret::new(placeholder(name, &version)))).collect())
}

/// The secrets themselves, at apply.
pub(super) fn secrets(config: &StackModel) -> BTreeMap<String, Secret> {
    let all = config.secrets_wo.known().into_iter().flatten();
    all.map(|(name, value)| (name.clone(), value.known().cloned().unwrap_or_else(|| Secret::new(""))))
        .collect()
}

fn check_files(config: &StackModel, source: &Tree, files: &[String]) -> Result<(), Diagnostics> {
    let missing: Vec<&String> = files.iter().filter(|file| !source.files.contains_key(*file)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let candidates: Vec<&str> = source
        .files
        .keys()
        .map(String::as_str)
        .filter(|path| !path.contains('/') && (path.ends_with(".yaml") || path.ends_with(".yml")))
        .collect();
    let there = if candidates.is_empty() {
        "There is no YAML file at its top.".to_owned()
    } else {
        format!("At its top there are: {}.", candidates.join(", "))
    };
    let names: Vec<String> = missing.iter().map(|name| format!("{name:?}")).collect();
    let attribute = if config.files.is_known() { "files" } else { "source_dir" };
    Err(Diagnostic::error(format!("Could not read compose stack {:?}", config.name()))
        .detail(format!(
            "{} is not among the files that are shipped from {:?}. {there}",
            names.join(", "),
            config.source_dir.as_str().unwrap_or_default()
        ))
        .detail("Nothing was changed.")
        .detail("Name the Compose files in `files`, relative to `source_dir`.")
        .at(attribute)
        .into())
}

fn unreadable(path: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(format!("Could not read {path:?}"))
        .detail(format!("The file cannot be read: {error}."))
        .detail("Nothing was changed.")
        .at("source_dir")
}

/// Checks what validators of single attributes cannot.
pub(super) fn validate(config: &StackModel, problems: &mut Diagnostics) {
    job::validate(config, problems);
    probe::validate(config, problems);
    let title = "Could not use this variable";
    let secret_names: BTreeSet<&String> =
        config.secrets_wo.known().into_iter().flat_map(BTreeMap::keys).collect();
    let plain_names: BTreeSet<&String> =
        config.environment.known().into_iter().flat_map(BTreeMap::keys).collect();
    for (attribute, names) in [("environment", &plain_names), ("secrets_wo", &secret_names)] {
        for name in names {
            let problem = if RESERVED.contains(&name.as_str()) {
                format!("{name} tells Compose which project it works on; Windlass sets it.")
            } else if !is_variable_name(name) {
                format!(
                    "{name:?} is no name that Compose can read from a file: letters, digits, `_`, `-` and `.`, a letter or `_` first."
                )
            } else {
                continue;
            };
            problems.push(Diagnostic::error(title).detail(problem).at(Path::root().attribute(attribute)));
        }
    }
    for (name, _) in config.environment.known().into_iter().flatten().filter(|(_, value)| value.is_null()) {
        problems.push(
            Diagnostic::error(title)
                .detail(format!("The value of {name} is null. Give it a text, or leave it out."))
                .at(Path::root().attribute("environment").key(name)),
        );
    }
    for name in plain_names.intersection(&secret_names) {
        problems.push(
            Diagnostic::error(title)
                .detail(format!(
                    "{name} is in `environment` and in `secrets_wo`. Take it out of one of them."
                ))
                .at("environment"),
        );
    }
    if let Field::Known(files) = &config.files {
        for problem in
            files.iter().filter_map(|file| check_relative(file).err().map(|problem| (file, problem)))
        {
            problems.push(
                Diagnostic::error("Could not use this file")
                    .detail(format!("{:?}: {}.", problem.0, problem.1))
                    .at("files"),
            );
        }
    }
}

/// Checks the name of a project, by Compose's own rule.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let first = name.chars().next().is_some_and(good);
    if first && name.len() <= 63 && name.chars().all(|c| good(c) || c == '-' || c == '_') {
        return Ok(());
    }
    Err("must be lower-case letters, digits, - and _, a letter or digit first, at most 63 of them".to_owned())
}

/// Checks the spelling of `directory`.
pub(super) fn check_directory(path: &str) -> Result<(), String> {
    match path.strip_prefix('/') {
        Some(inside) if !inside.is_empty() => check_parts(inside),
        _ => Err("must be an absolute path of a directory".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> StackModel {
        StackModel {
            name: "web".into(),
            config: Field::Known(vec!["services: {}".to_owned()]),
            environment: Field::Known(BTreeMap::from([("TAG".to_owned(), "1".into())])),
            ..StackModel::default()
        }
    }

    fn secret(value: Field<Secret>) -> Field<BTreeMap<String, Field<Secret>>> {
        Field::Known(BTreeMap::from([("TOKEN".to_owned(), value)]))
    }

    fn digest(config: &StackModel) -> String {
        Inputs::of(config).unwrap().unwrap().digest("/srv/web", "2.26.1")
    }

    #[test]
    fn a_secret_counts_by_its_name_and_version_only() {
        let with = |value: &str, version: &str| StackModel {
            secrets_wo: secret(Field::Known(value.into())),
            secrets_wo_version: version.into(),
            ..config()
        };
        assert_eq!(digest(&with("a", "1")), digest(&with("b", "1")));
        assert_ne!(digest(&with("a", "1")), digest(&with("a", "2")));
        assert_ne!(digest(&with("a", "1")), digest(&config()));
        let unknown = StackModel { secrets_wo: secret(Field::Unknown), ..with("a", "1") };
        assert_eq!(digest(&unknown), digest(&with("a", "1")));
    }

    #[test]
    fn every_input_is_in_the_digest() {
        let mut digests = BTreeSet::new();
        digests.insert(digest(&config()));
        digests.insert(digest(&StackModel { environment: Field::Null, ..config() }));
        digests.insert(digest(&StackModel { profiles: Field::Known(["x".to_owned()].into()), ..config() }));
        let start = Field::Known(["a".to_owned()].into());
        digests.insert(digest(&StackModel { start_services: start, ..config() }));
        digests.insert(digest(&StackModel {
            config: Field::Known(vec!["services: {a: {}}".into()]),
            ..config()
        }));
        let overlay = Field::Known(BTreeMap::from([(".env".to_owned(), "A=1".to_owned())]));
        digests.insert(digest(&StackModel { files_content: overlay, ..config() }));
        digests.insert(digest(&StackModel { build: Field::Known(true), ..config() }));
        for image in [Field::Known("app:1".to_owned()), Field::Unknown] {
            let images = Field::Known(BTreeMap::from([("app".to_owned(), image)]));
            digests.insert(digest(&StackModel { images, ..config() }));
        }
        let inputs = Inputs::of(&config()).unwrap().unwrap();
        digests.insert(inputs.digest("/srv/other", "2.26.1"));
        digests.insert(inputs.digest("/srv/web", "2.27.0"));
        assert_eq!(digests.len(), 11);
    }

    #[test]
    fn what_is_unknown_leaves_the_rest_undecided() {
        for config in [
            StackModel { environment: Field::Unknown, ..config() },
            StackModel { environment: Field::Known([("A".to_owned(), Field::Unknown)].into()), ..config() },
            StackModel { files_content: Field::Unknown, ..config() },
            StackModel { secrets_wo: Field::Unknown, ..config() },
            StackModel { config: Field::Unknown, ..config() },
        ] {
            assert!(Inputs::of(&config).unwrap().is_none());
        }
        assert!(source_hash(&StackModel { environment: Field::Unknown, ..config() }).unwrap().is_some());
    }

    #[test]
    fn the_own_env_file_is_no_shipped_file() {
        let overlay = Field::Known(BTreeMap::from([(".env".to_owned(), "A=1".to_owned())]));
        let inputs = Inputs::of(&StackModel { files_content: overlay, ..config() }).unwrap().unwrap();
        assert_eq!(inputs.dotenv.as_deref(), Some("A=1"));
        assert!(!inputs.source.files.contains_key(".env"));
    }

    #[test]
    fn names_of_variables_are_checked() {
        let mut problems = Diagnostics::new();
        let environment = [("COMPOSE_FILE", "x"), ("a b", "x"), ("TOKEN", "x"), ("FINE", "x")]
            .map(|(name, value)| (name.to_owned(), value.into()));
        let config = StackModel {
            environment: Field::Known(environment.into()),
            secrets_wo: secret(Field::Unknown),
            ..config()
        };
        validate(&config, &mut problems);
        assert_eq!(problems.len(), 3, "{problems}");
    }

    #[test]
    fn a_compose_file_that_is_not_shipped_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("docker-compose.yml"), "services: {}").unwrap();
        let config = StackModel {
            config: Field::Null,
            source_dir: Field::Known(dir.path().display().to_string()),
            ..config()
        };
        let error = Inputs::of(&config).err().unwrap().to_string();
        assert!(error.contains("\"compose.yaml\"") && error.contains("docker-compose.yml"), "{error}");
    }

    #[test]
    fn names_and_paths_have_their_rules() {
        for name in ["web", "a-1_b", "0"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "Web", "-a", "a b", "a.b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for path in ["../a", "a//b", ".windlass/x", "/a", "a/."] {
            assert!(check_relative(path).is_err(), "{path}");
        }
        assert!(check_relative("a b/ü.conf").is_ok());
        assert!(check_directory("/srv/web").is_ok());
        assert!(check_directory("/").is_err());
        assert!(check_directory("srv").is_err());
    }
}
