//! Image references, read as Docker reads them.
//!
//! The grammar is that of the distribution project (package `reference`):
//!
//! ```text
//! reference := name [":" tag] ["@" digest]       name := [domain "/"] path *("/" path)
//! domain    := host [":" digits]                 path := [a-z0-9]+ ((. | _ | __ | -+) [a-z0-9]+)*
//! tag       := [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}
//! ```
//!
//! A first component without a dot, a colon or a capital letter that is not `localhost` is no
//! domain but part of the path, and the registry is Docker Hub, where a path of one component
//! means `library/…`.

use std::{fmt, str::FromStr};

/// The registry of images that name none.
pub const HUB: &str = "docker.io";

/// The part of Docker Hub that an image of one name is in.
const LIBRARY: &str = "library/";

/// The tag that is meant where there is neither tag nor digest.
const LATEST: &str = "latest";

/// The longest repository.
const LONGEST: usize = 255;

/// A reference, normalised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The registry: `docker.io`, `ghcr.io`, `10.0.0.2:5000`.
    pub registry: String,
    /// The repository in it: `library/nginx`, `org/app`.
    pub repository: String,
    /// The tag, where one is written.
    pub tag: Option<String>,
    /// The digest, where one is written: `sha256:…`.
    pub digest: Option<String>,
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is nothing.
    #[error("an image reference must not be empty")]
    Empty,
    /// 64 hex digits: Docker takes that for the id of an image.
    #[error("{0:?} is the id of an image, not a reference")]
    Id(String),
    /// The part before the first `/` looks like a registry but is none.
    #[error(
        "{0:?} is not a valid registry, because it is not a host name or an address, with or without a port"
    )]
    Registry(String),
    /// A repository has letters in lower case only.
    #[error("the repository {0:?} must be in lower case")]
    UpperCase(String),
    /// The repository is wrong in another way.
    #[error(
        "{0:?} is not a valid repository, because it may have lower-case letters and digits only, with \
         single \".\" and \"_\", \"__\" or \"-\" between them, and \"/\" between its parts"
    )]
    Repository(String),
    /// The repository is too long.
    #[error("the repository is longer than 255 characters")]
    TooLong,
    /// The tag is wrong.
    #[error(
        "{0:?} is not a valid tag, because it may have at most 128 letters, digits, \"_\", \".\" and \"-\", and not \
         begin with the last two"
    )]
    Tag(String),
    /// The digest is wrong.
    #[error(
        "{0:?} is not a valid digest, because it is not \"sha256:\" and 64 hex digits in lower case (or sha384, sha512 \
         with 96, 128)"
    )]
    Digest(String),
}

impl Reference {
    /// The reference in full: registry, repository, and the tag that is meant where none is written
    /// and there is no digest.
    pub fn canonical(&self) -> String {
        format!("{}/{}{}", self.registry, self.repository, self.version())
    }

    /// The same as people write it: without `docker.io/` and `library/`.
    pub fn familiar(&self) -> String {
        let version = self.version();
        if self.registry != HUB {
            return format!("{}/{}{version}", self.registry, self.repository);
        }
        let short = self.repository.strip_prefix(LIBRARY).filter(|rest| !rest.contains('/'));
        format!("{}{version}", short.unwrap_or(&self.repository))
    }

    fn version(&self) -> String {
        let tag = match (&self.tag, &self.digest) {
            (None, None) => Some(LATEST),
            (tag, _) => tag.as_deref(),
        };
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        let digest = self.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
        tag + &digest
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.len() == 64 && is_hex(text) {
            return Err(ReferenceError::Id(text.to_owned()));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(checked(digest, is_digest, ReferenceError::Digest)?)),
            None => (text, None),
        };
        let (registry, rest) = split_registry(rest)?;
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(checked(tag, is_tag, ReferenceError::Tag)?)),
            None => (rest, None),
        };
        let repository =
            if registry == HUB && !path.contains('/') { format!("{LIBRARY}{path}") } else { path.to_owned() };
        if !path.split('/').all(is_path_component) {
            let lower = path.to_ascii_lowercase();
            let only_case = lower.split('/').all(is_path_component);
            let path = path.to_owned();
            return Err(if only_case {
                ReferenceError::UpperCase(path)
            } else {
                ReferenceError::Repository(path)
            });
        }
        if repository.len() > LONGEST {
            return Err(ReferenceError::TooLong);
        }
        Ok(Self { registry, repository, tag, digest })
    }
}

fn checked(
    text: &str,
    is_right: impl Fn(&str) -> bool,
    wrong: impl Fn(String) -> ReferenceError,
) -> Result<String, ReferenceError> {
    if is_right(text) { Ok(text.to_owned()) } else { Err(wrong(text.to_owned())) }
}

/// Takes the registry off the front, where there is one.
fn split_registry(text: &str) -> Result<(String, &str), ReferenceError> {
    let Some((first, rest)) = text.split_once('/') else { return Ok((HUB.to_owned(), text)) };
    let is_domain = first.contains(['.', ':'])
        || first == "localhost"
        || first.bytes().any(|byte| byte.is_ascii_uppercase());
    if !is_domain {
        return Ok((HUB.to_owned(), text));
    }
    if !is_registry(first) {
        return Err(ReferenceError::Registry(first.to_owned()));
    }
    // The old name of Docker Hub.
    let first = if first == "index.docker.io" { HUB } else { first };
    Ok((first.to_owned(), rest))
}

