//! What a stack is: its files and what is chosen of them.

use std::{collections::BTreeMap, io};

use compose::{Layout, dotenv, layout::ENV_FILE};
use secret::{Scrubber, Secret, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tree::{Tree, TreeFile, sha256};

use crate::{host_env::HostEnv, record::Key, reload::ReloadSpec, selection::Selection};

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
    /// The server's own `.env`, where its values count: then there is none of the user's.
    pub host_env: Option<HostEnv>,
    /// The services that jobs are runs of, each with the number of its first job.
    pub job_services: BTreeMap<String, usize>,
    /// Whether a variable that a service needs and nothing sets is taken for empty, and is no mistake.
    pub blank_undefined: bool,
    /// The keys by which services that no record vouches for are to be known again; none where there are
    /// no such services. They say nothing of what the stack is.
    pub keys: Vec<Key>,
}

/// Which text variables take their values from where nobody gives one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dotenv<'a> {
    /// That of the `.env` in the project's directory.
    OfProject,
    /// That of the `.env` at the top, which names the project's files; the one in the project's directory
    /// sets what it does not.
    AtTheTop,
    /// That of another file, by its path in the stack's directory.
    File(&'a str),
}

fn text(file: &TreeFile) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&file.read()?).into_owned())
}

/// How much a stack ships, but for secret files and seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are what their names say")]
pub struct SourceSize {
    pub files: u64,
    pub bytes: u64,
}

impl StackSpec {
    /// Takes the user's own `.env` out of what is shipped: it becomes a part of the generated one, and
    /// goes to the host under another name. `values` says which text variables take their values from.
    ///
    /// # Errors
    /// When it cannot be read; [`io::ErrorKind::NotFound`] where the file that is named is not shipped.
    pub fn with_dotenv(mut self, values: Dotenv<'_>) -> io::Result<Self> {
        let path = self.layout("/").env_path();
        self.source.seeds.remove(&path);
        if let Some(file) = self.source.files.remove(&path) {
            self.own_env = Some(text(&file)?);
        }
        let named = match values {
            Dotenv::File(file) => file,
            Dotenv::AtTheTop => ENV_FILE,
            Dotenv::OfProject => &path,
        };
        if named == path {
            if self.own_env.is_none() && matches!(values, Dotenv::File(_)) {
                return Err(io::ErrorKind::NotFound.into());
            }
            self.dotenv.clone_from(&self.own_env);
        } else {
            let file = self.source.files.get(named).ok_or(io::ErrorKind::NotFound)?;
            let values_text = text(file)?;
            self.dotenv = Some(match (values, &self.own_env) {
                (Dotenv::AtTheTop, Some(own)) => dotenv::followed_by(&values_text, own),
                _ => values_text,
            });
        }
        self.dotenv_path = named.to_owned();
        Ok(self)
    }

    /// Where everything is under `directory`.
    pub fn layout(&self, directory: &str) -> Layout {
        Layout::new(directory, &self.files).with_values_apart(self.host_env.is_some())
    }

    /// The text that variables take their values from where nobody gives one.
    pub fn env_text(&self) -> Option<&str> {
        self.host_env.as_ref().map_or(self.dotenv.as_deref(), HostEnv::text)
    }

    /// The text of `.env`, as containers get it.
    pub(crate) fn own_text(&self) -> Option<&str> {
        self.host_env.as_ref().map_or(self.own_env.as_deref(), HostEnv::text)
    }

    /// What counts of [`env_text`](Self::env_text) where a hash is made that is no secret.
    pub(crate) fn env_stand_in(&self) -> Option<String> {
        match &self.host_env {
            Some(env) => env.stand_in(self.placeholders.keys()),
            None => self.dotenv.clone(),
        }
    }

    /// What foreign words about this spec may repeat and nobody should see.
    pub(crate) fn scrubber(&self) -> Scrubber {
        Scrubber::new(self.host_env.iter().flat_map(HostEnv::values))
    }

    /// One hash over everything that is shipped; secret files count by their paths and version, seeds by
    /// their paths alone.
    pub fn source_hash(&self) -> String {
        let mut hash = self.source.manifest().hash();
        if let Some(text) = &self.dotenv {
            hash = sha256(format!("{hash} {}", sha256(text.as_bytes())).as_bytes());
        }
        if let Some(text) = self.own_env.as_ref().filter(|own| Some(*own) != self.dotenv.as_ref()) {
            hash = sha256(format!("{hash} own {}", sha256(text.as_bytes())).as_bytes());
        }
        for path in &self.source.seeds {
            hash = sha256(format!("{hash} seed {path}").as_bytes());
        }
        for placeholder in self.secret_files.values() {
            hash = sha256(format!("{hash} {placeholder}").as_bytes());
        }
        hash
    }

