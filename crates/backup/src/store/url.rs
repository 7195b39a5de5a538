//! How a store is written: one URL without secrets.

use std::{fmt, str::FromStr};

use remote::{
    Connection,
    connection::{SshConnection, Sudo},
};

use crate::repository::RepositoryPlace;

/// Why a text is no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid store: {why}")]
pub struct UrlError {
    text: String,
    why: &'static str,
}

/// A store as a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreUrl {
    /// `file:///path`: a directory of the machine that runs us.
    File(String),
    /// `s3://bucket/prefix`: a bucket of a server that speaks S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// What the names of all objects begin with, without slashes at its ends; empty for nothing.
        prefix: String,
    },
    /// `restic:place`: a repository of restic, which is no store: restic alone writes into it.
    Restic(RepositoryPlace),
    /// `github://owner/repository`: releases of a repository.
    GitHub(String),
    /// `sftp://user@host/path`: a directory of another server, which may let us do nothing else.
    Sftp {
        /// How it is reached.
        connection: Box<SshConnection>,
        /// The directory; one without a slash at its beginning is meant from where a login begins.
        path: String,
    },
}

/// How the directory that a login begins in is written in a URL.
const HOME: &str = "~";

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file://{path}"),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Restic(place) => write!(f, "restic:{place}"),
            Self::GitHub(repository) => write!(f, "github://{repository}"),
            Self::Sftp { connection, path } => {
                let connection = Connection::Ssh(connection.clone()).to_string();
                let place = connection.strip_prefix("ssh://").unwrap_or(&connection);
                let (authority, query) = place.split_at(place.find('?').unwrap_or(place.len()));
                let home = if path.starts_with('/') { "" } else { "/~/" };
                write!(f, "sftp://{authority}{home}{path}{query}")
            }
        }
    }
}

impl FromStr for StoreUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let error = |why| Err(UrlError { text: text.to_owned(), why });
        if let Some(place) = text.strip_prefix("s3://") {
            return bucket(place).map_err(|why| UrlError { text: text.to_owned(), why });
        }
        if let Some(place) = text.strip_prefix("restic:") {
            return place.parse().map(Self::Restic).map_err(|why| UrlError { text: text.to_owned(), why });
        }
        if let Some(place) = text.strip_prefix("github://") {
            return repository(place).map_err(|why| UrlError { text: text.to_owned(), why });
        }
        if let Some(place) = text.strip_prefix("sftp://") {
            return server(place).map_err(|why| UrlError { text: text.to_owned(), why });
        }
        let Some(path) = text.strip_prefix("file://") else {
            return error(
                "it begins with `file://`, followed by an absolute path, or is `s3://bucket/prefix`, \
                 `sftp://user@host/path`, `github://owner/repository` or `restic:place`",
            );
        };
        if !path.starts_with('/') {
            return error("`file://` is followed by an absolute path, which makes three slashes");
        }
        if path.contains(['%', '?', '#', '\0']) || path.split('/').any(|part| part == "..") {
            return error("its path has no `..`, and none of the characters `%`, `?` and `#`");
        }
        let path = plain(path);
        if path.is_empty() {
            return error("it is the root directory");
        }
        Ok(Self::File(format!("/{path}")))
    }
}

/// A path without what means nothing in it.
fn plain(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}

fn bucket(place: &str) -> Result<StoreUrl, &'static str> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if bucket.is_empty() || !bucket.chars().all(is_name) {
        return Err("`s3://` is followed by the name of a bucket: letters, digits, `.`, `_` and `-`");
    }
    if !prefix.chars().all(|c| is_name(c) || c == '/') || prefix.split('/').any(|part| part == "..") {
        return Err("what is behind the bucket has letters, digits, `.`, `_`, `-` and `/`, and no `..`");
    }
    Ok(StoreUrl::S3 { bucket: bucket.to_owned(), prefix: plain(prefix) })
}

fn repository(place: &str) -> Result<StoreUrl, &'static str> {
    let is_name = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        !name.is_empty() && name.chars().all(fits) && ![".", ".."].contains(&name)
    };
    match place.trim_end_matches('/').split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => {
            Ok(StoreUrl::GitHub(format!("{owner}/{name}")))
        }
        _ => Err("`github://` is followed by an owner and a repository: letters, digits, `.`, `_` and `-`"),
    }
}

fn server(place: &str) -> Result<StoreUrl, &'static str> {
    let (place, query) = place.split_at(place.find('?').unwrap_or(place.len()));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    if path.contains(['%', '#', '\0']) || path.split('/').any(|part| part == "..") {
        return Err("its path has no `..`, and none of the characters `%` and `#`");
    }
    let path = match path.strip_prefix(HOME).and_then(|rest| rest.strip_prefix('/')) {
        Some(below) => plain(below),
        None => format!("/{}", plain(path)),
    };
    if path.is_empty() || path == "/" {
        return Err(
            "`sftp://user@host` is followed by a directory: `/path`, or `/~/path` from where a login begins",
        );
    }
    match format!("ssh://{authority}{query}").parse() {
        Ok(Connection::Ssh(connection))
            if connection.docker.is_none() && connection.sudo == Sudo::Nothing =>
        {
            Ok(StoreUrl::Sftp { connection, path })
        }
        _ => Err(
            "`sftp://` is followed by what a connection has behind `ssh://`, a path before the `?` and neither \
             `docker` nor `sudo` behind it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_store_has_one_spelling() {
        for text in ["file:///srv/back ups", "file:///srv//./back ups/"] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), "file:///srv/back ups");
        }
        for (text, spelling) in [
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "s3://bucket"),
            ("s3://bucket//a/./b/", "s3://bucket/a/b"),
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), spelling);
        }
        for text in ["s3://", "s3:///a", "s3://a b", "s3://key@bucket", "s3://bucket/../x", "s3://bucket/a?b"]
        {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
        for (text, spelling) in [
            ("sftp://u1@Box.example.org:22/./backups/", "sftp://u1@box.example.org/backups"),
            ("sftp://box/~/a/b", "sftp://box/~/a/b"),
            ("sftp://box:23/a?identity=box", "sftp://box:23/a?identity=box"),
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), spelling);
        }
        for text in [
            "sftp://box",
            "sftp://box/",
            "sftp://box/~/",
            "sftp:///a",
            "sftp://box/../a",
            "sftp://box/a?sudo=1",
        ] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
        for text in ["github://acme/backups", "github://acme/backups/"] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), "github://acme/backups");
        }
        for text in
            ["github://", "github://acme", "github://acme/a/b", "github://acme/..", "github://t@acme/b"]
        {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
        for text in ["restic:/srv/repository", "restic:s3:https://s3.example.org/bucket"] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "restic:",
            "restic:srv",
            "/srv",
            "file://srv",
            "file:///",
            "file:///a/../b",
            "file:///a%20b",
            "ftp://x/y",
        ] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
