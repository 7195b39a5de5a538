//! Which images run: tags that move, images from elsewhere, and what becomes of old ones.

use acceptance_tests::{STACK, Stack, hcl, unique};
use lab::{Lab, Variant};

/// A service that stays, with this image.
fn service(stack: &Stack<'_>, name: &str, image: &str) -> String {
    stack.service(name, "").replace(stack.image("busybox"), image)
}

fn text(services: &[String]) -> String {
    format!("services:\n{}", services.concat())
}

/// Writes a stack of this Compose file, with more attributes.
fn configure(stack: &Stack<'_>, text: &str, more: &str) {
    stack.configure_text_with(text, more);
}

/// The id of the image behind a reference on the stack's host, or nothing.
fn image_id(stack: &Stack<'_>, reference: &str) -> String {
    let words = ["docker", "image", "inspect", "--format", "{{.Id}}", reference];
    let output = stack.lab.exec(&stack.host, &words).unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_tag_that_moves_is_seen_where_everything_is_pulled() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let tag = unique("moves");
    lab.registry().set_tag("busybox", "1", &tag).unwrap();
    let moving = format!("{}/busybox:{tag}", lab.state().registry);
    let text = text(&[service(&stack, "app", &moving), service(&stack, "still", stack.image("busybox"))]);
    configure(&stack, &text, "pull = \"always\"");
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    lab.registry().set_tag("busybox", "2", &tag).unwrap();
    configure(&stack, &text, "pull = \"missing\"");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(
        change.before["services"], change.after["services"],
        "a tag in the registry is nobody's change"
    );

    configure(&stack, &text, "pull = \"always\"");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.unknown["services"]["app"]["image_id"], true);
    assert_eq!(change.before["services"]["still"], change.after["services"]["still"]);
    stack.workspace.converge_as_planned();
    let after = stack.containers();
    assert_ne!(before["app"], after["app"]);
    assert_eq!(before["still"], after["still"]);

    // What can be gone back to has a name that nobody else takes, until the stack is destroyed.
    let held = || {
        let listed =
            stack.shell("docker images --no-trunc --format '{{.Tag}} {{.ID}}' windlass.invalid/kept");
        let own = listed.lines().filter_map(|line| line.strip_prefix(&format!("{}-", stack.name)));
        own.filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect::<Vec<_>>()
    };
    assert!(held().contains(&image_id(&stack, &moving)), "{:?}", held());
    stack.workspace.destroy().expect_success();
    assert_eq!(held(), Vec::<String>::new());
}

#[test]
fn a_registry_that_does_not_answer_is_no_change() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let private = &lab.state().private_registry;
    stack.provider(&hcl::registry_block(&lab), "");
    let text = text(&[service(&stack, "app", &format!("{}/busybox:2", private.address))]);
    configure(&stack, &text, "pull = \"always\"");
    stack.workspace.converge();
    // Without the password it tells nothing more.
    stack.provider("", "");
    stack.workspace.expect_no_changes();
}

#[test]
fn a_chosen_digest_that_is_gone_is_told_and_missed_only_where_it_is_needed() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let (registry, busybox) = (lab.registry(), stack.image("busybox"));
    let name = format!("{}/{}:1", lab.state().registry, stack.name);
    stack.shell(&format!("docker pull -q {busybox} && docker tag {busybox} {name} && docker push -q {name}"));
    let digest = registry.digest(&stack.name, "1").unwrap();
    let chosen = format!("{}/{}@{digest}", lab.state().registry, stack.name);
    let write = configure;
    let configure = |pull: &str, level: &str| {
        let file = service(&stack, "app", "elsewhere.invalid/app")
            + &format!("    environment: {{ LEVEL: {level} }}\n");
        let images = format!("images = {{ app = \"{chosen}\" }}\n  pull = \"{pull}\"");
        write(&stack, &text(&[file]), &images);
    };
    configure("always", "a");
    stack.workspace.converge();

    // What runs is as it was chosen, so nothing is to be done; where registries are asked, it is told.
    registry.remove(&stack.name, "1").unwrap();
    let plan = stack.workspace.plan().expect_success();
    plan.expect_warning("are gone from their registry").says(&chosen);
    stack.workspace.expect_no_changes();
    // The host has it still, so the stack can be changed.
    configure("always", "b");
    stack.workspace.apply().expect_success();
    assert_eq!(stack.variable("app", "LEVEL"), "b");

    // Where it has to be fetched, nothing is done without it.
    let before = stack.containers();
    stack.shell(&format!("docker rmi --force {name} {chosen}"));
    configure("missing", "c");
    let error = stack.workspace.apply().expect_error();
    assert_eq!(error.summary, stack.could_not("update"));
    error.says(&chosen).says("Nothing was changed").says("Check the name and the tag of the image.");
    assert_eq!(stack.containers(), before);
}

