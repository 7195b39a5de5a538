//! Commands that fail, print too much, or are interrupted.

use std::time::Duration;

use acceptance_tests::Scratch;
use lab::{Lab, Variant};

use crate::{Command, IT};

fn command(lab: &Lab) -> Command<'_> {
    Command::new(lab, Scratch::on(lab, lab.host(Variant::Deploy).unwrap()))
}

#[test]
fn a_create_that_failed_is_taken_down_before_the_next_one() {
    let lab = Lab::current().unwrap();
    let command = command(&lab);
    let create = r#"create = ["sh", "-c", "echo half >made; echo why not >&2; exit 3"]"#;
    command.configure(&[create]);
    let error = command.workspace.apply().expect_error();
    assert!(error.summary.starts_with("Could not create command \"sh -c echo half"), "{error:?}");
    for part in ["ended with status 3 after", "why not", "nothing is recorded"] {
        assert!(error.detail.contains(part), "{part:?} is not in {error:?}");
    }
    assert!(command.workspace.state(IT).is_null());

    let destroy = r#"destroy = ["sh", "-c", "rm made; echo destroyed >>log"]"#;
    command.configure(&[create, destroy]);
    let error = command.workspace.apply().expect_error();
    assert!(error.detail.contains("tainted"), "{error:?}");
    // That there is nothing to read yet keeps nobody from making it.
    let read = r#"read = ["cat", "whole"]"#;
    command.configure(&[create, destroy, read]);
    command.workspace.apply().expect_error();
    let told = command.workspace.plan().expect_success();
    told.expect_warning("Could not read command").says("tainted").says("whole");
    command.configure(&[r#"create = ["touch", "whole"]"#, destroy, read]);
    assert!(command.workspace.changes()[IT].is_replace());
    command.workspace.converge();
    let log = command.file("log");
    assert_eq!((command.file("made"), log.as_deref()), (None, Some("destroyed\ndestroyed\n")));

    // A destroy that fails loses nothing.
    command.configure(&[r#"create = ["touch", "whole"]"#, r#"destroy = ["rmdir", "whole"]"#]);
    command.workspace.converge();
    let error = command.workspace.destroy().expect_error();
    assert!(error.detail.contains("It counts as being there still"), "{error:?}");
    assert!(!command.workspace.state(IT).is_null());
}

#[test]
fn what_no_state_can_hold_is_refused_and_a_missing_program_is_named() {
    let lab = Lab::current().unwrap();
    let command = command(&lab);
    command.configure(&[r#"create = ["sh", "-c", "head -c 300000 /dev/zero; touch made"]"#]);
    let error = command.workspace.apply().expect_error();
    assert!(error.detail.contains("printed more than 256 KiB"), "{error:?}");
    // It was not ended in the middle of its work for that.
    assert!(command.file("made").is_some());

    command.configure(&[r#"create = ["no-such-program"]"#]);
    let error = command.workspace.apply().expect_error();
    assert!(error.detail.contains("status 127") && error.detail.contains("absolute path"), "{error:?}");
}

#[test]
fn an_interrupt_ends_the_command() {
    let lab = Lab::current().unwrap();
    let command = command(&lab);
    command.configure(&[r#"create = ["sh", "-c", "echo $$ >pid; exec sleep 300"]"#]);
    let running = command.workspace.start_apply();
    let pid = loop {
        match command.file("pid") {
            Some(pid) if pid.ends_with('\n') => break pid.trim().to_owned(),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    running.interrupt();
    let run = running.finish();
    assert_ne!(run.code, Some(0));
    assert!(run.stdout.contains("cancelled"), "{}", run.stdout);
    let alive = || lab.exec(command.directory.host(), &["kill", "-0", &pid]).unwrap().status.success();
    // A slow machine looks more slowly as well.
    let ended = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        !alive()
    });
    assert!(ended, "the command goes on");
}
