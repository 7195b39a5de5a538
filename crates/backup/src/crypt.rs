//! Snapshots that only some can open.
//!
//! Every snapshot has a key of its own, made for it alone: an X25519 identity of age, for which each of its parts is
//! an age file. That key is in the manifest in an envelope, an age file for the recipients. So recipients change by
//! another envelope, and what is stored stays. The names and hashes of the files in it are encrypted as well.

use std::{
    fmt,
    io::{self, BufReader, Read, Write},
};

use age::{
    secrecy::ExposeSecret as _,
    stream::{StreamReader, StreamWriter},
    x25519,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secret::Secret;
use sops::{Identities, Recipient};

use crate::{
    error::Error,
    manifest::{Encryption, Entry, Manifest, ManifestError, Totals},
};

/// How much the list of what is in a snapshot is compressed.
const LEVEL: i32 = 3;

/// The largest list that is read: a million files have one of some 300 MB.
const LARGEST_LIST: u64 = 1 << 30;

/// The key of one snapshot.
#[derive(Clone)]
pub struct SnapshotKey(x25519::Identity);

impl fmt::Debug for SnapshotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotKey([secret])")
    }
}

impl SnapshotKey {
    /// A new one.
    pub(crate) fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// What `out` gets encrypted of what is written here; it has to be finished.
    pub(crate) fn encrypting<W: Write>(&self, out: W) -> io::Result<StreamWriter<W>> {
        let recipient = self.0.to_public();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient));
        encryptor.map_err(io::Error::other)?.wrap_output(out)
    }

    /// What `sealed` has in clear; an end that comes too early is an error.
    pub(crate) fn decrypting<R: Read>(&self, sealed: R) -> io::Result<StreamReader<BufReader<R>>> {
        let decryptor = age::Decryptor::new_buffered(BufReader::new(sealed)).map_err(io::Error::other)?;
        decryptor.decrypt(std::iter::once(&self.0 as &dyn age::Identity)).map_err(io::Error::other)
    }

    /// `bytes`, encrypted.
    pub(crate) fn encrypt(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut writer = self.encrypting(Vec::new())?;
        writer.write_all(bytes)?;
        writer.finish()
    }

    /// `sealed` in clear.
    pub(crate) fn decrypt(&self, sealed: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.decrypting(sealed)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// It in an envelope for `recipients`.
    fn wrap(&self, recipients: &[Recipient]) -> Result<String, Error> {
        let text = Secret::new(self.0.to_string().expose_secret());
        let sealed = sops::encrypt(recipients, text.expose().as_bytes()).map_err(Error::Recipients)?;
        Ok(STANDARD.encode(sealed))
    }

    /// The one in an envelope, if one of the private keys opens it.
    fn unwrap(envelope: &str, identities: &Identities) -> Option<Self> {
        let opened = identities.decrypt(&STANDARD.decode(envelope).ok()?)?;
        std::str::from_utf8(&opened).ok()?.parse().ok().map(Self)
    }
}

/// What a manifest says of a snapshot with the key `key` for `recipients`, in which `entries` are.
pub(crate) fn seal(
    key: &SnapshotKey,
    recipients: &[Recipient],
    entries: &[Entry],
) -> Result<Encryption, Error> {
    let packing = |source| Error::Pack { operation: "encrypt the list of", source };
    let list = serde_json::to_vec(entries).map_err(ManifestError::Malformed)?;
    let list = zstd::encode_all(&list[..], LEVEL).map_err(packing)?;
    Ok(Encryption {
        recipients: names(recipients),
        envelope: key.wrap(recipients)?,
        entries: STANDARD.encode(key.encrypt(&list).map_err(packing)?),
    })
}

fn names(recipients: &[Recipient]) -> Vec<String> {
    recipients.iter().map(|recipient| recipient.as_str().to_owned()).collect()
}

impl Manifest {
    /// The key of the snapshot, with one of the private keys `identities`; none where it is not encrypted.
    ///
    /// # Errors
    /// [`Error::Locked`] when none of them opens it.
    pub fn unlock(&self, identities: &Identities) -> Result<Option<SnapshotKey>, Error> {
        let Some(encryption) = &self.encryption else { return Ok(None) };
        match SnapshotKey::unwrap(&encryption.envelope, identities) {
            Some(key) => Ok(Some(key)),
            None => Err(self.locked(identities.count())),
        }
    }

    fn locked(&self, identities: usize) -> Error {
        let recipients = self.encryption.as_ref().map(|encryption| encryption.recipients.join(", "));
        let (snapshot, recipients) = (self.snapshot.to_string(), recipients.unwrap_or_default());
        Error::Locked { snapshot, recipients, identities }
    }

    /// What is in the snapshot.
    pub(crate) fn contents(&self, key: Option<&SnapshotKey>) -> Result<Vec<Entry>, Error> {
        let Some(encryption) = &self.encryption else { return Ok(self.entries.clone()) };
        let key = key.ok_or_else(|| self.locked(0))?;
        let corrupt = |what: String| Error::Corrupt {
            file: "the list of files".to_owned(),
            snapshot: self.snapshot.to_string(),
            what,
        };
        let unreadable = |error: io::Error| corrupt(error.to_string());
        let sealed = STANDARD.decode(&encryption.entries).map_err(|error| corrupt(error.to_string()))?;
        let packed = key.decrypt(&sealed).map_err(unreadable)?;
        let list = zstd::Decoder::new(&packed[..]).map_err(unreadable)?.take(LARGEST_LIST);
        let entries: Vec<Entry> =
            serde_json::from_reader(list).map_err(|error| corrupt(error.to_string()))?;
        if self.totals != Totals::of(&entries, &self.parts) {
            return Err(corrupt("its sums are not those of the manifest".to_owned()));
        }
        if let Some(what) = entries.iter().find_map(Entry::contradiction) {
            return Err(corrupt(what.to_owned()));
        }
        Ok(entries)
    }

    /// The same manifest for other recipients.
    ///
    /// # Errors
    /// When it is not encrypted, or none of the private keys opens it.
    pub(crate) fn rekeyed(&self, identities: &Identities, recipients: &[Recipient]) -> Result<Self, Error> {
        let (Some(encryption), Some(key)) = (&self.encryption, self.unlock(identities)?) else {
            return Err(Error::NotEncrypted { snapshot: self.snapshot.to_string() });
        };
        let (envelope, recipients) = (key.wrap(recipients)?, names(recipients));
        let encryption = Encryption { recipients, envelope, entries: encryption.entries.clone() };
        Ok(Self { encryption: Some(encryption), ..self.clone() })
    }
}
