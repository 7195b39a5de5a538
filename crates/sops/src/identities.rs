//! Private keys, and where SOPS looks for them.

use std::ffi::OsString;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use age::secrecy::SecretString;
use secret::Secret;
use zeroize::Zeroizing;

use crate::cipher::DataKey;
use crate::error::Error;
use crate::metadata::Metadata;

/// Private keys of age and SSH.
#[derive(Default)]
pub struct Identities {
    keys: Vec<Box<dyn age::Identity + Send + Sync>>,
    /// Where identities lie when nothing says otherwise.
    default: PathBuf,
    /// What could not be read: told only when nothing else opens the file.
    problems: Vec<Error>,
}

/// Looks up a variable of the environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl Identities {
    /// One key, as its text.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_text(text: &Secret, place: &str) -> Result<Self, Error> {
        let mut identities = Self::default();
        identities.read(text.expose(), place, None)?;
        Ok(identities)
    }

    /// Those in a file: of age-keygen, of SSH, or one that age has encrypted with a passphrase.
    ///
    /// # Errors
    /// When it cannot be read, or has none.
    pub fn of_file(path: &Path, passphrase: Option<&Secret>) -> Result<Self, Error> {
        let mut identities = Self::default();
        identities.read_file(path, passphrase)?;
        Ok(identities)
    }

    /// All that SOPS would find: those of the environment, of the default key file, and SSH keys. A
    /// variable that leads nowhere is an error; a default file that is not there is none.
    ///
    /// # Errors
    /// When what a variable says cannot be read.
    pub fn of_environment(variable: Lookup) -> Result<Self, Error> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = set("HOME").map(PathBuf::from).unwrap_or_default();
        let configuration = set("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
        let mut all = Self { default: configuration.join("sops/age/keys.txt"), ..Self::default() };
        let passphrase = set("SOPS_AGE_KEY_PASSPHRASE").map(|text| Secret::new(text.to_string_lossy()));
        if let Some(text) = set("SOPS_AGE_KEY") {
            let text = Secret::new(text.to_string_lossy());
            let lines: Vec<&str> = text.expose().split_whitespace().collect();
            let lines = Secret::new(lines.join("\n"));
            all.read(lines.expose(), "SOPS_AGE_KEY", None)?;
        }
        if let Some(path) = set("SOPS_AGE_KEY_FILE") {
            all.read_file(Path::new(&path), passphrase.as_ref())?;
        }
        if let Some(command) = set("SOPS_AGE_KEY_CMD") {
            all.read(
                told("SOPS_AGE_KEY_CMD", &command.to_string_lossy())?.expose(),
                "SOPS_AGE_KEY_CMD",
                None,
            )?;
        }
        if let Some(path) = set("SOPS_AGE_SSH_PRIVATE_KEY_FILE") {
            all.read_file(Path::new(&path), passphrase.as_ref())?;
        }
        let ssh = ["id_ed25519", "id_rsa"].map(|name| home.join(".ssh").join(name));
        for path in std::iter::once(all.default.clone()).chain(ssh) {
            if path.is_file()
                && let Err(problem) = all.read_file(&path, passphrase.as_ref())
            {
                all.problems.push(problem);
            }
        }
        Ok(all)
    }

    fn read_file(&mut self, path: &Path, passphrase: Option<&Secret>) -> Result<(), Error> {
        let place = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| Error::Identity { place: place.clone(), problem: error.to_string() })?;
        let text = Secret::new(String::from_utf8_lossy(&bytes));
        if text.expose().starts_with("age-encryption.org/") || text.expose().starts_with("-----BEGIN AGE") {
            let opened = with_passphrase(&bytes, passphrase, &place)?;
            return self.read(opened.expose(), &place, passphrase);
        }
        self.read(text.expose(), &place, passphrase)
    }

    fn read(&mut self, text: &str, place: &str, passphrase: Option<&Secret>) -> Result<(), Error> {
        let problem = |problem: &str| Error::Identity { place: place.to_owned(), problem: problem.into() };
        if text.trim_start().starts_with("-----BEGIN") {
            return self.read_ssh(text, place, passphrase);
        }
        let mut found = 0;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with("AGE-SECRET-KEY-PQ-") {
                return Err(problem("hybrid (post-quantum) identities are not supported here"));
            }
            if line.starts_with("AGE-PLUGIN-") {
                return Err(problem("identities of plugins are not supported here"));
            }
            let key: age::x25519::Identity = line
                .parse()
                .map_err(|_| problem("a line of it is not an age identity (AGE-SECRET-KEY-1…)"))?;
            self.keys.push(Box::new(key));
            found += 1;
        }
        if found == 0 { Err(problem("there is none in it")) } else { Ok(()) }
    }

    fn read_ssh(&mut self, text: &str, place: &str, passphrase: Option<&Secret>) -> Result<(), Error> {
        let problem = |problem: &str| Error::Identity { place: place.to_owned(), problem: problem.into() };
        let key = age::ssh::Identity::from_buffer(BufReader::new(text.as_bytes()), None)
            .map_err(|_| problem("it is not a private key of SSH"))?;
        match &key {
            age::ssh::Identity::Unencrypted(_) => {}
            age::ssh::Identity::Encrypted(_) if passphrase.is_some() => {}
            age::ssh::Identity::Encrypted(_) => {
                return Err(problem("it has a passphrase, and SOPS_AGE_KEY_PASSPHRASE is not set"));
            }
            age::ssh::Identity::Unsupported(_) => {
                return Err(problem(
                    "age knows only SSH keys of the kinds ed25519 and RSA, in OpenSSH's format",
                ));
            }
        }
        self.keys.push(Box::new(key.with_callbacks(Passphrase(passphrase.cloned()))));
        Ok(())
    }

    /// The data key of a file.
    ///
    /// # Errors
    /// When none of them opens it, with what could not be read.
    pub(crate) fn unwrap(&mut self, metadata: &Metadata) -> Result<DataKey, Error> {
        for wrapped in &metadata.keys {
            if let Some(key) = self.open(&wrapped.sealed) {
                return Ok(key);
            }
        }
        if let Some(problem) = self.problems.pop() {
            return Err(problem);
        }
        if self.keys.is_empty() {
            return Err(Error::NoIdentity { default: self.default.clone() });
        }
        Err(Error::WrongKey { identities: self.keys.len(), recipients: metadata.recipients() })
    }

    fn open(&self, sealed: &str) -> Option<DataKey> {
        DataKey::from_bytes(&self.decrypt(sealed.as_bytes())?)
    }

    /// What is in an age file, armored or not; `None` when none of them opens it.
    pub fn decrypt(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let armor = age::armor::ArmoredReader::new(sealed);
        let decryptor = age::Decryptor::new_buffered(armor).ok()?;
        let identities = self.keys.iter().map(|key| &**key as &dyn age::Identity);
        let mut reader = decryptor.decrypt(identities).ok()?;
        let mut bytes = Zeroizing::new(Vec::new());
        reader.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }
}