    /// How much is shipped: the files that [`StackSpec::source_hash`] tells the contents of.
    pub fn source_size(&self) -> SourceSize {
        let stay = self.source.files.iter().filter(|(path, _)| !self.source.seeds.contains(*path));
        let sizes = stay.map(|(_, file)| file.size);
        let own = self.own_env.iter().map(|text| text.len() as u64);
        sizes.chain(own).fold(SourceSize::default(), |size, bytes| SourceSize {
            files: size.files + 1,
            bytes: size.bytes + bytes,
        })
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
        if self.blank_undefined {
            add("blank");
        }
        // A digest from before the server's own values could count stays what it is.
        if let Some(env) = &self.host_env {
            add("host env");
            add(env.mark());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(files: &[(&str, &str)], compose: &str, values: Dotenv<'_>) -> io::Result<StackSpec> {
        let mut source = Tree::default();
        files.iter().for_each(|(path, text)| source.lay_over(path, text));
        let files = vec![compose.to_owned()];
        StackSpec { source, files, ..StackSpec::default() }.with_dotenv(values)
    }

    #[test]
    fn values_come_from_one_file_and_containers_get_another() {
        let files = [(".env", "A=1\n"), (".env.production", "A=2\n")];
        let plain = spec(&files, "compose.yaml", Dotenv::OfProject).unwrap();
        assert_eq!((plain.dotenv.as_deref(), plain.dotenv_path.as_str()), (Some("A=1\n"), ".env"));
        let other = spec(&files, "compose.yaml", Dotenv::File(".env.production")).unwrap();
        assert_eq!((other.dotenv.as_deref(), other.own_env.as_deref()), (Some("A=2\n"), Some("A=1\n")));
        assert_eq!(other.dotenv_path, ".env.production");
        assert!(other.source.files.contains_key(".env.production"));
        let own =
            spec(&[(".env", "A=3\n"), files[1]], "compose.yaml", Dotenv::File(".env.production")).unwrap();
        assert_ne!(own.source_hash(), other.source_hash());
        // To name what counts anyway is no other stack.
        let same = spec(&files, "compose.yaml", Dotenv::File(".env")).unwrap();
        assert_eq!(same.digest("/s", "2"), plain.digest("/s", "2"));
        assert_eq!(same.source_hash(), plain.source_hash());
    }

    #[test]
    fn a_file_that_is_not_shipped_is_no_source_of_values() {
        for (files, path) in [(vec![], ".env"), (vec![(".env", "A=1\n")], "other.env")] {
            let error = spec(&files, "compose.yaml", Dotenv::File(path)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{path}");
        }
        assert_eq!(spec(&[], "compose.yaml", Dotenv::OfProject).unwrap().dotenv, None);
    }

    #[test]
    fn the_file_at_the_top_goes_before_that_of_the_project() {
        let files = [(".env", "A=1\nB=$A"), ("deploy/.env", "A=2\nC=$A\n")];
        let spec = spec(&files, "deploy/compose.yaml", Dotenv::AtTheTop).unwrap();
        assert_eq!(spec.dotenv.as_deref(), Some("A=1\nB=$A\n\nC=$A\n"));
        assert_eq!((spec.own_env.as_deref(), spec.dotenv_path.as_str()), (Some("A=2\nC=$A\n"), ".env"));
    }

    #[test]
    fn to_take_variables_for_empty_is_another_way_to_resolve() {
        let spec = StackSpec { name: "web".into(), ..StackSpec::default() };
        let blank = StackSpec { blank_undefined: true, ..spec.clone() };
        assert_ne!(spec.digest("/s", "2"), blank.digest("/s", "2"));
    }

    #[test]
    fn the_size_counts_what_stays_as_it_is_shipped() {
        let (mut source, files) = Tree::texts(&["services: {}".to_owned()]);
        for (path, text) in [(".env", "A=1\n"), ("conf/a", "12345"), ("acme.json", "{}")] {
            source.lay_over(path, text);
        }
        source.seed(&["acme.json".to_owned()]).unwrap();
        let secret_files = BTreeMap::from([("key".to_owned(), "key#1".to_owned())]);
        let spec = StackSpec { source, files, secret_files, ..StackSpec::default() }
            .with_dotenv(Dotenv::OfProject)
            .unwrap();
        assert_eq!(spec.source_size(), SourceSize { files: 3, bytes: 12 + 4 + 5 });
    }
}
