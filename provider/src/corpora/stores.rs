//! From the attribute `store` to a store: a URL, or the name of a `store` block of the provider.

use std::sync::Arc;

use backup::{
    Repository, Store,
    store::{Access, AccessError, Reach, Reached, StoreUrl, Variable},
};
use framework::{Field, error_chain};
use remote::connection::SshConnection;

use crate::{
    failure::{Failure, Stop, sentence},
    hosted::{Hosts, credentials},
    settings::{StoreBlock, check_store_name, check_store_url},
};

/// Checks the value of an attribute `store`.
pub(crate) fn check_store(store: &str) -> Result<(), String> {
    if store.contains(':') || store.contains('/') { check_store_url(store) } else { check_store_name(store) }
}

/// The store that the attribute `store` means.
pub(crate) fn open(hosts: &Hosts, store: &Field<String>) -> Result<Arc<dyn Store>, Failure> {
    with_opening(hosts, |opening| opening.open(store.as_str().unwrap_or_default()))
}

/// The repository of restic that the attribute `store` means; `None` where it means a store of another kind.
pub(crate) fn repository(hosts: &Hosts, store: &Field<String>) -> Result<Option<Repository>, Failure> {
    with_opening(hosts, |opening| opening.repository(store.as_str().unwrap_or_default()))
}

/// Whether the attribute `store` means a repository of restic, as far as is known.
pub(crate) fn is_repository(hosts: &Hosts, store: &Field<String>) -> Option<bool> {
    let store = store.as_str()?;
    with_opening(hosts, |opening| opening.url(store).ok().map(|url| matches!(url, StoreUrl::Restic(_))))
}

fn with_opening<T>(hosts: &Hosts, work: impl FnOnce(Opening<'_>) -> T) -> T {
    let settings = hosts.settings();
    let blocks = settings.as_ref().map(|settings| settings.stores.as_slice());
    let reach = |ssh: &SshConnection| -> Reached {
        match &settings {
            Some(settings) => Ok(hosts.pool().executor(ssh, &credentials(ssh, settings)?)),
            None => Err("the provider's settings are not known before apply".into()),
        }
    };
    work(Opening { blocks, variable: &|name| std::env::var(name).ok(), reach: &reach })
}

/// What decides which store it is, and how one gets in.
struct Opening<'a> {
    /// The `store` blocks; nothing while the provider's settings are not known.
    blocks: Option<&'a [StoreBlock]>,
    /// A variable of the environment.
    variable: Variable<'a>,
    /// The way to a server that is reached over SSH.
    reach: Reach<'a>,
}

impl Opening<'_> {
    fn open(&self, store: &str) -> Result<Arc<dyn Store>, Failure> {
        let (url, access) = (self.url(store)?, access(store, self.block(store)?)?);
        let opened = access.open(&url, store, (self.variable, self.reach));
        opened.map_err(|error| not_opened(store, error))
    }

    fn repository(&self, store: &str) -> Result<Option<Repository>, Failure> {
        let StoreUrl::Restic(place) = self.url(store)? else { return Ok(None) };
        let access = access(store, self.block(store)?)?;
        let opened = access.repository(&place, store, self.variable);
        opened.map(Some).map_err(|error| not_opened(store, error))
    }

    fn url(&self, store: &str) -> Result<StoreUrl, Failure> {
        let block = self.block(store)?;
        let url = block.map_or(Some(store), |block| block.url.as_str()).and_then(|url| url.parse().ok());
        url.ok_or_else(|| unknown(format!("The URL of the store {store:?} is not known before apply.")))
    }
    /// The block that is meant, by its name or by its URL; none where the URL is all there is.
    fn block(&self, store: &str) -> Result<Option<&StoreBlock>, Failure> {
        let url = store.parse::<StoreUrl>();
        let Some(blocks) = self.blocks else {
            return match url {
                Ok(_) => Ok(None),
                Err(_) => Err(unknown(format!("Where the store {store:?} is, is not known before apply."))),
            };
        };
        let is_meant = |block: &&StoreBlock| match &url {
            Ok(url) => block.url.as_str().and_then(|text| text.parse().ok()).as_ref() == Some(url),
            Err(_) => block.name.as_str() == Some(store),
        };
        let meant: Vec<&StoreBlock> = blocks.iter().filter(is_meant).collect();
        match (&meant[..], &url) {
            ([block], _) => Ok(Some(block)),
            ([], Ok(_)) => Ok(None),
            ([], Err(_)) => Err(stop(
                format!("There is no store {store:?}: {}.", names(blocks)),
                "Name one of the `store` blocks of the provider, write one, or give a URL.",
            )),
            (several, _) => Err(stop(
                format!("{} `store` blocks of the provider are meant by {store:?}.", several.len()),
                "Leave one of them.",
            )),
        }
    }
}

