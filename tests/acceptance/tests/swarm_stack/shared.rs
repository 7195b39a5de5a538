//! Secrets and configs that stacks share.

use acceptance_tests::{SecretHunt, hcl};
use lab::Lab;

use crate::swarm::{DEPLOY, STACK, Swarm};

const SECRET: &str = "windlass_swarm_secret.password";
const CONFIG: &str = "windlass_swarm_config.conf";

/// What the test gives.
struct Given<'a> {
    version: &'a str,
    data: &'a str,
    owner: &'a str,
    /// Whether there is a stack that uses them.
    stack: bool,
}

fn write(swarm: &Swarm<'_>, given: &Given<'_>) {
    let managers: Vec<String> =
        swarm.hosts().iter().map(|host| hcl::quoted(&hcl::connection(host))).collect();
    let managers = format!("[{}]", managers.join(", "));
    let stack = &swarm.name;
    let objects = format!(
        "resource \"windlass_swarm_secret\" \"password\" {{\n  managers = {managers}\n  name = \"{stack}-pw\"\n  \
         data_wo = var.password\n  data_wo_version = {:?}\n}}\n\
         resource \"windlass_swarm_config\" \"conf\" {{\n  managers = {managers}\n  name = \"{stack}-conf\"\n  \
         data = {:?}\n  labels = {{ owner = {:?} }}\n}}\n",
        given.version, given.data, given.owner
    );
    swarm.workspace.write("objects.tf", &objects);
    if !given.stack {
        swarm.workspace.write("main.tf", "");
        return;
    }
    let api =
        format!("    secrets: [pw]\n    configs: [{{ source: conf, target: /etc/app.conf }}]\n{DEPLOY}");
    let compose = [
        "services:\n".to_owned(),
        swarm.service("api", "exec sleep 1000000", &api),
        "secrets: { pw: { external: true, name: \"${PW}\" } }\n".to_owned(),
        "configs: { conf: { external: true, name: \"${CONF}\" } }\n".to_owned(),
    ];
    let names = format!("environment = {{ PW = {SECRET}.full_name, CONF = {CONFIG}.full_name }}");
    swarm.stack(&compose.concat(), &names);
}

