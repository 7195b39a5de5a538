//! Which files make a stack: what is shipped, which of it Compose reads, and where variables take their
//! values from.

use std::{collections::BTreeSet, io};

use compose::{
    OWN_VARIABLES,
    discovery::{Env, NAMES, Unclear},
    inside_directory,
    layout::ENV_FILE,
};
use framework::{Diagnostic, Diagnostics, Field};
use stack::{Dotenv, StackSpec};
use tree::{Modes, Tree, check_relative};

use super::{Sources, sealed};
use crate::failure::{UNCHANGED, sentence, tree_error};

/// The variable that means the directory where Compose is called.
const PWD: &str = "PWD";

/// The files of a stack.
#[derive(Clone)]
pub(crate) struct Files {
    /// What is shipped.
    pub(crate) source: Tree,
    /// The Compose files in it, in the order in which they are merged.
    pub(crate) names: Vec<String>,
    /// Where variables take their values from.
    values: ValuesFrom,
    /// What is called like a Compose file and is none of them.
    pub(crate) unused: Vec<String>,
}

/// Where variables take their values from: see [`Dotenv`].
#[derive(Clone)]
enum ValuesFrom {
    Project,
    Top,
    File(String),
}

/// The path of a file in the stack's directory, in the one spelling that it has there.
///
/// # Errors
/// What is wrong with it, as the end of a sentence about it.
pub(crate) fn path_of_file(path: &str) -> Result<String, String> {
    let path = inside_directory(path).ok_or("must be a file in the directory that is shipped")?;
    check_relative(&path)?;
    Ok(path)
}

