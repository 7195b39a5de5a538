//! The `store` blocks: where snapshots live, and how one gets in.

use backup::store::{Lock, LockMode, StoreUrl};
use framework::{Attribute, Block, Field, Model, Rule, validate};
use secret::Secret;

use crate::hosted::check_connection;

/// A `store` block of the provider.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct StoreBlock {
    pub(crate) name: Field<String>,
    pub(crate) url: Field<String>,
    pub(crate) endpoint: Field<String>,
    pub(crate) region: Field<String>,
    pub(crate) access_key_id: Field<String>,
    pub(crate) secret_access_key: Field<Secret>,
    pub(crate) session_token: Field<Secret>,
    pub(crate) token: Field<Secret>,
    pub(crate) via: Field<String>,
    pub(crate) password: Field<Secret>,
    pub(crate) object_lock_mode: Field<String>,
    pub(crate) object_lock_days: Field<u64>,
}

/// The longest lock, in days: a hundred years, as servers have it.
const LOCK_DAYS: i64 = 36_500;

impl StoreBlock {
    /// Whether a setting is not known yet.
    pub(crate) fn has_unknown(&self) -> bool {
        let texts = [&self.endpoint, &self.region, &self.access_key_id, &self.via, &self.object_lock_mode];
        texts.iter().any(|field| field.is_unknown())
            || self.object_lock_days.is_unknown()
            || [&self.secret_access_key, &self.session_token, &self.token, &self.password]
                .iter()
                .any(|field| field.is_unknown())
    }

    /// How each new object is locked, where that is said.
    pub(crate) fn lock(&self) -> Option<Lock> {
        let mode = self.object_lock_mode.as_str().and_then(LockMode::of_word)?;
        let days = self.object_lock_days.known().and_then(|days| u32::try_from(*days).ok())?;
        Some(Lock { mode, days })
    }
}

impl StoreBlock {
    /// The first setting that a store at `url` does not have.
    pub(crate) fn first_out_of_place(&self, url: &StoreUrl) -> Option<&'static str> {
        let is_bucket = matches!(url, StoreUrl::S3 { .. });
        let is_repository = matches!(url, StoreUrl::GitHub(_));
        let is_restic = matches!(url, StoreUrl::Restic(_));
        let has_key = match url {
            StoreUrl::Restic(place) => place.key_variables().is_some(),
            _ => is_bucket,
        };
        let fields = [
            ("endpoint", !self.endpoint.is_null(), is_bucket || is_repository),
            ("region", !self.region.is_null(), has_key),
            ("access_key_id", !self.access_key_id.is_null(), has_key),
            ("secret_access_key", !self.secret_access_key.is_null(), has_key),
            ("session_token", !self.session_token.is_null(), has_key),
            ("token", !self.token.is_null(), is_repository),
            ("password", !self.password.is_null(), is_restic),
            ("via", !self.via.is_null(), is_bucket),
            ("object_lock_mode", !self.object_lock_mode.is_null(), is_bucket),
            ("object_lock_days", !self.object_lock_days.is_null(), is_bucket),
        ];
        fields.into_iter().find(|(_, is_set, fits)| *is_set && !fits).map(|(name, ..)| name)
    }
}

