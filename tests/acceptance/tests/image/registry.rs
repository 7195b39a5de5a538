//! Images that go to a registry, and come from a repository.

use acceptance_tests::{any_cli, hcl};
use lab::{Lab, Variant};

use crate::{IT, Space};

/// The provider with the login to the lab's private registry.
fn logged_in(space: &Space<'_>) {
    let private = &space.lab.state().private_registry;
    let block = format!(
        "registry {{\n    address = {}\n    username = {}\n    password = {}\n  }}",
        hcl::quoted(&private.address),
        hcl::quoted(&private.username),
        hcl::quoted(&private.password)
    );
    space.workspace.write("provider.tf", &hcl::provider_block(space.lab, &block));
}

#[test]
fn what_one_host_has_pushed_another_one_runs_and_builds_on() {
    let lab = Lab::current().unwrap();
    let other = lab.host(Variant::Deploy).unwrap();
    let space = Space::new(&lab, lab.host(Variant::Root).unwrap(), &any_cli());
    let private = &lab.state().private_registry;
    let name = format!("{}/team/{}:1", private.address, space.name);
    // Nobody comes to the same text twice: who has it has it from the cache.
    space.dockerfile(&["RUN head -c 16 /dev/urandom | md5sum >/random", "COPY text /text"]);
    space.workspace.write("app/text", "one");
    let cached = "cache_to = [\"type=inline\"]";
    space.workspace.write("image.tf", &space.block("it", &space.host, &name, &["push = true", cached]));
    let error = space.workspace.apply().expect_error();
    assert!(error.summary.starts_with("Could not push image"), "{error:?}");
    assert!(error.detail.contains("registry block"), "{error:?}");

    logged_in(&space);
    space.apply();
    let state = space.workspace.state(IT);
    let digest = state["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{state}");
    let reference = format!("{}/team/{}@{digest}", private.address, space.name);
    assert_eq!(state["reference"], reference);
    // Nothing of the login is left on the host.
    let found = format!("grep -rlF {} /tmp /root 2>/dev/null; true", private.password);
    assert_eq!(space.root_runs(&["sh", "-c", &found]), "");

    // The host that was tidied up is no reason to build again.
    space.root_runs(&["docker", "rmi", &name]);
    space.workspace.expect_no_changes();

    let from = format!("cache_from = [{}]", hcl::quoted(&name));
    let second = space.block("second", other, &format!("{}:second", space.name), &[&from]);
    space.workspace.write("second.tf", &second);
    space.stack("app", other, &format!("{IT}.reference"));
    space.apply();
    let random = space.file_in_container(other, "/random");
    let second = format!("{}:second", space.name);
    let again = lab.exec_ok(other, &["docker", "run", "--rm", &second, "cat", "/random"]).unwrap();
    assert_eq!(again, random, "the second host did not take the step from the cache in the registry");

    // Nothing goes from the registry.
    space.workspace.destroy().expect_success();
    let script = format!(
        "set -e; d=$(mktemp -d); docker --config $d login -u {} -p {} {} 2>&1; docker --config $d pull -q {reference}; \
         docker rmi {reference}; rm -rf $d",
        private.username, private.password, private.address
    );
    space.root_runs(&["sh", "-c", &script]);
}

#[test]
fn a_repository_on_the_net_is_built() {
    let lab = Lab::current().unwrap();
    let space = Space::new(&lab, lab.host(Variant::Root).unwrap(), &any_cli());
    let place = format!("/tmp/{}", space.name);
    let script = format!(
        "set -e; mkdir -p {place}/repo/sub; cd {place}/repo; git init -q -b main; \
         printf 'FROM {}\\nCOPY text /text\\n' >sub/Dockerfile; echo from git >sub/text; git add .; \
         git -c user.name=t -c user.email=t@t commit -q -m t; git rev-parse HEAD",
        lab.image("busybox").unwrap()
    );
    let commit = space.root_runs(&["sh", "-c", &script]);
    // A port that nobody uses: the daemon tells by staying.
    let serve = format!(
        "for port in $(shuf -i 20000-30000 -n 20); do \
           git daemon --reuseaddr --listen=127.0.0.1 --port=$port --base-path={place} --export-all \
             --pid-file={place}/pid >/dev/null 2>&1 & \
           daemon=$!; i=0; while [ $i -lt 50 ]; do \
             git ls-remote git://127.0.0.1:$port/repo >/dev/null 2>&1 && {{ echo $port; exit 0; }}; \
             kill -0 $daemon 2>/dev/null || break; sleep 0.1; i=$((i+1)); done; done; exit 1"
    );
    let port = space.root_runs(&["sh", "-c", &serve]);
    space.configure(&[&format!("git = \"git://127.0.0.1:{}/repo#{}:sub\"", port.trim(), commit.trim())]);
    space.stack("app", &space.host, &format!("{IT}.reference"));
    space.apply();
    assert_eq!(space.file_in_container(&space.host, "/text"), "from git");
    space.workspace.destroy().expect_success();
    space.root_runs(&["sh", "-c", &format!("kill $(cat {place}/pid); rm -rf {place}")]);
}
