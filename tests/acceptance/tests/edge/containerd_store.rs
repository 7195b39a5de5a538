//! An engine whose images are containerd's: what a fresh installation of Docker 29 and later has. An
//! image's id is the digest of its manifest there, what is built has attestations beside it, and
//! registries take BuildKit's cache from it.

use acceptance_tests::{STACK, Stack, hcl, is_full_run, unique};
use lab::{Host, Lab, Variant};

/// The address of the image.
const IMAGE: &str = "windlass_image.it";

/// A stack on such an engine.
struct ContainerdStack<'a> {
    stack: Stack<'a>,
    socket: &'static str,
    /// A tag of busybox in the lab's registry, of this test alone.
    tag: String,
}

impl<'a> ContainerdStack<'a> {
    fn on(lab: &'a Lab, host: &Host) -> Self {
        let socket = lab.start_containerd_store(host).unwrap();
        Self { stack: Stack::on(lab, host), socket, tag: unique("store") }
    }

    fn connection(&self) -> String {
        hcl::quoted(&format!("{}&docker={}", hcl::connection(&self.stack.host), self.socket))
    }

    /// Moves the tag to another image; returns the digest that it stands for.
    fn set_tag(&self, source: &str) -> String {
        self.stack.lab.registry().set_tag("busybox", source, &self.tag).unwrap()
    }

    /// Writes a stack that builds a service, runs the tag, and depends on both.
    fn configure(&self, greeting: &str, more: &str) {
        let stack = &self.stack;
        let busybox = stack.image("busybox");
        let tagged = format!("{}/busybox:{}", stack.lab.state().registry, self.tag);
        let text =
            stack.compose_file("edge/containerd-store.yaml", &[("GREETING", greeting), ("TAGGED", &tagged)]);
        stack.workspace.write("web/compose.yaml", &text);
        stack.workspace.write(
            "web/app/Dockerfile",
            &format!(
                "FROM {busybox}\nCOPY . /app/\nLABEL test={}\nCMD [\"sleep\", \"infinity\"]\n",
                stack.name
            ),
        );
        let attributes = format!("source_dir = \"${{path.module}}/web\"\n  build = true\n  {more}");
        stack.configure_on(&self.connection(), &attributes);
    }

    /// Runs a line of docker against this engine.
    #[track_caller]
    fn docker(&self, line: &str) -> String {
        self.stack.shell(&format!("docker -H unix://{} {line}", self.socket)).trim().to_owned()
    }

    /// The ids of the containers, and of the images that they run.
    fn running(&self) -> Vec<String> {
        let ids = self.docker("ps -q --no-trunc | sort");
        let ids: Vec<&str> = ids.lines().collect();
        let listed = self.docker(&format!(
            "inspect --format '{{{{.Name}}}} {{{{.Id}}}} {{{{.Image}}}}' {}",
            ids.join(" ")
        ));
        let mut listed: Vec<String> = listed.lines().map(str::to_owned).collect();
        listed.sort();
        listed
    }
}

