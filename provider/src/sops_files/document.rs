//! An encrypted file that a configuration names or holds, and the attributes for that.

use std::sync::Arc;

use framework::{Attribute, Field, Model, Rule, validate};
use sha2::{Digest as _, Sha256};
use sops::{About, File, Format};

use super::Keyring;
use crate::failure::{Failure, Stop, sops_stop};

/// What a configuration says of an encrypted file.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Document {
    pub(crate) source_file: Field<String>,
    pub(crate) content: Field<String>,
    pub(crate) format: Field<String>,
}

/// The attributes of [`Document`].
pub(crate) fn document_attributes() -> [Attribute; 3] {
    [
        Attribute::string("source_file").validate(validate::non_empty()).describe(
            "The encrypted file on the machine that runs tofu, such as `\"${path.module}/secrets.yaml\"`.",
        ),
        Attribute::string("content").describe("The encrypted file's text, in place of `source_file`."),
        Attribute::string("format").validate(validate::one_of(Format::WORDS)).describe(
            "How it is written down: `yaml`, `json`, `dotenv`, or `binary` for any other file, which is one text. \
             Default: by the ending of `source_file`, as SOPS chooses it (`.yaml`, `.yml`, `.json`, `.env`, else \
             `binary`). Required with `content`.",
        ),
    ]
}

/// Where the file comes from: one place.
pub(crate) fn document_rules() -> [Rule; 2] {
    [Rule::exactly_one_of(["source_file", "content"]), Rule::required_with("content", ["format"])]
}

/// The format of a file: the word for it, else by its name.
pub(crate) fn format_of(word: &Field<String>, path: &str) -> Format {
    word.as_str().and_then(Format::of_word).unwrap_or_else(|| Format::of_path(path))
}

impl Document {
    /// The attribute to blame for what is wrong with the file.
    fn attribute(&self) -> &'static str {
        if self.content.is_known() { "content" } else { "source_file" }
    }

    /// What the file is called in messages.
    pub(crate) fn subject(&self) -> String {
        self.source_file
            .as_str()
            .map_or_else(|| "the encrypted content".to_owned(), |path| format!("{path:?}"))
    }

    fn format(&self) -> Format {
        format_of(&self.format, self.source_file.as_str().unwrap_or_default())
    }

    /// The text as it is, encrypted.
    fn text(&self) -> Result<String, Stop> {
        match (self.content.known(), self.source_file.as_str()) {
            (Some(text), _) => Ok(text.clone()),
            (None, path) => read(path.unwrap_or_default(), "source_file"),
        }
    }

    /// What the file tells without a key.
    ///
    /// # Errors
    /// When it cannot be read, or is not encrypted by SOPS.
    pub(crate) fn about(&self) -> Result<About, Stop> {
        sops::about(&self.text()?, self.format()).map_err(|error| sops_stop(&error, self.attribute()))
    }

    /// Opens the file; its format and its content. Decryption and the files and programs of keys take
    /// their time, on a thread for that.
    ///
    /// # Errors
    /// When it cannot be read, nobody here may open it, or it was changed.
    pub(crate) async fn open(self, keyring: Arc<Keyring>) -> Result<(Format, sops::Value), Failure> {
        let opened = tokio::task::spawn_blocking(move || -> Result<_, Stop> {
            let text = self.text()?;
            let tree = open(&text, self.format(), &keyring, self.attribute())?;
            Ok((self.format(), tree))
        });
        let opened =
            opened.await.map_err(|error| Failure::bug(format!("Opening the file ended early: {error}.")))?;
        Ok(opened?)
    }
}

/// SHA-256 of an encrypted text, in hexadecimal: what tells its versions apart.
pub(crate) fn sha256_of(text: &str) -> String {
    secret::hex(&Sha256::digest(text))
}

/// The text of a file that `attribute` names.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read(path: &str, attribute: &'static str) -> Result<String, Stop> {
    std::fs::read_to_string(path).map_err(|error| {
        Stop::new(
            format!("{path:?} cannot be read: {error}."),
            format!("Correct `{attribute}`. A relative path starts from where tofu runs; `${{path.module}}/…` is safer."),
        )
        .at(attribute)
    })
}

/// The content of an encrypted text that `attribute` stands for, verified.
///
/// # Errors
/// When nobody here may open it, or it was changed.
pub(crate) fn open(
    text: &str,
    format: Format,
    keyring: &Keyring,
    attribute: &'static str,
) -> Result<sops::Value, Stop> {
    let mut identities = keyring.identities().map_err(|stop| stop.at(attribute))?;
    let opened = File::open(text, format, &mut identities);
    opened.map(|(_, tree)| tree).map_err(|error| sops_stop(&error, attribute))
}
