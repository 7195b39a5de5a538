//! Stacks that stop in the middle of `up`, until a test lets them go on.

use std::time::Duration;

use acceptance_tests::Stack;

/// A stack with a service `slow` that becomes healthy when its gate is opened, and `app`, which
/// waits for it; `more` comes after that.
pub fn write(stack: &Stack<'_>, more: &str) {
    let text = stack.compose_file("failures/gate.yaml", &[("GATE", &folder(stack))]) + more;
    stack.configure_text(&text);
}

fn folder(stack: &Stack<'_>) -> String {
    format!("/srv/{}", stack.name)
}

/// Lets `slow` become healthy.
pub fn open(stack: &Stack<'_>) {
    stack.shell(&format!("mkdir -p {0} && touch {0}/open", folder(stack)));
}

/// Waits until `slow` runs, which is when `up` waits for it.
#[track_caller]
pub fn reached(stack: &Stack<'_>) {
    let filter = format!("label=com.docker.compose.project={}", stack.name);
    until("the service runs", || {
        let listed = stack.root_runs(&["docker", "ps", "--filter", &filter, "--format", "{{.Names}}"]);
        listed.contains("slow")
    });
}

/// Waits until `what` is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    // Looks are counted, not seconds: on a slow machine they take longer as well.
    let came = (0..1200).any(|_| {
        let so = is_so();
        if !so {
            std::thread::sleep(Duration::from_millis(50));
        }
        so
    });
    assert!(came, "it did not come to it that {what}");
}

/// Makes `slow` wait again, once it is started anew.
pub fn close(stack: &Stack<'_>) {
    stack.shell(&format!("rm -f {}/open", folder(stack)));
}
