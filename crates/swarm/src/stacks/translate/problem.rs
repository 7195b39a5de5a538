//! Why files cannot be a stack on a swarm.

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what their names say")]
pub enum Problem {
    /// A key without which something else would run.
    #[error("service {service:?} has `{key}`: {why}")]
    Changes { service: String, key: String, why: String },
    /// A mount of something beside the files.
    #[error("service {service:?} mounts {path:?}, which is beside the files and on no node of a swarm")]
    BesideFiles { service: String, path: String },
    /// A service without an image.
    #[error("service {service:?} names no image: a swarm builds none")]
    NoImage { service: String },
    /// A value that the swarm does not take.
    #[error("{of} has {value:?} as `{key}`, which {why}")]
    Value { of: String, key: String, value: String, why: &'static str },
    /// A secret or config whose content is not known.
    #[error("{what} takes its content from {from}, which {why}")]
    Content { what: String, from: String, why: &'static str },
    /// A name that is too long for a swarm.
    #[error("{what} would be called {name:?} in the swarm, where names have at most {most} characters")]
    LongName { what: String, name: String, most: usize },
}

impl Problem {
    pub(super) fn changes(service: &str, key: &str, why: &str) -> Self {
        Self::Changes { service: service.to_owned(), key: key.to_owned(), why: why.to_owned() }
    }

    pub(super) fn value(of: &str, key: &str, value: &serde_json::Value, why: &'static str) -> Self {
        let value = super::json::text(value).unwrap_or_else(|| value.to_string());
        Self::Value { of: of.to_owned(), key: key.to_owned(), value, why }
    }

    /// Whether the user may accept it, by the key in it.
    pub fn is_key(&self) -> bool {
        matches!(self, Self::Changes { .. })
    }
}
