//! The `store` blocks: where snapshots live, and how one gets in.

use backup::store::StoreUrl;
use framework::{Attribute, Block, Field, Model, Rule, validate};
use secret::Secret;

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
}

impl StoreBlock {
    /// Whether a setting of a bucket is not known yet.
    pub(crate) fn has_unknown(&self) -> bool {
        [&self.endpoint, &self.region, &self.access_key_id].iter().any(|field| field.is_unknown())
            || [&self.secret_access_key, &self.session_token].iter().any(|field| field.is_unknown())
    }
}

impl StoreBlock {
    /// The first setting that only a bucket has.
    pub(crate) fn first_of_bucket(&self) -> Option<&'static str> {
        let texts =
            [("endpoint", &self.endpoint), ("region", &self.region), ("access_key_id", &self.access_key_id)];
        let secrets =
            [("secret_access_key", &self.secret_access_key), ("session_token", &self.session_token)];
        let texts = texts.into_iter().filter(|(_, field)| !field.is_null()).map(|(name, _)| name);
        texts.chain(secrets.into_iter().filter(|(_, field)| !field.is_null()).map(|(name, _)| name)).next()
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
                 that speaks S3, or `sftp://user@host/path`, a directory of another server. All else is for buckets, and refused beside a directory.",
            ),
            Attribute::string("endpoint")
                .validate(validate::pattern("an address that begins with https:// or http://", |text| {
                    text.starts_with("https://") || text.starts_with("http://")
                }))
                .describe(
                    "The address of the server, such as `https://s3.example.org`. Default: `AWS_ENDPOINT_URL_S3` or \
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
        ])
        .rule(Rule::required_with("access_key_id", ["secret_access_key"]))
        .rule(Rule::required_with("secret_access_key", ["access_key_id"]))
        .rule(Rule::required_with("session_token", ["access_key_id"]))
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
