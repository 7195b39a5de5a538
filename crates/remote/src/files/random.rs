//! What this machine makes up: names that nobody else uses, and keys.

use super::FileError;

/// A name of 16 hexadecimal digits that nobody else uses.
///
/// # Errors
/// As [`random_bytes`].
pub fn random_name() -> Result<String, FileError> {
    random_bytes::<8>("make up a name").map(|bytes| secret::hex(&bytes))
}

/// Random bytes; `operation` says what for, as a verb phrase.
///
/// # Errors
/// [`FileError::Here`] when this machine gives none.
pub(crate) fn random_bytes<const COUNT: usize>(operation: &str) -> Result<[u8; COUNT], FileError> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes).map_err(|error| FileError::Here {
        operation: operation.to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let (one, other) = (random_name().unwrap(), random_name().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 16);
    }
}
