//! Secret values in a file of SOPS, such as one in the repository. A plan needs no key: the names stand there
//! readable, and the hash of the encrypted file is the version of its values. Apply opens it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use framework::{Attribute, Diagnostics, Field, validate};
use sops::Format;
use stack::Secrets;

use super::{Sources, validate::unusable_name, values};
use crate::{
    failure::{Failure, Stop, UNCHANGED, sops_stop},
    sops_files::{Keyring, open, read, sha256_of},
};

/// The attribute that names the file.
pub(crate) const ATTRIBUTE: &str = "secrets_sops_file";
/// How much of the hash of a file tells its versions apart, in hexadecimal digits.
const SHORT: usize = 16;

/// What the file tells without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    names: BTreeSet<String>,
    /// SHA-256 of the encrypted file.
    pub(crate) sha256: String,
}

impl Sealed {
    /// The names of its values.
    pub(super) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// What stands for the version of its values.
    pub(super) fn version(&self) -> &str {
        &self.sha256[..SHORT]
    }
}

/// What is known of the file; null where there is none.
///
/// # Errors
/// When it cannot be read, has something else than values under names, or a name that another attribute has.
pub(crate) fn sealed(config: &Sources<'_>) -> Result<Field<Sealed>, Diagnostics> {
    let path = match config.secrets_sops_file {
        Field::Unknown => return Ok(Field::Unknown),
        Field::Null => return Ok(Field::Null),
        Field::Known(path) => path,
    };
    let looked = inspect(config, path).map(Field::Known);
    looked.map_err(|stop| {
        let title = format!("Could not use the encrypted values of {}", config.subject);
        Failure::from(stop).into_diagnostics(&title, UNCHANGED)
    })
}

fn inspect(config: &Sources<'_>, path: &str) -> Result<Sealed, Stop> {
    let text = read(path, ATTRIBUTE)?;
    let names = sops::names(&text, Format::of_path(path)).map_err(|error| sops_stop(&error, ATTRIBUTE))?;
    let plain = config.environment.known();
    let secret = config.secrets_wo.known();
    let mut problems = Vec::new();
    for name in &names {
        problems.extend(unusable_name(name));
        if plain.is_some_and(|values| values.contains_key(name)) {
            problems.push(format!("{name} is in `environment` as well."));
        }
        if secret.is_some_and(|values| values.contains_key(name)) {
            problems.push(format!("{name} is in `secrets_wo` as well."));
        }
    }
    if problems.is_empty() {
        return Ok(Sealed { names: names.into_iter().collect(), sha256: sha256_of(&text) });
    }
    let next = "Take each name out of one place (`sops edit` for the file), or give it another one.";
    Err(Stop::new(format!("In {path:?}: {}", problems.join("\n")), next).at(ATTRIBUTE))
}

/// The version of all secret values, those of the configuration and those of the file.
pub(crate) fn secrets_version(given: &Field<String>, sha256: &Field<String>) -> Option<String> {
    match (given.as_str(), sha256.as_str()) {
        (given, None) => given.map(str::to_owned),
        (given, Some(hash)) => Some(format!("{}+{hash}", given.unwrap_or_default())),
    }
}

/// The secrets of a stack at apply, all of them; and the hash of the encrypted file, null without one. It is
/// opened here and nowhere else: no value of it passes through the core.
///
/// # Errors
/// When it cannot be read, nobody here may open it, or it was changed.
pub(crate) async fn secrets(
    config: &Sources<'_>,
    keyring: Arc<Keyring>,
) -> Result<(Secrets, Field<String>), Failure> {
    let mut all = values(config.secrets_wo);
    let mut hash = Field::Null;
    if let Field::Known(path) = config.secrets_sops_file {
        // What is in the way of its names is an error before it is opened.
        sealed(config)?;
        let path = path.clone();
        let opened = tokio::task::spawn_blocking(move || unseal(&path, &keyring));
        let opened =
            opened.await.map_err(|error| Failure::bug(format!("Opening the file ended early: {error}.")))?;
        let (sha256, found) = opened?;
        hash = Field::Known(sha256);
        all.extend(found);
    }
    let secrets = Secrets {
        values: all,
        version: secrets_version(config.secrets_wo_version, &hash).unwrap_or_default(),
        files: values(config.secret_files_wo),
        files_version: config.secret_files_wo_version.as_str().unwrap_or_default().to_owned(),
    };
    Ok((secrets, hash))
}

fn unseal(path: &str, keyring: &Keyring) -> Result<(String, BTreeMap<String, secret::Secret>), Stop> {
    let text = read(path, ATTRIBUTE)?;
    let tree = open(&text, Format::of_path(path), keyring, ATTRIBUTE)?;
    let found = sops::texts(&tree).map_err(|error| sops_stop(&error, ATTRIBUTE))?;
    Ok((sha256_of(&text), found))
}

/// The attribute, with the effect that another value has on services.
pub(crate) fn attribute(effect: &str) -> Attribute {
    Attribute::string(ATTRIBUTE)
        .validate(validate::non_empty())
        .check(|path: &String| check_path(path))
        .describe(format!(
            "A file of secret values that SOPS has encrypted for age, on the machine that runs tofu, such as \
             `\"${{path.module}}/secrets.env\"`: YAML, JSON or dotenv, names and single values. They join those of \
             `secrets_wo` and are used like them, with every version of OpenTofu and Terraform. The provider opens it \
             during apply, by the key of its `sops` block or where SOPS looks for one; no value passes through the core. \
             A plan needs no key: it reads the names and the hash of the encrypted file, and a change of the file is a \
             change of the stack. {effect} A name that is also in `secrets_wo` or `environment` is an error."
        ))
}

/// Checks that the name of a file says how it is written down.
fn check_path(path: &str) -> Result<(), String> {
    if Format::of_path(path) == Format::Binary {
        return Err("must end in .yaml, .yml, .json or .env: names and values".to_owned());
    }
    Ok(())
}
