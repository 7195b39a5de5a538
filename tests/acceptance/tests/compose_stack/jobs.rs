//! Jobs: what runs before and after the services, and what does not.

use acceptance_tests::{CurrentCompose, STACK, Stack};
use lab::{Lab, Variant};

fn write_sources(stack: &Stack<'_>, version: &str) {
    let text = stack.compose_file("jobs/migration.yaml", &[("VERSION", version)]);
    stack.workspace.write("app/compose.yaml", &text);
}

/// The stack with these blocks.
fn configure(stack: &Stack<'_>, blocks: &str) {
    stack.configure(&format!(
        "source_dir = \"${{path.module}}/app\"\n  secrets_wo = {{ TOKEN = \"sesame-Kq7-open\" }}\n  \
         secrets_wo_version = \"1\"\n{blocks}"
    ));
}

fn job(name: &str, line: &str, more: &str) -> String {
    format!(
        "  job {{\n    name = \"{name}\"\n    service = \"tools\"\n    command = [\"sh\", \"-c\", {}]\n    {more}\n  }}\n",
        acceptance_tests::hcl::quoted(line)
    )
}

/// The lines of a file in the volume.
fn lines(stack: &Stack<'_>, file: &str) -> Vec<String> {
    let line = format!("cat /data/{file} 2>/dev/null || true");
    let db = format!("{}-db-1", stack.name);
    stack.root_runs(&["docker", "exec", &db, "sh", "-c", &line]).lines().map(str::to_owned).collect()
}

/// What a migration does here: it needs the database, and a new version needs it.
const MIGRATE: &str =
    "test -e /data/up && touch /data/schema-$VERSION && echo migrate-$VERSION-$MODE >> /data/log";
const NEEDS: &str = "needs = [\"db\"]\n    environment = { MODE = \"a $b\" }";

/// The container of a job that nobody waits for any more; its id.
fn leave_a_job(stack: &Stack<'_>) -> String {
    let project = format!("com.docker.compose.project={}", stack.name);
    let mut words = vec!["docker", "run", "--detach", "--stop-timeout", "0"];
    for label in ["windlass.run=migrate", "com.docker.compose.oneoff=True", &project] {
        words.extend(["--label", label]);
    }
    words.extend([stack.image("busybox"), "sleep", "infinity"]);
    stack.root_runs(&words).trim().to_owned()
}

