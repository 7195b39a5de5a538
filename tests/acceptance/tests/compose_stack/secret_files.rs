//! Secret files, and which services another version of secrets recreates.

use std::collections::BTreeSet;

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Lab, Variant};

/// Everything secret that has `a` and `b` in it, of a version.
fn configure(stack: &Stack<'_>, version: &str, a: &str, b: &str) {
    stack.workspace.write("compose.tpl.yaml", &stack.compose_file("secret-files.yaml", &[]));
    let quoted = |one: &str| hcl::quoted(one);
    stack.configure(&format!(
        "config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n  \
         secrets_wo = {{ A = {a}, B = {b} }}\n  secrets_wo_version = \"{version}\"\n  \
         secret_files_wo = {{ \"secrets/a\" = {a}, \"secrets/b\" = {b}, \"secrets/a.env\" = {ea}, \"secrets/b.env\" = {eb} }}\n  \
         secret_files_wo_version = \"{version}\"",
        a = quoted(a),
        b = quoted(b),
        ea = quoted(&format!("E={a}\n")),
        eb = quoted(&format!("E={b}\n")),
    ));
}

fn in_container(stack: &Stack<'_>, service: &str, path: &str) -> String {
    stack.root_runs(&["docker", "exec", &format!("{}-{service}-1", stack.name), "cat", path])
}

#[test]
fn another_version_recreates_only_what_has_another_value() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    configure(&stack, "1", "first-a", "first-b");
    stack.workspace.converge();
    let before = stack.containers();
    assert_eq!(before.len(), 9);

    // The plan knows the version and not the values: it leaves open what it cannot tell.
    configure(&stack, "2", "first-a", "second-b");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["none"], change.after["services"]["none"]);
    for service in ["env_a", "var_a", "file_a", "list_a", "env_b", "var_b", "file_b", "list_b"] {
        assert_eq!(change.unknown["services"][service]["containers"], true, "{service}: {change:?}");
        let (was, will) = (&change.before["services"][service], &change.after["services"][service]);
        for field in ["image", "image_id", "status", "replicas"] {
            assert_eq!(was[field], will[field], "{service} {field}");
        }
    }
    stack.workspace.apply().expect_success();
    let after = stack.containers();
    let changed: BTreeSet<&str> =
        after.iter().filter(|(name, ids)| before[*name] != **ids).map(|(name, _)| name.as_str()).collect();
    assert_eq!(changed, BTreeSet::from(["env_b", "var_b", "file_b", "list_b"]));
    assert_eq!(stack.variable("env_b", "S"), "second-b");
    assert_eq!(stack.variable("list_b", "E"), "second-b");
    assert_eq!(in_container(&stack, "var_b", "/run/secrets/var_b"), "second-b");
    assert_eq!(in_container(&stack, "file_b", "/run/secrets/file_b"), "second-b");
    assert_eq!(in_container(&stack, "file_a", "/run/secrets/file_a"), "first-a");

    // The same values again: nothing is recreated, and all of it is on record.
    configure(&stack, "3", "first-a", "second-b");
    stack.workspace.converge();
    assert_eq!(stack.containers(), after);
}

#[test]
fn secret_files_are_private_and_repaired_and_deleted() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let compose =
        format!("{}    secrets: [key]\nsecrets:\n  key: {{ file: ./private/key }}\n", stack.one_service());
    stack.workspace.write("compose.tpl.yaml", &compose);
    let configure = |files: &str, version: &str| {
        stack.configure(&format!(
            "config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n  secret_files_wo = {{ {files} }}\n  \
             secret_files_wo_version = \"{version}\""
        ));
    };
    let key = "\"private/key\" = \"the-key\"";
    configure(&format!("{key}, \"private/other\" = \"the-other\""), "1");
    stack.workspace.apply().expect_success();
    let directory = stack.directory();
    let (file, other) = (format!("{directory}/private/key"), format!("{directory}/private/other"));
    assert_eq!(stack.root_runs(&["stat", "-c", "%U %a", &file, &other]), "root 600\nroot 600");
    assert_eq!(in_container(&stack, "app", "/run/secrets/key"), "the-key");

    // As files that nobody keeps secret: what was done to them is seen and undone.
    for harm in ["printf edited >", "rm", "chmod 644"] {
        stack.shell(&format!("{harm} {file}"));
        let change = stack.workspace.expect_change(STACK, &["update"]);
        assert_eq!(change.before["source_hash"], "changed", "{harm}");
        let text = format!("{:?}", change.before);
        assert!(!text.contains("the-key"), "{text}");
        stack.workspace.apply_planned().expect_success();
        assert_eq!(stack.root_runs(&["stat", "-c", "%a", &file]), "600", "{harm}");
        assert_eq!(in_container(&stack, "app", "/run/secrets/key"), "the-key", "{harm}");
    }
    let before = stack.containers();

    // Another content without another version is not brought: no plan could have told it.
    configure("\"private/key\" = \"unannounced\", \"private/other\" = \"the-other\"", "1");
    stack.workspace.expect_no_changes();

    // Taken out, it goes; what stays is not touched.
    configure(key, "1");
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.apply_planned().expect_success();
    assert!(stack.exists(&file) && !stack.exists(&other));
    assert_eq!(stack.containers(), before);

    // What was secret becomes a plain file, and a secret one again.
    stack.configure(
        "config = [file(\"${path.module}/compose.tpl.yaml\")]\n  files_content = { \"private/key\" = \"plain\" }",
    );
    stack.workspace.apply().expect_success();
    assert_eq!(stack.root_runs(&["stat", "-c", "%a", &file]), "644");
    configure(key, "2");
    stack.workspace.converge();
    assert_eq!(stack.root_runs(&["stat", "-c", "%a", &file]), "600");
    assert_eq!(in_container(&stack, "app", "/run/secrets/key"), "the-key");

    configure("\".env\" = \"x\"", "1");
    stack.workspace.plan().expect_error().says(".env: Windlass writes it");
    configure(key, "2");
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert!(!stack.exists(&file));
}
