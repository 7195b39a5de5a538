//! What backups, restores and lists of snapshots have in common: how stores, names and links are written.

mod exec;
mod postgres;
mod quiesce;
mod sections;
mod stores;

use std::{collections::BTreeSet, time::Duration};

use backup::{Corpus, Docker, Error, Links, Name, Wanted};
use framework::{Attribute, Field, Type, schema::parse_duration, validate};

pub(crate) use exec::{ExecModel, Use, exec_block};
pub(crate) use postgres::{PostgresModel, PostgresWords, postgres_block};
pub(crate) use quiesce::{QuiesceModel, quiesce, quiesce_block};
pub(crate) use sections::{SectionsModel, sections_block};
pub(crate) use stores::{is_repository, open, repository};

use crate::{
    docker_objects::check_name,
    failure::{Failure, Stop},
    hosted::Host,
};

/// The words of the attribute `links`.
const LINKS: [&str; 2] = ["inside", "any"];

/// The attribute `name`.
pub(crate) fn name_attribute(description: &str) -> Attribute {
    Attribute::string("name")
        .required()
        .check(|name: &String| name.parse::<Name>().map(drop).map_err(|_| {
            "must have 1 to 63 lower-case letters, digits, `.`, `_` and `-`, and begin with a letter or a digit".to_owned()
        }))
        .describe(description)
}

/// The attribute `store`.
pub(crate) fn store_attribute(description: &str) -> Attribute {
    Attribute::string("store")
        .required()
        .check(|store: &String| stores::check_store(store))
        .describe(format!(
            "{description}: the name of a `store` block of the provider, or a URL. `file:///path` is a directory of the \
             machine that runs tofu, which must be there (one that is made in the place of a disk that is not mounted \
             would fill up another one). `s3://bucket/prefix` is a bucket, which must be there as well, of any server \
             that speaks S3; without a block, the key is that of the environment (`AWS_ACCESS_KEY_ID`, \
             `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), and so are `AWS_REGION` and `AWS_ENDPOINT_URL`. \
             `sftp://user@host/path` is a directory of another server, which must be there; `/~/path` is meant from where \
             the login begins. Its account need not be allowed anything but SFTP. It is reached as a `connection` is, by \
             the `ssh` blocks, with `?host_key=…` and `&identity=…` where they are needed. `github://owner/repository` has a \
             release for each snapshot, a draft until it is complete, whose files are smaller than 2 GiB: larger ones go there in \
             pieces by way of the temporary directory; without a block, the token is that of the environment (`GITHUB_TOKEN`). \
             `restic:place` is a repository of restic, for `engine = \"restic\"`: `restic:/srv/repository`, \
             `restic:s3:https://s3.example.org/bucket/prefix`, `restic:sftp:user@host:/path`, or what else restic calls a \
             repository, as the host sees it that restic runs on; without a block, its password is that of the environment \
             (`RESTIC_PASSWORD`)."
        ))
}

/// The most stores that copies are in.
const COPIES: usize = 10;

/// The attribute `copies`.
pub(crate) fn copies_attribute(description: &str) -> Attribute {
    Attribute::list("copies", Type::String)
        .validate(validate::length(0, COPIES))
        .check(|stores: &Vec<String>| {
            let distinct: BTreeSet<&String> = stores.iter().collect();
            if distinct.len() < stores.len() {
                return Err("must not name a store twice".to_owned());
            }
            stores.iter().try_for_each(|store| stores::check_store(store))
        })
        .describe(format!("{description} Each is written like `store`."))
}

/// The attribute `volume`.
pub(crate) fn volume_attribute(description: &str) -> Attribute {
    Attribute::string("volume").check(|name: &String| check_name(name)).describe(description)
}

/// What is backed up, or what is restored to: one of these is set.
#[derive(Clone, Copy)]
pub(crate) struct CorpusFields<'a> {
    pub(crate) path: &'a Field<String>,
    pub(crate) volume: &'a Field<String>,
    pub(crate) postgres: Option<&'a PostgresModel>,
    pub(crate) exec: Option<&'a ExecModel>,
    /// The block in the configuration, which has what is write-only.
    pub(crate) configured: Option<&'a PostgresModel>,
}

/// The corpus that they mean on `host`.
pub(crate) async fn corpus(host: &Host, fields: CorpusFields<'_>) -> Result<Corpus, Error> {
    let CorpusFields { path, volume, postgres, exec, configured } = fields;
    let wanted = match (postgres, exec, volume.as_str()) {
        (Some(postgres), ..) => postgres.wanted(configured),
        (None, Some(exec), _) => exec.wanted(),
        (None, None, Some(name)) => Wanted::Volume(name.to_owned()),
        (None, None, None) => Wanted::Path(path.as_str().unwrap_or_default().to_owned()),
    };
    let docker = match wanted.needs_docker() {
        true => Some(Docker { engine: host.engine().await?, cli: host.cli().await? }),
        false => None,
    };
    wanted.find(host.name(), docker).await
}

/// The attribute `links`.
pub(crate) fn links_attribute(refused: &str) -> Attribute {
    Attribute::string("links").default("inside").validate(validate::one_of(LINKS)).describe(format!(
        "Which symbolic links the data may have: `inside` (default) are those that lead to something in the \
         directory, by their own text; with any other one {refused}. `any` allows all, as in data of containers \
         whose links are meant inside of the container."
    ))
}

/// The links that the attribute allows.
pub(crate) fn links(word: &Field<String>) -> Links {
    if word.as_str() == Some("any") { Links::Any } else { Links::Inside }
}

/// The name that the attribute has.
pub(crate) fn name(text: &Field<String>) -> Result<Name, Failure> {
    let text = text.as_str().unwrap_or_default();
    text.parse().map_err(|error: backup::NameError| Stop::new(format!("{error}."), "").at("name").into())
}

/// An attribute that holds a duration.
pub(crate) fn duration_attribute(name: &str) -> Attribute {
    Attribute::string(name).check(|text: &String| parse_duration(text).map(drop))
}

/// The duration that an attribute holds.
pub(crate) fn duration(field: &Field<String>) -> Option<Duration> {
    field.known().and_then(|text| parse_duration(text).ok())
}
