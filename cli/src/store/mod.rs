//! A state in a SOPS file: reading it, and writing it so that nothing is ever lost.
//!
//! The file is one that `sops -d` opens. Beside the state it has a digest of all of it, because the
//! MAC of SOPS does not see nulls, empty values and which element of a list has which member. Where a
//! state has a number that SOPS cannot keep, the whole state is one encrypted text instead.

mod lock;
mod state;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sops::{File, Format, Identities, Recipient, ReplaceError, Rules, Value, replace};

pub use lock::{Held, Lock, LockInfo};
pub use state::{State, identity};

/// The member that holds the digest.
pub const DIGEST: &str = "windlass_digest";

/// The member by which a state is one of a drill: the lineage that it began with. What is copied or pushed into its
/// place has another one, or has no such member.
pub const DRILL: &str = "windlass_drill";

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: the state of before is still there, and whole", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot open {}", path.display())]
    Open { path: PathBuf, source: sops::Error },
    #[error("cannot encrypt the state")]
    Encrypt(#[source] sops::Error),
    #[error("{} was edited with another tool: its digest does not fit", path.display())]
    Digest { path: PathBuf },
    #[error("it is not a state: {0}")]
    NotState(String),
    #[error("the new state has serial {new}, and {} has {old} already", path.display())]
    Older { path: PathBuf, new: i64, old: i64 },
    #[error("the new state has lineage {new}, and {} has {old}: they are of different infrastructures", path.display())]
    Lineage { path: PathBuf, new: String, old: String },
    #[error("somebody else has written {} since it was read", path.display())]
    Changed { path: PathBuf },
    #[error("what was written to {} reads back as something else", path.display())]
    ReadBack { path: PathBuf },
    #[error("it would be encrypted for {recipients}, and no private key at hand opens that")]
    NotForUs { recipients: String },
}

/// A state's file, and what is in it.
pub struct Store {
    path: PathBuf,
    identities: Identities,
    recipients: Vec<Recipient>,
    layout: Layout,
    loaded: Option<Loaded>,
}

/// How a state is laid out in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Value by value: small changes, names readable.
    #[default]
    Structured,
    /// As one text: nothing but the size is readable.
    Binary,
}

struct Loaded {
    file: File,
    layout: Layout,
    state: State,
    /// The lineage of the drill that it was begun for.
    drill: Option<String>,
    /// SHA-256 of the file.
    on_disk: [u8; 32],
}

impl Store {
    /// Opens the file, when there is one. `recipients` are those that the state is for from now on;
    /// none leaves it for those that it is for already.
    ///
    /// # Errors
    /// When it does not open, was changed, or is not a state.
    pub fn open(
        path: &Path,
        recipients: Vec<Recipient>,
        layout: Layout,
        identities: Identities,
        accept_edited: bool,
    ) -> Result<Self, Error> {
        let mut store = Self { path: path.to_owned(), identities, recipients, layout, loaded: None };
        match std::fs::read_to_string(path) {
            Ok(text) => store.loaded = Some(store.load(&text, accept_edited)?),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
        }
        Ok(store)
    }

