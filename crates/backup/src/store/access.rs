//! From a URL, and what else is said of a store, to the store.

use std::{sync::Arc, time::Duration};

use remote::{Connection, Executor, connection::SshConnection};
use secret::Secret;

use crate::repository::{Repository, RepositoryPlace};

use super::{
    FileStore, GitHubSettings, GitHubStore, Lock, S3Settings, S3Store, SftpStore, Store, StoreError, StoreUrl,
};

/// What buckets of one's own call the region that they do not have.
const REGION: &str = "us-east-1";

/// For how long a request is sent again to a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The variable that has the password of a repository of restic.
const PASSWORD: &str = "RESTIC_PASSWORD";

/// What is said of a store beside its URL; what is not said of a bucket, the environment says.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Where this is said, for messages: a noun, such as `the table "away"`.
    pub said_by: String,
    /// The server's address.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The name of the key. Without it, the whole key is that of the environment.
    pub access_key_id: Option<String>,
    /// The key.
    pub secret_access_key: Option<Secret>,
    /// What keys for a while come with.
    pub session_token: Option<Secret>,
    /// Who may read and write the contents of a repository.
    pub token: Option<Secret>,
    /// The host that a bucket is reached from, where that is not this machine.
    pub via: Option<Connection>,
    /// How each new object of a bucket is locked.
    pub lock: Option<Lock>,
    /// What opens a repository of restic.
    pub password: Option<Secret>,
}

/// A server that is reached over SSH, or why there is no way to it.
pub type Reached = Result<Arc<dyn Executor>, Box<dyn std::error::Error + Send + Sync>>;

/// The way to a server that is reached over SSH.
pub type Reach<'a> = &'a (dyn Fn(&SshConnection) -> Reached + Sync);

