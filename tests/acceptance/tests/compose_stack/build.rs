//! Images that are built on the host.

use std::fs;

use acceptance_tests::{STACK, SecretHunt, Stack};
use lab::{Lab, Variant};
use serde_json::Value;

/// A stack of a service that is built and one that is not.
fn write_sources(stack: &Stack<'_>, build: &str) {
    let busybox = stack.image("busybox");
    stack.workspace.write("web/compose.yaml", &stack.compose_file("build/app.yaml", &[("BUILD", build)]));
    stack.workspace.write("web/app/Dockerfile", &format!("FROM {busybox}\nCOPY . /app/\n"));
    stack.workspace.write("web/app/message", "one\n");
    stack.workspace.write("web/app/notes.txt", "not for the image\n");
    stack.workspace.write("web/app/keep.txt", "for the image\n");
    stack.workspace.write("web/app/local/junk", "not even for the host\n");
    stack.workspace.write("web/app/.dockerignore", "# what only people read\n*.txt\n!keep.txt\n");
    stack.workspace.write("web/.windlassignore", "local\n");
}

fn configure(stack: &Stack<'_>, more: &str) {
    stack.configure(&format!("source_dir = \"${{path.module}}/web\"\n  {more}"));
}

/// The id of the image of `app`.
fn image(stack: &Stack<'_>) -> String {
    let name = format!("{}-app", stack.name);
    stack.root_runs(&["docker", "image", "inspect", "--format", "{{.Id}}", &name]).trim().to_owned()
}

fn remove_images(stack: &Stack<'_>) {
    stack.shell(&format!("docker images -q {}-app | sort -u | xargs -r docker rmi -f", stack.name));
}

#[test]
fn what_is_built_follows_its_context() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    write_sources(&stack, "./app");
    configure(&stack, "");
    let error = stack.workspace.plan().expect_error();
    error.says("Set `build = true`");

    configure(&stack, "build = true");
    stack.workspace.converge();
    let (first, built) = (stack.containers(), image(&stack));
    let in_image = stack.root_runs(&["docker", "exec", &format!("{}-app-1", stack.name), "ls", "-A", "/app"]);
    let files: Vec<&str> = in_image.split_whitespace().collect();
    assert_eq!(files, [".dockerignore", "Dockerfile", "keep.txt", "message"]);

    // What is not in the image changes no service.
    stack.workspace.write("web/app/notes.txt", "other notes\n");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"], change.after["services"]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!((stack.containers(), image(&stack)), (first.clone(), built.clone()));

    // What is in it changes just the service that is built from it.
    stack.workspace.write("web/app/message", "two\n");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.unknown["services"]["app"]["image_id"], true);
    assert_eq!(change.before["services"]["side"], change.after["services"]["side"]);
    stack.workspace.apply_planned().expect_success();
    let second = stack.containers();
    assert_ne!(first["app"], second["app"]);
    assert_eq!(first["side"], second["side"]);
    let message =
        stack.root_runs(&["docker", "exec", &format!("{}-app-1", stack.name), "cat", "/app/message"]);
    assert_eq!(message.trim(), "two");

    // An image that somebody removed is built again.
    stack.root_runs(&["docker", "rmi", "-f", &format!("{}-app", stack.name)]);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.changed_in("services"), ["app"]);
    assert_eq!(change.unknown["services"]["app"]["image_id"], true);
    stack.workspace.apply_planned().expect_success();
    assert!(image(&stack).starts_with("sha256:"));

    // What cannot be built leaves everything as it runs.
    let before = stack.containers();
    let dockerfile = std::fs::read_to_string(stack.workspace.path().join("web/app/Dockerfile")).unwrap();
    stack.workspace.write("web/app/Dockerfile", &format!("{dockerfile}RUN echo no such luck && false\n"));
    let error = stack.workspace.apply().expect_error();
    assert_eq!(error.summary, stack.could_not("update"));
    error.says("build the image of service \"app\"").says("no such luck");
    assert_eq!(stack.containers(), before);
    stack.workspace.write("web/app/Dockerfile", &dockerfile);
    stack.workspace.converge();
    assert_eq!(stack.containers(), before);
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    remove_images(&stack);
}

