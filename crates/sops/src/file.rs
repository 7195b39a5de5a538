//! A file as a whole: opened, and written again with the same data key.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::cipher::DataKey;
use crate::error::Error;
use crate::identities::Identities;
use crate::keys::Recipient;
use crate::metadata::{Metadata, Wrapped, bound_to, now};
use crate::rules::Rules;
use crate::value::Value;
use crate::walk::{Identify, Memory, by_number, open, seal};
use crate::{dotenv, json, yaml};

/// How a file is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An object.
    Json,
    /// One document, a map.
    Yaml,
    /// Lines `NAME=value`.
    Dotenv,
    /// Any text, as a whole; the encrypted file is JSON.
    Binary,
}

impl Format {
    /// By the name of a file, as SOPS chooses it.
    pub fn of_path(path: &str) -> Self {
        let has = |end: &str| path.ends_with(end);
        match () {
            () if has(".yaml") || has(".yml") => Self::Yaml,
            () if has(".json") => Self::Json,
            () if has(".env") => Self::Dotenv,
            () => Self::Binary,
        }
    }

    /// What formats are called, in the order of [`Self::ALL`].
    pub const WORDS: [&str; 4] = ["yaml", "json", "dotenv", "binary"];
    const ALL: [Self; 4] = [Self::Yaml, Self::Json, Self::Dotenv, Self::Binary];

    /// The one of this name, of [`Self::WORDS`].
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().position(|one| *one == word).map(|at| Self::ALL[at])
    }

    /// The tree of a plain file.
    ///
    /// # Errors
    /// When it is not of this format, or has what SOPS cannot keep.
    pub fn read_plain(self, text: &str) -> Result<Value, Error> {
        let tree = match self {
            Self::Binary => Value::Map(vec![("data".into(), Value::text(text))]),
            other => other.read(text)?,
        };
        if tree.get("sops").is_some() { Err(Error::Taken) } else { Ok(tree) }
    }

    /// A plain file of a tree.
    ///
    /// # Errors
    /// When the format cannot have it.
    pub fn write_plain(self, tree: &Value) -> Result<Zeroizing<String>, Error> {
        match self {
            Self::Binary => {
                let text = tree.get("data").and_then(Value::as_text);
                text.map(|text| Zeroizing::new(text.to_owned())).ok_or(Error::Shape("no `data`"))
            }
            other => other.write(tree),
        }
    }

    /// The tree of a file as it stands there, encrypted or not.
    ///
    /// # Errors
    /// When it is not of this format.
    pub fn read_any(self, text: &str) -> Result<Value, Error> {
        self.read(text)
    }

    fn read(self, text: &str) -> Result<Value, Error> {
        match self {
            Self::Json | Self::Binary => json::read(text),
            Self::Yaml => yaml::read(text),
            Self::Dotenv => dotenv::read(text),
        }
    }

    fn write(self, tree: &Value) -> Result<Zeroizing<String>, Error> {
        match self {
            Self::Json | Self::Binary => Ok(json::write(tree)),
            Self::Yaml => yaml::write(tree),
            Self::Dotenv => dotenv::write(tree),
        }
    }
}

/// What a file says of itself to who cannot open it.
#[derive(Clone, Debug)]
pub struct About {
    /// When it was written.
    pub last_modified: String,
    /// For whom it is.
    pub recipients: Vec<String>,
    /// SHA-256 of the file as it is, in hexadecimal.
    pub sha256: String,
}

/// Reads what needs no key.
///
/// # Errors
/// When it is no file of SOPS with age.
pub fn about(text: &str, format: Format) -> Result<About, Error> {
    let tree = format.read(text)?;
    let metadata = Metadata::read(tree.get("sops").ok_or(Error::NotEncrypted)?)?;
    Ok(About {
        last_modified: metadata.last_modified,
        recipients: metadata.keys.into_iter().map(|key| key.recipient).collect(),
        sha256: secret::hex(&Sha256::digest(text)),
    })
}

/// A file that is open: its key, for whom it is, and what stood where.
#[derive(Clone)]
pub struct File {
    format: Format,
    key: DataKey,
    metadata: Metadata,
    memory: Memory,
    identify: Identify,
}

impl File {
    /// A new one, with a data key of its own.
    ///
    /// # Errors
    /// Without recipients, and when one of them cannot be encrypted for.
    pub fn new(format: Format, recipients: &[Recipient], rules: Rules) -> Result<Self, Error> {
        let key = DataKey::random()?;
        let rules = if format == Format::Binary { Rules::EVERYTHING } else { rules };
        let metadata = Metadata {
            keys: wrap(&key, recipients)?,
            last_modified: String::new(),
            mac: String::new(),
            rules,
            foreign: Vec::new(),
        };
        Ok(Self { format, key, metadata, memory: Memory::default(), identify: by_number })
    }

