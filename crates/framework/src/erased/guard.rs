//! Runs a provider author's code so that nothing it does can lose the answer.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;

use crate::schema::show_duration;
use crate::{Context, Diagnostic, Diagnostics};

/// Waits for `work`. A panic becomes a diagnostic. When the call's time is over its token is
/// cancelled; work that has not returned some time after a cancellation is dropped, so that what it
/// recorded can still be answered. Work in [overtime](Context::overtime) is waited for until that is
/// over, too. `summary` is the title of what went wrong.
pub(crate) async fn guard<T>(
    cx: &Context,
    summary: &str,
    work: impl Future<Output = Result<T, Diagnostics>>,
) -> Result<T, Diagnostics> {
    let timed_out = AtomicBool::new(false);
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    let outcome = tokio::select! {
        biased;
        outcome = &mut work => Some(outcome),
        () = overdue(cx, &timed_out) => None,
    };
    let timed_out = timed_out.load(Ordering::Relaxed);
    let mut problems = match outcome {
        Some(Ok(Ok(answer))) => return Ok(answer),
        Some(Ok(Err(problems))) if problems.has_errors() => problems,
        Some(Ok(Err(mut problems))) => {
            problems.push(Diagnostic::bug(summary, "The operation failed without saying why."));
            problems
        }
        Some(Err(panic)) => {
            Diagnostic::bug(summary, format!("The provider crashed: {}", message(&*panic))).into()
        }
        None if timed_out => Diagnostics::new(),
        None => {
            let detail = "The run was interrupted, and the operation did not stop in time. It was abandoned; what it \
                          had reached so far is recorded.";
            Diagnostic::error(summary).detail(detail).into()
        }
    };
    if timed_out {
        problems.push(timeout(cx, summary));
    }
    Err(problems)
}

/// Returns when work should have stopped and did not.
async fn overdue(cx: &Context, timed_out: &AtomicBool) {
    match cx.deadline() {
        Some(deadline) => {
            tokio::select! {
                () = cx.cancelled() => {}
                () = tokio::time::sleep_until(deadline.into()) => {
                    // What failed before is being made good: the limit is not what was wrong.
                    timed_out.store(cx.in_overtime().is_none(), Ordering::Relaxed);
                    cx.token().cancel();
                }
            }
        }
        None => cx.cancelled().await,
    }
    loop {
        if let Some(until) = cx.in_overtime() {
            tokio::select! {
                () = cx.interrupted() => {}
                () = tokio::time::sleep_until(until.into()) => {}
            }
        }
        tokio::time::sleep(cx.grace()).await;
        if cx.in_overtime().is_none() {
            return;
        }
    }
}

fn timeout(cx: &Context, summary: &str) -> Diagnostic {
    let operation = format!("{:?}", cx.operation()).to_lowercase();
    let limit = cx.timeout(cx.operation()).map(show_duration).unwrap_or_default();
    Diagnostic::error(summary).detail(format!(
        "The time limit of {limit} for {operation} has passed. What was reached until then is recorded. To give it \
         more time, set `{operation}` in the `timeouts` block."
    ))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::Capabilities;
    use crate::schema::{Operation, Timeouts};

    fn context(limits: Timeouts) -> Context {
        let grace = Duration::from_secs(5);
        let cx = Context::new(Operation::Create, CancellationToken::new(), limits);
        cx.called_by("", Capabilities::default(), grace)
    }

    async fn failure(cx: &Context, work: impl Future<Output = Result<(), Diagnostics>>) -> String {
        guard(cx, "Could not create x", work).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_panic_is_a_bug_with_its_message() {
        let cx = context(Timeouts::new());
        let text = failure(&cx, async { panic!("index {}", 3) }).await;
        assert!(text.contains("The provider crashed: index 3") && text.contains("report"), "{text}");
    }

    #[tokio::test]
    async fn a_failure_without_an_error_is_a_bug() {
        let cx = context(Timeouts::new());
        let text = failure(&cx, async { Err(Diagnostic::warning("w").into()) }).await;
        assert!(text.contains("without saying why"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_limit_cancels_and_tells_how_to_raise_it() {
        let cx = context(Timeouts::new().create(10));
        let work = async {
            cx.cancelled().await;
            Err(Diagnostic::error("Could not start it").into())
        };
        let text = failure(&cx, work).await;
        assert!(text.starts_with("Could not start it\n"), "{text}");
        assert!(text.contains("time limit of 10m for create") && text.contains("`timeouts`"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_stop_is_dropped() {
        let cx = context(Timeouts::new().create(10));
        let started = tokio::time::Instant::now();
        let text = failure(&cx, std::future::pending()).await;
        assert!(text.contains("time limit"), "{text}");
        assert_eq!(started.elapsed().as_secs(), 605);

        let cx = context(Timeouts::new());
        cx.token().cancel();
        let text = failure(&cx, std::future::pending()).await;
        assert!(text.contains("The run was interrupted"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_made_good_has_time_of_its_own() {
        for (fails_after, told_late) in [(30, false), (61, true)] {
            let cx = context(Timeouts::new().create(1));
            let work = async {
                tokio::time::sleep(Duration::from_secs(fails_after)).await;
                let after = cx.overtime(Duration::from_secs(90));
                tokio::time::sleep(Duration::from_secs(80)).await;
                assert!(!after.is_cancelled() && cx.is_cancelled() && !cx.is_interrupted());
                Err(Diagnostic::error("Could not start it").into())
            };
            let text = failure(&cx, work).await;
            assert!(text.starts_with("Could not start it"), "{text}");
            assert_eq!(text.contains("time limit"), told_late, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn overtime_ends_with_an_interrupt_or_by_itself() {
        let stop = CancellationToken::new();
        let cx = Context::new(Operation::Create, stop.clone(), Timeouts::new()).called_by(
            "",
            Capabilities::default(),
            Duration::from_secs(5),
        );
        let work = async {
            let after = cx.overtime(Duration::from_secs(60));
            stop.cancel();
            assert!(after.is_cancelled() && cx.is_interrupted());
            std::future::pending().await
        };
        let started = tokio::time::Instant::now();
        failure(&cx, work).await;
        assert_eq!(started.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_succeeds_late_has_succeeded() {
        let cx = context(Timeouts::new().create(1));
        let work = async {
            tokio::time::sleep(Duration::from_secs(62)).await;
            Ok(7)
        };
        assert_eq!(guard(&cx, "x", work).await, Ok(7));
    }
}
