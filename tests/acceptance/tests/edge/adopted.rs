//! A stack that a person has started in their own way, and Windlass goes on with.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// Another file name, values from a file elsewhere, two containers of one service, a profile, and a
/// service that the configuration does not know.
#[test]
fn what_was_started_with_other_options_is_adopted_as_the_plan_says() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let directory = format!("/srv/{}", stack.name);
    let put = |path: &str, text: &str| {
        stack.write_on_host(&format!("{directory}/{path}"), text);
    };
    let wanted = stack.compose_file("edge/adopted.yaml", &[]);
    stack.root_runs(&["mkdir", "-p", &format!("{directory}/env")]);
    put(
        "docker-compose.prod.yml",
        &(wanted.clone() + &stack.compose_file("edge/adopted-extra.part.yaml", &[])),
    );
    put("env/prod", "GREETING=by hand\n");
    put("notes", "not shipped\n");
    stack.shell(&format!(
        "cd {directory} && docker compose -p {} -f docker-compose.prod.yml --env-file env/prod --profile debug up -d --scale app=2",
        stack.name
    ));
    let before = stack.containers();
    assert_eq!(before.keys().collect::<Vec<_>>(), ["app", "db", "debug", "extra"]);

    stack.workspace.write("compose.tpl.yaml", &wanted);
    stack.configure(
        "config = [file(\"${path.module}/compose.tpl.yaml\")]\n  environment = { GREETING = \"by tofu\" }",
    );
    stack.workspace.import(STACK, &stack.import_id()).expect_success();
    let change = stack.workspace.expect_change(STACK, &["update"]);
    let (was, will) = (&change.before["services"], &change.after["services"]);
    assert_eq!((&was["app"]["replicas"], &will["app"]["replicas"]), (&2.into(), &1.into()));
    assert_ne!(was["app"]["config_hash"], will["app"]["config_hash"]);
    assert_eq!(was["db"]["config_hash"], will["db"]["config_hash"]);
    assert_eq!(will["db"]["containers"], was["db"]["containers"], "db is to stay");
    for gone in ["extra", "debug"] {
        assert_eq!((&was[gone]["status"], will[gone].is_null()), (&"running".into(), true), "{gone}");
    }
    stack.workspace.apply().expect_success();
    let after = stack.containers();
    assert_eq!(after.keys().collect::<Vec<_>>(), ["app", "db"]);
    assert_eq!(after["db"], before["db"], "what did not differ was replaced");
    assert_eq!(after["app"].len(), 1);
    assert!(!before["app"].contains(&after["app"][0]));
    // Which of the two numbers the one that is left has is Compose's affair.
    assert_eq!(
        stack.root_runs(&["docker", "exec", &after["app"][0], "sh", "-c", "echo $GREETING"]),
        "by tofu"
    );
    stack.workspace.expect_no_changes();

    // What the person left there is theirs.
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert_eq!(stack.shell(&format!("cat {directory}/notes")), "not shipped");
}
