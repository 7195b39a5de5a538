//! How a store is written: one URL without secrets.

use std::{fmt, str::FromStr};

/// Why a text is no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no store: {why}")]
pub struct UrlError {
    text: String,
    why: &'static str,
}

/// A store as a URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreUrl {
    /// `file:///path`: a directory of the machine that runs us.
    File(String),
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file://{path}"),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let error = |why| Err(UrlError { text: text.to_owned(), why });
        let Some(path) = text.strip_prefix("file://") else {
            return error("it begins with `file://`, followed by an absolute path");
        };
        if !path.starts_with('/') {
            return error("`file://` is followed by an absolute path, which makes three slashes");
        }
        if path.contains(['%', '?', '#', '\0']) || path.split('/').any(|part| part == "..") {
            return error("its path has no `..`, and none of the characters `%`, `?` and `#`");
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.is_empty() {
            return error("it is the root directory");
        }
        Ok(Self::File(format!("/{}", parts.join("/"))))
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
        for text in ["", "/srv", "file://srv", "file:///", "file:///a/../b", "file:///a%20b", "ftp://x/y"] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
