//! The engine's view of an operation of the core.

use std::{sync::Arc, time::Duration};

use framework::Context;
use stack::{Sink, Warning};

use crate::failure::{as_warning, stack_warning};

/// The engine's view of a call: its limits, its end, and its warnings as diagnostics.
pub(crate) fn context(cx: &Context) -> stack::Context {
    let limit = cx.timeout(cx.operation());
    let sink = Arc::new(Diagnosing(cx.clone()));
    stack::Context::new(cx.interrupt().clone(), sink).until(cx.token().clone(), cx.deadline(), limit)
}

/// Makes diagnostics of what the engine warns of.
struct Diagnosing(Context);

impl Sink for Diagnosing {
    fn warn(&self, warning: Warning) {
        for problem in stack_warning(warning) {
            self.0.warn(as_warning(problem));
        }
    }

    fn rollback(&self, limit: Duration) {
        // The framework lets the call go on for that long; the engine has a clock of its own.
        drop(self.0.overtime(limit));
    }
}
