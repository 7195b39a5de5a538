//! `examples/systems/always-on`: applied, used, changed and destroyed.

use std::{collections::BTreeMap, process};

use acceptance_tests::{SecretHunt, Workspace, copy_example, hcl};
use lab::{Host, Lab, Variant};

use crate::edit;

const STACK: &str = "windlass_compose_stack.always_on";
const CORPUS: &str = "/srv/always-on/corpus";
const SECRETS: [&str; 2] = ["token-Qx4-of-the-api", "key-Jn8-of-the-model"];

/// The example on a host of its own.
pub(crate) struct System<'a> {
    lab: &'a Lab,
    host: &'a Host,
    pub(crate) workspace: Workspace,
}

impl<'a> System<'a> {
    /// The same on another host.
    pub(crate) fn moves(&mut self, host: &'a Host) {
        self.host = host;
    }

    pub(crate) fn new(lab: &'a Lab, host: &'a Host) -> Self {
        let mut workspace = Workspace::for_test();
        copy_example("always-on", &workspace);
        workspace.env("TF_VAR_api_token", SECRETS[0]).env("TF_VAR_llm_api_key", SECRETS[1]);
        Self { lab, host, workspace }
    }

    /// The tag of a release in the lab's registry; the api and the pipeline are busybox `version`.
    pub(crate) fn publish(&self, release: &str, version: &str) -> String {
        let tag = format!("{release}-{}", process::id());
        self.lab.registry().set_tag("busybox", version, &tag).unwrap();
        self.lab.registry().set_tag("nginx", "1.26", &tag).unwrap();
        tag
    }

    pub(crate) fn choose(&self, release: &str) {
        let registry = &self.lab.state().registry;
        let Host { address, host_key, user, private_key_file, .. } = self.host;
        self.workspace.write(
            "terraform.tfvars",
            &format!(
                "address = {}\nhost_key = {}\nuser = {}\nprivate_key_file = {}\nrelease = {}\n\
                 images = {{ viewer = \"{registry}/nginx\", api = \"{registry}/busybox\", pipeline = \"{registry}/busybox\" }}\n",
                hcl::quoted(address),
                hcl::quoted(host_key),
                hcl::quoted(user),
                hcl::quoted(&private_key_file.to_string_lossy()),
                hcl::quoted(release)
            ),
        );
    }

    #[track_caller]
    fn shell(&self, line: &str) -> String {
        self.lab.exec_ok(self.host, &["sh", "-c", line]).unwrap()
    }

    /// What the viewer answers on the host.
    #[track_caller]
    pub(crate) fn asked(&self, path: &str) -> String {
        self.shell(&format!("curl -fsS http://127.0.0.1:8080{path}"))
    }

    /// Service to its container's id, one-offs left out.
    fn containers(&self) -> BTreeMap<String, String> {
        let listed = self.shell(
            "docker ps -a --no-trunc --filter label=com.docker.compose.oneoff=False \
             --format '{{.Label \"com.docker.compose.service\"}} {{.ID}}'",
        );
        let pairs = listed.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(service, id)| (service.to_owned(), id.to_owned())).collect()
    }

    /// Runs the pipeline as a person does.
    pub(crate) fn make_episode(&self, title: &str) {
        let directory = self.workspace.state(STACK)["directory"].as_str().unwrap().to_owned();
        let said = self.shell(&format!(
            "su - deploy -c 'cd {directory}/compose && docker compose run --rm -T pipeline-llm {title}' </dev/null"
        ));
        assert!(said.contains(&format!("wrote {title}")), "{said}");
    }

    fn status(&self, service: &str) -> String {
        self.workspace.state(STACK)["services"][service]["status"].as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn always_on_lives_through_a_release() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let system = System::new(&lab, &host);
    let hunt = SecretHunt::new(&SECRETS);

    // Every variable of the contract must have a value; nothing was touched before that was found.
    let first = system.publish("one", "1");
    system.choose(&first);
    edit(&system.workspace, "app/.env.example", "LLM_MODEL=", "LLM_MODEL=\nFORGOTTEN=");
    system.workspace.plan().expect_error().says("FORGOTTEN");
    edit(&system.workspace, "app/.env.example", "\nFORGOTTEN=", "");

    let run = system.workspace.apply().expect_success();
    hunt.in_run(&run);
    assert_eq!([system.status("viewer"), system.status("api")], ["healthy", "healthy"]);
    assert_eq!([system.status("pipeline-llm"), system.status("migrate")], ["idle", "idle"]);
    assert_eq!(system.asked("/api/health"), format!("ok {first}"));
    assert_eq!(system.asked("/api/episodes"), "", "the job has made the corpus, and there is none yet");
    system.workspace.expect_no_changes();
    let before = system.containers();
    assert_eq!(before.keys().collect::<Vec<_>>(), ["api", "viewer"]);

    // The product's own run of the pipeline is no difference, while it runs and after.
    system.make_episode("pilot");
    assert_eq!(system.asked("/api/episodes"), "pilot");
    system.workspace.expect_no_changes();

    // A release, and what does not belong to it stays.
    let second = system.publish("two", "2");
    system.choose(&second);
    let change = system.workspace.expect_change(STACK, &["update"]);
    assert!(change.after["services"]["api"]["image"].as_str().unwrap().ends_with(&second));
    system.workspace.converge();
    assert_eq!(system.asked("/api/health"), format!("ok {second}"));
    assert_eq!(system.asked("/api/episodes"), "pilot");
    assert_ne!(system.containers()["api"], before["api"]);

    // One that is not well: the last good one comes back and goes on to answer.
    let third = system.publish("three", "1");
    system.choose(&third);
    edit(&system.workspace, "app/api/cgi-bin/health", "= 1 ]", "= 2 ]");
    let run = system.workspace.apply();
    hunt.in_run(&run);
    run.expect_error().says("Could not update compose stack").says("api");
    assert_eq!(system.asked("/api/health"), format!("ok {second}"));
    assert_eq!(system.asked("/api/episodes"), "pilot");
    assert_eq!(system.shell("docker exec always-on-api-1 cat /version"), "2");
    assert_eq!(system.status("api"), "healthy");
    system.workspace.expect_change(STACK, &["update"]);

    // One that is well by itself and does not answer as a release must: a probe finds it.
    edit(&system.workspace, "app/api/cgi-bin/health", "= 2 ]", "= 1 ]");
    edit(&system.workspace, "app/viewer/html/index.html", "Always on", "Off");
    edit(
        &system.workspace,
        "main.tf",
        "expect_body = \"Always on\"\n    timeout     = \"30s\"",
        "expect_body = \"Always on\"\n    timeout     = \"3s\"",
    );
    system.workspace.apply().expect_error().says("probe");
    assert!(system.asked("/").contains("Always on"));
    assert_eq!(system.asked("/api/health"), format!("ok {second}"));

    // Corrected.
    edit(&system.workspace, "app/viewer/html/index.html", "Off", "Always on");
    system.workspace.converge();
    assert_eq!(system.asked("/api/health"), format!("ok {third}"));

    hunt.in_run(&system.workspace.run(&["show", "-json"]).expect_success());

    system.workspace.destroy().expect_success();
    assert!(system.containers().is_empty());
    assert!(system.workspace.state(STACK).is_null());
    assert_eq!(system.shell(&format!("cat {CORPUS}/episodes/pilot")), format!("made by {first} with small"));
}
