//! Which images, which files, and which services: what the configuration chooses beside the files.

use acceptance_tests::hcl;
use lab::Lab;

use crate::swarm::{DEPLOY, STACK, Swarm};

/// A service of an image that nobody has, with a file, and one that a profile switches on.
fn compose(swarm: &Swarm<'_>) -> String {
    let api = format!("    configs: [{{ source: conf, target: /conf }}]\n{DEPLOY}");
    let api = swarm.service("api", "exec sleep 1000000", &api);
    [
        "services:\n".to_owned(),
        api.replace(swarm.image("busybox"), "registry.invalid/none:1"),
        swarm.service("extra", "exec sleep 1000000", &format!("    profiles: [extra]\n{DEPLOY}")),
        "configs: { conf: { file: ./conf } }\n".to_owned(),
    ]
    .concat()
}

#[test]
fn images_files_and_profiles_are_chosen() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let tag = format!("moving-{}", swarm.name);
    let registry = lab.registry();
    let first = registry.set_tag("busybox", "1", &tag).unwrap();
    let repository = swarm.image("busybox").rsplit_once(":1@").unwrap().0.to_owned();
    let set = |image: &str, more: &str| {
        let block =
            format!("images = {{ api = {image:?} }}\n  files_content = {{ \"conf\" = \"hello\" }}\n  {more}");
        swarm.stack(&compose(&swarm), &block);
    };
    let moving = format!("{repository}:{tag}");
    let runs = || {
        let service = format!("{}_api", swarm.name);
        swarm.asks(&[
            "service",
            "inspect",
            &service,
            "--format",
            "{{.Spec.TaskTemplate.ContainerSpec.Image}}",
        ])
    };
    set(&moving, "profiles = [\"extra\"]");
    swarm.workspace.converge();
    assert_eq!(runs(), format!("{moving}@{first}"), "all nodes run the same");
    assert_eq!(swarm.shown("api")["image"], moving.as_str());
    assert_eq!(
        swarm.workspace.state(STACK)["image_digests"]["api"],
        format!("{repository}@{first}").as_str()
    );
    assert_eq!(swarm.in_task("api", "cat /conf /version"), "hello1");
    assert_eq!(swarm.listed("service"), ["api", "extra"].map(|name| format!("{}_{name}", swarm.name)));

    // A tag that moves counts where that is asked for.
    let second = registry.set_tag("busybox", "2", &tag).unwrap();
    swarm.workspace.expect_no_changes();
    set(&moving, "resolve_image = \"always\"");
    swarm.workspace.apply().expect_success();
    let change = swarm.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["api"]["image_digest"], first.as_str());
    assert_eq!(change.after["services"]["api"]["image_digest"], second.as_str());
    swarm.workspace.converge();
    assert_eq!(runs(), format!("{moving}@{second}"));
    assert_eq!(swarm.listed("service"), [format!("{}_api", swarm.name)], "its profile is switched off");

    // Or nobody asks, and each node pulls what it finds.
    let other = format!("{repository}:1");
    set(&other, "resolve_image = \"never\"");
    swarm.workspace.converge();
    assert_eq!(runs(), other);
    assert!(swarm.shown("api")["image_digest"].is_null());
    assert_eq!(swarm.in_task("api", "cat /version"), "1");

    // Nodes pull with credentials only where these may lie in the swarm.
    swarm.provider(&hcl::registry_block(&lab), "");
    let private = format!("{}/busybox:1", lab.state().private_registry.address);
    set(&private, "");
    swarm.workspace.apply().expect_error().says("No such image").says("It was rolled back");
    set(&private, "registry_auth = true");
    swarm.workspace.converge();
    assert_eq!(swarm.shown("api")["image"], private.as_str());
    swarm.workspace.destroy().expect_success();
}