/// Why a store cannot be opened, as it is told.
fn not_opened(store: &str, error: AccessError) -> Failure {
    match error {
        AccessError::Store(error) => error.into(),
        error @ AccessError::Repository { .. } => stop(
            sentence(&error.to_string()),
            "Set `engine = \"restic\"`, or name another store. `copies` are in stores of other kinds.",
        ),
        AccessError::NoPassword { .. } => stop(
            format!("There is no password for the store {store:?}."),
            "Set `password` in a `store` block of the provider, or RESTIC_PASSWORD in the environment.",
        ),
        error @ AccessError::NotALine { .. } => {
            stop(sentence(&error.to_string()), "Set it to one line, as restic takes it from a file.")
        }
        error @ AccessError::NoLogin { .. } => stop(
            sentence(&error_chain(&error)),
            "Write an `ssh` block of the provider whose `name` is `identity` of the URL, or correct that.",
        ),
        error @ AccessError::NoHost { .. } => stop(
            sentence(&error_chain(&error)),
            "Write an `ssh` block of the provider whose `name` is `identity` of `via`, or correct that.",
        ),
        AccessError::NoToken { .. } => stop(
            format!("There is no token for the store {store:?}."),
            "Set `token` in a `store` block of the provider, or GITHUB_TOKEN in the environment.",
        ),
        AccessError::NoKey { .. } => stop(
            format!("There is no key for the store {store:?}."),
            "Set `access_key_id` and `secret_access_key` in a `store` block of the provider, or AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY in the environment.",
        ),
    }
}

/// What a block says of its store.
fn access(store: &str, block: Option<&StoreBlock>) -> Result<Access, Failure> {
    let own = block.cloned().unwrap_or_default();
    let url = own.url.as_str().map(str::parse::<StoreUrl>);
    if let Some(Ok(url)) = url
        && let Some(setting) = own.first_out_of_place(&url)
    {
        return Err(stop(
            format!("`{setting}` of the `store` block {store:?} is not a setting of a store like {url}."),
            "Take it out, or correct `url`.",
        ));
    }
    if own.has_unknown() {
        return Err(unknown(format!("Settings of the store {store:?} are not known before apply.")));
    }
    let text = |field: &Field<String>| field.as_str().map(str::to_owned);
    Ok(Access {
        said_by: format!("the `store` block {:?}", own.name.as_str().unwrap_or_default()),
        endpoint: text(&own.endpoint),
        region: text(&own.region),
        access_key_id: text(&own.access_key_id),
        secret_access_key: own.secret_access_key.known().cloned(),
        session_token: own.session_token.known().cloned(),
        token: own.token.known().cloned(),
        via: own.via.as_str().and_then(|text| text.parse().ok()),
        lock: own.lock(),
        password: own.password.known().cloned(),
    })
}

fn stop(happened: String, next: &str) -> Failure {
    Stop::new(happened, next).at("store").into()
}

fn unknown(happened: String) -> Failure {
    stop(happened, "Make what it depends on first (`-target`).")
}

