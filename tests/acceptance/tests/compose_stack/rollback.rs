//! What becomes of a stack whose apply fails.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// A stack with a service `app` that is healthy while its mounted file says `good`, and `quiet`,
/// which nothing changes.
struct Release<'a> {
    stack: Stack<'a>,
    /// The image of `app`: a tag of its own.
    image: String,
}

impl<'a> Release<'a> {
    fn new(lab: &'a Lab, variant: Variant) -> Self {
        let stack = Stack::on(lab, lab.host(variant).unwrap());
        let image = format!("{}/busybox:{}", lab.state().registry, stack.name);
        let release = Self { stack, image };
        release.tag("1");
        release
    }

    /// Makes the tag mean another image in the registry.
    fn tag(&self, source: &str) {
        self.stack.lab.registry().set_tag("busybox", source, &self.stack.name).unwrap();
    }

    /// Writes version `version` of the files and of the secret, with what `app.conf` says and with
    /// `more` services.
    fn configure(&self, version: &str, says: &str, more: &str, attributes: &str) {
        let Self { stack, image } = self;
        let text = stack.compose_file("rollback/stack.yaml", &[("IMAGE", image)]) + more;
        let folder = stack.workspace.path().join("app");
        let _ = std::fs::remove_dir_all(&folder);
        stack.workspace.write("app/compose.yaml", &text);
        stack.workspace.write("app/app.conf", &format!("{says} {version}\n"));
        stack.workspace.write(&format!("app/only-in-{version}"), "x\n");
        stack.configure(&format!(
            "source_dir = \"${{path.module}}/app\"\n  secrets_wo = {{ TOKEN = \"token-{version}-Kq7\" }}\n  \
             secrets_wo_version = \"{version}\"\n  pull = \"always\"\n  {attributes}"
        ));
    }

    /// Makes the tag mean an image that nothing else on the host uses.
    fn own_image(&self) {
        let (base, image) = (self.stack.image("busybox"), &self.image);
        self.stack.shell(&format!(
            "docker pull -q {base} && id=$(docker create {base} true) && docker commit -c 'LABEL own={image}' $id {image} \
             && docker rm $id && docker push -q {image}"
        ));
    }

    fn in_app(&self, words: &[&str]) -> String {
        let name = format!("{}-app-1", self.stack.name);
        let words: Vec<&str> = ["docker", "exec", &name].into_iter().chain(words.iter().copied()).collect();
        self.stack.root_runs(&words)
    }

    fn image_id(&self) -> String {
        self.stack.root_runs(&["docker", "image", "inspect", "--format", "{{.Id}}", &self.image])
    }

    /// Fails unless everything of version `version` is there and runs.
    #[track_caller]
    fn expect_version(&self, version: &str) {
        assert_eq!(self.in_app(&["cat", "/app.conf", "/version"]), format!("good {version}\n{version}"));
        assert_eq!(self.stack.variable("app", "T"), format!("token-{version}-Kq7"));
        let directory = self.directory();
        let there = self.stack.shell(&format!("cd {directory} && ls; grep -o 'token-[0-9]-Kq7' .env"));
        assert_eq!(there, format!("app.conf\ncompose.yaml\ndata\nonly-in-{version}\ntoken-{version}-Kq7"));
    }

    fn directory(&self) -> String {
        let home = if self.stack.host.user == "root" { "/root" } else { "/home/deploy" };
        format!("{home}/windlass/{}", self.stack.name)
    }
}

#[test]
fn a_change_that_fails_is_rolled_back() {
    let lab = Lab::current().unwrap();
    let release = Release::new(&lab, Variant::Deploy);
    let (stack, workspace) = (&release.stack, &release.stack.workspace);
    release.configure("1", "good", "", "");
    workspace.apply().expect_success();
    let directory = release.directory();
    stack.shell(&format!("mkdir {directory}/data && echo mine > {directory}/data/file"));
    release.expect_version("1");
    let (before, state, image) = (stack.containers(), workspace.state(STACK), release.image_id());

    // Everything is another one: the image behind the tag, the secret, the files, the services.
    release.tag("2");
    let extra = stack.compose_file("rollback/extra.part.yaml", &[]);
    release.configure("2", "bad", &extra, "");
    let run = workspace.apply();
    let app = format!("compose stack \"{0}\" runs as before the apply: {0}-app-1 (healthy)", stack.name);
    let error = run.expect_error();
    assert_eq!(error.summary, stack.could_not("update"));
    error
        .says("Service app")
        .says("is unhealthy")
        .says("It was rolled back: ")
        .says(&app)
        .says("apply again");
    assert!(!run.stdout.contains("Kq7"), "a secret was shown: {error:#?}");
    release.expect_version("1");
    assert_eq!(release.image_id(), image);
    let after = stack.containers();
    assert_eq!(after.keys().collect::<Vec<_>>(), ["app", "quiet"]);
    assert_eq!(after["quiet"], before["quiet"]);
    let now = workspace.state(STACK);
    for attribute in ["services", "source_hash", "secrets_wo_version", "id", "directory"] {
        assert_eq!(now[attribute], state[attribute], "{attribute}");
    }
    let change = workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.after["secrets_wo_version"], "2");

    // What is kept is copied to where the next failure keeps what it left, and stays the last good.
    release.configure("2", "bad", "", "on_failure = \"keep\"");
    workspace.apply().expect_error().says("Its containers now: ").says("The next apply goes on from here.");
    assert_eq!(release.in_app(&["cat", "/version"]), "2");
    assert_eq!(workspace.state(STACK)["source_hash"], "changed");
    workspace.expect_change(STACK, &["update"]);
    release.configure("2", "worse", "", "");
    workspace.apply().expect_error().says(&app);
    release.expect_version("1");

    release.configure("2", "good", "", "");
    workspace.converge();
    release.expect_version("2");

    // A state that was lost is no reason to lose what runs.
    let running = stack.containers();
    std::fs::remove_file(workspace.path().join("terraform.tfstate")).unwrap();
    release.configure("1", "bad", "", "");
    workspace.apply().expect_error().says("did not make").says("import").says("Nothing was changed.");
    assert!(workspace.state(STACK).is_null());
    release.expect_version("2");
    assert_eq!(stack.containers(), running);
    let good = stack
        .shell(&format!("cat {directory}/.windlass/good/.env; ls {directory}/.windlass/generations | wc -l"));
    assert!(good.contains("token-2-Kq7") && good.ends_with("\n1"), "{good}");
    assert_eq!(
        stack.shell(&format!("stat -Lc %a {directory}/.windlass {directory}/.windlass/good/.env")),
        "700\n600"
    );

    workspace.import(STACK, &stack.import_id()).expect_success();
    workspace.destroy().expect_success();
    stack.expect_gone();
    assert_eq!(stack.shell(&format!("cd {directory} && find . -type f")), "./data/file");
}

