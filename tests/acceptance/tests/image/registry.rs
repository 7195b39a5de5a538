//! Images that go to a registry, and come from a repository.

use acceptance_tests::{Repository, hcl};
use lab::{Lab, Variant};

use crate::{IT, Image};

/// The provider with the login to the lab's private registry.
fn logged_in(image: &Image<'_>) {
    let block = hcl::registry_block(image.lab);
    image.workspace.write("provider.tf", &hcl::provider_block(image.lab, &block));
}

#[test]
fn what_one_host_has_pushed_another_one_runs_and_builds_on() {
    let lab = Lab::current().unwrap();
    // BuildKit does not always look at a registry's cache where it has built from the same base before.
    let fresh = lab.add_host(Variant::Deploy).unwrap();
    let other: &lab::Host = &fresh;
    let mut image = Image::on(&lab, lab.host(Variant::Root).unwrap());
    image.also_on(other);
    let private = &lab.state().private_registry;
    let name = format!("{}/team/{}:1", private.address, image.name);
    // Nobody comes to the same text twice: who has it has it from the cache.
    image.dockerfile(&["RUN head -c 16 /dev/urandom | md5sum >/random", "COPY text /text"]);
    image.workspace.write("app/text", "one");
    let cached = "cache_to = [\"type=inline\"]";
    image.workspace.write("image.tf", &image.block("it", &image.host, &name, &["push = true", cached]));
    let error = image.workspace.apply().expect_error();
    assert!(error.summary.starts_with("Could not push image"), "{error:?}");
    assert!(error.detail.contains("registry block"), "{error:?}");

    logged_in(&image);
    image.workspace.converge();
    let state = image.workspace.state(IT);
    let digest = state["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{state}");
    let reference = format!("{}/team/{}@{digest}", private.address, image.name);
    assert_eq!(state["reference"], reference);
    // Nothing of the login is left on the host.
    let found = format!("grep -rlF {} /tmp /root 2>/dev/null; true", private.password);
    assert_eq!(image.root_runs(&["sh", "-c", &found]), "");

    // The host that was tidied up is no reason to build again.
    image.root_runs(&["docker", "rmi", &name]);
    image.workspace.expect_no_changes();

    let from = format!("cache_from = [{}]", hcl::quoted(&name));
    let second = image.block("second", other, &format!("{}:second", image.name), &[&from]);
    image.workspace.write("second.tf", &second);
    image.stack("app", other, &format!("{IT}.reference"));
    image.workspace.converge();
    let random = image.file_in_container(other, "/random");
    let second = format!("{}:second", image.name);
    let again = lab.exec_ok(other, &["docker", "run", "--rm", &second, "cat", "/random"]).unwrap();
    assert_eq!(again, random, "the second host did not take the step from the cache in the registry");

    // Nothing goes from the registry.
    image.workspace.destroy().expect_success();
    let script = format!(
        "set -e; d=$(mktemp -d); docker --config $d login -u {} -p {} {} 2>&1; docker --config $d pull -q {reference}; \
         docker rmi {reference}; rm -rf $d",
        private.username, private.password, private.address
    );
    image.root_runs(&["sh", "-c", &script]);
}

#[test]
fn what_a_registry_has_lost_is_pushed_again() {
    let lab = Lab::current().unwrap();
    let image = Image::on(&lab, lab.host(Variant::Root).unwrap());
    let (registry, private) = (lab.registry(), &lab.state().private_registry);
    let repository = format!("team/{}", image.name);
    let name = format!("{}/{repository}:1", private.address);
    let more = format!("{}/{repository}:more", private.address);
    logged_in(&image);
    image.dockerfile(&["RUN echo it >/it"]);
    let attributes = ["push = true".to_owned(), format!("tags = [{}]", hcl::quoted(&more))];
    let attributes = attributes.each_ref().map(String::as_str);
    image.workspace.write("image.tf", &image.block("it", &image.host, &name, &attributes));
    image.workspace.converge();
    let built = image.workspace.state(IT);
    let digest = built["digest"].as_str().unwrap().to_owned();

    // It is gone there: what the host has is pushed again, and not built again.
    registry.remove(&repository, "1").unwrap();
    let change = image.workspace.expect_change(IT, &["update"]);
    assert!(change.before["digest"].is_null() && change.unknown["digest"] == true, "{change:#?}");
    assert_eq!(change.after["image_id"], built["image_id"]);
    image.workspace.converge_as_planned();
    assert_eq!(registry.digest(&repository, "1").unwrap(), digest);
    assert_eq!(registry.digest(&repository, "more").unwrap(), digest);
    assert_eq!(image.workspace.state(IT), built);

    // Somebody else has pushed by one of its names.
    let busybox = lab.image("busybox").unwrap();
    let open = format!("{}/{repository}", lab.state().registry);
    let push = |tag: &str| {
        let line = format!(
            "docker pull -q {busybox} && docker tag {busybox} {open}:{tag} && docker push -q {open}:{tag} && docker rmi {open}:{tag}"
        );
        image.root_runs(&["sh", "-c", &line]);
    };
    push("1");
    let other = registry.digest(&repository, "1").unwrap();
    let change = image.workspace.expect_change(IT, &["update"]);
    assert_eq!(change.before["digest"], other);
    image.workspace.converge_as_planned();
    assert_eq!(registry.digest(&repository, "1").unwrap(), digest);
    push("more");
    image.workspace.expect_change(IT, &["update"]);
    image.workspace.converge_as_planned();
    assert_eq!(registry.digest(&repository, "more").unwrap(), digest);

    // A registry that does not tell is taken to have it.
    image.workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
    let plan = image.workspace.plan().expect_success();
    plan.expect_warning("The registry does not tell of image").says(&name);
    image.workspace.expect_no_changes();
    logged_in(&image);

    // What neither has any more is built.
    registry.remove(&repository, "1").unwrap();
    image.root_runs(&["docker", "rmi", &name, &more]);
    let change = image.workspace.expect_change(IT, &["update"]);
    assert_eq!(change.unknown["image_id"], true);
    image.workspace.converge_as_planned();
    registry.digest(&repository, "1").unwrap();
    image.workspace.destroy().expect_success();
}

#[test]
fn a_repository_on_the_net_is_built() {
    let lab = Lab::current().unwrap();
    let image = Image::on(&lab, lab.host(Variant::Root).unwrap());
    let repository = Repository::on(&lab, &image.host);
    let dockerfile = format!("FROM {}\nCOPY text /text\n", lab.image("busybox").unwrap());
    let commit = repository.commit(&[("sub/Dockerfile", &dockerfile), ("sub/text", "from git")]);
    image.configure(&[&format!("git = {}", hcl::quoted(&repository.url(&commit, "sub")))]);
    image.stack("app", &image.host, &format!("{IT}.reference"));
    image.workspace.converge();
    assert_eq!(image.file_in_container(&image.host, "/text"), "from git");
    image.workspace.destroy().expect_success();
}
