//! Going back from the steps of an apply that lie before and after the services: builds and jobs.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// A stack of two services that are built, `first` before `second`, and of one that is not.
struct BuiltStack<'a> {
    stack: Stack<'a>,
}

impl<'a> BuiltStack<'a> {
    fn new(lab: &'a Lab, variant: Variant) -> Self {
        Self { stack: Stack::on(lab, lab.host(variant).unwrap()) }
    }

    /// Writes version `version` of everything; the image of `second` is built by one more `step`,
    /// and `more` goes into the resource.
    fn configure(&self, version: &str, step: &str, more: &str) {
        let (workspace, busybox) = (&self.stack.workspace, self.stack.image("busybox"));
        workspace.write(
            "web/compose.yaml",
            &self.stack.compose_file("rollback/built.yaml", &[("VERSION", version)]),
        );
        for (name, step) in [("first", ""), ("second", step)] {
            workspace.write(&format!("web/{name}/message"), version);
            workspace
                .write(&format!("web/{name}/Dockerfile"), &format!("FROM {busybox}\nCOPY message /\n{step}"));
        }
        self.stack.configure(&format!(
            "source_dir = \"${{path.module}}/web\"\n  build = true\n  secrets_wo = {{ TOKEN = \"token-{version}\" }}\n  \
             secrets_wo_version = \"{version}\"\n{more}"
        ));
    }

    /// Everything of the stack that lies on the host, but what is rewritten with each record.
    fn files(&self) -> String {
        self.stack.shell(&format!(
            "cd {} && find . -type f ! -path './.windlass/*' -exec sha256sum {{}} + | sort -k 2; \
             sha256sum .windlass/override.json .windlass/manifest.json .windlass/source.json",
            self.stack.directory()
        ))
    }

    /// The ids of the images that the tags mean, and those that the containers run.
    fn images(&self) -> String {
        let name = &self.stack.name;
        let containers = ["first", "second", "side"].map(|service| format!("{name}-{service}-1")).join(" ");
        self.stack.shell(&format!(
            "docker image inspect --format '{{{{.Id}}}}' {name}-first {name}-second; \
             docker inspect --format '{{{{.Image}}}}' {containers}"
        ))
    }

    fn message(&self, service: &str) -> String {
        let container = format!("{}-{service}-1", self.stack.name);
        self.stack.root_runs(&["docker", "exec", &container, "cat", "/message"])
    }

    fn remove_images(&self) {
        let name = &self.stack.name;
        self.stack.shell(&format!("docker rmi -f {name}-first {name}-second"));
    }
}

#[test]
fn a_build_that_fails_leaves_files_tags_and_containers_as_they_were() {
    let lab = Lab::current().unwrap();
    let built = BuiltStack::new(&lab, Variant::Deploy);
    let (stack, workspace) = (&built.stack, &built.stack.workspace);
    built.configure("1", "", "");
    workspace.apply().expect_success();
    let (files, images, containers) = (built.files(), built.images(), stack.containers());
    let state = workspace.state(STACK);

    // The first image is built and has the tag when the second one fails.
    built.configure("2", "RUN echo no such luck && false\n", "");
    let error = workspace.apply().expect_error();
    assert_eq!(error.summary, stack.could_not("update"));
    error.says("build the image of service \"second\"").says("no such luck");
    error.says("It was rolled back: ").says(&format!("{}-first-1 (running)", stack.name));
    error.says("The next plan shows the change again.");
    assert_eq!(built.files(), files);
    assert_eq!(built.images(), images);
    assert_eq!(stack.containers(), containers, "a container was touched");
    let now = workspace.state(STACK);
    for attribute in ["services", "source_hash", "secrets_wo_version", "image_digests"] {
        assert_eq!(now[attribute], state[attribute], "{attribute}");
    }
    workspace.expect_change(STACK, &["update"]);

    built.configure("2", "", "");
    workspace.converge();
    assert_eq!((built.message("first"), built.message("second")), ("2".into(), "2".into()));
    workspace.destroy().expect_success();
    stack.expect_gone();
    built.remove_images();
}

#[test]
fn a_job_that_fails_after_the_services_takes_them_back() {
    let lab = Lab::current().unwrap();
    let built = BuiltStack::new(&lab, Variant::Root);
    let (stack, workspace) = (&built.stack, &built.stack.workspace);
    let job = |line: &str| {
        format!(
            "  job {{\n    name = \"check\"\n    service = \"side\"\n    when = \"after\"\n    \
             command = [\"sh\", \"-c\", {}]\n  }}\n",
            acceptance_tests::hcl::quoted(line)
        )
    };
    built.configure("1", "", &job("true"));
    workspace.apply().expect_success();
    let (files, images, state) = (built.files(), built.images(), workspace.state(STACK));

    built.configure("2", "", &job("echo $VERSION is no good; exit 5"));
    let error = workspace.apply().expect_error();
    assert_eq!(error.summary, stack.could_not("update"));
    error.says("Job \"check\", a run of service side").says("ended with status 5").says("2 is no good");
    error.says("It was rolled back: ").says(&format!("{}-side-1 (running)", stack.name)).says("still due");
    assert_eq!(built.files(), files);
    assert_eq!(built.images(), images);
    assert_eq!((built.message("first"), built.message("second")), ("1".into(), "1".into()));
    assert_eq!(
        (stack.variable("side", "VERSION"), stack.variable("side", "T")),
        ("1".into(), "token-1".into())
    );
    let now = workspace.state(STACK);
    for attribute in ["services", "source_hash", "secrets_wo_version", "image_digests", "job"] {
        assert_eq!(now[attribute], state[attribute], "{attribute}");
    }
    workspace.expect_change(STACK, &["update"]);

    built.configure("1", "", &job("true"));
    workspace.expect_no_changes();
    workspace.destroy().expect_success();
    stack.expect_gone();
    built.remove_images();
}
