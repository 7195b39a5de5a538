//! Networks of a swarm, and what else is told of what runs in one.

use acceptance_tests::hcl;
use lab::{Host, Lab};

use crate::swarm::{DEPLOY, Swarm};

const NETWORK: &str = "windlass_docker_network.shared";

fn write(swarm: &Swarm<'_>, host: &Host, more: &str, name: &str) {
    let text = format!(
        "resource \"windlass_docker_network\" \"shared\" {{\n  host = {}\n  name = {name:?}\n  driver = \"overlay\"\n  {more}\n}}\n",
        hcl::quoted(&hcl::connection(host))
    );
    swarm.workspace.write("network.tf", &text);
}

#[test]
fn an_overlay_network_belongs_to_the_swarm_whichever_manager_is_asked() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let [first, second] = swarm.hosts();
    let name = format!("{}-net", swarm.name);
    write(&swarm, first, "encrypted = true", &name);
    swarm.workspace.converge();
    let seen = |format: &str| swarm.asks(&["network", "inspect", &name, "--format", format]);
    assert_eq!(seen("{{.Driver}} {{.Scope}} {{.Attachable}}"), "overlay swarm false");
    assert_eq!(seen("{{if eq (index .Options \"encrypted\") \"\"}}yes{{end}}"), "yes");
    let id = seen("{{.Id}}");

    // Another manager is in place: it is the same network.
    write(&swarm, second, "encrypted = true", &name);
    swarm.workspace.expect_change(NETWORK, &["update"]);
    swarm.workspace.converge();
    assert_eq!(seen("{{.Id}}"), id);

    // It is adopted as it is.
    swarm.workspace.run(&["state", "rm", NETWORK]).expect_success();
    let import = format!("{}|{name}", hcl::connection(first));
    swarm.workspace.import(NETWORK, &import).expect_success();
    write(&swarm, first, "encrypted = true", &name);
    swarm.workspace.expect_no_changes();

    // A stack is on it, and what runs is told by its labels.
    let labelled = DEPLOY.replace("deploy:\n", "deploy:\n      labels: { preview: pr-7 }\n");
    let api = format!("    networks: [net]\n{labelled}");
    let compose = [
        "services:\n".to_owned(),
        swarm.service("api", "exec sleep 1000000", &api),
        format!("networks: {{ net: {{ external: true, name: {name} }} }}\n"),
    ];
    swarm.stack(&compose.concat(), &format!("depends_on = [{NETWORK}]"));
    swarm.workspace.converge();
    let source = |label: &str| {
        format!(
            "data \"windlass_swarm_stacks\" \"{label}\" {{\n  managers = [{}]\n  labels = {{ preview = \"{label}\" }}\n  \
             depends_on = [windlass_swarm_stack.test]\n}}\n",
            hcl::quoted(&hcl::connection(second))
        )
    };
    swarm.workspace.write("data.tf", &[source("pr-7"), source("pr-8")].concat());
    swarm.workspace.apply().expect_success();
    let found = swarm.workspace.state("data.windlass_swarm_stacks.pr-7")["stacks"].clone();
    let stack = &found[&swarm.name];
    assert_eq!((&stack["services"]["api"], &stack["labels"]["preview"]), (&"running".into(), &"pr-7".into()));
    assert_eq!((&stack["converged"], &stack["managed"]), (&true.into(), &true.into()));
    let others = swarm.workspace.state("data.windlass_swarm_stacks.pr-8")["stacks"].clone();
    assert_eq!(others, serde_json::json!({}));

    // It is never taken away from under a service.
    swarm.workspace.write("data.tf", "");
    write(&swarm, first, "attachable = true", &name);
    swarm.workspace.apply().expect_error().says("The network is still there.");
    assert_eq!(seen("{{.Id}}"), id);
    write(&swarm, first, "encrypted = true", &name);
    swarm.workspace.destroy().expect_success();
    assert!(!swarm.asks(&["network", "ls", "--format", "{{.Name}}"]).contains(&name));
}

#[test]
fn a_network_of_a_stack_that_is_to_be_another_one_is_replaced_unless_others_are_on_it() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let set = |network: &str| {
        let api = swarm.service("api", "exec sleep 1000000", &format!("    networks: [net]\n{DEPLOY}"));
        swarm.stack(&format!("services:\n{api}networks: {{ net: {network} }}\n"), "");
    };
    set("{}");
    swarm.workspace.converge();
    let network = format!("{}_net", swarm.name);
    assert_eq!(swarm.listed("network"), std::slice::from_ref(&network));

    // A service of somebody else is on it.
    let guest = format!("{}-guest", swarm.name);
    let image = swarm.image("busybox").to_owned();
    let words = ["service", "create", "--quiet", "--detach", "--replicas", "0", "--endpoint-mode", "dnsrr"];
    swarm.asks(&[&words[..], &["--name", &guest, "--network", &network, &image]].concat());
    set("{ internal: true }");
    let error = swarm.workspace.apply().expect_error();
    error.says(&format!("The network \"{network}\" is to be another one, and {guest} is on it"));
    assert_eq!(swarm.listed("network"), std::slice::from_ref(&network));

    swarm.asks(&["service", "rm", &guest]);
    swarm.workspace.converge();
    let now = swarm.listed("network");
    assert!(now.len() == 1 && now[0] != network, "{now:?}");
    assert_eq!(swarm.asks(&["network", "inspect", &now[0], "--format", "{{.Internal}}"]), "true");
    swarm.workspace.destroy().expect_success();
    assert!(swarm.listed("network").is_empty());
}
