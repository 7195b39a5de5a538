//! What a summary is made from: the JSON of a plan, or a stream of messages.

pub mod plan;
pub mod stream;

use plan::Plan;
use stream::Diagnostic;

/// What was read.
#[derive(Debug, Default)]
pub struct Source {
    /// The plan.
    pub plan: Plan,
    /// Problems that were told, where it was a stream.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether there are values in it.
    pub has_values: bool,
}

/// Why something is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it is the JSON of something else: it has neither `resource_changes` nor a `format_version`")]
    Other,
    #[error("its format is {0}, and those that begin with `1.` or `0.` are known here")]
    Format(String),
    #[error("it is neither the JSON of a plan nor a stream of messages (the first problem: {0})")]
    Neither(serde_json::Error),
}

/// Reads either.
///
/// # Errors
/// When it is neither.
pub fn read(text: &str) -> Result<Source, Error> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) if value.get("@level").is_none() => of_plan(value),
        Ok(_) | Err(_) => {
            match stream::read(text) {
                Some((plan, diagnostics)) => Ok(Source { plan, diagnostics, has_values: false }),
                None => Err(serde_json::from_str::<serde_json::Value>(text)
                    .map_or_else(Error::Neither, |_| Error::Other)),
            }
        }
    }
}

fn of_plan(value: serde_json::Value) -> Result<Source, Error> {
    if value.get("format_version").is_none() || value.get("values").is_some() {
        return Err(Error::Other);
    }
    let plan: Plan = serde_json::from_value(value).map_err(Error::Neither)?;
    if !plan.format_version.starts_with("1.") && !plan.format_version.starts_with("0.") {
        return Err(Error::Format(plan.format_version));
    }
    Ok(Source { plan, diagnostics: Vec::new(), has_values: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plan_is_told() {
        for (text, problem) in [
            (
                "{}",
                "it is the JSON of something else: it has neither `resource_changes` nor a `format_version`",
            ),
            (
                r#"{"format_version":"1.0","values":{}}"#,
                "it is the JSON of something else: it has neither `resource_changes` nor a `format_version`",
            ),
            (
                r#"{"format_version":"2.0"}"#,
                "its format is 2.0, and those that begin with `1.` or `0.` are known here",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), problem);
        }
        assert!(
            read("Plan: 1 to add").unwrap_err().to_string().starts_with("it is neither the JSON of a plan")
        );
    }

    #[test]
    fn a_plan_may_have_what_is_not_known_here() {
        let source =
            read(r#"{"format_version":"1.9","new":{},"resource_changes":[{"address":"t.n","x":1}]}"#)
                .unwrap();
        assert_eq!(source.plan.resource_changes[0].address, "t.n");
        assert!(source.has_values);
    }
}
