//! The core's own rules about what a provider may answer.
//!
//! The core checks plans and results and blames the provider in front of the user. Checking the
//! same rules here first turns such a failure into one that names the resource and the attribute
//! and is found by our own tests. Where the core is lenient to old providers, these rules are not.
//! Source: terraform `internal/plans/objchange/{plan_valid,compatible}.go` and
//! `docs/resource-instance-change-lifecycle.md`; OpenTofu has the same.

mod apply;
mod plan;
mod replace;
mod state;

use tfvalue::Path;

use crate::{Diagnostic, Diagnostics};

pub(crate) use apply::check as check_apply;
pub(crate) use plan::check as check_plan;
pub(crate) use replace::paths as replace_paths;
pub(crate) use state::{check as check_state, without_unknown, without_write_only, write_only_set};

/// One broken rule. Never shows a value: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The attribute.
    pub path: Path,
    /// What is wrong, as a sentence.
    pub what: &'static str,
}

/// Broken rules as diagnostics. `summary` names the operation and the resource.
pub(crate) fn diagnostics(summary: &str, violations: Vec<Violation>) -> Diagnostics {
    let one = |violation: Violation| {
        let message = Diagnostic::bug(summary, format!("{}: {}", violation.path, violation.what));
        if violation.path.is_root() { message } else { message.at(violation.path) }
    };
    violations.into_iter().map(one).collect()
}
