//! The same stack on several hosts, by `for_each`.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Host, Lab, Variant};

/// `windlass_host` and a stack on it, for each of the hosts.
fn configure(stack: &Stack<'_>, hosts: &[(&str, &Host)], greeting: &str) {
    let entries: Vec<String> = hosts
        .iter()
        .map(|(name, host)| {
            format!(
                "    {name} = {{ address = {}, user = {}, key = {} }}\n",
                hcl::quoted(&host.address),
                hcl::quoted(&host.user),
                hcl::quoted(&host.host_key)
            )
        })
        .collect();
    stack.workspace.write(
        "hosts.tf",
        &format!(
            "locals {{\n  hosts = {{\n{}  }}\n}}\n\
             resource \"windlass_host\" \"each\" {{\n  for_each = local.hosts\n  address  = each.value.address\n\
             \x20 user     = each.value.user\n  host_key = each.value.key\n}}\n",
            entries.concat()
        ),
    );
    stack.workspace.write(
        "compose.tpl.yaml",
        &stack.one_service().replace("  app:\n", "  app:\n    environment: { G: \"${G}\" }\n"),
    );
    stack.configure_on(
        "windlass_host.each[each.key].connection",
        &format!(
            "for_each = local.hosts\n  config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n  environment = {{ G = \"{greeting} ${{each.key}}\" }}"
        ),
    );
}

#[test]
fn one_configuration_for_several_hosts() {
    let lab = Lab::current().unwrap();
    let hosts = [
        ("a", lab.host(Variant::Root).unwrap()),
        ("b", lab.host(Variant::Deploy).unwrap()),
        ("c", lab.host(Variant::NoForward).unwrap()),
    ];
    // Each takes its own leftovers away.
    let mut on: Vec<Stack<'_>> = hosts.iter().map(|(_, host)| Stack::on(&lab, host)).collect();
    let name = on[0].name.clone();
    on.iter_mut().for_each(|stack| stack.name.clone_from(&name));
    let workspace = &on[0].workspace;

    configure(&on[0], &hosts, "hello");
    // No connection is known before the hosts have been seen.
    let planned = workspace.changes();
    assert_eq!(planned.len(), 6, "{:?}", planned.keys());
    workspace.converge();
    for (stack, (key, _)) in on.iter().zip(hosts) {
        assert_eq!(stack.variable("app", "G"), format!("hello {key}"));
    }
    let first: Vec<_> = on.iter().map(Stack::containers).collect();

    // One host less: its stack goes, the others are left alone.
    configure(&on[0], &hosts[..2], "hello");
    let planned = workspace.changes();
    assert_eq!(planned[&format!("{STACK}[\"c\"]")].actions, ["delete"]);
    assert!(planned[&format!("{STACK}[\"a\"]")].is_noop());
    workspace.apply().expect_success();
    on[2].expect_gone();
    assert_eq!((&on[0].containers(), &on[1].containers()), (&first[0], &first[1]));
    workspace.expect_no_changes();
    workspace.destroy().expect_success();
    on.iter().for_each(Stack::expect_gone);
}
