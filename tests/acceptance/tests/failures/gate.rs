//! Stacks that stop in the middle of `up`, until a test lets them go on.

use std::time::{Duration, Instant};

use acceptance_tests::Stack;

/// A stack with a service `slow` that becomes healthy when its gate is opened, and `app`, which
/// waits for it; `more` goes into `app`.
pub fn write(stack: &Stack<'_>, more: &str) {
    let image = stack.image("busybox");
    let text = format!(
        "services:\n\
         \x20 slow:\n    image: {image}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n\
         \x20   volumes: [\"{gate}:/gate\"]\n\
         \x20   healthcheck: {{ test: [CMD, test, -e, /gate/open], interval: 500ms, start_period: 200s }}\n\
         \x20 app:\n    image: {image}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n\
         \x20   depends_on: {{ slow: {{ condition: service_healthy }} }}\n{more}",
        gate = folder(stack)
    );
    stack.workspace.write("compose.tpl.yaml", &text);
    stack.configure("config = [file(\"${path.module}/compose.tpl.yaml\")]");
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
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "it did not come to it that {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Makes `slow` wait again, once it is started anew.
pub fn close(stack: &Stack<'_>) {
    stack.shell(&format!("rm -f {}/open", folder(stack)));
}