#[test]
fn a_migration_runs_before_what_needs_it_and_only_when_something_changes() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, host);
    let migrate = job("migrate", MIGRATE, NEEDS);
    let always = job("seed", "echo seed >> /data/log", "when = \"after\"\n    run_on = \"apply\"");
    let blocks = format!("{migrate}{always}");
    write_sources(&stack, "1");
    configure(&stack, &blocks);
    stack.workspace.converge();
    assert_eq!(lines(&stack, "log"), ["migrate-1-a $b", "seed"]);
    let first = stack.containers();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["app", "db"]);

    // The new version of the application would not start without its migration. What a job of an
    // apply that was cut off has left goes.
    let left = leave_a_job(&stack);
    write_sources(&stack, "2");
    stack.workspace.apply().expect_success();
    assert!(!lab.exec(host, &["docker", "inspect", &left]).unwrap().status.success());
    assert_eq!(lines(&stack, "log")[2..], ["migrate-2-a $b", "seed"]);
    assert_eq!(stack.containers()["db"], first["db"]);

    // To start what was stopped is no change, but an apply.
    let app = format!("{}-app-1", stack.name);
    stack.root_runs(&["docker", "stop", &app]);
    stack.workspace.apply().expect_success();
    assert_eq!(lines(&stack, "log")[4..], ["seed"]);

    // What only says how later operations go about it runs nothing; a block that does something
    // else runs itself.
    let slower = job("migrate", MIGRATE, &format!("{NEEDS}\n    timeout = \"1h\""));
    configure(&stack, &format!("{slower}{always}"));
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(lines(&stack, "log").len(), 5);
    let before = stack.containers();
    configure(&stack, &format!("{slower}{}{always}", job("more", "echo more >> /data/log", "")));
    let planned = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(planned.before["services"], planned.after["services"]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(lines(&stack, "log")[5..], ["more", "seed"]);
    assert_eq!(stack.containers(), before);
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn a_job_that_fails_before_the_services_changes_none_of_them() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, host);
    write_sources(&stack, "1");
    let good = job("migrate", MIGRATE, NEEDS);
    configure(&stack, &good);
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    // With another version of the application, so that there is something to be left as it is.
    write_sources(&stack, "2");
    let bad = "echo out; echo with $TOKEN >&2; exit 7";
    configure(&stack, &job("migrate", bad, NEEDS));
    let error = stack.workspace.apply().expect_error();
    assert_eq!(error.summary, stack.could_not("update"));
    error
        .says("Job \"migrate\", a run of service tools")
        .says("ended with status 7 after")
        .says("\nwith [secret]")
        .says("\nout")
        .says("those that it does not need are as they were")
        .says("still due");
    assert_eq!(stack.containers(), before);
    stack.workspace.expect_change(STACK, &["update"]);

    // A job that takes too long is stopped and leaves no container.
    configure(&stack, &job("migrate", "echo waiting; sleep 600", "timeout = \"10s\""));
    let error = stack.workspace.apply().expect_error();
    error.says("had not ended after 10.0 s and was stopped").says("waiting");
    assert_eq!(stack.containers(), before);

    // One that fails alone is due again, although nothing else is a difference.
    write_sources(&stack, "1");
    configure(&stack, &good);
    stack.workspace.apply().expect_success();
    configure(&stack, &job("migrate", "exit 1", "when = \"after\""));
    stack.workspace.apply().expect_error().says("ended with status 1").says("which had all become well");
    stack.workspace.expect_change(STACK, &["update"]);

    // A service that there is not is known when it is planned.
    configure(&stack, &good.replace("tools", "tool"));
    let error = stack.workspace.plan().expect_error();
    error.says("no such service: tool");
    configure(&stack, &good.replace("\"db\"", "\"tools\""));
    stack.workspace.plan().expect_error().says("needs tools");
}

/// With a current Compose, which leaves the containers of dependents alone. What a job needs is
/// brought up before the others, by a call that does not know them.
#[test]
fn what_a_job_has_replaced_starts_those_again_that_ask_for_it() {
    let Some(compose) = CurrentCompose::of_run() else { return };
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    compose.install(&lab, &host);
    let stack = Stack::on(&lab, &host);
    let configure = |version: &str| {
        let text = stack.compose_file("jobs/restart.yaml", &[("VERSION", version)]);
        stack.configure_text_with(
            &text,
            "job {\n    name = \"migrate\"\n    \
             service = \"db\"\n    command = [\"true\"]\n    needs = [\"db\"]\n  }",
        );
    };
    configure("1");
    stack.workspace.apply().expect_success();
    let start = |service: &str| {
        let container = format!("{}-{service}-1", stack.name);
        stack.root_runs(&["docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", &container])
    };
    let before = ["db", "asks", "stays"].map(start);
    configure("2");
    let planned = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(planned.unknown["services"]["asks"]["ports"], true);
    assert_eq!(planned.after["services"]["stays"], planned.before["services"]["stays"]);
    stack.workspace.apply_planned().expect_success();
    let after = ["db", "asks", "stays"].map(start);
    let id = |text: &str| text.split(' ').next().unwrap().to_owned();
    assert_ne!(id(&before[0]), id(&after[0]));
    assert_eq!(id(&before[1]), id(&after[1]));
    assert_ne!(before[1], after[1], "it was not started again");
    assert_eq!(before[2], after[2]);
    stack.workspace.expect_no_changes();
}