    /// Reads the file again where somebody has written it since.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn refresh(&mut self) -> Result<(), Error> {
        if self.unchanged().is_ok() {
            return Ok(());
        }
        let text = std::fs::read_to_string(&self.path)
            .map_err(|source| Error::Read { path: self.path.clone(), source })?;
        self.loaded = Some(self.load(&text, false)?);
        Ok(())
    }

    /// What is in a text of this file, as another version of it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(&mut self, text: &str) -> Result<State, Error> {
        let mut tree = File::read(text, Format::Json, &mut self.identities)
            .map_err(|source| Error::Open { path: self.path.clone(), source })?;
        take_drill(&mut tree);
        self.state_of(tree, false).map(|(state, _)| state)
    }

    fn load(&mut self, text: &str, accept_edited: bool) -> Result<Loaded, Error> {
        let opened = File::open_identified(text, Format::Json, &mut self.identities, identity);
        let (file, mut tree) = opened.map_err(|source| Error::Open { path: self.path.clone(), source })?;
        let drill = take_drill(&mut tree);
        let (state, layout) = self.state_of(tree, accept_edited)?;
        Ok(Loaded { file, layout, state, drill, on_disk: Sha256::digest(text).into() })
    }

    /// The state in the tree of a file, whose digest has to fit.
    fn state_of(&self, mut tree: Value, accept_edited: bool) -> Result<(State, Layout), Error> {
        if tree.get("version").is_none()
            && let Some(Value::Text(text)) = tree.take("data")
        {
            return Ok((State::parse(&text)?, Layout::Binary));
        }
        let digest = tree.take(DIGEST);
        let state = State::of(tree)?;
        let fits = digest.is_some_and(|digest| digest.as_text() == Some(state.digest()));
        if !fits && !accept_edited {
            return Err(Error::Digest { path: self.path.clone() });
        }
        Ok((state, Layout::Structured))
    }

    /// The state, when there is one.
    pub fn state(&self) -> Option<&State> {
        self.loaded.as_ref().map(|loaded| &loaded.state)
    }

    /// Whether it was begun for a drill, and is still that one.
    pub fn is_of_drill(&self) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.drill.as_deref() == Some(loaded.state.lineage()))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a state that follows the one that is there.
    ///
    /// # Errors
    /// When it does not follow it, or cannot be written; then the file is as it was.
    pub fn save(&mut self, state: State) -> Result<(), Error> {
        if let Some(old) = self.state() {
            let path = self.path.clone();
            if old.lineage() != state.lineage() {
                let (new, old) = (state.lineage().to_owned(), old.lineage().to_owned());
                return Err(Error::Lineage { path, new, old });
            }
            if state.serial() < old.serial() {
                return Err(Error::Older { path, new: state.serial(), old: old.serial() });
            }
        }
        self.put(state)
    }

    /// Checks that we can open what is written from now on: nobody could go on with it else.
    ///
    /// # Errors
    /// [`Error::NotForUs`].
    pub fn check_recipients(&mut self) -> Result<(), Error> {
        // What is for the same as before has been opened.
        if self.loaded.as_ref().is_some_and(|loaded| self.are_recipients_of(&loaded.file)) {
            return Ok(());
        }
        let probe = Value::Map(vec![("data".into(), Value::text("probe"))]);
        let mut file =
            File::new(Format::Json, &self.recipients, Rules::EVERYTHING).map_err(Error::Encrypt)?;
        let text = file.write(&probe).map_err(Error::Encrypt)?;
        match File::open(&text, Format::Json, &mut self.identities) {
            Ok(_) => Ok(()),
            Err(_) => {
                let recipients: Vec<&str> = self.recipients.iter().map(Recipient::as_str).collect();
                Err(Error::NotForUs { recipients: recipients.join(", ") })
            }
        }
    }

    /// Writes a state whatever is there.
    ///
    /// # Errors
    /// When it cannot be written; then the file is as it was.
    pub fn put(&mut self, state: State) -> Result<(), Error> {
        let drill = self.loaded.as_ref().and_then(|loaded| loaded.drill.clone());
        self.write(state, drill)
    }

    /// Begins the state of a drill, where there is none.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn begin_drill(&mut self, state: State) -> Result<(), Error> {
        let lineage = state.lineage().to_owned();
        self.write(state, Some(lineage))
    }

    fn write(&mut self, mut state: State, drill: Option<String>) -> Result<(), Error> {
        self.check_recipients()?;
        self.unchanged()?;
        let (mut file, layout) = self.file_for(&state)?;
        let path = self.path.clone();
        let text = state.laid_out(layout, drill.as_deref(), |tree| {
            let text = file.write(tree).map_err(Error::Encrypt)?;
            // All of it opens, and is what it was: nothing less is a reason to let the old one go. The disk
            // takes its time meanwhile.
            let (to, bytes) = (&path, text.as_bytes());
            std::thread::scope(|scope| {
                // In here: where opening panics, its end goes, and nobody waits for an answer.
                let (tell, told) = std::sync::mpsc::channel();
                let writing = scope.spawn(move || {
                    replace(to, bytes, |written| written == bytes && told.recv().unwrap_or_default())
                });
                let opened = File::read(&text, Format::Json, &mut self.identities);
                // Where the disk has failed, nobody waits for it.
                let _ = tell.send(opened.is_ok_and(|opened| opened == *tree));
                writing.join().unwrap_or(Err(ReplaceError::ReadBack))
            })
            .map_err(|error| match error {
                ReplaceError::Disk(source) => Error::Write { path: path.clone(), source },
                ReplaceError::ReadBack => Error::ReadBack { path: path.clone() },
            })?;
            Ok(text)
        })?;
        self.loaded = Some(Loaded { file, layout, state, drill, on_disk: Sha256::digest(&text).into() });
        Ok(())
    }

    /// Takes a new data key for the recipients of now, and writes the state with it.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn rotate(&mut self) -> Result<(), Error> {
        self.check_recipients()?;
        let Some(loaded) = self.loaded.as_mut() else { return Ok(()) };
        let recipients = if self.recipients.is_empty() {
            let kept: Result<Vec<Recipient>, _> = loaded.file.recipients().map(str::parse).collect();
            kept.map_err(Error::Encrypt)?
        } else {
            std::mem::take(&mut self.recipients)
        };
        loaded.file.rotate(&recipients).map_err(Error::Encrypt)?;
        self.recipients = recipients;
        let state = loaded.state.clone();
        self.put(state)
    }

    /// Whether the file is still what was read: nobody is overwritten.
    fn unchanged(&self) -> Result<(), Error> {
        let path = self.path.clone();
        let now: Option<[u8; 32]> = match std::fs::read(&path) {
            Ok(bytes) => Some(Sha256::digest(bytes).into()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(Error::Read { path, source }),
        };
        let known = self.loaded.as_ref().map(|loaded| loaded.on_disk);
        if now == known { Ok(()) } else { Err(Error::Changed { path }) }
    }

    /// Whether the file is for those that the state is for from now on.
    fn are_recipients_of(&self, file: &File) -> bool {
        let is_for: Vec<&str> = file.recipients().collect();
        self.recipients.is_empty()
            || is_for.len() == self.recipients.len()
                && self.recipients.iter().all(|one| is_for.contains(&one.as_str()))
    }

    /// The file to write with: the same data key, unless it is for others now or laid out anew.
    fn file_for(&mut self, state: &State) -> Result<(File, Layout), Error> {
        let layout = if state.fits_sops() { self.layout } else { Layout::Binary };
        if let Some(loaded) = &self.loaded
            && loaded.layout == layout
        {
            let mut file = loaded.file.clone();
            if !self.are_recipients_of(&file) {
                file.rotate(&self.recipients).map_err(Error::Encrypt)?;
            }
            return Ok((file, layout));
        }
        let kept: Vec<Recipient>;
        let recipients = match &self.loaded {
            Some(loaded) if self.recipients.is_empty() => {
                kept = loaded
                    .file
                    .recipients()
                    .map(str::parse)
                    .collect::<Result<_, _>>()
                    .map_err(Error::Encrypt)?;
                &kept
            }
            _ => &self.recipients,
        };
        let file = File::new(Format::Json, recipients, Rules::EVERYTHING).map_err(Error::Encrypt)?;
        Ok((file.identified(identity), layout))
    }
}

