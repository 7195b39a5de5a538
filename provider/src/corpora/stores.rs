//! From the attribute `store` to a store: a URL, or the name of a `store` block of the provider.

use std::time::Duration;

use backup::{
    Store,
    store::{FileStore, S3Settings, S3Store, StoreUrl},
};
use framework::Field;
use secret::Secret;

use crate::{
    failure::{Failure, Stop},
    hosted::Hosts,
    settings::{StoreBlock, check_store_name, check_store_url},
};

/// What buckets of one's own call the region that they do not have.
const REGION: &str = "us-east-1";

/// For how long a request is sent again to a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Checks the value of an attribute `store`.
pub(crate) fn check_store(store: &str) -> Result<(), String> {
    if store.contains(':') || store.contains('/') { check_store_url(store) } else { check_store_name(store) }
}

/// The store that the attribute `store` means.
pub(crate) fn open(hosts: &Hosts, store: &Field<String>) -> Result<Box<dyn Store>, Failure> {
    let settings = hosts.settings();
    let blocks = settings.as_ref().map(|settings| settings.stores.as_slice());
    Opening { blocks, variable: &|name| std::env::var(name).ok() }.open(store.as_str().unwrap_or_default())
}

/// What decides which store it is, and how one gets in.
struct Opening<'a> {
    /// The `store` blocks; nothing while the provider's settings are not known.
    blocks: Option<&'a [StoreBlock]>,
    /// A variable of the environment.
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Opening<'_> {
    fn open(&self, store: &str) -> Result<Box<dyn Store>, Failure> {
        let block = self.block(store)?;
        let url = block.map_or(Some(store), |block| block.url.as_str()).and_then(|url| url.parse().ok());
        match url {
            Some(StoreUrl::File(path)) => Ok(Box::new(FileStore::new(path))),
            Some(StoreUrl::S3 { bucket, prefix }) => {
                let settings = self.settings(store, block)?;
                Ok(Box::new(S3Store::new(&bucket, &prefix, &settings)?))
            }
            None => Err(unknown(format!("The URL of the store {store:?} is not known before apply."))),
        }
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

    /// How one gets into a bucket: what the block says, else what the environment does.
    fn settings(&self, store: &str, block: Option<&StoreBlock>) -> Result<S3Settings, Failure> {
        let own = block.cloned().unwrap_or_default();
        if own.has_unknown() {
            return Err(unknown(format!("Settings of the store {store:?} are not known before apply.")));
        }
        let set = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| (self.variable)(name));
            values.find(|value| !value.is_empty())
        };
        let secret = |name| set(&[name]).map(Secret::new);
        // A key and what goes with it come from one place.
        let (id, key, session_token, key_from) = match own.access_key_id.as_str() {
            Some(id) => {
                let (key, token) = (own.secret_access_key.known(), own.session_token.known());
                let name = own.name.as_str().unwrap_or_default();
                (Some(id.to_owned()), key.cloned(), token.cloned(), format!("the `store` block {name:?}"))
            }
            None => (
                set(&["AWS_ACCESS_KEY_ID"]),
                secret("AWS_SECRET_ACCESS_KEY"),
                secret("AWS_SESSION_TOKEN"),
                "the environment (AWS_ACCESS_KEY_ID)".to_owned(),
            ),
        };
        let (Some(access_key_id), Some(secret_access_key)) = (id, key) else {
            return Err(stop(
                format!("There is no key for the store {store:?}."),
                "Set `access_key_id` and `secret_access_key` in a `store` block of the provider, or AWS_ACCESS_KEY_ID \
                 and AWS_SECRET_ACCESS_KEY in the environment.",
            ));
        };
        let text =
            |field: &Field<String>, names: &[&str]| field.as_str().map(str::to_owned).or_else(|| set(names));
        Ok(S3Settings {
            endpoint: text(&own.endpoint, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
            region: text(&own.region, &["AWS_REGION", "AWS_DEFAULT_REGION"])
                .unwrap_or_else(|| REGION.to_owned()),
            access_key_id,
            secret_access_key,
            session_token,
            key_from,
            patience: PATIENCE,
        })
    }
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

    fn block(name: &str, url: &str) -> StoreBlock {
        StoreBlock { name: name.into(), url: url.into(), ..StoreBlock::default() }
    }

    /// What comes of `store`; with `keys`, the environment has one.
    fn told(blocks: &[StoreBlock], store: &str, keys: bool) -> String {
        let variable =
            |name: &str| (keys && name.starts_with("AWS_") && name.contains("KEY")).then(|| "k".to_owned());
        told_by(Opening { blocks: Some(blocks), variable: &variable }.open(store))
    }

    fn told_by(opened: Result<Box<dyn Store>, Failure>) -> String {
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
        assert!(told(&[url], "away", true).contains("is not known before apply"));
        let variable = |_: &str| Some("k".to_owned());
        let opening = || Opening { blocks: None, variable: &variable };
        assert!(told_by(opening().open("away")).contains("is not known before apply"));
        assert_eq!(told_by(opening().open("s3://bucket")), "s3://bucket");
    }

    #[test]
    fn a_key_comes_from_one_place_and_what_the_block_says_comes_first() {
        let environment = |name: &str| Some(format!("{name} of the environment"));
        let opening = Opening { blocks: Some(&[]), variable: &environment };
        let settings = |block: &StoreBlock| {
            let S3Settings {
                endpoint,
                region,
                access_key_id,
                secret_access_key,
                session_token,
                key_from,
                ..
            } = opening.settings("away", Some(block)).unwrap();
            let secrets =
                [Some(secret_access_key), session_token].map(|key| key.map(|key| key.expose().to_owned()));
            (endpoint.unwrap(), region, access_key_id, secrets, key_from)
        };
        let from = |name: &str| format!("{name} of the environment");
        let plain = block("away", "s3://bucket");
        assert_eq!(
            settings(&plain),
            (
                from("AWS_ENDPOINT_URL_S3"),
                from("AWS_REGION"),
                from("AWS_ACCESS_KEY_ID"),
                [Some(from("AWS_SECRET_ACCESS_KEY")), Some(from("AWS_SESSION_TOKEN"))],
                "the environment (AWS_ACCESS_KEY_ID)".to_owned(),
            )
        );
        let own = StoreBlock {
            endpoint: "https://s3.example.org".into(),
            region: "eu".into(),
            access_key_id: "id".into(),
            secret_access_key: Field::Known(Secret::new("key")),
            ..plain
        };
        assert_eq!(
            settings(&own),
            (
                "https://s3.example.org".to_owned(),
                "eu".to_owned(),
                "id".to_owned(),
                [Some("key".to_owned()), None],
                "the `store` block \"away\"".to_owned(),
            )
        );
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