#[test]
fn build_secrets_stay_out_of_images_and_state() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let (from_variable, from_file) = ("build-sesame-4Kp", "file-sesame-8Wd");
    let hunt = SecretHunt::new(&[from_variable, from_file]);
    write_sources(&stack, "{ context: ./app, secrets: [token, key] }");
    let compose = std::fs::read_to_string(stack.workspace.path().join("web/compose.yaml")).unwrap();
    let secrets = "secrets:\n  token: { environment: TOKEN }\n  key: { file: ./key }\n";
    stack.workspace.write("web/compose.yaml", &format!("{compose}{secrets}"));
    let lengths = "RUN --mount=type=secret,id=token --mount=type=secret,id=key \
                   cat /run/secrets/token /run/secrets/key | wc -c > /length\n";
    let dockerfile = format!("FROM {}\n{lengths}", stack.image("busybox"));
    stack.workspace.write("web/app/Dockerfile", &dockerfile);
    stack.workspace.write(
        "variables.tf",
        "variable \"token\" {\n  ephemeral = true\n}\nvariable \"key\" {\n  sensitive = true\n}\n",
    );
    stack.workspace.env("TF_VAR_token", from_variable).env("TF_VAR_key", "x");
    hunt.log_everything(&mut stack.workspace);
    let configure_version = |version: &str| {
        configure(
            &stack,
            &format!(
                "build = true\n  secrets_wo = {{ TOKEN = var.token }}\n  secrets_wo_version = \"{version}\"\n  \
                 files_content = {{ \"key\" = \"plain\" }}"
            ),
        );
    };
    configure_version("1");
    let watch = hunt.watch_arguments();
    stack.workspace.converge();
    let container = format!("{}-app-1", stack.name);
    let length = stack.root_runs(&["docker", "exec", &container, "cat", "/length"]);
    assert_eq!(length.trim(), (from_variable.len() + "plain".len()).to_string());
    let first = image(&stack);

    // Another version is another build.
    configure_version("2");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.unknown["services"]["app"]["image_id"], true);
    stack.workspace.converge_as_planned();
    assert_ne!(image(&stack), first);
    watch.finish();
    hunt.in_workspace(&stack.workspace);
    let name = format!("{}-app", stack.name);
    let line = format!(
        "docker history --no-trunc {name}; docker image inspect {name}; rm -rf /tmp/{name}; mkdir /tmp/{name}; \
         docker save {name} | tar -xC /tmp/{name}; \
         find /tmp/{name} -name layer.tar -o -path '*blobs*' -type f | while read f; do cat $f; (zcat < $f 2>/dev/null || true); done; \
         rm -rf /tmp/{name}"
    );
    let everything = stack.lab.exec(&stack.host, &["sh", "-c", &line]).unwrap().stdout;
    let everything = String::from_utf8_lossy(&everything);
    assert!(everything.contains("windlass.context-hash") && everything.contains("/run/secrets/token"));
    assert!(!everything.contains(from_variable));
    stack.workspace.destroy().expect_success();
    remove_images(&stack);
}

#[test]
fn a_context_has_what_is_shipped_and_nothing_else() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let busybox = stack.image("busybox");
    stack.workspace.write("web/compose.yaml", &stack.compose_file("build/context.yaml", &[("BUILD", ".")]));
    stack.workspace.write("web/Dockerfile", &format!("FROM {busybox}\nCOPY . /src\n"));
    stack.workspace.write("web/main.py", "one");
    stack.workspace.write("variables.tf", "variable \"token\" {\n  ephemeral = true\n}\n");
    stack.workspace.env("TF_VAR_token", "context-sesame-7Tr");
    let configure_version = |version: &str| {
        configure(
            &stack,
            &format!(
                "build = true\n  secrets_wo = {{ TOKEN = var.token }}\n  secrets_wo_version = \"{version}\"\n  \
                 secret_files_wo = {{ \"keys/tls.key\" = var.token }}\n  secret_files_wo_version = \"{version}\""
            ),
        );
    };
    let in_image = || {
        let container = format!("{}-app-1", stack.name);
        let found = stack.root_runs(&["docker", "exec", &container, "find", "/src", "-type", "f"]);
        let mut files: Vec<String> = found.lines().map(str::to_owned).collect();
        files.sort();
        files
    };
    let expected = ["/src/Dockerfile", "/src/compose.yaml", "/src/main.py"];
    configure_version("1");
    stack.workspace.converge();
    assert_eq!(in_image(), expected);
    // With a good apply on the host, and what a product writes there.
    stack.write_on_host(&format!("{}/dump.sql", stack.directory()), "data");
    stack.workspace.write("web/main.py", "two");
    stack.workspace.apply().expect_success();
    assert_eq!(in_image(), expected);
    // Other secrets are no other context.
    let built = image(&stack);
    configure_version("2");
    stack.workspace.converge();
    assert_eq!(image(&stack), built);
    let saved = format!("docker save {}-app | grep -ac context-sesame || :", stack.name);
    assert_eq!(stack.shell(&saved).trim(), "0");
    assert!(!stack.exists(&format!("{}/.windlass/build", stack.directory())));
    stack.workspace.destroy().expect_success();
    remove_images(&stack);
}