impl Files {
    /// The files that `config` asks for; `None` while they are unknown. Files on this machine are read.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn of(config: &Sources<'_>) -> Result<Option<Self>, Diagnostics> {
        let (Ok(files), Ok(env_file), Ok(seeds)) =
            (config.files.decided(), config.env_file.decided(), config.seed_files.decided())
        else {
            return Ok(None);
        };
        let Some((mut source, texts)) = shipped(config)? else { return Ok(None) };
        source.seed(seeds.map(Vec::as_slice).unwrap_or_default()).map_err(|problem| {
            refusal(config)
                .detail(format!("A pattern is not valid: {problem}."))
                .detail(UNCHANGED)
                .at("seed_files")
        })?;
        let env_file = env_file.map(|path| spelled(config, "env_file", path)).transpose()?;
        let mut found = Self {
            source,
            names: Vec::new(),
            values: env_file.map_or(ValuesFrom::Project, ValuesFrom::File),
            unused: Vec::new(),
        };
        found.names = match (files, texts) {
            (_, Some(texts)) => texts,
            (Some(files), None) => {
                files.iter().map(|path| spelled(config, "files", path)).collect::<Result<_, _>>()?
            }
            (None, None) => match found.discover(config)? {
                Some(names) => names,
                None => return Ok(None),
            },
        };
        found.check_seeds(config)?;
        Ok(Some(found))
    }

    /// The Compose files by Compose's own rule; `None` while something that they depend on is unknown.
    fn discover(&mut self, config: &Sources<'_>) -> Result<Option<Vec<String>>, Diagnostics> {
        let path = match &self.values {
            ValuesFrom::File(path) => path.clone(),
            ValuesFrom::Project | ValuesFrom::Top => ENV_FILE.to_owned(),
        };
        let text = self.source.files.get(&path).map(tree::TreeFile::read).transpose();
        let text = text.map_err(|error| unreadable(&path, &error))?;
        let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let env = Env { text: text.as_deref(), given: &|name| given(config, name) };
        let found = match env.files(&|name| self.source.files.contains_key(name)) {
            Ok(found) => found,
            Err(unclear) if is_open(config, &unclear) => return Ok(None),
            Err(unclear) => return Err(unclear_setting(config, &path, &unclear, "files").into()),
        };
        if found.by_setting && matches!(self.values, ValuesFrom::Project) {
            self.values = ValuesFrom::Top;
        }
        self.unused = found.unused;
        Ok(Some(found.files))
    }

    /// Checks that what Compose reads here is what the host has.
    fn check_seeds(&self, config: &Sources<'_>) -> Result<(), Diagnostics> {
        let env_file = match &self.values {
            ValuesFrom::File(path) => Some((path, "where variables take their values from")),
            ValuesFrom::Project | ValuesFrom::Top => None,
        };
        let mut read = self.names.iter().map(|name| (name, "a Compose file")).chain(env_file);
        let Some((path, what)) = read.find(|(path, _)| self.source.seeds.contains(*path)) else {
            return Ok(());
        };
        Err(refusal(config)
            .detail(format!("{path:?} is {what}: what it says must be what the host has."))
            .detail(UNCHANGED)
            .detail("Let the patterns leave it out, for example by a line with `!` after them.")
            .at("seed_files")
            .into())
    }

    /// `spec` with these files and the text that variables take their values from.
    ///
    /// # Errors
    /// When that text is not there.
    pub(crate) fn into_spec(self, spec: StackSpec, config: &Sources<'_>) -> Result<StackSpec, Diagnostics> {
        let spec = StackSpec { source: self.source, files: self.names, ..spec };
        let (path, values) = match &self.values {
            ValuesFrom::Project => (spec.layout("/").env_path(), Dotenv::OfProject),
            ValuesFrom::Top => (ENV_FILE.to_owned(), Dotenv::AtTheTop),
            ValuesFrom::File(path) => (path.clone(), Dotenv::File(path)),
        };
        spec.with_dotenv(values).map_err(|error| match (error.kind(), values) {
            (io::ErrorKind::NotFound, Dotenv::File(_)) => no_env_file(config, &path).into(),
            _ => unreadable(&path, &error).into(),
        })
    }

    /// Checks that the Compose files are there.
    pub(crate) fn check(&self, config: &Sources<'_>) -> Result<(), Diagnostics> {
        let missing: Vec<String> = self
            .names
            .iter()
            .filter(|name| !self.source.files.contains_key(*name))
            .map(|name| format!("{name:?}"))
            .collect();
        if missing.is_empty() && !self.names.is_empty() {
            return Ok(());
        }
        let directory = config.source_dir.as_str().unwrap_or_default();
        let shipped = format!("is not among the files that are shipped from {directory:?}");
        let happened = if self.names.is_empty() {
            let names = NAMES.map(|name| format!("{name:?}")).join(", ");
            format!("A Compose file {shipped}: none is called {names}.")
        } else if config.files.is_known() {
            format!("{} {shipped}.", missing.join(", "))
        } else {
            format!("{}, which COMPOSE_FILE names, {shipped}.", missing.join(", "))
        };
        let attribute = if config.files.is_known() { "files" } else { "source_dir" };
        Err(refusal(config)
            .detail(format!("{happened} {}", self.at_the_top()))
            .detail(UNCHANGED)
            .detail("Name the Compose files in `files`, relative to `source_dir`.")
            .at(attribute)
            .into())
    }

    fn at_the_top(&self) -> String {
        let names = self.source.files.keys().map(String::as_str);
        let is_yaml = |path: &&str| {
            !path.contains('/') && [".yaml", ".yml"].iter().any(|ending| path.ends_with(ending))
        };
        let names: Vec<&str> = names.filter(is_yaml).collect();
        if names.is_empty() {
            return "There is no YAML file at its top.".to_owned();
        }
        format!("At its top there are: {}.", names.join(", "))
    }
}

/// The profiles that are switched on: those of the configuration, else those that the stack's own text of
/// variables names; `None` while they are unknown.
///
/// # Errors
/// When what that text says cannot be followed.
pub(crate) fn profiles(config: &Sources<'_>, spec: &StackSpec) -> Result<Option<Vec<String>>, Diagnostics> {
    let Ok(profiles) = config.profiles.decided() else { return Ok(None) };
    if let Some(profiles) = profiles {
        return Ok(Some(profiles.iter().cloned().collect()));
    }
    let env = Env { text: spec.dotenv.as_deref(), given: &|name| given(config, name) };
    match env.profiles() {
        Ok(profiles) => Ok(Some(profiles.into_iter().collect::<BTreeSet<_>>().into_iter().collect())),
        Err(unclear) if is_open(config, &unclear) => Ok(None),
        Err(unclear) => Err(unclear_setting(config, &spec.dotenv_path, &unclear, "profiles").into()),
    }
}

/// What is shipped, and the Compose files of it where these are named.
type Shipped = (Tree, Option<Vec<String>>);

