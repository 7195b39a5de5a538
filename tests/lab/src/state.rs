//! What a running lab looks like to the tests: one JSON file per lab.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::labels::LAB;
use crate::recipe::short_hash;
use crate::variant::Variant;

/// A lab's hosts and registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Name of the lab.
    pub name: String,
    /// Its hosts, in the order in which they were asked for.
    pub hosts: Vec<Host>,
    /// `address:port` of the registry that is open to all.
    pub registry: String,
    /// The same storage behind a user name and a password.
    pub private_registry: PrivateRegistry,
    /// `nginx`, `busybox`, `busybox:2`, … → `address:port/name:tag@sha256:…`
    pub images: BTreeMap<String, String>,
    /// Host keys of all hosts in the format of OpenSSH's `known_hosts`.
    pub known_hosts_file: PathBuf,
    /// Image in that engine that the hosts were made from.
    pub host_image: String,
    /// Socket of the engine that the hosts are containers of.
    pub engine_socket: PathBuf,
}

/// One machine of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Name, also its hostname.
    pub name: String,
    /// IPv4 address; the machine that runs the lab has a route to it.
    pub address: String,
    /// SSH port.
    pub port: u16,
    /// User that the key is authorized for.
    pub user: String,
    /// Private key of the lab, without a passphrase.
    pub private_key_file: PathBuf,
    /// `ssh-ed25519 AAAA…`
    pub host_key: String,
    /// What is special about it.
    pub variant: Variant,
    /// `user@address:port` of the host through which alone its SSH port can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
    /// Name of its container in the lab's engine.
    pub container: String,
}

/// A registry that asks who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateRegistry {
    /// `address:port`
    pub address: String,
    /// User name.
    pub username: String,
    /// Made anew for each lab.
    pub password: String,
}

/// Which lab it is and where its files are: two checkouts may each have a lab of the same name.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    directory: PathBuf,
    name: String,
}

/// Name of the lab that nobody named.
pub(crate) const DEFAULT_LAB: &str = "default";

impl Paths {
    /// Checks the name and says where the lab's files are.
    pub fn of(name: &str) -> Result<Self> {
        let fine = !name.is_empty()
            && name.len() <= 40
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        // `lab` would share its file with the default one.
        if !fine || name == "lab" {
            return Err(Error::Refused(format!(
                "{name:?} cannot be the name of a lab: up to 40 letters a-z, digits and dashes, \
                 a letter first, not \"lab\""
            )));
        }
        Ok(Self { directory: state_dir(), name: name.to_owned() })
    }

    /// The lab whose [`Paths::directory`] this is.
    pub fn at(directory: &Path) -> Option<Self> {
        Some(Self {
            directory: directory.parent()?.to_owned(),
            name: directory.file_name()?.to_str()?.to_owned(),
        })
    }

    /// What tells its containers from those of all other labs of the machine.
    pub fn key(&self) -> String {
        let directory = self.directory.to_string_lossy();
        format!("{}-{}", self.name, &short_hash(&directory)[..6])
    }

    /// The label of everything that belongs to the lab, as a word.
    pub fn label(&self) -> String {
        format!("{LAB}={}", self.directory().display())
    }

    /// The JSON file.
    pub fn state_file(&self) -> PathBuf {
        let stem = if self.name == DEFAULT_LAB { "lab" } else { &self.name };
        self.directory.join(format!("{stem}.json"))
    }

    /// Directory of keys and the like.
    pub fn directory(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The private key that the lab's hosts accept.
    pub fn key_file(&self) -> PathBuf {
        self.directory().join("id_ed25519")
    }

    /// `known_hosts` of the lab.
    pub fn known_hosts_file(&self) -> PathBuf {
        self.directory().join("known_hosts")
    }

    /// Removes all of them.
    pub fn remove(&self) -> Result<()> {
        let gone = |result: std::io::Result<()>| match result {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(std::fs::remove_file(self.state_file())).map_err(Error::file("remove", self.state_file()))?;
        gone(std::fs::remove_dir_all(self.directory())).map_err(Error::file("remove", self.directory()))
    }
}

/// `tests/lab/state` of this checkout.
#[must_use]
pub fn state_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("state")
}

impl State {
    /// Reads a state file.
    ///
    /// # Errors
    /// When it does not exist or is not one.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(Error::file("read", path))?;
        serde_json::from_slice(&text).map_err(|source| Error::State { path: path.to_owned(), source })
    }

