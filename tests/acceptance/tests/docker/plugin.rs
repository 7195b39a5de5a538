//! The life of a plugin: a driver of volumes of our own, made on a host and brought to the lab's
//! registry.

use acceptance_tests::Fixture;
use lab::{Lab, Variant};
use serde_json::Value;

const ADDRESS: &str = "windlass_docker_plugin.test";
const NETWORK: &str = "grant = { network = [\"host\"] }";

/// A plugin with two versions in the lab's registry, and a name of its own on a host.
struct Plugin<'a> {
    fixture: Fixture<'a>,
    registry: String,
}

impl<'a> Plugin<'a> {
    fn new(lab: &'a Lab) -> Self {
        let fixture = Fixture::on(lab, lab.host(Variant::Root).unwrap(), left_of_plugins);
        let registry = lab.state().registry.clone();
        let plugin = Self { fixture, registry };
        let directory = format!("/tmp/{}-plugin", plugin.fixture.name);
        plugin.fixture.shell(&format!("mkdir {directory}"));
        for file in ["plugin.pl", "build.sh"] {
            let path = format!("{}/../fixtures/volume-plugin/{file}", env!("CARGO_MANIFEST_DIR"));
            plugin
                .fixture
                .write_on_host(&format!("{directory}/{file}"), &std::fs::read_to_string(path).unwrap());
        }
        for (version, capabilities) in [("1", ""), ("2", "\"CAP_SYS_ADMIN\"")] {
            let reference = plugin.reference(version);
            plugin.fixture.root_runs(&["sh", &format!("{directory}/build.sh"), &reference, capabilities]);
        }
        plugin
    }

    fn reference(&self, version: &str) -> String {
        format!("{}/{}:{version}", self.registry, self.fixture.name)
    }

    /// Writes the resource, with this version and these attributes.
    fn configure(&self, version: &str, attributes: &str) {
        let text = format!(
            "variable \"token\" {{ ephemeral = true }}\nresource \"windlass_docker_plugin\" \"test\" {{\n  host = {}\n  \
             reference = {:?}\n  alias = {:?}\n  settings_wo = {{ TOKEN = var.token }}\n  settings_wo_version = \"1\"\n  \
             {attributes}\n}}\n",
            self.fixture.connection(),
            self.reference(version),
            self.fixture.name
        );
        self.fixture.workspace.write("main.tf", &text);
    }

    /// What the daemon says of it.
    fn inspected(&self) -> Value {
        let text = self.fixture.root_runs(&["docker", "plugin", "inspect", &self.fixture.name]);
        serde_json::from_str::<Value>(&text).unwrap()[0].clone()
    }

    /// The value of one of its variables.
    fn variable(&self, name: &str) -> String {
        let inspected = self.inspected();
        let all = inspected["Settings"]["Env"].as_array().unwrap();
        let mut values = all.iter().filter_map(|one| one.as_str().unwrap().strip_prefix(&format!("{name}=")));
        values.next().unwrap().to_owned()
    }
}

fn left_of_plugins(name: &str) -> String {
    format!(
        "docker ps -aq --filter 'name=^{name}' | xargs -r docker rm -f; docker volume ls -q --filter 'name=^{name}' | \
         xargs -r docker volume rm; docker plugin ls --format '{{{{.Name}}}}' | grep -F {name} | \
         xargs -r docker plugin rm --force; rm -rf /tmp/{name}-plugin"
    )
}

