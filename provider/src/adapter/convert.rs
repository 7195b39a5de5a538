//! Values, diagnostics and paths between the wire and the framework.

use std::time::{SystemTime, UNIX_EPOCH};

use framework::{Capabilities, Diagnostics, FunctionError, Path, Severity, Step, server::Dynamic};
use tfplugin5::pb;

/// A value from the wire; one that is absent is null.
pub(super) fn dynamic(value: Option<pb::DynamicValue>) -> Dynamic {
    let value = value.unwrap_or_default();
    Dynamic { msgpack: value.msgpack, json: value.json }
}

/// A value for the wire.
pub(super) fn wire(value: Dynamic) -> Option<pb::DynamicValue> {
    Some(pb::DynamicValue { msgpack: value.msgpack, json: value.json })
}

/// What the core can do.
pub(super) fn capabilities(told: Option<pb::ClientCapabilities>) -> Capabilities {
    let told = told.unwrap_or_default();
    Capabilities {
        write_only_attributes_allowed: told.write_only_attributes_allowed,
        deferral_allowed: told.deferral_allowed,
    }
}

/// Diagnostics for the wire.
pub(super) fn diagnostics(messages: Diagnostics) -> Vec<pb::Diagnostic> {
    let diagnostic = |message: framework::Diagnostic| pb::Diagnostic {
        severity: match message.severity {
            Severity::Error => pb::diagnostic::Severity::Error,
            Severity::Warning => pb::diagnostic::Severity::Warning,
        }
        .into(),
        summary: message.summary,
        detail: message.detail,
        attribute: message.path.as_ref().map(path),
    };
    messages.into_iter().map(diagnostic).collect()
}

/// A path for the wire, which can name no element of a set: it ends before the first one.
pub(super) fn path(path: &Path) -> pb::AttributePath {
    use pb::attribute_path::step::Selector;
    let selectors = path.steps().iter().map_while(|step| match step {
        Step::Attribute(name) => Some(Selector::AttributeName(name.clone())),
        Step::Key(key) => Some(Selector::ElementKeyString(key.clone())),
        Step::Index(index) => i64::try_from(*index).ok().map(Selector::ElementKeyInt),
        Step::SetElement => None,
    });
    let steps = selectors.map(|selector| pb::attribute_path::Step { selector: Some(selector) });
    pb::AttributePath { steps: steps.collect() }
}

/// The failure of a function for the wire.
pub(super) fn function_error(error: FunctionError) -> pb::FunctionError {
    pb::FunctionError {
        text: error.text,
        function_argument: error.argument.and_then(|argument| i64::try_from(argument).ok()),
    }
}

/// A point in time for the wire; what lies before 1970 is 1970.
pub(super) fn time(time: SystemTime) -> prost_types::Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    prost_types::Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        // Less than a thousand million, so it fits.
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_before_an_element_of_a_set() {
        let steps = path(&Path::root().attribute("a").index(1).key("b").set_element().attribute("c")).steps;
        assert_eq!(steps.len(), 3);
    }

    #[test]
    fn a_time_keeps_its_nanoseconds() {
        let stamp = time(UNIX_EPOCH + std::time::Duration::new(7, 9));
        assert_eq!((stamp.seconds, stamp.nanos), (7, 9));
    }
}