#[test]
fn a_stack_is_built_pulled_changed_and_rolled_back() {
    if !is_full_run() {
        return;
    }
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let on_containerd = ContainerdStack::on(&lab, &host);
    let workspace = &on_containerd.stack.workspace;
    let first = on_containerd.set_tag("1");
    workspace.write("web/app/message", "one");
    on_containerd.configure("one", "");
    workspace.converge();
    let state = workspace.state(STACK);
    let digests = &state["image_digests"];
    assert!(digests["tagged"].as_str().unwrap().ends_with(&first), "{digests}");
    assert!(digests["app"].is_null(), "no registry knows what was built here: {digests}");
    let before = on_containerd.running();
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(on_containerd.stack.containers().is_empty(), "it runs on the other engine");

    // What fails goes back to the images that ran, although the tag and the build have moved on.
    on_containerd.set_tag("2");
    workspace.write("web/app/message", "two");
    let fails = "pull = \"always\"\n  job {\n    name = \"late\"\n    service = \"still\"\n    when = \"after\"\n    \
                 command = [\"false\"]\n  }";
    on_containerd.configure("two", fails);
    let change = workspace.expect_change(STACK, &["update"]);
    for service in ["app", "tagged"] {
        assert_eq!(change.unknown["services"][service]["image_id"], true, "{service}");
    }
    assert_eq!(change.before["services"]["still"], change.after["services"]["still"]);
    workspace.apply().expect_error().says("Job \"late\"").says("rolled back");
    let image = |line: &String| line.split(' ').nth(2).unwrap().to_owned();
    let after = on_containerd.running();
    assert_eq!(before.iter().map(image).collect::<Vec<_>>(), after.iter().map(image).collect::<Vec<_>>());
    assert_eq!(workspace.state(STACK)["image_digests"], *digests);

    on_containerd.configure("two", "pull = \"always\"");
    workspace.converge();
    let changed = on_containerd.running();
    assert_eq!(
        after.iter().zip(&changed).filter(|(then, now)| then != now).count(),
        2,
        "{after:?}\n{changed:?}"
    );
    assert_eq!(
        on_containerd.docker(&format!("exec {}-app-1 cat /app/message", on_containerd.stack.name)),
        "two"
    );
    workspace.destroy().expect_success();
    assert_eq!(on_containerd.docker("ps -aq"), "");
    assert_eq!(on_containerd.docker("images -q windlass.invalid/kept"), "", "images are still held");
}

#[test]
fn what_is_cached_in_a_registry_is_built_on() {
    if !is_full_run() {
        return;
    }
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let on_containerd = ContainerdStack::on(&lab, &host);
    let workspace = &on_containerd.stack.workspace;
    let repository = format!("{}/{}", lab.state().registry, unique("cached"));
    let cache = format!("type=registry,ref={repository}:cache");
    let block = |address: &str, name: &str, more: &str| {
        let (host, name) = (on_containerd.connection(), hcl::quoted(name));
        format!(
            "resource \"windlass_image\" {address:?} {{\n  host = {host}\n  name = {name}\n  context = \
             \"${{path.module}}/app\"\n  {more}\n}}\n"
        )
    };
    let busybox = on_containerd.stack.image("busybox");
    let lines = [
        &format!("FROM {busybox} AS first"),
        // Nobody comes to the same text twice: who has it has it from the cache.
        "RUN head -c 16 /dev/urandom | md5sum >/random",
        &format!("FROM {busybox}"),
        "COPY --from=first /random /random",
    ];
    workspace.write("app/Dockerfile", &(lines.join("\n") + "\n"));
    let to = format!("push = true\n  cache_to = [{}]", hcl::quoted(&format!("{cache},mode=max")));
    workspace.write("image.tf", &block("it", &format!("{repository}:1"), &to));
    workspace.converge();
    let state = workspace.state(IMAGE);
    let (_, name) = repository.split_once('/').unwrap();
    assert_eq!(state["digest"], lab.registry().digest(name, "1").unwrap());
    let reference = state["reference"].as_str().unwrap();
    assert_eq!(reference, format!("{repository}@{}", state["digest"].as_str().unwrap()));
    let random = on_containerd.docker(&format!("run --rm --network none {reference} cat /random"));

    // Nothing of it is left on the host, not even of its first stage.
    workspace.write("image.tf", "");
    workspace.apply().expect_success();
    on_containerd
        .docker(&format!("rmi -f {reference}; docker -H unix://{} builder prune -af", on_containerd.socket));
    let from = format!("cache_from = [{}]", hcl::quoted(&cache));
    let second = format!("{repository}-second:1");
    workspace.write("image.tf", &block("second", &second, &from));
    workspace.converge();
    assert_eq!(on_containerd.docker(&format!("run --rm --network none {second} cat /random")), random);
    workspace.destroy().expect_success();
}