/// The schema of such a block.
pub(super) fn block() -> Block {
    Block::list("store")
        .describe(
            "Where snapshots of corpora live, and how one gets in. Repeatable: `store` of windlass_corpus_backup, \
             windlass_corpus_restore and windlass_corpus_snapshots names a block; a URL there that is that of a block means \
             the block too.",
        )
        .attributes([
            Attribute::string("name").required().check(|name: &String| check_store_name(name)).describe("What `store` calls this block."),
            Attribute::string("url").required().check(|url: &String| check_store_url(url)).describe(
                "`file:///path`, a directory of the machine that runs tofu, `s3://bucket/prefix`, a bucket of any server \
                 that speaks S3, `sftp://user@host/path`, a directory of another server, `github://owner/repository`, \
                 releases of a repository, or `restic:place`, a repository of restic. A setting that is not for a store of its kind is refused.",
            ),
            Attribute::string("endpoint")
                .validate(validate::pattern("an address that begins with https:// or http://", |text| {
                    text.starts_with("https://") || text.starts_with("http://")
                }))
                .describe(
                    "The address of the server, such as `https://s3.example.org`; of `github://`, that of the API of a server of \
                     one's own, such as `https://github.example.org/api/v3` (`GITHUB_API_URL`, else GitHub's). Default of a bucket: `AWS_ENDPOINT_URL_S3` or \
                     `AWS_ENDPOINT_URL` in the environment, else Amazon's for the region. With `http://`, whoever is on \
                     the way reads the snapshots.",
                ),
            Attribute::string("region").describe(
                "The region. Default: `AWS_REGION` or `AWS_DEFAULT_REGION` in the environment, else `us-east-1`, which is \
                 what most servers of one's own call theirs.",
            ),
            Attribute::string("access_key_id").validate(validate::non_empty()).describe(
                "The name of the key, which needs to list the bucket, and to read, write and delete objects below the \
                 prefix. Default: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` of the \
                 environment, all together.",
            ),
            Attribute::string("secret_access_key").sensitive().describe("The key itself."),
            Attribute::string("session_token").sensitive().describe("What a key for a while comes with."),
            Attribute::string("token").sensitive().describe(
                "Of `github://`: a token that may read and write the contents of the repository, which should be private and \
                 has to have a commit. Default: `GITHUB_TOKEN` or `GH_TOKEN` in the environment.",
            ),
            Attribute::string("password").sensitive().describe(
                "Of `restic:`: the password of the repository, of one line. It reaches restic by a pipe, and is in \
                 no file and no list of processes. `access_key_id` and `secret_access_key` are the key of a \
                 repository in a bucket (`s3:`), and the user and password of one at a `rest:` server. Default: \
                 `RESTIC_PASSWORD` in the environment.",
            ),
            Attribute::string("via").check(check_connection).describe(
                "Of `s3://`: the host that the server is reached from, as a connection (`windlass_host.<name>.connection`), for \
                 one that only this host, or a network it is in, sees. `endpoint` is then an address as the host sees it, such \
                 as `http://127.0.0.1:9000`; requests go there over SSH, and what is large by a connection of its own. The \
                 certificate of an `https://` address is checked by what the machine that runs tofu trusts. A server for \
                 `sftp://` is reached from a host by `?jump=user@host` in its URL.",
            ),
            Attribute::string("object_lock_mode").validate(validate::one_of(LockMode::WORDS)).describe(
                "Of `s3://`, in a bucket that was made with object lock: each new object is locked when it is uploaded, for \
                 `object_lock_days`. `governance` can be ended by keys that are allowed that by name, `compliance` by \
                 nobody. Default: what the bucket says by itself (its default retention). What is locked stays, whatever \
                 `retention`, `on_destroy` and a prune say; a warning tells until when. What is left of an \
                 upload that was cut off stays as long, and so does, as an older version, a manifest that `windlass backup rekey` \
                 replaces. The key needs to be allowed to set \
                 the retention of objects, and to list and delete versions.",
            ),
            Attribute::number("object_lock_days")
                .validate(validate::between(1, LOCK_DAYS))
                .describe("For how many days, from 1 on."),
        ])
        .rule(Rule::required_with("access_key_id", ["secret_access_key"]))
        .rule(Rule::required_with("secret_access_key", ["access_key_id"]))
        .rule(Rule::required_with("session_token", ["access_key_id"]))
        .rule(Rule::required_with("object_lock_mode", ["object_lock_days"]))
        .rule(Rule::required_with("object_lock_days", ["object_lock_mode"]))
}

/// Checks the URL of a store.
pub(crate) fn check_store_url(url: &str) -> Result<(), String> {
    url.parse::<StoreUrl>().map(drop).map_err(|error| format!("is wrong: {error}"))
}

/// Checks the name of a `store` block.
pub(crate) fn check_store_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    Err("must be a URL, or the name of a `store` block: letters, digits, `.`, `_` and `-`".to_owned())
}