/// What a command prints that a variable names.
fn told(name: &str, command: &str) -> Result<Secret, Error> {
    let problem = |problem: String| Error::Identity { place: name.to_owned(), problem };
    let words = shlex::split(command).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| problem("it is not a command".into()))?;
    let (program, arguments) = words.split_first().ok_or_else(|| problem("it is not a command".into()))?;
    let told = Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| problem(format!("`{program}` cannot be started: {error}")))?;
    if !told.status.success() {
        return Err(problem(format!("`{program}` failed ({})", told.status)));
    }
    Ok(Secret::new(String::from_utf8_lossy(&told.stdout)))
}

fn with_passphrase(bytes: &[u8], passphrase: Option<&Secret>, place: &str) -> Result<Secret, Error> {
    let problem = |problem: &str| Error::Identity { place: place.to_owned(), problem: problem.into() };
    let passphrase =
        passphrase.ok_or_else(|| problem("it has a passphrase, and SOPS_AGE_KEY_PASSPHRASE is not set"))?;
    let identity = age::scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
    let armor = age::armor::ArmoredReader::new(bytes);
    let mut text = String::new();
    age::Decryptor::new_buffered(armor)
        .ok()
        .and_then(|decryptor| decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).ok())
        .and_then(|mut reader| reader.read_to_string(&mut text).ok())
        .ok_or_else(|| problem("its passphrase is another one than SOPS_AGE_KEY_PASSPHRASE"))?;
    Ok(Secret::new(text))
}

/// Answers age's question for the passphrase of an SSH key; nobody else is asked.
#[derive(Clone)]
struct Passphrase(Option<Secret>);

impl age::Callbacks for Passphrase {
    fn display_message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _: &str) -> Option<SecretString> {
        self.0.as_ref().map(|text| SecretString::from(text.expose().to_owned()))
    }
}