/// What is shipped, and the names of the Compose files where these are texts; `None` while unknown.
fn shipped(config: &Sources<'_>) -> Result<Option<Shipped>, Diagnostics> {
    let (Ok(directory), Ok(modes), Ok(texts), Ok(overlay)) = (
        config.source_dir.decided(),
        config.file_modes.decided(),
        config.config.decided(),
        config.files_content.decided(),
    ) else {
        return Ok(None);
    };
    let (mut source, names) = match (directory, texts) {
        (Some(directory), _) => (
            Tree::directory(directory, Modes::of_word(modes.map(String::as_str)))
                .map_err(|error| tree_error("source_dir", &error))?,
            None,
        ),
        (None, Some(texts)) => {
            let (source, names) = Tree::texts(texts);
            (source, Some(names))
        }
        (None, None) => return Ok(None),
    };
    for (path, text) in overlay.into_iter().flatten() {
        source.lay_over(path, text);
    }
    Ok(Some((source, names)))
}

/// The value that a variable is given from outside of the stack's files; `Err` where it has one that is
/// not known here. Compose would be called in the directory itself.
fn given(config: &Sources<'_>, name: &str) -> Result<Option<String>, ()> {
    if name == PWD {
        return Ok(Some(".".to_owned()));
    }
    let environment = config.environment.decided().map_err(drop)?;
    match environment.and_then(|values| values.get(name)) {
        Some(Field::Known(value)) => return Ok(Some(value.clone())),
        Some(Field::Unknown) => return Err(()),
        Some(Field::Null) | None => {}
    }
    let secrets = config.secrets_wo.decided().map_err(drop)?;
    let sealed = sealed(config).map_err(drop)?;
    let sealed = sealed.decided().map_err(drop)?;
    let is_secret = secrets.is_some_and(|secrets| secrets.contains_key(name))
        || sealed.is_some_and(|sealed| sealed.names().contains(name));
    if is_secret || OWN_VARIABLES.contains(&name) { Err(()) } else { Ok(None) }
}

/// Whether what a setting depends on is only not known yet.
fn is_open(config: &Sources<'_>, unclear: &Unclear) -> bool {
    let Unclear::Value(_, variable) = unclear else { return false };
    let environment = config.environment.decided();
    let is_unknown = |value: Option<&Field<String>>| value.is_some_and(Field::is_unknown);
    environment.is_err()
        || config.secrets_wo.is_unknown()
        || config.secrets_sops_file.is_unknown()
        || is_unknown(environment.ok().flatten().and_then(|values| values.get(variable)))
}

/// `path` as it is spelled on the host.
fn spelled(config: &Sources<'_>, attribute: &'static str, path: &str) -> Result<String, Diagnostics> {
    path_of_file(path).map_err(|problem| {
        refusal(config).detail(format!("{path:?} {problem}.")).detail(UNCHANGED).at(attribute).into()
    })
}

fn refusal(config: &Sources<'_>) -> Diagnostic {
    Diagnostic::error(format!("Could not read {}", config.subject))
}

fn unclear_setting(config: &Sources<'_>, path: &str, unclear: &Unclear, instead: &str) -> Diagnostic {
    let at = if config.env_file.is_known() { "env_file" } else { config.files_attribute() };
    refusal(config)
        .detail(format!("In {path}: {}", sentence(&unclear.to_string())))
        .detail(UNCHANGED)
        .detail(format!("Write it out there, or set `{instead}`, which goes before it."))
        .at(at)
}

fn no_env_file(config: &Sources<'_>, path: &str) -> Diagnostic {
    let secrets = config.secret_files_wo.known();
    let why = if secrets.is_some_and(|files| files.contains_key(path)) {
        "is one of `secret_files_wo`, which a plan cannot read".to_owned()
    } else {
        let directory = config.source_dir.as_str().map(|directory| format!(" from {directory:?}"));
        format!("is not among the files that are shipped{}", directory.unwrap_or_default())
    };
    refusal(config)
        .detail(format!("`env_file` is {path:?}, which {why}."))
        .detail(UNCHANGED)
        .detail(
            "Correct the path, relative to `source_dir`, and see that no .windlassignore leaves it out. Secret values \
             go to `secrets_wo`.",
        )
        .at("env_file")
}

fn unreadable(path: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error(format!("Could not read {path:?}"))
        .detail(format!("The file cannot be read: {error}."))
        .detail(UNCHANGED)
        .at("source_dir")
}