    /// Writes it, readable by its owner only (it holds a password), whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|source| Error::State { path: path.to_owned(), source })?;
        let temporary = path.with_extension("json.new");
        let _ = std::fs::remove_file(&temporary);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(&text))
            .map_err(Error::file("write", &temporary))?;
        std::fs::rename(&temporary, path).map_err(Error::file("write", path))
    }

    /// Where its files are.
    pub(crate) fn paths(&self) -> Option<Paths> {
        Paths::at(self.known_hosts_file.parent()?)
    }

    /// Every `address:port` of the registry, for settings that list them.
    #[must_use]
    pub fn registries(&self) -> Vec<String> {
        vec![self.registry.clone(), self.private_registry.address.clone()]
    }

    /// The registry's address without its port.
    pub(crate) fn registry_host(&self) -> String {
        let host = self.registry.split(':').next();
        host.unwrap_or_default().to_owned()
    }

    /// Lines of a `known_hosts` file for all hosts.
    #[must_use]
    pub fn known_hosts(&self) -> String {
        self.hosts.iter().map(|host| format!("{} {}\n", host.address, host.host_key)).collect()
    }
}

impl Host {
    /// This host as the way to another one: `user@address:port`.
    #[must_use]
    pub fn as_jump(&self) -> String {
        format!("{}@{}:{}", self.user, self.address, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            name: "x".to_owned(),
            hosts: vec![Host {
                name: "n1".to_owned(),
                address: "10.0.0.11".to_owned(),
                port: 22,
                user: "root".to_owned(),
                private_key_file: "/s/id".into(),
                host_key: "ssh-ed25519 AAAA".to_owned(),
                variant: Variant::NoForward,
                jump: None,
                container: "c".to_owned(),
            }],
            registry: "10.0.0.2:5000".to_owned(),
            private_registry: PrivateRegistry {
                address: "10.0.0.2:5001".to_owned(),
                username: "u".to_owned(),
                password: "p".to_owned(),
            },
            images: BTreeMap::new(),
            known_hosts_file: "/s/known_hosts".into(),
            host_image: "i".to_owned(),
            engine_socket: "/e".into(),
        }
    }

    #[test]
    fn has_the_promised_fields() {
        let json = serde_json::to_value(state()).unwrap();
        assert_eq!(json["registry"], "10.0.0.2:5000");
        assert_eq!(
            json["hosts"][0],
            serde_json::json!({
                "name": "n1", "address": "10.0.0.11", "port": 22, "user": "root",
                "private_key_file": "/s/id", "host_key": "ssh-ed25519 AAAA",
                "variant": "no-forward", "container": "c",
            })
        );
    }

    #[test]
    fn is_written_privately_and_read_back() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("lab-state-{}.json", std::process::id()));
        state().write(&path).unwrap();
        state().write(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        let read = State::read(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), state());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn labs_of_the_same_name_in_two_checkouts_are_two() {
        let [one, two] = ["/a/state/dev", "/b/state/dev"].map(|path| Paths::at(Path::new(path)).unwrap());
        assert_ne!(one.key(), two.key());
        assert!(one.key().starts_with("dev-"));
        assert_eq!(one.label(), "windlass.lab=/a/state/dev");
        assert_eq!(one.state_file(), Path::new("/a/state/dev.json"));
    }

    #[test]
    fn names_that_are_no_file_names_are_refused() {
        for name in ["", "lab", "../x", "A", "1a", "a b"] {
            assert!(Paths::of(name).is_err(), "{name}");
        }
        assert!(Paths::of("default").unwrap().state_file().ends_with("state/lab.json"));
        assert!(Paths::of("dev").unwrap().state_file().ends_with("state/dev.json"));
    }
}
