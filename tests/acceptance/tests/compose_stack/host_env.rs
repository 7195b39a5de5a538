//! A `.env` that lives on the server only: its values count, and it stays what it is.

use acceptance_tests::{STACK, SecretHunt, Stack};
use lab::{Lab, Variant};

const FIRST: &str = "server-sesame-3Fq";
const SECOND: &str = "server-sesame-8Lw";

#[test]
fn the_servers_own_values_count_and_its_file_is_only_read() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let directory = format!("/srv/{}", stack.name);
    let env = format!("{directory}/.env");
    let hunt = SecretHunt::new(&[FIRST, SECOND]);
    hunt.log_everything(&mut stack.workspace);
    let text = |word: &str| {
        format!(
            "# the server's\nWORD={word}\nGIVEN=theirs\nURL=\"x://${{GIVEN}}@db\"\nCOMPOSE_PROFILES=more\n"
        )
    };
    stack.root_runs(&["mkdir", &directory]);
    stack.write_on_host(&env, &text(FIRST));
    stack.shell(&format!("chown 1234:4321 {env} && chmod 640 {env}"));
    let facts = || stack.shell(&format!("md5sum {env}; stat -c '%a %u %g %Y %i' {env}"));
    let run = "    command: [sh, -c, 'test \"$$WORD\" != broken && exec sleep infinity']\n";
    let values = "    environment: { WORD: \"${WORD:?}\", GIVEN: \"${GIVEN}\", URL: \"${URL}\" }\n";
    let app = stack.service("app", values).replace("    command: [sleep, infinity]\n", run);
    let more = "    env_file: .env\n";
    let services = [app, stack.service("own", more), stack.service("plain", "")].concat();
    let text_of_files = format!("services:\n{services}");
    let configure = |attributes: &str| {
        let attributes = format!("directory = \"{directory}\"\n  {attributes}");
        stack.configure_text_with(&text_of_files, &attributes);
    };
    let before = facts();

    configure("environment = { GIVEN = \"ours\", WORD = \"x\" }");
    stack.workspace.plan().expect_error().says(".env").says("host_env = \"merge\"");

    configure("environment = { GIVEN = \"ours\" }\n  host_env = \"merge\"");
    stack.workspace.converge();
    let app = ["WORD", "GIVEN", "URL"].map(|name| stack.variable("app", name));
    assert_eq!(app, [FIRST, "ours", "x://ours@db"]);
    assert_eq!(["WORD", "GIVEN"].map(|name| stack.variable("own", name)), [FIRST, "theirs"]);
    assert_eq!(facts(), before);
    let typed = format!("cd {directory} && docker compose --env-file .windlass/given.env ps --services");
    assert_eq!(stack.shell(&typed).split_whitespace().count(), 3);

    // Another value is a change of those who take it.
    stack.write_on_host(&env, &text(SECOND));
    stack.workspace.plan().expect_success().expect_warning(".env").says("was changed");
    let change = stack.workspace.expect_planned_change(STACK, &["update"]);
    let differs = |name: &str| change.before["services"][name] != change.after["services"][name];
    assert_eq!(["app", "own", "plain"].map(differs), [true, true, false]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(stack.variable("app", "WORD"), SECOND);

    // A value with which nothing runs: what ran runs again, and the file is not touched.
    stack.write_on_host(&env, &text("broken"));
    let edited = facts();
    stack.workspace.apply().expect_error().says("rolled back");
    assert_eq!((stack.variable("app", "WORD"), facts()), (SECOND.to_owned(), edited));
    stack.workspace.expect_change(STACK, &["update"]);
    stack.write_on_host(&env, &text(SECOND));
    stack.workspace.expect_no_changes();

    // An import knows whose the file is.
    stack.workspace.run(&["state", "rm", STACK]).expect_success();
    stack.workspace.import(STACK, &stack.import_id()).expect_success();
    let imported = stack.workspace.state(STACK);
    assert_eq!(imported["host_env"], "merge");
    assert_ne!(imported["source_hash"], "changed");
    hunt.in_workspace(&stack.workspace);

    let before = facts();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert_eq!((facts(), stack.shell(&format!("ls -A {directory}"))), (before, ".env".to_owned()));
}