/// The lineage of the drill that a file was begun for, taken out of what it has.
fn take_drill(tree: &mut Value) -> Option<String> {
    tree.take(DRILL).and_then(|lineage| lineage.as_text().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret as _;

    #[test]
    fn the_state_of_a_drill_is_known_and_no_other_is_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let key = age::x25519::Identity::generate();
        let text = secret::Secret::new(key.to_string().expose_secret());
        let opened = |name: &str, layout| {
            let recipient = key.to_public().to_string().parse().unwrap();
            let identities = Identities::of_text(&text, "a test").unwrap();
            Store::open(&folder.path().join(name), vec![recipient], layout, identities, false).unwrap()
        };
        for (name, layout) in [("a", Layout::Structured), ("b", Layout::Binary)] {
            let mut store = opened(name, layout);
            assert!(!store.is_of_drill());
            store.begin_drill(State::empty("l").unwrap()).unwrap();
            // It stays one, whoever writes it.
            let next = r#"{"version":4,"serial":2,"lineage":"l","outputs":{},"resources":[]}"#;
            opened(name, layout).save(State::parse(next).unwrap()).unwrap();
            let mut store = opened(name, layout);
            assert!(store.is_of_drill());
            assert_eq!(store.state().unwrap().text(), next);
            // Another infrastructure in its place is none of a drill.
            store.put(State::empty("production").unwrap()).unwrap();
            assert!(!opened(name, layout).is_of_drill());
        }
        let mut other = opened("c", Layout::Structured);
        other.put(State::empty("production").unwrap()).unwrap();
        assert!(!opened("c", Layout::Structured).is_of_drill());
    }
}