#[test]
fn a_plugin_lives_with_what_it_is_granted() {
    let lab = Lab::current().unwrap();
    let mut plugin = Plugin::new(&lab);
    let token = "tk-Wq81nVb4zR";
    plugin.fixture.workspace.env("TF_VAR_token", token);
    granted_or_not_installed(&plugin, token);
    changed_while_nothing_uses_it(&plugin);
    changed_by_hand_and_adopted(&plugin);
    upgraded_in_place(&plugin);

    // What keeps volumes stays.
    let workspace = &plugin.fixture.workspace;
    let volume = format!("{}-v", plugin.fixture.name);
    let error = workspace.destroy().expect_error();
    error.says("Could not destroy docker plugin").says(&volume).says("The plugin is still there.");
    assert_eq!(plugin.inspected()["Enabled"], true);
    plugin.fixture.root_runs(&["docker", "volume", "rm", &volume]);
    workspace.destroy().expect_success();
    let left = plugin.fixture.root_runs(&["docker", "plugin", "ls", "--format", "{{.Name}}"]);
    assert!(!left.contains(&plugin.fixture.name), "{left}");
}

fn granted_or_not_installed(plugin: &Plugin<'_>, token: &str) {
    let workspace = &plugin.fixture.workspace;
    plugin.configure("1", "");
    let error = workspace.plan().expect_error();
    error.says("asks for more than it is granted: network host").says("network = [\"host\"]");
    plugin.configure("1", NETWORK);
    workspace.expect_change(ADDRESS, &["create"]);
    workspace.converge_as_planned();
    assert_eq!(workspace.state(ADDRESS)["name"], format!("{}:latest", plugin.fixture.name));
    // It has the token, which is nowhere here.
    let (name, image) = (&plugin.fixture.name, plugin.fixture.image("busybox"));
    let mount = format!("{name}-v:/v");
    let words =
        ["docker", "run", "--rm", "--volume-driver", name, "--volume", &mount, image, "cat", "/v/token"];
    assert_eq!(plugin.fixture.root_runs(&words).trim(), token);
    let state = std::fs::read_to_string(workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains(token));
}

fn changed_while_nothing_uses_it(plugin: &Plugin<'_>) {
    let (workspace, name) = (&plugin.fixture.workspace, &plugin.fixture.name);
    let (container, mount) = (format!("{name}-user"), format!("{name}-v:/v"));
    let image = plugin.fixture.image("busybox");
    plugin.fixture.root_runs(&[
        "docker", "run", "--detach", "--init", "--name", &container, "--volume", &mount, image, "sleep",
        "1000000",
    ]);
    plugin.configure("1", &format!("{NETWORK}\n  settings = {{ LEVEL = \"2\" }}"));
    workspace.expect_change(ADDRESS, &["update"]);
    let error = workspace.apply_planned().expect_error();
    error
        .says("Could not update docker plugin")
        .says(&format!("{container} (running)"))
        .says("The plugin runs as it did before.");
    assert_eq!((plugin.inspected()["Enabled"].clone(), plugin.variable("LEVEL")), (true.into(), "1".into()));
    plugin.fixture.root_runs(&["docker", "rm", "--force", &container]);
    workspace.converge();
    assert_eq!(plugin.variable("LEVEL"), "2");

    // What is not a setting is refused, or is found out by the daemon; it goes on as it was.
    plugin.configure("1", &format!("{NETWORK}\n  settings = {{ LEVEL = \"3\", NONE = \"x\" }}"));
    workspace.apply().expect_error().says("no setting \"NONE\"; it has: LEVEL, TOKEN, args");
    assert_eq!((plugin.inspected()["Enabled"].clone(), plugin.variable("LEVEL")), (true.into(), "2".into()));
    plugin.configure("1", &format!("{NETWORK}\n  settings = {{ LEVEL = \"3\", args = \"-v\" }}"));
    workspace.apply().expect_error().says("could not set the plugin").says("args");
    assert_eq!((plugin.inspected()["Enabled"].clone(), plugin.variable("LEVEL")), (true.into(), "2".into()));
    plugin.configure("1", NETWORK);
    let main = plugin.fixture.workspace.path().join("main.tf");
    let text = std::fs::read_to_string(&main).unwrap();
    let misspelled = text.replace("TOKEN =", "TOKN =").replace("version = \"1\"", "version = \"2\"");
    std::fs::write(&main, misspelled).unwrap();
    workspace.apply().expect_error().says("no setting \"TOKN\"").at("settings_wo");
    // What is not named any more is as its author has it.
    plugin.configure("1", NETWORK);
    workspace.converge();
    assert_eq!(plugin.variable("LEVEL"), "1");
}

