//! Which files make a project, and where variables take their values from: as plain `docker compose`
//! has it.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

#[test]
fn what_plain_compose_finds_is_what_runs() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let level = |level: &str| format!("services:\n  app:\n    environment: {{ LEVEL: {level} }}\n");
    let services = [stack.service("app", ""), stack.service("debug", "    profiles: [debug]\n")].concat();
    stack.workspace.write("app/compose.yml", &format!("services:\n{services}"));
    stack.workspace.write("app/compose.override.yaml", &level("overridden"));
    stack.workspace.write("app/compose.prod.yaml", &level("production"));
    stack.workspace.write("app/docker-compose.yml", "not: [a, project]\n");
    let source = "source_dir = \"${path.module}/app\"";
    stack.configure(&format!("{source}\n  files = [\"./compose.yml\", \"compose.override.yaml\"]"));
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    stack.configure(source);
    let plan = stack.workspace.plan();
    plan.expect_warning("not made of all its Compose files").says("docker-compose.yml").says("`files`");
    let change = stack.workspace.expect_planned_change(STACK, &["update"]);
    assert_eq!(change.before["services"], change.after["services"]);
    stack.workspace.converge_as_planned();
    assert_eq!((stack.variable("app", "LEVEL").as_str(), stack.containers()), ("overridden", before));

    stack.workspace.write("app/.env", "COMPOSE_FILE=compose.yml:compose.prod.yaml\nCOMPOSE_PROFILES=debug\n");
    stack.workspace.apply().expect_success();
    assert_eq!(stack.variable("app", "LEVEL"), "production");
    let typed = stack.shell(&format!("cd {} && docker compose ps --services | sort", stack.directory()));
    assert_eq!(typed.split_whitespace().collect::<Vec<_>>(), ["app", "debug"]);
    assert_eq!(stack.containers().into_keys().collect::<Vec<_>>(), ["app", "debug"]);

    stack.configure(&format!("{source}\n  profiles = []"));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert!(change.after["services"]["debug"].is_null(), "{change:?}");
    assert_eq!(change.changed_in("services"), ["debug"]);
    stack.workspace.converge_as_planned();
    assert_eq!(stack.containers().into_keys().collect::<Vec<_>>(), ["app"]);
}

#[test]
fn only_what_runs_needs_its_variables() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let write = |more: &str| {
        let filled =
            format!("    environment: {{ A: \"${{A}}\", H: \"${{HOME}}\", F: \"${{F:+-${{F}}}}\" }}\n{more}");
        let services = [
            stack.service("app", &filled),
            stack.service("own", "    env_file: [.env, more.env]\n"),
            stack.service("off", "    profiles: [off]\n    environment: { T: \"${OFF}\" }\n"),
            stack.service("idle", "    environment: { T: \"${IDLE}\" }\n"),
        ];
        stack.workspace.write("app/compose.yaml", &format!("services:\n{}", services.concat()));
    };
    let configure = |more: &str| {
        stack.configure(&format!(
            "source_dir = \"${{path.module}}/app\"\n  env_file = \".env.production\"\n  \
             start_services = [\"app\", \"own\"]\n  {more}"
        ));
    };
    stack.workspace.write("app/.env", "A=default\n");
    stack.workspace.write("app/.env.production", "A=production\n");
    stack.workspace.write("app/more.env", "M=1\n");
    write("");
    configure("");
    stack.workspace.converge();
    let values = [("app", "A"), ("app", "H"), ("app", "F"), ("own", "A")];
    let values = values.map(|(service, name)| stack.variable(service, name));
    assert_eq!(values, ["production", "/root", "", "default"]);

    stack.workspace.write("app/more.env", "M=1\nPASSWORD=abc$def\n");
    let error = stack.workspace.plan().expect_error();
    error
        .says("no value: what follows a `$` in PASSWORD")
        .says("the value of PASSWORD (more.env, line 2), for service \"own\"");
    stack.workspace.write("app/more.env", "M=1\n");
    write("    volumes: [\"${DATA}:/data\"]\n");
    let error = stack.workspace.plan().expect_error();
    error.says("empty section between colons").says("DATA: service \"app\" (compose.yaml, line ");
    write("    env_file: \"${STAGE_DIR}/app.env\"\n");
    stack
        .workspace
        .plan()
        .expect_error()
        .says("/app.env")
        .says("STAGE_DIR: service \"app\" (compose.yaml, line ");
    write("    labels: { t: \"v${TAG}\" }\n");
    let error = stack.workspace.plan().expect_error();
    error
        .says("no value: TAG.\n")
        .says("TAG: service \"app\" (compose.yaml, line ")
        .says("undefined_variables");

    configure("undefined_variables = \"warn\"");
    stack.workspace.plan().expect_warning("that nothing sets for empty").says("TAG: service \"app\"");
    stack.workspace.converge_as_planned();
    let container = format!("{}-app-1", stack.name);
    let label = ["docker", "inspect", "--format", "{{index .Config.Labels \"t\"}}", &container];
    assert_eq!(stack.root_runs(&label).trim(), "v");
    configure("");
    stack.workspace.plan().expect_error().says("no value: TAG.\n");
}