fn names(blocks: &[StoreBlock]) -> String {
    let names: Vec<&str> = blocks.iter().filter_map(|block| block.name.as_str()).collect();
    if names.is_empty() {
        return "the provider has no `store` block".to_owned();
    }
    format!("the provider has `store` blocks with these names: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_way(_: &SshConnection) -> Reached {
        Err("no way".into())
    }

    fn block(name: &str, url: &str) -> StoreBlock {
        StoreBlock { name: name.into(), url: url.into(), ..StoreBlock::default() }
    }

    /// What comes of `store`; with `keys`, the environment has one.
    fn told(blocks: &[StoreBlock], store: &str, keys: bool) -> String {
        let variable =
            |name: &str| (keys && name.starts_with("AWS_") && name.contains("KEY")).then(|| "k".to_owned());
        told_by(Opening { blocks: Some(blocks), variable: &variable, reach: &no_way }.open(store))
    }

    fn told_by(opened: Result<Arc<dyn Store>, Failure>) -> String {
        match opened {
            Ok(store) => store.url(),
            Err(failure) => failure.into_diagnostics("T", "W.").to_string(),
        }
    }

    #[test]
    fn a_store_is_a_url_or_a_block() {
        let blocks = [block("disk", "file:///mnt/b"), block("away", "s3://bucket/prod")];
        for (store, url) in [
            ("file:///mnt/c", "file:///mnt/c"),
            ("disk", "file:///mnt/b"),
            ("away", "s3://bucket/prod"),
            ("s3://other", "s3://other"),
        ] {
            assert_eq!(told(&blocks, store, true), url);
        }
        assert_eq!(
            told(&blocks, "none", true),
            "T (at store)\nThere is no store \"none\": the provider has `store` blocks with these names: disk, away.\n\n\
             W.\n\nName one of the `store` blocks of the provider, write one, or give a URL."
        );
        assert_eq!(
            told(&[], "s3://bucket", false),
            "T (at store)\nThere is no key for the store \"s3://bucket\".\n\nW.\n\nSet `access_key_id` and \
             `secret_access_key` in a `store` block of the provider, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \
             in the environment."
        );
        let mixed = StoreBlock { region: "eu".into(), ..block("disk", "file:///mnt/b") };
        assert!(told(&[mixed], "disk", true).contains(
            "`region` of the `store` block \"disk\" is not a setting of a store like file:///mnt/b."
        ));
        let server = StoreBlock { via: "ssh://web".into(), ..block("box", "sftp://box/a") };
        assert!(
            told(&[server], "box", true).contains(
                "`via` of the `store` block \"box\" is not a setting of a store like sftp://box/a."
            )
        );
        let from = StoreBlock { via: "ssh://web".into(), ..block("away", "s3://bucket") };
        assert!(
            told(&[from], "away", true)
                .contains("There is no way to ssh://web, which the store \"away\" is reached from: no way.")
        );
        let twice = [block("disk", "file:///a"), block("disk", "file:///b")];
        assert!(
            told(&twice, "disk", true).contains("2 `store` blocks of the provider are meant by \"disk\".")
        );
    }

    #[test]
    fn what_is_not_known_yet_is_told() {
        let secret = StoreBlock {
            access_key_id: "id".into(),
            secret_access_key: Field::Unknown,
            ..block("away", "s3://bucket")
        };
        assert!(told(&[secret], "away", true).contains("are not known before apply"));
        let url = StoreBlock { url: Field::Unknown, ..block("away", "") };
        let via = StoreBlock { via: Field::Unknown, ..block("away", "s3://bucket") };
        assert!(told(&[via], "away", true).contains("are not known before apply"));
        assert!(told(&[url], "away", true).contains("is not known before apply"));
        let variable = |_: &str| Some("k".to_owned());
        let opening = || Opening { blocks: None, variable: &variable, reach: &no_way };
        assert!(told_by(opening().open("away")).contains("is not known before apply"));
        assert_eq!(told_by(opening().open("s3://bucket")), "s3://bucket");
    }

    #[test]
    fn what_can_be_no_store_is_refused_by_validation() {
        for store in ["disk", "file:///a", "s3://bucket/a/b"] {
            assert_eq!(check_store(store), Ok(()), "{store}");
        }
        for store in ["", "a b", "/srv", "s3://", "ftp://x"] {
            assert!(check_store(store).is_err(), "{store}");
        }
    }
}