    /// Opens a file and verifies its MAC.
    ///
    /// # Errors
    /// When it is none, nobody here may read it, or it was changed.
    pub fn open(text: &str, format: Format, identities: &mut Identities) -> Result<(Self, Value), Error> {
        Self::open_identified(text, format, identities, by_number)
    }

    /// As [`Self::open`]; elements of lists are known by what `identify` says, so that one that moves
    /// keeps its ciphertext.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_identified(
        text: &str,
        format: Format,
        identities: &mut Identities,
        identify: Identify,
    ) -> Result<(Self, Value), Error> {
        let (Opened { key, metadata, plain }, sealed) = Opened::of(text, format, identities, Value::clone)?;
        let memory = Memory::of(sealed, &plain, identify);
        Ok((Self { format, key, metadata, memory, identify }, plain))
    }

    /// What is in a file, for who will not write it again: its MAC is verified as well, and nothing
    /// is remembered of it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(text: &str, format: Format, identities: &mut Identities) -> Result<Value, Error> {
        Opened::of(text, format, identities, |_| ()).map(|(opened, ())| opened.plain)
    }

    /// Has elements of lists known by what they say.
    #[must_use]
    pub fn identified(mut self, identify: Identify) -> Self {
        self.identify = identify;
        self
    }

    /// The file with this content. What has not changed keeps its ciphertext.
    ///
    /// # Errors
    /// When the format cannot have it.
    pub fn write(&mut self, plain: &Value) -> Result<String, Error> {
        if plain.get("sops").is_some() {
            return Err(Error::Taken);
        }
        let cipher = self.key.cipher();
        // Before anything is encrypted: whether the format can have it at all. JSON has every tree.
        if matches!(self.format, Format::Yaml | Format::Dotenv) {
            self.format.write(plain)?;
        }
        let (mut sealed, mac, learned) =
            seal(plain, &cipher, &self.metadata.rules, &self.memory, self.identify)?;
        self.metadata.last_modified = now();
        self.metadata.mac = cipher.seal(mac.as_bytes(), "str", &self.metadata.last_modified)?;
        if let Value::Map(pairs) = &mut sealed {
            pairs.push(("sops".into(), self.metadata.write()));
        }
        let mut text = self.format.write(&sealed)?;
        self.memory = learned;
        Ok(std::mem::take(&mut *text))
    }

    /// For whom it is.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys.iter().map(|key| key.recipient.as_str())
    }

    /// Takes a new data key, for these recipients and no others: who could read the file until now
    /// cannot read what is written next.
    ///
    /// # Errors
    /// Without recipients, and when one of them cannot be encrypted for.
    pub fn rotate(&mut self, recipients: &[Recipient]) -> Result<(), Error> {
        let key = DataKey::random()?;
        self.metadata.keys = wrap(&key, recipients)?;
        self.metadata.foreign.clear();
        self.memory = Memory::default();
        self.key = key;
        Ok(())
    }
}

/// A file that was opened and whose MAC fits.
struct Opened {
    key: DataKey,
    metadata: Metadata,
    plain: Value,
}

impl Opened {
    /// Opens it; `keep` is shown what stands there, without the part `sops`, before it is opened.
    fn of<T>(
        text: &str,
        format: Format,
        identities: &mut Identities,
        keep: impl FnOnce(&Value) -> T,
    ) -> Result<(Self, T), Error> {
        let mut tree = format.read(text)?;
        let said = tree.take("sops").ok_or(Error::NotEncrypted)?;
        let mut metadata = Metadata::read(&said)?;
        if format == Format::Binary {
            metadata.rules = metadata.rules.for_everything();
        }
        let key = identities.unwrap(&metadata)?;
        let cipher = key.cipher();
        let kept = keep(&tree);
        let expected = open(&mut tree, &cipher, &metadata.rules)?;
        let mac = cipher.open(&metadata.mac, &bound_to(&metadata.last_modified)).ok_or(Error::Mac)?;
        if mac.plain.as_slice() != expected.as_bytes() {
            return Err(Error::Mac);
        }
        Ok((Self { key, metadata, plain: tree }, kept))
    }
}

fn wrap(key: &DataKey, recipients: &[Recipient]) -> Result<Vec<Wrapped>, Error> {
    if recipients.is_empty() {
        return Err(Error::NoRecipients);
    }
    recipients.iter().map(|recipient| recipient.wrap(key)).collect()
}
