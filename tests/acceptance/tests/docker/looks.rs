//! What the data sources tell of a host: a stack of ours and one that was started by hand.

use acceptance_tests::hcl;
use lab::Lab;
use serde_json::{Value, json};

use crate::object::DockerObject;

const SOURCES: &str = r#"
resource "windlass_compose_stack" "ours" {
  host = local.host
  name = "${local.name}-ours"
  config = [yamlencode({
    services = { app = { image = local.image, command = ["sleep", "infinity"], stop_grace_period = "0s" } }
  })]
}

data "windlass_compose_stacks" "all" {
  host       = local.host
  depends_on = [windlass_compose_stack.ours]
}

data "windlass_compose_stack" "hand" {
  host = local.host
  name = "${local.name}-hand"
}

data "windlass_container_logs" "stack" {
  host  = local.host
  stack = "${local.name}-hand"
  tail  = 2
}

data "windlass_container_logs" "container" {
  host      = local.host
  container = "${local.name}-hand-app-1"
}

output "all" {
  value = {
    for name, stack in data.windlass_compose_stacks.all.stacks : trimprefix(name, "${local.name}-") => stack
    if startswith(name, local.name)
  }
}

output "hand" {
  value = data.windlass_compose_stack.hand
}

output "logs" {
  value     = [data.windlass_container_logs.stack.text, data.windlass_container_logs.container.lines]
  sensitive = true
}
"#;

/// Starts a stack as somebody does on the machine.
fn start_by_hand(object: &DockerObject<'_>) {
    let text = object.compose_file("looks.yaml", &[("PROJECT", &format!("{}-hand", object.name))]);
    let directory = format!("/srv/{}", object.name);
    object.root_runs(&["mkdir", "-p", &directory]);
    object.write_on_host(&format!("{directory}/compose.yaml"), &text);
    object.shell(&format!("docker compose -f {directory}/compose.yaml up -d --quiet-pull"));
}

#[test]
fn a_host_tells_what_runs_there() {
    let lab = Lab::current().unwrap();
    let object = DockerObject::new(&lab);
    let image = lab.image("busybox").unwrap();
    start_by_hand(&object);
    let locals = format!(
        "locals {{\n  host = {}\n  name = {}\n  image = {}\n}}\n",
        hcl::quoted(&hcl::connection(&object.host)),
        hcl::quoted(&object.name),
        hcl::quoted(image)
    );
    object.workspace.write("main.tf", &(locals.clone() + SOURCES));
    object.workspace.converge();
    let output = |name: &str| -> Value {
        let shown = object.workspace.run(&["output", "-json", name]).expect_success();
        serde_json::from_str(&shown.stdout).unwrap()
    };

    let directory = format!("/srv/{}", object.name);
    let files = json!([format!("{directory}/compose.yaml")]);
    let all = output("all");
    let hand = json!({
        "directory": directory, "config_files": files, "managed": false,
        "services": {"app": "running", "job": "completed"},
    });
    assert_eq!(all["hand"], hand);
    let ours = &all["ours"];
    assert_eq!((&ours["managed"], &ours["services"]), (&json!(true), &json!({"app": "running"})));
    assert!(!ours["config_files"].to_string().contains("override.json"), "{ours}");

    let hand = output("hand");
    assert_eq!((&hand["directory"], &hand["config_files"]), (&json!(directory), &files));
    let app = &hand["services"]["app"];
    let expected = json!({
        "image": image, "image_id": app["image_id"], "status": "running", "replicas": 1,
        "containers": [format!("{}-hand-app-1", object.name)], "ports": [],
    });
    assert_eq!(app, &expected);
    let id = object.docker(&["inspect", "-f", "{{.Image}}", &format!("{}-hand-app-1", object.name)]);
    assert_eq!(app["image_id"], json!(id));

    let logs = output("logs");
    let name = format!("{}-hand", object.name);
    let text = format!("{name}-app-1 | two\n{name}-app-1 | three\n{name}-job-1 | done\n");
    assert_eq!(logs, json!([text, {format!("{name}-app-1"): ["one", "two", "three"]}]));
    what_is_not_there_is_an_error(&object, &locals);
    only_what_was_written_then_is_read(&object, &locals, &format!("{name}-app-1"));
    object.workspace.write("main.tf", &locals);
    object.workspace.apply().expect_success();
}

fn what_is_not_there_is_an_error(object: &DockerObject<'_>, locals: &str) {
    let resource = SOURCES.split("data \"").next().unwrap();
    for (source, words) in [
        (
            "windlass_compose_stack\" \"x\" {\n  host = local.host\n  name = \"nobody\"\n}\n",
            ["Could not read compose stack \"nobody\"", "-hand"],
        ),
        (
            "windlass_container_logs\" \"x\" {\n  host = local.host\n  stack = \"${local.name}-hand\"\n  service = \"no\"\n}\n",
            ["Could not read the logs of service \"no\"", "no such container"],
        ),
    ] {
        object.workspace.write("main.tf", &format!("{locals}{resource}data \"{source}"));
        let error = object.workspace.plan().expect_error();
        error.says(words[0]).says(words[1]).says("Nothing was changed.");
    }
}

/// Parts of the log of a container that has written three lines at its start, and now a fourth.
fn only_what_was_written_then_is_read(object: &DockerObject<'_>, locals: &str, container: &str) {
    // Until its clock has gone on, the host cannot tell them apart.
    let line = format!(
        "sleep 2; date -u +%Y-%m-%dT%H:%M:%SZ; sleep 2; docker exec {container} sh -c 'echo four >/proc/1/fd/1'"
    );
    let between = object.shell(&line);
    let read = |attributes: &str| -> Value {
        let text = format!(
            "{locals}data \"windlass_container_logs\" \"x\" {{\n  host = local.host\n  container = {}\n  {attributes}\n}}\n\
             output \"lines\" {{\n  value = nonsensitive(values(data.windlass_container_logs.x.lines)[0])\n}}\n",
            hcl::quoted(container)
        );
        object.workspace.write("main.tf", &text);
        object.workspace.apply().expect_success();
        let shown = object.workspace.run(&["output", "-json", "lines"]).expect_success();
        serde_json::from_str(&shown.stdout).unwrap()
    };
    let between = hcl::quoted(between.trim());
    assert_eq!(read(&format!("since = {between}")), json!(["four"]));
    assert_eq!(read(&format!("until = {between}\n  tail = 2")), json!(["two", "three"]));
    assert_eq!(read(&format!("since = \"1h\"\n  until = {between}")), json!(["one", "two", "three"]));
    assert_eq!(read("until = \"1h\""), json!([]));
    let dated = read("tail = 1\n  timestamps = true");
    let dated = dated[0].as_str().unwrap().split_once(' ').unwrap();
    assert!(dated.1 == "four" && dated.0.starts_with("20") && dated.0.ends_with('Z'), "{dated:?}");

    object.workspace.write("main.tf", &format!(
        "{locals}data \"windlass_container_logs\" \"x\" {{\n  host = local.host\n  stack = \"x\"\n  since = \"now\"\n}}\n"
    ));
    object.workspace.plan().expect_error().says("must be a moment such as");
}
