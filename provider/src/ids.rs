//! Ids for what has none of its own.

use framework::Diagnostic;

/// A random text of 16 hexadecimal digits.
///
/// # Errors
/// When this machine gives no random bytes.
pub(crate) fn random_id() -> Result<String, Diagnostic> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Diagnostic::error("Could not make up an id")
            .detail(format!("This machine gives no random bytes: {error}."))
            .detail("Nothing was changed.")
    })?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        let (one, other) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 16);
    }
}