#[test]
fn what_jobs_run_is_built_before_they_run() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let busybox = stack.image("busybox");
    let image = format!("{}-tools:local", stack.name);
    let text = stack.compose_file("build/tools.yaml", &[("IMAGE", &image)]);
    let write = |what: &str| {
        let lines = format!(
            "FROM {busybox}\nRUN echo {what} > /what\nCMD [\"sh\", \"-c\", \"cat /what >> /data/log\"]\n"
        );
        stack.workspace.write("web/tools/Dockerfile", &lines);
    };
    stack.workspace.write("web/compose.yaml", &text);
    write("one");
    let job = "job {\n    name = \"note\"\n    service = \"tools\"\n  }";
    configure(&stack, &format!("build = true\n  {job}"));
    stack.workspace.converge();
    let app = format!("{}-app-1", stack.name);
    let log = || stack.root_runs(&["docker", "exec", &app, "cat", "/data/log"]);
    assert_eq!(log(), "one");

    // Another context is another run, and here another image of the application.
    let before = stack.containers();
    write("two");
    stack.workspace.converge();
    assert_eq!(log(), "one\ntwo");
    assert_ne!(stack.containers()["app"], before["app"]);

    // What is not built is not left to Compose to build on the side.
    stack
        .workspace
        .write("web/compose.yaml", &text.replace(&format!("tools:\n    image: {image}\n"), "tools:\n"));
    configure(&stack, job);
    let error = stack.workspace.plan().expect_error();
    error.says(&format!("does not have it: tools ({}-tools).", stack.name)).says("Set `build = true`");
    stack.workspace.write("web/compose.yaml", &text);
    configure(&stack, &format!("build = true\n  {job}"));
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    stack.shell(&format!("docker images -q {}-tools | sort -u | xargs -r docker rmi -f", stack.name));
}

#[test]
fn what_cannot_be_built_is_told_when_it_is_planned() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let cases = [
        ("/opt/elsewhere", "which is not in the stack's directory"),
        ("./nothing", "where there are no files"),
        (
            "{ context: ./app, dockerfile: Dockerfile.dev }",
            "\"app/Dockerfile.dev\", which is not among the files",
        ),
    ];
    write_sources(&stack, "./app");
    let attributes = |(build, _): &(&str, &str)| {
        let text = stack.compose_file("build/app.yaml", &[("BUILD", build)]);
        let file = acceptance_tests::hcl::quoted(&text);
        format!(
            "source_dir = \"${{path.module}}/web\"\n  files_content = {{ \"compose.yaml\" = {file} }}\n  build = true"
        )
    };
    let errors = stack.refusals(&cases.iter().map(attributes).collect::<Vec<_>>());
    for (error, (_, words)) in errors.iter().zip(cases) {
        error.says("ervice \"app\" is built").says(words);
    }
}

#[test]
fn what_the_state_forgot_is_not_built_again() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    write_sources(&stack, "./app");
    configure(&stack, "build = true");
    stack.workspace.apply().expect_success();
    let containers = stack.containers();

    // What CLIs write when the provider is killed in an apply.
    let state = stack.workspace.path().join("terraform.tfstate");
    let mut text: Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    let instance = text.pointer_mut("/resources/0/instances/0").unwrap().as_object_mut().unwrap();
    assert!(instance.remove("private").is_some(), "{instance:?}");
    fs::write(&state, text.to_string()).unwrap();
    stack.workspace.expect_no_changes();

    stack.workspace.run(&["state", "rm", STACK]).expect_success();
    stack.workspace.import(STACK, &stack.import_id()).expect_success();
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"], change.after["services"]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(stack.containers(), containers);
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    remove_images(&stack);
}