/// A variable of the environment.
pub type Variable<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nobody says how one gets in.
    #[error("there is no key for the store {store:?}")]
    NoKey {
        /// The store, as it was named.
        store: String,
    },
    /// It is a repository of restic, in which nothing else writes.
    #[error("the store {store:?} is a repository of restic, which has none but snapshots of restic")]
    Repository {
        /// The store, as it was named.
        store: String,
    },
    /// Nobody says what opens a repository of restic.
    #[error("there is no password for the store {store:?}")]
    NoPassword {
        /// The store, as it was named.
        store: String,
    },
    /// A password or a key that cannot be handed over.
    #[error("{what} of the store {store:?} is empty, or has more than one line")]
    NotALine {
        /// Which of both.
        what: String,
        /// The store, as it was named.
        store: String,
    },
    /// Nobody says who one is.
    #[error("there is no token for the store {store:?}")]
    NoToken {
        /// The store, as it was named.
        store: String,
    },
    /// Nobody says how one logs in.
    #[error("there is no way to the server of the store {store:?}")]
    NoLogin {
        /// The store, as it was named.
        store: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nobody says how one logs in to the host that the bucket is reached from.
    #[error("there is no way to {host}, which the store {store:?} is reached from")]
    NoHost {
        /// The store, as it was named.
        store: String,
        /// The host.
        host: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The settings cannot be those of a server.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Access {
    /// The store at `url`, which messages call `named`. Nothing is connected.
    ///
    /// # Errors
    /// When nobody says how one gets in.
    pub fn open(
        &self,
        url: &StoreUrl,
        named: &str,
        (variable, reach): (Variable<'_>, Reach<'_>),
    ) -> Result<Arc<dyn Store>, AccessError> {
        Ok(match url {
            StoreUrl::Restic(_) => return Err(AccessError::Repository { store: named.to_owned() }),
            StoreUrl::File(path) => Arc::new(FileStore::new(path)),
            StoreUrl::S3 { bucket, prefix } => {
                let settings = self.s3(variable);
                let mut settings = settings.ok_or_else(|| AccessError::NoKey { store: named.to_owned() })?;
                if let Some(Connection::Ssh(host)) = &self.via {
                    let via = reach(host).map_err(|source| AccessError::NoHost {
                        store: named.to_owned(),
                        host: Connection::Ssh(host.clone()).to_string(),
                        source,
                    })?;
                    settings.via = Some(via);
                }
                Arc::new(S3Store::new(bucket, prefix, &settings)?)
            }
            StoreUrl::GitHub(repository) => {
                let settings = self.github(variable);
                let settings = settings.ok_or_else(|| AccessError::NoToken { store: named.to_owned() })?;
                Arc::new(GitHubStore::new(repository, &settings)?)
            }
            StoreUrl::Sftp { connection, path } => {
                let executor = reach(connection)
                    .map_err(|source| AccessError::NoLogin { store: named.to_owned(), source })?;
                // Its own spelling: without what only says how it is reached.
                let place = url.to_string();
                let place = place.split('?').next().unwrap_or(&place);
                Arc::new(SftpStore::new(place.to_owned(), path, executor))
            }
        })
    }

    /// The repository of restic at `place`, which messages call `named`.
    ///
    /// # Errors
    /// When nobody says what opens it.
    pub fn repository(
        &self,
        place: &RepositoryPlace,
        named: &str,
        variable: Variable<'_>,
    ) -> Result<Repository, AccessError> {
        let store = || named.to_owned();
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(Secret::new);
        let (password, password_from) = match &self.password {
            Some(password) => (password.clone(), self.said_by.clone()),
            None => {
                let password = set(PASSWORD).ok_or_else(|| AccessError::NoPassword { store: store() })?;
                (password, format!("the environment ({PASSWORD})"))
            }
        };
        let mut repository = Repository::new(place.clone(), password, password_from);
        if let Some([id_variable, key_variable]) = place.key_variables() {
            // A key and what goes with it come from one place.
            let pair = match (&self.access_key_id, &self.secret_access_key) {
                (Some(id), Some(key)) => Some((Secret::new(id.clone()), key.clone())),
                _ => set(id_variable).zip(set(key_variable)),
            };
            if let Some((id, key)) = pair {
                repository.environment.extend([(id_variable.to_owned(), id), (key_variable.to_owned(), key)]);
            }
            let token = match self.access_key_id {
                Some(_) => self.session_token.clone(),
                None => set("AWS_SESSION_TOKEN"),
            };
            let region = self.region.clone().map(Secret::new);
            let more = [("AWS_SESSION_TOKEN", token), ("AWS_DEFAULT_REGION", region)];
            let is_bucket = id_variable.starts_with("AWS_");
            let more = more.into_iter().filter(|_| is_bucket);
            repository.environment.extend(more.filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        match repository.not_a_line() {
            Some(what) => Err(AccessError::NotALine { what: what.to_owned(), store: store() }),
            None => Ok(repository),
        }
    }

    /// How one gets into a repository; `None` where there is no token.
    fn github(&self, variable: Variable<'_>) -> Option<GitHubSettings> {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let (token, token_from) = match &self.token {
            Some(token) => (token.clone(), self.said_by.clone()),
            None => ["GITHUB_TOKEN", "GH_TOKEN"]
                .iter()
                .find_map(|name| Some((Secret::new(set(name)?), format!("the environment ({name})"))))?,
        };
        let endpoint = self.endpoint.clone().or_else(|| set(&"GITHUB_API_URL"));
        Some(GitHubSettings { endpoint, token, token_from, patience: PATIENCE })
    }

    /// How one gets into a bucket; `None` where there is no key.
    fn s3(&self, variable: Variable<'_>) -> Option<S3Settings> {
        let set = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.is_empty())
        };
        let secret = |name| set(&[name]).map(Secret::new);
        // A key and what goes with it come from one place.
        let (id, key, session_token, key_from) = match &self.access_key_id {
            Some(id) => {
                let (key, token) = (self.secret_access_key.clone(), self.session_token.clone());
                (Some(id.clone()), key, token, self.said_by.clone())
            }
            None => (
                set(&["AWS_ACCESS_KEY_ID"]),
                secret("AWS_SECRET_ACCESS_KEY"),
                secret("AWS_SESSION_TOKEN"),
                "the environment (AWS_ACCESS_KEY_ID)".to_owned(),
            ),
        };
        Some(S3Settings {
            endpoint: self.endpoint.clone().or_else(|| set(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])),
            region: self
                .region
                .clone()
                .or_else(|| set(&["AWS_REGION", "AWS_DEFAULT_REGION"]))
                .unwrap_or_else(|| REGION.to_owned()),
            access_key_id: id?,
            secret_access_key: key?,
            session_token,
            key_from,
            patience: PATIENCE,
            via: None,
            lock: self.lock,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(
        access: &Access,
        variable: Variable<'_>,
    ) -> (String, String, String, [Option<String>; 2], String) {
        let S3Settings {
            endpoint, region, access_key_id, secret_access_key, session_token, key_from, ..
        } = access.s3(variable).unwrap();
        let secrets =
            [Some(secret_access_key), session_token].map(|key| key.map(|key| key.expose().to_owned()));
        (endpoint.unwrap(), region, access_key_id, secrets, key_from)
    }

    #[test]
    fn a_key_comes_from_one_place_and_what_is_said_comes_first() {
        let environment = |name: &str| Some(format!("{name} of the environment"));
        let from = |name: &str| format!("{name} of the environment");
        assert_eq!(
            told(&Access::default(), &environment),
            (
                from("AWS_ENDPOINT_URL_S3"),
                from("AWS_REGION"),
                from("AWS_ACCESS_KEY_ID"),
                [Some(from("AWS_SECRET_ACCESS_KEY")), Some(from("AWS_SESSION_TOKEN"))],
                "the environment (AWS_ACCESS_KEY_ID)".to_owned(),
            )
        );
        let own = Access {
            said_by: "the table \"away\"".into(),
            endpoint: Some("https://s3.example.org".into()),
            region: Some("eu".into()),
            access_key_id: Some("id".into()),
            secret_access_key: Some(Secret::new("key")),
            ..Access::default()
        };
        assert_eq!(
            told(&own, &environment),
            (
                "https://s3.example.org".to_owned(),
                "eu".to_owned(),
                "id".to_owned(),
                [Some("key".to_owned()), None],
                "the table \"away\"".to_owned(),
            )
        );
        assert!(Access::default().s3(&|_| None).is_none());
    }

    #[test]
    fn a_repository_has_a_password_and_the_key_of_its_server() {
        let told = |access: &Access, place: &str, variable: Variable<'_>| {
            let repository = access.repository(&place.parse().unwrap(), "r", variable)?;
            let names: Vec<String> = repository.environment.iter().map(|(name, _)| name.clone()).collect();
            Ok::<_, AccessError>((
                repository.password.expose().to_owned(),
                repository.password_from,
                names.join(" "),
            ))
        };
        let own = Access {
            said_by: "here".into(),
            password: Some(Secret::new("own")),
            access_key_id: Some("id".into()),
            secret_access_key: Some(Secret::new("key")),
            region: Some("eu".into()),
            ..Access::default()
        };
        let s3 = "s3:https://s3.example.org/bucket";
        let keys = "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION";
        assert_eq!(told(&own, s3, &|_| None).unwrap(), ("own".into(), "here".into(), keys.into()));
        assert_eq!(told(&own, "/srv/r", &|_| None).unwrap(), ("own".into(), "here".into(), String::new()));
        let environment = |name: &str| Some(format!("{name} of the environment"));
        assert_eq!(
            told(&Access::default(), "rest:https://server/", &environment).unwrap(),
            (
                "RESTIC_PASSWORD of the environment".into(),
                "the environment (RESTIC_PASSWORD)".into(),
                "RESTIC_REST_USERNAME RESTIC_REST_PASSWORD".into()
            )
        );
        let none = told(&Access::default(), s3, &|_| None).unwrap_err();
        assert_eq!(none.to_string(), "there is no password for the store \"r\"");
        let lines = Access { password: Some(Secret::new("a\nb")), ..own };
        let wrong = told(&lines, s3, &|_| None).unwrap_err();
        assert_eq!(wrong.to_string(), "the password of the store \"r\" is empty, or has more than one line");
    }

    #[test]
    fn a_token_is_that_of_the_store_or_of_the_environment() {
        let environment = |name: &str| name.starts_with("GH").then(|| "env".to_owned());
        let told = |access: Access| {
            let settings = access.github(&environment).unwrap();
            (settings.token.expose().to_owned(), settings.token_from)
        };
        assert_eq!(told(Access::default()), ("env".to_owned(), "the environment (GH_TOKEN)".to_owned()));
        let own = Access { said_by: "here".into(), token: Some(Secret::new("own")), ..Access::default() };
        assert_eq!(told(own), ("own".to_owned(), "here".to_owned()));
        assert!(Access::default().github(&|_| None).is_none());
    }
}
