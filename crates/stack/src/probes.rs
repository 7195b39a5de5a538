//! Asking whether a stack answers.

use std::time::Instant;

use http::probe::ProbeError;
use remote::{Executor, Local};
use secret::Scrubber;

use crate::{
    context::Context,
    error::{Error, FailedProbe},
    options::{ProbeOrigin, ProbeSpec},
};

/// Makes `probes`, one after the other; `host` is the host of the stack.
///
/// # Errors
/// [`Error::Probe`] with the first that does not pass, and when `host` cannot be asked.
pub async fn pass_probes(
    cx: &Context,
    host: &dyn Executor,
    probes: &[ProbeSpec],
    scrubber: &Scrubber,
) -> Result<(), Error> {
    for (index, one) in probes.iter().enumerate() {
        let here = Local::new();
        let from: &dyn Executor = match one.from {
            ProbeOrigin::Host => host,
            ProbeOrigin::Here => &here,
        };
        let mut probe = one.probe.clone();
        if let Some(left) = cx.time_to_work() {
            probe.timeout = probe.timeout.min(left);
        }
        let began = Instant::now();
        let passed = probe.pass(from, remote::Error::may_be_forbidden, cx.token()).await;
        let took_ms = began.elapsed().as_millis() as u64;
        tracing::debug!(probe = %probe.target, took_ms, ok = passed.is_ok(), "waited for a probe");
        match passed {
            Ok(_) => {}
            Err(ProbeError::Remote(error)) => return Err(error.into()),
            Err(ProbeError::Failed { tries, took, last }) => {
                return Err(Error::Probe(Box::new(FailedProbe {
                    probe: index,
                    target: one.probe.target.clone(),
                    from: from.name().to_owned(),
                    tries,
                    took,
                    answer: last.describe(scrubber),
                    last,
                })));
            }
        }
    }
    Ok(())
}
