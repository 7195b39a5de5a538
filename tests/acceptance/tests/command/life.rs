//! The whole life of a command.

use acceptance_tests::{Scratch, is_full_run};
use lab::{Lab, Variant};

use crate::{Command, IT};

const CREATE: &str = r#"create = ["sh", "-c", "cat >made; echo \"$WHO\" >>log; echo created"]"#;
const READ: &str = r#"read = ["cat", "made"]"#;
const UPDATE: &str = r#"update = ["sh", "-c", "cat >made; echo update >>log"]"#;
const DESTROY: &str = r#"destroy = ["rm", "made"]"#;
const GONE: &str = "gone_statuses = [1]";
const WHO: &str = r#"environment = { WHO = "me $HOME" }"#;

fn stdin(version: &str) -> String {
    format!("stdin_wo = \"kept v{version}\"\n  stdin_wo_version = \"{version}\"")
}

#[test]
fn commands_live_on_every_kind_of_host() {
    let lab = Lab::current().unwrap();
    // The other tests are those of a login as root; there is no other difference for a command.
    let deploy = [lab.host(Variant::Deploy).unwrap().clone()];
    for host in if is_full_run() { lab.hosts() } else { &deploy } {
        let command = Command::new(&lab, Scratch::on(&lab, host));
        made_and_changed(&command);
        changed_behind_our_back(&command);
        command.workspace.destroy().expect_success();
        assert_eq!(command.file("made"), None);
    }
}

fn made_and_changed(command: &Command<'_>) {
    command.configure(&[CREATE, WHO]);
    let change = command.workspace.expect_change(IT, &["create"]);
    assert_eq!(change.unknown["output"], true);
    command.workspace.converge_as_planned();
    let state = command.workspace.state(IT);
    assert_eq!((state["output"].as_str(), state["sensitive_output"].as_str()), (Some("created"), None));
    // Words and variables go past every shell but the one that was asked for.
    assert_eq!(command.file("log").as_deref(), Some("me $HOME\n"));

    // What is looked at with, and taken down by, runs nothing that makes.
    command.configure(&[CREATE, READ, DESTROY, GONE, WHO]);
    command.workspace.expect_change(IT, &["update"]);
    command.workspace.converge_as_planned();
    assert_eq!(command.file("log").as_deref(), Some("me $HOME\n"));
    assert_eq!(command.workspace.state(IT)["output"], "");

    // Without an `update`, a change replaces; with one, it is made in place.
    let triggers = r#"triggers = { a = "1" }"#;
    command.configure(&[CREATE, READ, DESTROY, GONE, WHO, triggers]);
    assert!(command.workspace.changes()[IT].is_replace());
    command.configure(&[CREATE, READ, UPDATE, DESTROY, GONE, WHO, triggers, &stdin("1")]);
    let change = command.workspace.expect_change(IT, &["update"]);
    assert!(!change.after.to_string().contains("kept v1"), "{change:#?}");
    // What is read must not be what nobody may see.
    let error = command.workspace.apply_planned().expect_error();
    assert!(error.detail.contains("`read` printed the value of `stdin_wo`"), "{error:?}");

    let hidden = r#"read = ["stat", "-c", "%s", "made"]"#;
    command.configure(&[CREATE, hidden, UPDATE, DESTROY, GONE, WHO, triggers, &stdin("1")]);
    command.workspace.converge();
    assert_eq!(command.file("made").as_deref(), Some("kept v1"));
    assert_eq!(command.workspace.state(IT)["output"], "7");
    assert_eq!(command.file("log").as_deref(), Some("me $HOME\nupdate\nupdate\n"));
}

fn changed_behind_our_back(command: &Command<'_>) {
    command.directory.write(&command.directory.path("made"), "edited by hand");
    let change = command.workspace.expect_change(IT, &["update"]);
    assert_eq!((change.before["output"].as_str(), &change.unknown["output"]), (Some("14"), &true.into()));
    command.workspace.converge_as_planned();
    assert_eq!(command.file("made").as_deref(), Some("kept v1"));

    command.directory.root_runs(&["rm", &command.directory.path("made")]);
    // `stat` ends with 1 then, and that is what `gone_statuses` names.
    command.workspace.expect_change(IT, &["create"]);
    command.workspace.converge_as_planned();
    assert_eq!(command.file("made").as_deref(), Some("kept v1"));
}

#[test]
fn a_sensitive_output_is_hidden_and_gone_is_made_again() {
    let lab = Lab::current().unwrap();
    let command = Command::new(&lab, Scratch::on(&lab, lab.host(Variant::Root).unwrap()));
    let all = [r#"create = ["cp", "/proc/sys/kernel/hostname", "name"]"#, r#"read = ["cat", "name"]"#, GONE];
    command.configure(&[&all[..], &["sensitive = true"]].concat());
    command.workspace.converge();
    let state = command.workspace.state(IT);
    let name = command.file("name").unwrap();
    assert_eq!((state["output"].as_str(), state["sensitive_output"].as_str()), (None, Some(name.trim())));
    let shown = command.workspace.run(&["show", "-no-color"]).expect_success();
    assert!(!shown.stdout.contains(&format!("\"{}\"", name.trim())), "{}", shown.stdout);

    command.directory.root_runs(&["rm", &command.directory.path("name")]);
    command.workspace.expect_change(IT, &["create"]);
    command.workspace.converge_as_planned();
    assert_eq!(command.file("name"), Some(name));
    // Without a `destroy` nothing is contacted, and what was made stays.
    command.workspace.destroy().expect_success();
    assert!(command.file("name").is_some());
}
