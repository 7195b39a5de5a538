//! How private state is stored: JSON in an envelope with a version.
//!
//! Apply is told the planned private state only. So that a failed update can give back the prior
//! one, the planned envelope carries both; what is stored carries one.

use serde::{Deserialize, Serialize};

use crate::{Diagnostic, Diagnostics, Private};

/// The version of the envelope, not of what is inside.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Sealed<'a, P> {
    v: u32,
    data: &'a P,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior: Option<&'a P>,
}

#[derive(Deserialize)]
struct Opened<P> {
    v: u32,
    data: Option<P>,
    #[serde(default = "none")]
    prior: Option<P>,
}

fn none<P>() -> Option<P> {
    None
}

/// Private state as bytes.
pub(crate) fn encode<P: Private>(private: &P, summary: &str) -> Result<Vec<u8>, Diagnostics> {
    seal(&Sealed { v: VERSION, data: private, prior: None }, summary)
}

/// Planned private state as bytes, together with what was remembered before.
pub(crate) fn encode_planned<P: Private>(
    planned: &P,
    prior: Option<&P>,
    summary: &str,
) -> Result<Vec<u8>, Diagnostics> {
    seal(&Sealed { v: VERSION, data: planned, prior }, summary)
}

fn seal<P: Private>(envelope: &Sealed<'_, P>, summary: &str) -> Result<Vec<u8>, Diagnostics> {
    serde_json::to_vec(envelope).map_err(|error| {
        Diagnostic::bug(summary, format!("The private state cannot be written: {error}")).into()
    })
}

/// Private state from bytes; the default when there are none (after an import, or from a version
/// of the resource that remembered nothing).
pub(crate) fn decode<P: Private>(bytes: &[u8], summary: &str) -> Result<P, Diagnostics> {
    Ok(decode_planned(bytes, summary)?.0)
}

/// The planned and the prior private state.
pub(crate) fn decode_planned<P: Private>(bytes: &[u8], summary: &str) -> Result<(P, P), Diagnostics> {
    if bytes.is_empty() {
        return Ok((P::default(), P::default()));
    }
    let opened: Opened<P> = serde_json::from_slice(bytes)
        .map_err(|error| Diagnostic::bug(summary, format!("The private state cannot be read: {error}")))?;
    if opened.v > VERSION {
        let detail = "The private state was written by a newer version of the provider. Use that version or a later one.";
        return Err(Diagnostic::error(summary).detail(detail).into());
    }
    let data = opened.data.unwrap_or_default();
    let prior = opened.prior.unwrap_or_else(|| data.clone());
    Ok((data, prior))
}

/// What was remembered before the plan: for a change that did not happen. Bytes that are not an
/// envelope of a plan stay as they are.
pub(crate) fn of_prior(planned: &[u8]) -> Vec<u8> {
    let Ok(Opened { v, prior: Some(prior), .. }) =
        serde_json::from_slice::<Opened<serde_json::Value>>(planned)
    else {
        return planned.to_vec();
    };
    let envelope = Sealed { v, data: &prior, prior: None };
    serde_json::to_vec(&envelope).unwrap_or_else(|_| planned.to_vec())
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
    fn a_plan_remembers_what_was_before() {
        let memory = |digest: &str| Memory { digest: digest.into() };
        let bytes = encode_planned(&memory("new"), Some(&memory("old")), "x").unwrap();
        assert_eq!(decode_planned::<Memory>(&bytes, "x").unwrap(), (memory("new"), memory("old")));
        assert_eq!(decode::<Memory>(&bytes, "x").unwrap(), memory("new"));
        assert_eq!(of_prior(&bytes), encode(&memory("old"), "x").unwrap());
        for other in [encode(&memory("a"), "x").unwrap(), Vec::new(), b"nonsense".to_vec()] {
            assert_eq!(of_prior(&other), other);
        }
    }

    #[test]
    fn a_newer_envelope_is_refused() {
        let error = decode::<()>(br#"{"v":2,"data":null}"#, "x").unwrap_err().to_string();
        assert!(error.contains("newer version"), "{error}");
        assert!(decode::<()>(b"nonsense", "x").unwrap_err().to_string().contains("cannot be read"));
    }
}