fn is_registry(text: &str) -> bool {
    let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match text[end..].find(':') {
        Some(colon) => (&text[..end + colon], Some(&text[end + colon + 1..])),
        None => (text, None),
    };
    let port_is_right =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    port_is_right && (is_ipv6(host) || host.split('.').all(is_domain_component))
}

fn is_ipv6(host: &str) -> bool {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inside| inside.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_domain_component(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_path_component(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inside = text.bytes().all(|byte| is_letter(byte) || b"._-".contains(&byte));
    let ends = text.bytes().next().is_some_and(is_letter) && text.bytes().next_back().is_some_and(is_letter);
    let separators = text.split(|letter: char| letter.is_ascii_alphanumeric());
    inside
        && ends
        && separators
            .filter(|run| !run.is_empty())
            .all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !text.is_empty()
        && !text.starts_with(['.', '-'])
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && is_hex(hex)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:bc8813ea7b3603864987522f02a76101c17ad122e1c46d790efc0fca78ca7bfb";

    #[test]
    fn every_part_is_found() {
        let pinned = format!("ghcr.io/org/app:1.2@{SHA}");
        for (text, registry, repository, tag, digest) in [
            ("nginx", "docker.io", "library/nginx", None, None),
            ("nginx:1.27", "docker.io", "library/nginx", Some("1.27"), None),
            ("org/app", "docker.io", "org/app", None, None),
            ("docker.io/nginx", "docker.io", "library/nginx", None, None),
            ("index.docker.io/library/nginx", "docker.io", "library/nginx", None, None),
            ("a/b/c:x", "docker.io", "a/b/c", Some("x"), None),
            (&pinned, "ghcr.io", "org/app", Some("1.2"), Some(SHA)),
            ("10.0.0.2:5000/app", "10.0.0.2:5000", "app", None, None),
            ("[fd00::1]:5000/app:1", "[fd00::1]:5000", "app", Some("1"), None),
            ("[fd00::1]/app", "[fd00::1]", "app", None, None),
            ("localhost/app", "localhost", "app", None, None),
            ("Registry/app", "Registry", "app", None, None),
            ("x.io/a__b/c", "x.io", "a__b/c", None, None),
            ("x.io/a---b.c_d:_T-1.0", "x.io", "a---b.c_d", Some("_T-1.0"), None),
        ] {
            let expected = Reference {
                registry: registry.into(),
                repository: repository.into(),
                tag: tag.map(str::to_owned),
                digest: digest.map(str::to_owned),
            };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn both_spellings_are_written() {
        let pinned = format!("nginx@{SHA}");
        let in_full = format!("docker.io/library/nginx@{SHA}");
        for (text, canonical, familiar) in [
            ("nginx", "docker.io/library/nginx:latest", "nginx:latest"),
            (&pinned, &in_full, &pinned),
            ("docker.io/org/app:1", "docker.io/org/app:1", "org/app:1"),
            ("docker.io/library/a/b:1", "docker.io/library/a/b:1", "library/a/b:1"),
            ("ghcr.io/library/app", "ghcr.io/library/app:latest", "ghcr.io/library/app:latest"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(
                (reference.canonical().as_str(), reference.familiar().as_str()),
                (canonical, familiar)
            );
            // What is written in full means the same.
            assert_eq!(canonical.parse::<Reference>().unwrap().canonical(), canonical);
        }
    }

    #[test]
    fn what_is_no_reference_says_which_part_is_wrong() {
        use ReferenceError as Wrong;
        let part = |text: &str| text.to_owned();
        let id = "a".repeat(64);
        for (text, expected) in [
            (part(""), Wrong::Empty),
            (id.clone(), Wrong::Id(id)),
            (part("Nginx"), Wrong::UpperCase(part("Nginx"))),
            (part("ghcr.io/Org/app"), Wrong::UpperCase(part("Org/app"))),
            (part("nginx:"), Wrong::Tag(part(""))),
            (part("nginx:-1"), Wrong::Tag(part("-1"))),
            (part("nginx:1:2"), Wrong::Tag(part("1:2"))),
            (format!("nginx:{}", "1".repeat(129)), Wrong::Tag("1".repeat(129))),
            (part("nginx@sha256:abc"), Wrong::Digest(part("sha256:abc"))),
            (part("nginx@md5:abc"), Wrong::Digest(part("md5:abc"))),
            (part("nginx@"), Wrong::Digest(part(""))),
            (part("a..b"), Wrong::Repository(part("a..b"))),
            (part("a___b"), Wrong::Repository(part("a___b"))),
            (part("a//b"), Wrong::Repository(part("a//b"))),
            (part("-a"), Wrong::Repository(part("-a"))),
            (part("ghcr.io/"), Wrong::Repository(part(""))),
            (part("https://ghcr.io/app"), Wrong::Registry(part("https:"))),
            (part("-x.io/app"), Wrong::Registry(part("-x.io"))),
            (part("x.io:port/app"), Wrong::Registry(part("x.io:port"))),
            (part("a b"), Wrong::Repository(part("a b"))),
            ("a".repeat(256), Wrong::TooLong),
        ] {
            assert_eq!(text.parse::<Reference>(), Err(expected), "{text}");
        }
    }
}