/// Names of all secrets or configs of the swarm that this test has made.
fn all(swarm: &Swarm<'_>, kind: &str) -> Vec<String> {
    let own = format!("{}-", swarm.name);
    let text = swarm.asks(&[kind, "ls", "--format", "{{.Name}}"]);
    let mut names: Vec<String> =
        text.lines().filter(|name| name.starts_with(&own)).map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn shared_secrets_and_configs_change_under_a_stack_and_old_ones_go_with_its_apply() {
    let lab = Lab::current().unwrap();
    let mut swarm = Swarm::alone(&lab);
    let values = ["pw-Kq7wPz2mX-1", "pw-Lr8vQy3nY-2"];
    let hunt = SecretHunt::new(&values);
    hunt.log_everything(&mut swarm.workspace);
    swarm.workspace.write("variables.tf", "variable \"password\" { ephemeral = true }\n");
    let name = swarm.name.clone();
    let secret = |version: &str| format!("{name}-pw-v{version}");
    let seen = |swarm: &Swarm<'_>| swarm.in_task("api", "cat /run/secrets/pw; echo; cat /etc/app.conf");
    let first = Given { version: "1", data: "first", owner: "ann", stack: true };
    swarm.workspace.env("TF_VAR_password", values[0]);
    write(&swarm, &first);
    swarm.workspace.converge();
    assert_eq!(swarm.workspace.state(SECRET)["full_name"], secret("1").as_str());
    assert_eq!(seen(&swarm), format!("{}\nfirst", values[0]));
    let config = all(&swarm, "config");

    // Labels change in place.
    write(&swarm, &Given { owner: "bob", ..first });
    swarm.workspace.expect_change(CONFIG, &["update"]);
    swarm.workspace.converge();
    assert_eq!(all(&swarm, "config"), config);
    assert_eq!(swarm.asks(&["config", "inspect", &config[0], "--format", "{{.Spec.Labels.owner}}"]), "bob");

    // Others take their places in one update of the service, and the old ones go after it.
    let before = swarm.versions();
    swarm.workspace.env("TF_VAR_password", values[1]);
    write(&swarm, &Given { version: "2", data: "second", owner: "bob", stack: true });
    let change = swarm.workspace.expect_change(STACK, &["update"]);
    let files = |state: &serde_json::Value| state["services"]["api"]["files_hash"].clone();
    assert_ne!(files(&change.before), files(&change.after));
    swarm.workspace.converge();
    assert_eq!(seen(&swarm), format!("{}\nsecond", values[1]));
    assert_ne!(before, swarm.versions());
    assert_eq!(all(&swarm, "secret"), [secret("2")]);
    let second = all(&swarm, "config");
    assert!(second.len() == 1 && second != config, "{config:?} {second:?}");

    // What is used stays when it is destroyed, and goes with the stack.
    swarm.workspace.write("objects.tf", "");
    let kept = [secret("2"), second[0].clone()];
    let names = format!("environment = {{ PW = {:?}, CONF = {:?} }}", kept[0], kept[1]);
    let main = std::fs::read_to_string(swarm.workspace.path().join("main.tf")).unwrap();
    let own = main.lines().map(|line| if line.contains("environment = ") { names.as_str() } else { line });
    swarm.workspace.write("main.tf", &own.collect::<Vec<_>>().join("\n"));
    let apply = swarm.workspace.apply().expect_success();
    apply.expect_warning("stays while it is needed").says(&format!("{name}_api"));
    assert_eq!(all(&swarm, "secret"), [secret("2")]);
    swarm.workspace.destroy().expect_success();
    assert!(all(&swarm, "secret").is_empty() && all(&swarm, "config").is_empty());
    hunt.in_workspace(&swarm.workspace);
}

#[test]
fn what_nobody_uses_goes_at_once_and_what_is_there_is_adopted() {
    let lab = Lab::current().unwrap();
    let mut swarm = Swarm::alone(&lab);
    swarm.workspace.write("variables.tf", "variable \"password\" { ephemeral = true }\n");
    swarm.workspace.env("TF_VAR_password", "pw");
    let given = Given { version: "1", data: "first", owner: "ann", stack: false };
    write(&swarm, &given);
    let name = format!("{}-pw-v1", swarm.name);
    swarm.shell(&format!("printf by-hand | docker secret create {name} -"));
    swarm.workspace.apply().expect_error().says("already").says("import");
    let managers = swarm.import_id();
    let connection = managers.rsplit_once('|').unwrap().0;
    swarm.workspace.import(SECRET, &format!("{connection}|{name}")).expect_success();
    // Nobody knows what is in it: it has no version, so that the first one makes another.
    write(&swarm, &Given { version: "2", ..given });
    swarm.workspace.expect_change(SECRET, &["update"]);
    swarm.workspace.converge();
    assert_eq!(all(&swarm, "secret"), [format!("{}-pw-v2", swarm.name)]);
    write(&swarm, &Given { version: "2", data: "second", ..given });
    swarm.workspace.converge();
    assert_eq!(all(&swarm, "config").len(), 1);

    // Removed behind our back, they are made again.
    swarm.asks(&["secret", "rm", &format!("{}-pw-v2", swarm.name)]);
    swarm.workspace.expect_change(SECRET, &["create"]);
    swarm.workspace.converge();
    let config = swarm.workspace.state(CONFIG)["full_name"].as_str().unwrap().to_owned();
    swarm.workspace.run(&["state", "rm", CONFIG]).expect_success();
    swarm.workspace.import(CONFIG, &format!("{connection}|{config}")).expect_success();
    // All that differs are the managers, of which the id names one.
    let change = swarm.workspace.expect_change(CONFIG, &["update"]);
    assert_eq!(change.before["full_name"], change.after["full_name"]);
    swarm.workspace.converge();
    assert_eq!(all(&swarm, "config"), [config]);
    swarm.workspace.destroy().expect_success();
    assert!(all(&swarm, "secret").is_empty() && all(&swarm, "config").is_empty());
}