#[test]
fn a_rollback_that_cannot_be_is_told() {
    let lab = Lab::current().unwrap();
    let release = Release::new(&lab, Variant::Root);
    let (stack, workspace) = (&release.stack, &release.stack.workspace);
    release.own_image();
    release.configure("1", "good", "", "");
    workspace.apply().expect_success();
    let directory = release.directory();
    release.tag("2");

    let fails = |reason: &str| {
        release.configure("2", "bad", "", "");
        let run = workspace.apply();
        run.expect_error().says("is unhealthy").says("Taking it back failed too").says("(unhealthy)");
        let diagnostics = run.diagnostics();
        let second = diagnostics.iter().find(|one| one.summary == stack.could_not("roll back")).unwrap();
        second.says(reason).says("Nothing was put back").says("apply again");
        assert_eq!(release.in_app(&["cat", "/app.conf", "/version"]), "bad 2\n2");
        workspace.expect_change(STACK, &["update"]);
    };
    let kept = format!("{directory}/.windlass/good/app.conf");
    stack.shell(&format!("echo edited >> {kept}"));
    fails("was changed: app.conf");

    stack.shell(&format!("echo 'good 1' > {kept}"));
    release.configure("3", "worse", "", "");
    workspace.apply().expect_error().says("runs as before the apply: ");
    // Whoever removes the old image by force takes the name away that holds it, too.
    let id = release.image_id();
    stack.shell(&format!("docker rm -f {}-app-1 && docker rmi -f {id}", stack.name));
    fails(&format!("does not have the images any more that it ran with: {} (sha256:", release.image));
    workspace.destroy().expect_success();
}

#[test]
fn a_first_apply_that_fails_leaves_nothing_running() {
    let lab = Lab::current().unwrap();
    let release = Release::new(&lab, Variant::Root);
    let (stack, workspace) = (&release.stack, &release.stack.workspace);
    let data = stack.compose_file("rollback/data.part.yaml", &[]);
    release.configure("1", "bad", &data, "");
    let error = workspace.apply().expect_error();
    assert_eq!(error.summary, stack.could_not("start"));
    error.says("is unhealthy").says("Nothing of it is left running").says(&format!("{}_kept", stack.name));
    assert!(workspace.state(STACK).is_null());
    stack.expect_gone();
    assert!(!stack.exists(&release.directory()));

    release.configure("1", "bad", &data, "on_failure = \"keep\"");
    workspace.apply().expect_error().says("The stack is recorded");
    assert_eq!(workspace.state(STACK)["services"]["app"]["status"], "unhealthy");
    workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn a_move_that_fails_leaves_the_old_place() {
    let lab = Lab::current().unwrap();
    let mut release = Release::new(&lab, Variant::Root);
    release.configure("1", "good", "", "");
    release.stack.workspace.apply().expect_success();
    let (before, state) = (release.stack.containers(), release.stack.workspace.state(STACK));
    let (old, new) = (release.stack.host.clone(), lab.host(Variant::Deploy).unwrap().clone());

    release.stack.host = new;
    release.configure("1", "bad", "", "");
    let error = release.stack.workspace.apply().expect_error();
    error.says("Nothing of it is left running").says("It runs on its old machine as before");
    release.stack.expect_gone();
    assert!(!release.stack.exists(&release.directory()));
    assert_eq!(release.stack.workspace.state(STACK), state);
    release.stack.host = old;
    assert_eq!(release.stack.containers(), before);
    release.configure("1", "good", "", "");
    release.stack.workspace.expect_no_changes();
    // How a failure ends is for later applies to know.
    release.configure("1", "good", "", "on_failure = \"keep\"");
    let before = release.stack.shell(&format!("stat -c %Y {}/.windlass/record.json", release.directory()));
    release.stack.workspace.apply().expect_success();
    assert_eq!(
        release.stack.shell(&format!("stat -c %Y {}/.windlass/record.json", release.directory())),
        before
    );
    release.stack.workspace.expect_no_changes();
}