#[test]
fn production_runs_what_staging_runs() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let (staging, production) = (Stack::on(&lab, host), Stack::on(&lab, host));
    let tag = unique("staging");
    let digest = lab.registry().set_tag("busybox", "1", &tag).unwrap();
    let repository = format!("{}/busybox", lab.state().registry);
    let moving = format!("{repository}:{tag}");
    staging.workspace.write(
        "compose.tpl.yaml",
        &text(&[service(&staging, "app", &moving), service(&staging, "side", &moving)]),
    );
    let both = |pull: &str| {
        let file = "config = [file(\"${path.module}/compose.tpl.yaml\")]";
        staging.configure(&format!("{file}\n  pull = \"{pull}\""));
        let one = std::fs::read_to_string(staging.workspace.path().join("stack.tf")).unwrap();
        let two = one
            .replace("\"test\"", "\"production\"")
            .replace(&staging.name, &production.name)
            .replace(&format!("pull = \"{pull}\""), "images = windlass_compose_stack.test.image_digests");
        staging.workspace.write("stack.tf", &format!("{one}{two}"));
    };
    both("always");
    // Nothing of it is known at first.
    staging.workspace.converge();
    let pinned = format!("{repository}@{digest}");
    assert_eq!(staging.workspace.state(STACK)["image_digests"]["app"], pinned);
    let runs = |stack: &Stack<'_>| {
        let container = format!("{}-app-1", stack.name);
        stack.root_runs(&["docker", "inspect", "--format", "{{.Config.Image}} {{.Image}}", &container])
    };
    assert!(runs(&production).starts_with(&pinned), "{}", runs(&production));

    let other = lab.registry().set_tag("busybox", "2", &tag).unwrap();
    let changes = staging.workspace.changes();
    let change = &changes["windlass_compose_stack.production"];
    assert_eq!(change.actions, ["update"]);
    staging.workspace.converge();
    assert!(runs(&production).starts_with(&format!("{repository}@{other}")));
    let id = |stack: &Stack<'_>| runs(stack).split(' ').nth(1).map(str::to_owned);
    assert_eq!(id(&staging), id(&production));
}

#[test]
fn an_image_of_the_configuration_wins_and_must_be_of_a_service() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let (one, two) = (stack.image("busybox").to_owned(), lab.image("busybox:2").unwrap().to_owned());
    let extra = service(&stack, "extra", &one) + "    profiles: [extra]\n";
    let text = text(&[service(&stack, "app", &one), service(&stack, "side", &one), extra]);
    configure(&stack, &text, "");
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    let chosen = format!("images = {{ app = \"{two}\", extra = \"{two}\" }}");
    configure(&stack, &text, &chosen);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.after["services"]["app"]["image"], two.as_str());
    assert_eq!(change.before["services"]["side"], change.after["services"]["side"]);
    stack.workspace.converge_as_planned();
    let after = stack.containers();
    assert_ne!(before["app"], after["app"]);
    assert_eq!(before["side"], after["side"]);
    // The same for a person who stands there.
    let line = format!("cd {} && docker compose config --images app", stack.directory());
    assert_eq!(stack.shell(&line).trim(), two);

    configure(&stack, &text, &format!("images = {{ ap = \"{two}\" }}"));
    let error = stack.workspace.plan().expect_error();
    error.says("`images` names services that the Compose files do not have: \"ap\".");
}

#[test]
fn old_images_go_and_two_generations_stay() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let repository = stack.name.clone();
    let tags: Vec<String> = (1..=4).map(|number| format!("{repository}:{number}")).collect();
    for tag in &tags {
        // Every one of them is an image of its own, known to nobody else.
        let line =
            format!("echo {tag} > /tmp/{repository} && tar -C /tmp -c {repository} | docker import - {tag}");
        stack.shell(&line);
    }
    let stranger = format!("{repository}-stranger:1");
    stack.root_runs(&["docker", "tag", &tags[0], &stranger]);
    let base = stack.image("busybox").to_owned();
    let jobless = |image: &str| format!("  app:\n    image: {image}\n    command: [x]\n    scale: 0\n");
    let apply = |tag: &str, keep: &str| {
        configure(&stack, &text(&[jobless(tag), service(&stack, "side", &base)]), keep);
        stack.workspace.apply().expect_success();
    };
    let left = || tags.iter().map(|tag| !image_id(&stack, tag).is_empty()).collect::<Vec<_>>();
    apply(&tags[0], "");
    apply(&tags[1], "");
    assert_eq!(left(), [true, true, true, true]);
    // A container that is not the stack's holds its image.
    stack.root_runs(&["docker", "create", "--name", &format!("{repository}-holder"), &tags[1], "x"]);
    apply(&tags[2], "");
    assert_eq!(left(), [false, true, true, true]);
    assert!(!image_id(&stack, &stranger).is_empty(), "a tag that the stack never used is gone");
    apply(&tags[3], "keep_images = 1");
    assert_eq!(left(), [false, true, false, true]);
    stack.root_runs(&["docker", "rm", &format!("{repository}-holder")]);
    // What could not go then goes with the next apply.
    apply(&tags[3], "keep_images = 1\n  environment = { AGAIN = \"1\" }");
    assert_eq!(left(), [false, false, false, true]);
    assert!(!image_id(&stack, &base).is_empty());
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.root_runs(&["docker", "rmi", &stranger, &tags[3]]);
}