fn changed_by_hand_and_adopted(plugin: &Plugin<'_>) {
    let (workspace, name) = (&plugin.fixture.workspace, &plugin.fixture.name);
    plugin.fixture.root_runs(&["docker", "plugin", "disable", "--force", name]);
    workspace.expect_change(ADDRESS, &["update"]);
    workspace.converge_as_planned();
    assert_eq!(plugin.inspected()["Enabled"], true);
    workspace.run(&["state", "rm", ADDRESS]).expect_success();
    let error = workspace.apply().expect_error();
    error.says("already").says(&plugin.fixture.import_id());
    workspace.import(ADDRESS, &plugin.fixture.import_id()).expect_success();
    workspace.expect_change(ADDRESS, &["update"]);
    workspace.converge_as_planned();
}

fn upgraded_in_place(plugin: &Plugin<'_>) {
    let workspace = &plugin.fixture.workspace;
    let id = plugin.inspected()["Id"].clone();
    plugin.configure("2", NETWORK);
    workspace.plan().expect_error().says("capabilities CAP_SYS_ADMIN");
    plugin.configure("2", "grant = { network = [\"host\"], capabilities = [\"CAP_SYS_ADMIN\"] }");
    workspace.expect_change(ADDRESS, &["update"]);
    workspace.converge_as_planned();
    let inspected = plugin.inspected();
    let capabilities = &inspected["Config"]["Linux"]["Capabilities"];
    assert_eq!((&inspected["Id"], capabilities), (&id, &serde_json::json!(["CAP_SYS_ADMIN"])));
    assert_eq!((&inspected["Enabled"], plugin.variable("TOKEN").is_empty()), (&true.into(), false));
}

/// The daemon has no login of its own there: what the provider's block says is all that counts.
#[test]
fn a_plugin_comes_from_a_registry_that_asks_for_a_login_and_a_misspelled_one_is_named_by_the_plan() {
    let lab = Lab::current().unwrap();
    let mut plugin = Plugin::new(&lab);
    plugin.fixture.workspace.env("TF_VAR_token", "none");
    let private = &lab.state().private_registry;
    plugin.registry = format!("{}/team", private.address);
    let (reference, directory) = (plugin.reference("1"), format!("/tmp/{}-plugin", plugin.fixture.name));
    let build = format!(
        "set -e; export DOCKER_CONFIG=$(mktemp -d); docker login -u {} -p {} {} 2>&1; sh {directory}/build.sh {reference} ''; \
         rm -rf $DOCKER_CONFIG",
        private.username, private.password, private.address
    );
    plugin.fixture.root_runs(&["sh", "-c", &build]);

    plugin.configure("1", NETWORK);
    let workspace = &plugin.fixture.workspace;
    let run = workspace.plan().expect_success();
    run.expect_warning(&format!("Could not see what the plugin {reference} asks for")).says("registry block");
    let error = workspace.apply().expect_error();
    error.says("Could not install docker plugin").says("registry block").says("Nothing was changed.");

    plugin.fixture.provider(&acceptance_tests::hcl::registry_block(&lab), "");
    plugin.configure("7", NETWORK);
    let run = workspace.plan().expect_success();
    let warning = run.expect_warning(&plugin.reference("7"));
    warning.says("Check the name and the tag").at("reference");

    // Now it is known what it asks for.
    plugin.configure("1", "");
    workspace.plan().expect_error().says("asks for more than it is granted: network host");
    plugin.configure("1", NETWORK);
    workspace.converge();
    assert_eq!(plugin.inspected()["Enabled"], true);
    let found = format!("grep -rlF {} /root/.docker /tmp /etc/docker 2>/dev/null; true", private.password);
    assert_eq!(plugin.fixture.root_runs(&["sh", "-c", &found]), "");
    workspace.destroy().expect_success();
}
