//! The stack's own `.env`: what is given wins in it, and containers get what the user wrote.

use acceptance_tests::{STACK, SecretHunt, Stack};
use lab::{Lab, Variant};

const OWN: &str =
    "VERSION=1\nPASSWORD=changeme\nTAG=app-${VERSION}\nDSN=\"postgres://app:${PASSWORD}@db/app\"\n";

#[test]
fn values_that_build_on_others_take_what_is_given() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let filled = "    environment: { VERSION: \"${VERSION}\", TAG: \"${TAG}\", DSN: \"${DSN}\" }\n";
    let services = [stack.service("app", filled), stack.service("own", "    env_file: .env\n")].concat();
    stack.workspace.write("app/compose.yaml", &format!("services:\n{services}"));
    stack.workspace.write("app/.env", OWN);
    let (first, second) = ("real-sesame-4Kd", "next-sesame-8Ws");
    let hunt = SecretHunt::new(&[first, second]);
    hunt.log_everything(&mut stack.workspace);
    let variable = "variable \"password\" {\n  type = string\n  ephemeral = true\n}\n";
    stack.workspace.write("password.tf", variable);
    let configure = |stack: &mut Stack<'_>, version: &str, secret: &str, secret_version: &str| {
        stack.workspace.env("TF_VAR_password", secret);
        stack.configure(&format!(
            "source_dir = \"${{path.module}}/app\"\n  environment = {{ VERSION = \"{version}\" }}\n  \
             secrets_wo = {{ PASSWORD = var.password }}\n  secrets_wo_version = \"{secret_version}\""
        ));
    };
    let dsn = |secret: &str| format!("postgres://app:{secret}@db/app");

    configure(&mut stack, "2", first, "1");
    stack.workspace.converge();
    let app = ["VERSION", "TAG", "DSN"].map(|name| stack.variable("app", name));
    assert_eq!(app, ["2".to_owned(), "app-2".to_owned(), dsn(first)]);
    let own =
        ["VERSION", "PASSWORD", "COMPOSE_FILE", "WINDLASS_OWN_ENV"].map(|name| stack.variable("own", name));
    assert_eq!(own, ["1", "changeme", "", ""]);
    let typed = stack.shell(&format!("cd {} && docker compose config", stack.directory()));
    assert!(typed.contains("TAG: app-2") && typed.contains(&dsn(first)), "{typed}");

    configure(&mut stack, "2", second, "2");
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(stack.variable("app", "DSN"), dsn(second));
    configure(&mut stack, "3", second, "2");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_ne!(change.before["services"]["app"], change.after["services"]["app"]);
    stack.workspace.converge_as_planned();
    assert_eq!(stack.variable("app", "TAG"), "app-3");
    hunt.in_workspace(&stack.workspace);
}

#[test]
fn mistakes_in_the_own_file_are_named_by_its_lines() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let app = stack.service("app", "    env_file: app.env\n    environment: { A: \"${A}\" }\n");
    let cases = [
        ("A=1\n\nb c=2\n", "", vec!["line 3 of .env"]),
        ("A=1\nB=\"x\ny\"\nC='2\n", "", vec!["line 4 of .env", "unterminated"]),
        ("A=1\nC=${D\n", "", vec!["line 2 of .env", "$$"]),
        ("\nA=abc$def\n", "", vec!["no value: def", "the value of A (.env, line 2)", "single quotes"]),
        (
            "A=1\n",
            "\nP=abc$def\n",
            vec!["no value: def", "the value of P (app.env, line 2)", "single quotes"],
        ),
        ("A=1\n", "P=1\nQ=\"2\n", vec!["line 2 of app.env"]),
    ];
    let write = |(index, (own, env, _)): (usize, &(&str, &str, Vec<&str>))| {
        stack.workspace.write(&format!("{index}/compose.yaml"), &format!("services:\n{app}"));
        stack.workspace.write(&format!("{index}/.env"), own);
        stack.workspace.write(&format!("{index}/app.env"), env);
        format!("source_dir = \"${{path.module}}/{index}\"\n  environment = {{ B = \"one\\ntwo\" }}")
    };
    let errors = stack.refusals(&cases.iter().enumerate().map(write).collect::<Vec<_>>());
    for (error, (_, _, parts)) in errors.iter().zip(cases) {
        for part in parts {
            error.says(part);
        }
    }
}

#[test]
fn what_lies_beside_the_directory_is_found_on_the_host_or_named() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let more = "    env_file: ../common.env\n    volumes: [\"../shared:/shared:ro\"]\n";
    let app = format!("include: [../common/compose.yaml]\nservices:\n{}", stack.service("app", more));
    stack.workspace.write("app/compose.yaml", &app);
    let home = stack.shell(&format!("echo ~{}", stack.host.user));
    let place = format!("{}/windlass/{}", home.trim(), stack.name);
    stack.configure(&format!("source_dir = \"${{path.module}}/app\"\n  directory = \"{place}/app\""));
    let error = stack.workspace.plan().expect_error();
    error.says("../common/compose.yaml").says("`files`").says("`source_dir`");
    assert!(!error.detail.contains("/tmp") && !error.detail.contains("windlass-plan"), "{error:#?}");

    let (user, windlass) = (&stack.host.user, format!("{}/windlass", home.trim()));
    stack.shell(&format!("mkdir -p {place}/common {place}/shared && chown {user} {windlass} {place}"));
    stack.write_on_host(&format!("{place}/common/compose.yaml"), "services: {}\n");
    stack.workspace.plan().expect_error().says("../common.env");
    stack.write_on_host(&format!("{place}/common.env"), "COMMON=shared value\n");
    stack.workspace.converge();
    assert_eq!(stack.variable("app", "COMMON"), "shared value");
    let mounts = ["docker", "inspect", "--format", "{{range .Mounts}}{{.Source}}{{end}}"];
    let mounts = stack.root_runs(&[&mounts[..], &[&format!("{}-app-1", stack.name)]].concat());
    assert_eq!(mounts.trim(), format!("{place}/shared"));
}
