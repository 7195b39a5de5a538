//! How private state is stored: JSON in an envelope with a version.

use serde::{Deserialize, Serialize};

use crate::{Diagnostic, Diagnostics, Private};

/// The version of the envelope, not of what is inside.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Sealed<'a, P> {
    v: u32,
    data: &'a P,
}

#[derive(Deserialize)]
struct Opened<P> {
    v: u32,
    data: Option<P>,
}

/// Private state as bytes.
pub(crate) fn encode<P: Private>(private: &P, summary: &str) -> Result<Vec<u8>, Diagnostics> {
    serde_json::to_vec(&Sealed { v: VERSION, data: private }).map_err(|error| {
        Diagnostic::bug(summary, format!("The private state cannot be written: {error}")).into()
    })
}

/// Private state from bytes; the default when there are none (after an import, or from a version
/// of the resource that remembered nothing).
pub(crate) fn decode<P: Private>(bytes: &[u8], summary: &str) -> Result<P, Diagnostics> {
    if bytes.is_empty() {
        return Ok(P::default());
    }
    let opened: Opened<P> = serde_json::from_slice(bytes)
        .map_err(|error| Diagnostic::bug(summary, format!("The private state cannot be read: {error}")))?;
    if opened.v > VERSION {
        let detail = "The private state was written by a newer version of the provider. Use that version or a later one.";
        return Err(Diagnostic::error(summary).detail(detail).into());
    }
    Ok(opened.data.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Memory {
        digest: String,
    }

    #[test]
    fn what_is_remembered_comes_back() {
        let memory = Memory { digest: "d".into() };
        let bytes = encode(&memory, "x").unwrap();
        assert_eq!(bytes, br#"{"v":1,"data":{"digest":"d"}}"#);
        assert_eq!(decode::<Memory>(&bytes, "x").unwrap(), memory);
        assert_eq!(decode::<Memory>(b"", "x").unwrap(), Memory::default());
        assert_eq!(decode::<Memory>(&encode(&(), "x").unwrap(), "x").unwrap(), Memory::default());
    }

    #[test]
    fn a_newer_envelope_is_refused() {
        let error = decode::<()>(br#"{"v":2,"data":null}"#, "x").unwrap_err().to_string();
        assert!(error.contains("newer version"), "{error}");
        assert!(decode::<()>(b"nonsense", "x").unwrap_err().to_string().contains("cannot be read"));
    }
}
