//! What was there before, and whose a stack is that has a name.

use std::fs;

use acceptance_tests::{STACK, Stack, Workspace};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use lab::{Lab, Variant};
use serde_json::Value;

#[test]
fn files_that_were_there_before_are_neither_overwritten_nor_removed() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let directory = format!("/srv/{}", stack.name);
    stack.root_runs(&["mkdir", "-p", &format!("{directory}/data")]);
    for (name, text) in [("compose.yaml", "services: {}\n"), (".env", "ONLY=copy\n"), ("data/row", "1\n")] {
        stack.write_on_host(&format!("{directory}/{name}"), text);
    }
    let before = stack.shell(&format!("cd {directory} && find . -type f -exec md5sum {{}} +"));
    stack.configure_text_with(&stack.one_service(), &format!("directory = \"{directory}\""));
    let told = stack.workspace.plan().expect_error();
    told.says(".env, compose.yaml").says(&directory).says("import").says("Nothing was changed");
    // Where the plan could not see them, the apply does.
    let moved = format!("{directory}.away");
    stack.root_runs(&["mv", &directory, &moved]);
    stack.workspace.run(&["plan", "-out=planned"]).expect_success();
    stack.root_runs(&["mv", &moved, &directory]);
    stack.workspace.run(&["apply", "-json", "planned"]).expect_error().says(".env, compose.yaml");
    assert_eq!(stack.shell(&format!("cd {directory} && find . -type f -exec md5sum {{}} +")), before);
    stack.expect_gone();
    // What may not be looked at is not taken for absent.
    stack.root_runs(&["rm", "-r", &directory]);
    let deploy = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let directory = format!("/srv/{}", deploy.name);
    deploy.root_runs(&["mkdir", "-m", "700", &directory]);
    let inner = format!("directory = \"{directory}/web\"");
    deploy.configure_text_with(&deploy.one_service(), &inner);
    deploy.workspace.plan().expect_error().says(&format!("{directory}/web")).says("cannot be told");
}

#[test]
fn a_name_is_not_enough_to_take_over_or_to_remove_a_stack() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let lifecycle = "lifecycle {\n    create_before_destroy = true\n  }";
    stack.configure_text_with(&stack.one_service(), lifecycle);
    stack.workspace.apply().expect_success();
    let containers = stack.containers();

    // Another state.
    let other = Workspace::for_test();
    for name in ["provider.tf", "stack.tf", "compose.tpl.yaml"] {
        other.write(name, &fs::read_to_string(stack.workspace.path().join(name)).unwrap());
    }
    other.write("compose.tpl.yaml", &stack.one_service().replace("app:", "theirs:"));
    other.run(&["plan", "-out=planned", "-json"]).expect_success().expect_warning("did not make");
    other.run(&["apply", "-json", "planned"]).expect_error().says("import").says(&stack.name);

    // A replacement that comes before what it replaces.
    let replace = format!("-replace={STACK}");
    stack
        .workspace
        .run(&["apply", "-auto-approve", "-json", &replace])
        .expect_error()
        .says("create_before_destroy");
    assert_eq!(stack.containers(), containers);
    stack.workspace.expect_no_changes();

    // Another one took the place meanwhile: it is neither changed nor taken down.
    let instance = format!("{}/.windlass/instance", stack.directory());
    let own = stack.root_runs(&["cat", &instance]);
    stack.write_on_host(&instance, "0123456789abcdef\n");
    let run = stack.workspace.run(&["destroy", "-refresh=false", "-auto-approve", "-json"]).expect_success();
    run.expect_warning("another stack");
    assert_eq!(stack.containers(), containers);
    stack.write_on_host(&instance, &own);

    // A machine id that changed says nothing as long as the stack itself is there.
    stack.workspace.import(STACK, &stack.import_id()).expect_success();
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    with_machine_id(&stack, "regenerated");
    stack.workspace.run(&["destroy", "-refresh=false", "-auto-approve", "-json"]).expect_success();
    stack.expect_gone();
}

/// Rewrites the machine that the state remembers.
fn with_machine_id(stack: &Stack<'_>, id: &str) {
    let path = stack.workspace.path().join("terraform.tfstate");
    let mut state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let private = state.pointer_mut("/resources/0/instances/0/private").unwrap();
    let mut inner: Value =
        serde_json::from_slice(&BASE64_STANDARD.decode(private.as_str().unwrap()).unwrap()).unwrap();
    set(&mut inner, "machine_id", id);
    *private = BASE64_STANDARD.encode(inner.to_string()).into();
    fs::write(path, state.to_string()).unwrap();
}

/// Sets the field `name`, however deep it lies.
fn set(value: &mut Value, name: &str, text: &str) {
    let Value::Object(map) = value else { return };
    if let Some(known) = map.get_mut(name) {
        *known = text.into();
    }
    map.values_mut().for_each(|value| set(value, name, text));
}
