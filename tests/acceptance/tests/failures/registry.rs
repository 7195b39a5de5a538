//! Images that cannot be had.

use acceptance_tests::{STACK, SecretHunt, Stack, hcl};
use lab::{Lab, Variant};

use crate::story::expect_story;

#[test]
fn an_image_that_is_not_there_leaves_the_old_one_running() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    let before = stack.containers();
    for (image, parts) in [
        (
            format!("{}/nothing:1", lab.state().registry),
            ["nothing:1", "Check the name and the tag of the image."],
        ),
        (
            format!("{}/busybox:no-such-tag", lab.state().registry),
            ["no-such-tag", "Check the name and the tag"],
        ),
        // Nobody listens there.
        ("127.0.0.1:9/busybox:1".to_owned(), ["127.0.0.1:9", "The host cannot reach the registry"]),
    ] {
        stack
            .workspace
            .write("compose.tpl.yaml", &stack.one_service().replace(stack.image("busybox"), &image));
        let run = stack.workspace.apply();
        let title = stack.could_not("update");
        let error = expect_story(&run, &title, &["ould not pull ", "Nothing was changed"]);
        for part in parts {
            error.says(part);
        }
        assert_eq!(stack.containers(), before, "a failed pull has touched containers");
    }
    stack.configure_one_service();
    stack.workspace.expect_no_changes();

    let absent = format!("{}/redis:not-here", lab.state().registry);
    stack.workspace.write("compose.tpl.yaml", &stack.one_service().replace(stack.image("busybox"), &absent));
    stack.configure("config = [file(\"${path.module}/compose.tpl.yaml\")]\n  pull = \"never\"");
    let run = stack.workspace.apply();
    expect_story(
        &run,
        &stack.could_not("update"),
        &["the host does not have it", "set `pull = \"missing\"`"],
    );
    assert_eq!(stack.containers(), before);
}

#[test]
fn wrong_credentials_are_told_and_right_ones_stay_here() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let mut stack = Stack::on(&lab, &host);
    let private = &lab.state().private_registry;
    let (wrong, right) = ("wrong-Horse-4711", private.password.as_str());
    let hunt = SecretHunt::new(&[wrong, right]);
    hunt.log_everything(&mut stack.workspace);
    let image = stack.image("busybox").replace(&lab.state().registry, &private.address);
    stack.workspace.write("compose.tpl.yaml", &stack.one_service().replace(stack.image("busybox"), &image));
    stack.configure("config = [file(\"${path.module}/compose.tpl.yaml\")]");
    stack
        .workspace
        .write("variables.tf", "variable \"password\" {\n  ephemeral = true\n  default = null\n}\n");
    let with_password = |stack: &Stack<'_>| {
        let block = hcl::registry_block_with(&lab, "var.password");
        stack.workspace.write("provider.tf", &hcl::provider_block(&lab, &block));
    };
    let title = stack.could_not("start");
    let watch = hunt.watch_arguments();

    let run = stack.workspace.apply();
    expect_story(&run, &title, &[&image, "registry block", "Nothing was changed"]);
    with_password(&stack);
    stack.workspace.env("TF_VAR_password", wrong);
    let run = stack.workspace.apply();
    expect_story(&run, &title, &[&image, "registry block", "Nothing was changed"]);
    hunt.in_run(&run);
    assert!(stack.workspace.state(STACK).is_null(), "nothing exists, so nothing is recorded");
    stack.expect_gone();

    stack.workspace.env("TF_VAR_password", right);
    stack.workspace.plan().expect_success();
    hunt.in_run(&stack.workspace.apply().expect_success());
    stack.workspace.expect_no_changes();
    watch.finish();
    hunt.in_workspace(&stack.workspace);
    hunt.on_host(&lab, &host, &[]);
    assert!(!stack.exists("/home/deploy/.docker/config.json") && !stack.exists("/root/.docker/config.json"));
}
