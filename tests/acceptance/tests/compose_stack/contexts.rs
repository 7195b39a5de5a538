//! Builds from more than the stack's own directory.

use acceptance_tests::{Repository, STACK, Stack, hcl};
use lab::{Lab, Variant};

fn configure(stack: &Stack<'_>, build: &str) {
    let text = stack.compose_file("build/context.yaml", &[("BUILD", build)]);
    stack.workspace.write("web/compose.yaml", &text);
    stack.configure("source_dir = \"${path.module}/web\"\n  build = true");
}

fn remove_image(stack: &Stack<'_>) {
    stack.shell(&format!("docker images -q {}-app | sort -u | xargs -r docker rmi -f", stack.name));
}

#[test]
fn repositories_directories_and_images_are_contexts() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let repository = Repository::on(&lab, &stack.host);
    let busybox = stack.image("busybox");
    let dockerfile =
        "FROM base\nCOPY text /text\nCOPY --from=more text /more\nCOPY --from=shared note /note\n";
    let files = [("sub/Dockerfile", dockerfile), ("sub/text", "one"), ("more/text", "two")];
    let first = repository.commit(&files);
    let build = |commit: &str| {
        format!(
            "{{ context: {}, additional_contexts: {{ more: {}, base: \"docker-image://{busybox}\", shared: ./shared }} }}",
            hcl::quoted(&repository.url(commit, "sub")),
            hcl::quoted(&repository.url(commit, "more"))
        )
    };
    let files_in_container = || {
        let container = format!("{}-app-1", stack.name);
        stack.root_runs(&["docker", "exec", &container, "sh", "-c", "cat /text /more /note"])
    };
    stack.workspace.write("web/shared/note", "three");
    configure(&stack, &build(&first));
    stack.workspace.converge();
    assert_eq!(files_in_container(), "onetwothree");

    // A directory that is shipped counts by its files.
    stack.workspace.write("web/shared/note", "3");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.unknown["services"]["app"]["image_id"], true);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(files_in_container(), "onetwo3");

    // A repository counts by its URL.
    let second = repository.commit(&[("sub/text", "1"), ("more/text", "2")]);
    stack.workspace.expect_no_changes();
    configure(&stack, &build(&second));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.unknown["services"]["app"]["image_id"], true);
    stack.workspace.converge_as_planned();
    assert_eq!(files_in_container(), "123");
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    remove_image(&stack);
}

#[test]
fn what_no_build_fetches_is_told_when_it_is_planned() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let cases = [
        (
            "{ context: \"file:///srv/app.git#main\" }",
            "Service \"app\" is built from file:///srv/app.git#main, and a build fetches nothing by `file://`",
        ),
        (
            "{ context: ./app, additional_contexts: { more: \"file:///srv/more\" } }",
            "Service \"app\" is built from file:///srv/more, and",
        ),
        (
            "{ context: ./app, additional_contexts: { more: /srv/more } }",
            "Service \"app\" is built from /srv/more, which is not in the stack's directory",
        ),
    ];
    let write = |(index, (build, _)): (usize, &(&str, &str))| {
        let text = stack.compose_file("build/context.yaml", &[("BUILD", build)]);
        stack.workspace.write(&format!("{index}/compose.yaml"), &text);
        stack
            .workspace
            .write(&format!("{index}/app/Dockerfile"), &format!("FROM {}\n", stack.image("busybox")));
        format!("source_dir = \"${{path.module}}/{index}\"\n  build = true")
    };
    let errors = stack.refusals(&cases.iter().enumerate().map(write).collect::<Vec<_>>());
    for (error, (_, words)) in errors.iter().zip(cases) {
        error.says(words).says("use the URL of a git repository");
    }
}
