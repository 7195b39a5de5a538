//! Every kind of host, hosts that are not known yet, and moves between machines.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Host, Lab, Variant};

#[test]
fn every_kind_of_host_will_do() {
    let lab = Lab::current().unwrap();
    let hosts = [Variant::Sudo, Variant::NoForward, Variant::Jump].map(|variant| lab.host(variant).unwrap());
    let [sudo, no_forward, jump] = hosts;
    let mut stack = Stack::on(&lab, jump);
    [sudo, no_forward].into_iter().for_each(|host| stack.also_on(host));
    // One stack on each, of one configuration.
    let block = |host: &Host| {
        let (label, connection) = (host.variant.name(), hcl::quoted(&hcl::connection(host)));
        let config = "config = [file(\"${path.module}/compose.tpl.yaml\")]";
        hcl::resource_block("windlass_compose_stack", label, &connection, &stack.name, config)
    };
    stack.workspace.write("stacks.tf", &hosts.map(block).concat());
    stack.workspace.write("compose.tpl.yaml", &stack.one_service());
    stack.workspace.converge();
    for host in hosts {
        stack.host = host.clone();
        assert_eq!(stack.containers()["app"].len(), 1, "{}", host.name);
    }

    // The whole of its life behind another host: found changed, repaired, changed.
    stack.root_runs(&["docker", "rm", "-f", &stack.containers()["app"][0]]);
    let changes = stack.workspace.changes();
    let changed = changes.values().filter(|change| !change.is_noop()).map(|change| change.address.as_str());
    assert_eq!(changed.collect::<Vec<_>>(), ["windlass_compose_stack.jump"]);
    stack.workspace.apply_planned().expect_success();
    let greeting = "    environment: { GREETING: hello }\n";
    stack.workspace.write("compose.tpl.yaml", &(stack.one_service() + greeting));
    stack.workspace.converge();
    assert_eq!(stack.variable("app", "GREETING"), "hello");
    stack.workspace.destroy().expect_success();
    for host in hosts {
        stack.host = host.clone();
        stack.expect_gone();
        assert!(!stack.exists(&format!("/home/{}/windlass/{}", host.user, stack.name)), "{}", host.name);
    }
}

#[test]
fn a_host_of_the_same_apply_is_unknown_to_the_plan() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.workspace.write("host.tf", &hcl::host_block("new", &stack.host, ""));
    stack.workspace.write("compose.tpl.yaml", &stack.one_service());
    let text = format!(
        "resource \"windlass_compose_stack\" \"test\" {{\n  host = windlass_host.new.connection\n  name = \"{}\"\n\
         \x20 config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n\
         \x20 environment = {{ ID = windlass_host.new.machine_id }}\n}}\n",
        stack.name
    );
    stack.workspace.write("stack.tf", &text);
    let planned = stack.workspace.expect_change(STACK, &["create"]);
    assert_eq!(planned.unknown["services"], true);
    stack.workspace.converge_as_planned();
    assert_eq!(stack.containers()["app"].len(), 1);
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn another_machine_is_a_move_and_another_route_is_none() {
    let lab = Lab::current().unwrap();
    let (old, new) = (lab.host(Variant::Root).unwrap(), lab.host(Variant::Deploy).unwrap());
    let mut stack = Stack::on(&lab, old);
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    let before = stack.containers();
    let directory = stack.directory();

    // The same machine by a name for the same socket.
    let text = std::fs::read_to_string(stack.workspace.path().join("stack.tf")).unwrap();
    stack.workspace.write("stack.tf", &text.replace("?host_key", "?docker=/run/docker.sock&host_key"));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"], change.after["services"]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(stack.containers(), before);
    stack.workspace.expect_no_changes();

    stack.host = new.clone();
    stack.configure_one_service();
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.after["directory"], format!("/home/deploy/windlass/{}", stack.name));
    stack.workspace.apply_planned().expect_success();
    assert_eq!(stack.containers()["app"].len(), 1);
    stack.workspace.expect_no_changes();
    stack.host = old.clone();
    stack.expect_gone();
    assert!(!stack.exists(&directory));
    stack.host = new.clone();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn nothing_is_written_through_a_link() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let [there, real, big, bigger] =
        ["", "-real", "-big", "-bigger"].map(|end| format!("/srv/{}{end}", stack.name));
    let configure = |directory: &str, more: &str| {
        let text = stack.one_service() + more;
        stack.configure_text_with(&text, &format!("directory = \"{directory}\""));
    };
    configure(&there, "");
    stack.shell(&format!("mkdir {real} && ln -s {real} {there}"));
    let link = format!("{there} on root@");
    let told = stack.workspace.plan().expect_success().expect_warning("as things are");
    told.says(&link).says(&format!("directory = \"{real}\""));
    let error = stack.workspace.apply_planned().expect_error();
    error.says("is a symbolic link").says("Nothing was changed.").says(&format!("directory = \"{real}\""));
    assert!(stack.shell(&format!("ls -A {real}")).is_empty());
    stack.shell(&format!("rm {there}"));
    stack.workspace.converge();

    // Somebody puts it onto a bigger disk.
    let before = stack.containers();
    stack.shell(&format!("mv {there} {big} && ln -s {big} {there}"));
    stack.workspace.plan().expect_success().expect_warning("is a symbolic link").says(&big);
    configure(&there, "    labels: { changed: \"1\" }\n");
    let error = stack.workspace.apply().expect_error();
    error.says("Could not update").says("is a symbolic link").says("Nothing was changed.");
    assert_eq!(stack.containers(), before);
    configure(&big, "    labels: { changed: \"1\" }\n");
    stack.workspace.converge();
    for path in ["compose.yaml", ".env", ".windlass/record.json"] {
        assert!(stack.exists(&format!("{big}/{path}")), "{path}");
    }

    stack.shell(&format!("mv {big} {bigger} && ln -s {bigger} {big}"));
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert!(!stack.exists(&bigger));
}

#[test]
fn another_directory_takes_the_files_along() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    let old = stack.directory();
    let text = std::fs::read_to_string(stack.workspace.path().join("stack.tf")).unwrap();
    let new = format!("/srv/{}", stack.name);
    stack
        .workspace
        .write("stack.tf", &text.replace("config =", &format!("directory = \"{new}\"\n  config =")));
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.converge_as_planned();
    assert!(!stack.exists(&old) && stack.exists(&format!("{new}/compose.yaml")));
    stack.workspace.destroy().expect_success();
    assert!(!stack.exists(&new));
}
