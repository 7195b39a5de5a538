//! What a stack is: its files and what is chosen of them.

use std::collections::BTreeMap;

use compose::Layout;
use secret::{Secret, hex};
use sha2::{Digest as _, Sha256};
use tree::{Tree, sha256};

use crate::{reload::ReloadSpec, selection::Selection};

/// Goes into every digest, so that another way to resolve a stack is another digest.
const DIGEST_FORMAT: &str = "5";

/// Everything that decides what a stack is, but its place.
///
/// No secret value is in it: placeholders stand for them, so that a plan has the same spec as the
/// apply. The values are in [`Secrets`](crate::options::Secrets).
#[derive(Clone, Debug, Default)]
pub struct StackSpec {
    /// The name of the Compose project.
    pub name: String,
    /// The Compose files, relative to the stack's directory.
    pub files: Vec<String>,
    /// The profiles that are switched on.
    pub profiles: Vec<String>,
    /// Which services are started, and what is waited for.
    pub selection: Selection,
    /// Plain variables.
    pub environment: BTreeMap<String, String>,
    /// Names of secrets to what stands for them.
    pub placeholders: BTreeMap<String, Secret>,
    /// Paths of secret files to what stands for them.
    pub secret_files: BTreeMap<String, String>,
    /// Whether services with a `build` section are built.
    pub build: bool,
    /// Service to the image that it runs instead of the files' own; `None` while that is unknown.
    pub images: BTreeMap<String, Option<String>>,
    /// What is shipped, without the user's own `.env`.
    pub source: Tree,
    /// The text that variables take their values from where nobody gives one: the user's own `.env`.
    pub dotenv: Option<String>,
    /// How the user calls the file with that text.
    pub dotenv_path: String,
    /// The user's own `.env`, as containers get it.
    pub own_env: Option<String>,
    /// The commands by which services take in changed files.
    pub reloads: Vec<ReloadSpec>,
    /// The services that jobs are runs of, each with the number of its first job.
    pub job_services: BTreeMap<String, usize>,
}

impl StackSpec {
    /// Takes the user's own `.env` out of what is shipped: it becomes a part of the generated one, and
    /// goes to the host under another name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn with_dotenv(mut self) -> std::io::Result<Self> {
        let path = self.layout("/").env_path();
        self.source.seeds.remove(&path);
        if let Some(file) = self.source.files.remove(&path) {
            self.own_env = Some(String::from_utf8_lossy(&file.read()?).into_owned());
        }
        self.dotenv.clone_from(&self.own_env);
        self.dotenv_path = path;
        Ok(self)
    }

    /// Where everything is under `directory`.
    pub fn layout(&self, directory: &str) -> Layout {
        Layout::new(directory, &self.files)
    }

    /// One hash over everything that is shipped; secret files count by their paths and version, seeds by
    /// their paths alone.
    pub fn source_hash(&self) -> String {
        let mut hash = self.source.manifest().hash();
        if let Some(text) = &self.dotenv {
            hash = sha256(format!("{hash} {}", sha256(text.as_bytes())).as_bytes());
        }
        for path in &self.source.seeds {
            hash = sha256(format!("{hash} seed {path}").as_bytes());
        }
        for placeholder in self.secret_files.values() {
            hash = sha256(format!("{hash} {placeholder}").as_bytes());
        }
        hash
    }

    /// A digest over everything that the stack's services depend on: this spec, its place, and the
    /// version of Compose.
    pub fn digest(&self, directory: &str, compose: &str) -> String {
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
        self.selection.words().into_iter().for_each(&mut add);
        add(if self.build { "build" } else { "images" });
        for (name, image) in &self.images {
            add(name);
            // No image has such a name.
            add(image.as_deref().unwrap_or("?"));
        }
        // A digest from before there were jobs stays what it is.
        if !self.job_services.is_empty() {
            add("runs");
            self.job_services.keys().for_each(|service| add(service));
        }
        // Neither does one from before there were reloads change.
        for reload in &self.reloads {
            for list in [&reload.services, &reload.files] {
                add(&format!("reload {}", list.len()));
                list.iter().for_each(|text| add(text));
            }
            add(&reload.command.len().to_string());
            reload.command.iter().for_each(|word| add(word));
        }
        hex(&hash.finalize())
    }

    /// What stands for secrets, by their names.
    pub(crate) fn placeholder_values(&self) -> BTreeMap<String, String> {
        let all = self.placeholders.iter();
        all.map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
    }
}
