//! Containers that do not become what they should be.

use lab::{Host, Lab, Variant};

use crate::story::{expect_story, is_tainted};
use acceptance_tests::{STACK, Stack};

/// A stack whose service `app` has these lines; secrets `TOKEN` are `sesame-Kq7-open`.
fn configure(stack: &Stack<'_>, app: &str) {
    configure_with(stack, app, "");
}

fn configure_with(stack: &Stack<'_>, app: &str, attributes: &str) {
    let text = stack.compose_file("failures/app.yaml", &[]) + app;
    stack.configure_text_with(
        &text,
        &format!(
            "secrets_wo = {{ TOKEN = \"sesame-Kq7-open\" }}\n  \
         secrets_wo_version = \"1\"\n  start_timeout = \"3s\"\n  {attributes}"
        ),
    );
}

const WELL: &str = "    command: [sleep, infinity]\n";

const KEEP: &str = "on_failure = \"keep\"";

#[track_caller]
fn fails_and_recovers(host: &Host, lab: &Lab, app: &str, parts: &[&str]) {
    let stack = Stack::on(lab, host);
    configure_with(&stack, app, KEEP);
    let run = stack.workspace.apply();
    let title = stack.could_not("start");
    let error = expect_story(
        &run,
        &title,
        &["Service app", "Its containers now: ", "The stack is recorded", "apply again"],
    );
    for part in parts {
        error.says(part);
    }
    assert!(!run.stdout.contains("sesame-Kq7-open"), "a secret of the log was shown: {error:#?}");
    assert!(run.took.as_secs() < 60, "it took {:?}", run.took);
    assert!(is_tainted(&stack.workspace, STACK), "the failed stack is not marked");

    configure(&stack, WELL);
    stack.workspace.apply().expect_success();
    // A good stack that is made bad is as it was, and only a difference where that is wanted.
    configure(&stack, app);
    let title = stack.could_not("update");
    expect_story(&stack.workspace.apply(), &title, &["Service app", "runs as before the apply: "]);
    assert!(!is_tainted(&stack.workspace, STACK));
    configure(&stack, WELL);
    stack.workspace.expect_no_changes();
    configure_with(&stack, app, KEEP);
    let parts = ["Service app", "Its containers now: ", "The next apply goes on from here."];
    expect_story(&stack.workspace.apply(), &title, &parts);
    assert!(!is_tainted(&stack.workspace, STACK));
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn a_container_that_exits_at_once_shows_its_last_words() {
    let lab = Lab::current().unwrap();
    let script = "for i in $$(seq 1 40); do echo line-$$i-of $$T; done; exit 3";
    let app = format!("    command: [sh, -c, \"{script}\"]\n");
    let parts = ["exited with status 3", "line-40-of [secret]", "line-12-of"];
    fails_and_recovers(lab.host(Variant::Root).unwrap(), &lab, &app, &parts);
}

#[test]
fn a_container_that_restarts_again_and_again_is_no_success() {
    let lab = Lab::current().unwrap();
    let app = "    command: [sh, -c, \"echo no database; sleep 0.5; exit 1\"]\n    restart: always\n";
    let parts = ["restarted by its restart policy", "no database", "service_healthy", "`start_timeout`"];
    fails_and_recovers(lab.host(Variant::Deploy).unwrap(), &lab, app, &parts);
}

#[test]
fn a_container_that_turns_unhealthy_shows_what_its_check_says() {
    let lab = Lab::current().unwrap();
    let app = format!(
        "{WELL}    healthcheck: {{ test: [CMD, sh, -c, \"echo port closed; exit 1\"], interval: 500ms, retries: 2 }}\n"
    );
    fails_and_recovers(lab.host(Variant::Root).unwrap(), &lab, &app, &["is unhealthy", "port closed"]);
}

#[test]
fn a_program_that_is_not_in_the_image_is_told() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    configure(&stack, "    command: [no-such-program]\n");
    let title = stack.could_not("start");
    let run = stack.workspace.apply();
    expect_story(&run, &title, &["no-such-program", "Nothing of it is left running"]);
    assert!(stack.workspace.state(STACK).is_null());
    stack.expect_gone();
}

#[test]
fn a_port_that_is_taken_is_told() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    configure(&stack, &format!("{WELL}    ports: [\"22:80\"]\n"));
    let title = stack.could_not("start");
    let run = stack.workspace.apply();
    expect_story(&run, &title, &["22", "Something else on the host uses that port", "Nothing of it is left"]);
}

#[test]
fn a_job_that_fails_is_told_with_its_log() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let job = format!(
        "{WELL}    depends_on: {{ migrate: {{ condition: service_completed_successfully }} }}\n  migrate:\n    image: {}\n    command: [sh, -c, \"echo table is locked; exit 4\"]\n",
        stack.image("busybox")
    );
    configure(&stack, &job);
    let title = stack.could_not("start");
    let run = stack.workspace.apply();
    expect_story(&run, &title, &["Service migrate", "exited with status 4", "table is locked"]);
}
