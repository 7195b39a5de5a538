//! Where values come from, where secrets do not go, and images that need a login.

use acceptance_tests::{STACK, SecretHunt, Stack, hcl};
use lab::{Lab, Variant};

#[test]
fn secrets_are_nowhere_but_in_the_env_file() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let (first, second) = ("open-sesame-7Xq", "shut-sesame-9Zr");
    let hunt = SecretHunt::new(&[first, second]);
    hunt.log_everything(&mut stack.workspace);
    let text = format!("{}    environment: {{ T: \"${{TOKEN}}\" }}\n", stack.one_service());
    let quiet = format!("  quiet:\n{}", stack.one_service().split_once("  app:\n").unwrap().1);
    stack.workspace.write("compose.tpl.yaml", &format!("{text}{quiet}"));
    stack.workspace.write("token.tf", "variable \"token\" {\n  type = string\n  ephemeral = true\n}\n");
    let configure = |stack: &mut Stack<'_>, value: &str, version: &str| {
        stack.workspace.env("TF_VAR_token", value);
        stack.configure(&format!(
            "config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n  secrets_wo = {{ TOKEN = var.token }}\n  \
             secrets_wo_version = \"{version}\""
        ));
    };
    let watch = hunt.watch_arguments();
    configure(&mut stack, first, "1");
    stack.workspace.plan().expect_success();
    stack.workspace.converge_as_planned();
    let before = stack.containers();

    configure(&mut stack, second, "2");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["quiet"], change.after["services"]["quiet"]);
    stack.workspace.converge_as_planned();
    let after = stack.containers();
    assert_ne!(before["app"], after["app"]);
    assert_eq!(before["quiet"], after["quiet"]);
    watch.finish();

    hunt.in_workspace(&stack.workspace);
    let env = format!("{}/.env", stack.directory());
    let held = stack.root_runs(&["cat", &env]);
    assert!(held.contains(second) && !held.contains(first));
}

#[test]
fn neither_end_s_environment_is_seen() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let mut stack = Stack::on(&lab, host);
    stack.workspace.env("LEAK", "from-here");
    let text = format!("{}    environment: {{ L: \"${{LEAK:-nothing}}\" }}\n", stack.one_service());
    stack.workspace.write("compose.tpl.yaml", &text);
    stack.configure("config = [file(\"${path.module}/compose.tpl.yaml\")]");
    stack.workspace.apply().expect_success();
    assert_eq!(stack.variable("app", "L"), "nothing");
}

#[test]
fn rendered_files_are_laid_over_and_may_be_unknown() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let mount = "    volumes: [\"./app.conf:/app.conf:ro\"]\n";
    stack.workspace.write("app/compose.yaml", &format!("{}{mount}", stack.one_service()));
    stack.workspace.write("app/app.conf", "plain\n");
    stack.workspace.write("late.tf", "resource \"terraform_data\" \"late\" {\n  input = \"rendered\"\n}\n");
    stack.configure(
        "source_dir = \"${path.module}/app\"\n  files_content = { \"app.conf\" = terraform_data.late.output }",
    );
    let planned = stack.workspace.expect_change(STACK, &["create"]);
    assert_eq!((&planned.unknown["services"], &planned.unknown["source_hash"]), (&true.into(), &true.into()));
    stack.workspace.converge_as_planned();
    let name = format!("{}-app-1", stack.name);
    assert_eq!(stack.root_runs(&["docker", "exec", &name, "cat", "/app.conf"]), "rendered");
}

#[test]
fn images_are_pulled_with_credentials_that_stay_here() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    let registry = &lab.state().private_registry;
    let image = stack.image("busybox").replace(&lab.state().registry, &registry.address);
    let text = stack.one_service().replace(stack.image("busybox"), &image);
    stack.workspace.write("compose.tpl.yaml", &text);
    stack.configure("config = [file(\"${path.module}/compose.tpl.yaml\")]");
    stack.workspace.apply().expect_error().says(&image).says("registry block").says("Nothing was changed");
    stack.expect_gone();
    let block = hcl::registry_block(&lab);
    stack.workspace.write("provider.tf", &hcl::provider_block(&lab, &block));
    stack.workspace.converge();
    SecretHunt::new(&[&registry.password]).on_host(&lab, &host, &[]);
}

#[test]
fn a_secret_that_was_wrong_is_corrected_although_its_version_stays() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let image = stack.image("busybox").to_owned();
    let text = format!(
        "services:\n  app:\n    image: {image}\n    command: [sh, -c, 'test \"$$T\" != wrong && exec sleep infinity']\n    \
         stop_grace_period: 0s\n    environment: {{ T: \"${{TOKEN}}\" }}\n"
    );
    stack.workspace.write("compose.tpl.yaml", &text);
    stack.workspace.write("token.tf", "variable \"token\" {\n  type = string\n  ephemeral = true\n}\n");
    let configure = |stack: &mut Stack<'_>, value: &str, version: &str| {
        stack.workspace.env("TF_VAR_token", value);
        stack.configure(&format!(
            "config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n  secrets_wo = {{ TOKEN = var.token }}\n  \
             secrets_wo_version = \"{version}\"\n  on_failure = \"keep\""
        ));
    };
    configure(&mut stack, "right", "1");
    stack.workspace.apply().expect_success();
    configure(&mut stack, "wrong", "2");
    stack.workspace.apply().expect_error();
    configure(&mut stack, "corrected", "2");
    stack.workspace.converge();
    assert_eq!(stack.variable("app", "T"), "corrected");
    // Once an apply of a version was good, only another version changes anything.
    configure(&mut stack, "sneaked in", "2");
    stack.workspace.expect_no_changes();
    let more = stack.workspace.path().join("stack.tf");
    let more =
        std::fs::read_to_string(more).unwrap().replace("config =", "profiles = [\"none\"]\n  config =");
    stack.workspace.write("stack.tf", &more);
    stack.workspace.apply().expect_success();
    assert_eq!(stack.variable("app", "T"), "corrected");
}
