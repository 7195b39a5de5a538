//! The first apply of a stack that somebody had started by hand, when it fails.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// A stack that was started by hand in `/srv`, and is imported.
struct ByHand<'a> {
    stack: Stack<'a>,
    directory: String,
}

impl<'a> ByHand<'a> {
    fn new(lab: &'a Lab, variant: Variant) -> Self {
        let stack = Stack::on(lab, lab.host(variant).unwrap());
        let directory = format!("/srv/{}", stack.name);
        Self { stack, directory }
    }

    fn compose(&self, well: bool, more: &str) -> String {
        let check = if well { "true" } else { "false" };
        self.stack.compose_file("rollback-adopted/stack.yaml", &[("CHECK", check)]) + more
    }

    fn write(&self, path: &str, text: &str) {
        self.stack.write_on_host(&format!("{}/{path}", self.directory), text);
    }

    /// Makes it by `line`, in its directory.
    fn start(&self, values: Option<&str>, line: &str) {
        self.stack.root_runs(&["mkdir", "-p", &format!("{}/data", self.directory)]);
        self.write("compose.yaml", &self.compose(true, ""));
        self.write("app.conf", "by hand\n");
        self.write("data/mine", "data\n");
        if let Some(values) = values {
            self.write(".env", values);
        }
        self.stack.shell(&format!("cd {} && {line}", self.directory));
        self.stack.workspace.write("app/app.conf", "shipped\n");
        self.stack.workspace.write("app/only-shipped/file", "shipped\n");
    }

    fn import(&self) {
        self.configure(true, "", "");
        self.stack.workspace.import(STACK, &self.stack.import_id()).expect_success();
    }

    /// Writes the configuration of the stack.
    fn configure(&self, well: bool, more: &str, attributes: &str) {
        self.stack.workspace.write("app/compose.yaml", &self.compose(well, more));
        self.stack.configure(&format!(
            "source_dir = \"${{path.module}}/app\"\n  environment = {{ VALUE = \"shipped\" }}\n  {attributes}"
        ));
    }

    /// Every file in the directory, with its mode, owner and content.
    fn files(&self) -> String {
        self.stack.shell(&format!(
            "cd {} && find . -printf '%p %m %u\\n' | sort; find . -type f -exec sha256sum {{}} + | sort -k 2",
            self.directory
        ))
    }

    fn in_app(&self) -> String {
        let name = format!("{}-app-1", self.stack.name);
        self.stack.root_runs(&["docker", "exec", &name, "cat", "/app.conf"])
    }

    /// Fails unless all is as it was made by hand.
    fn expect_as_before(&self, files: &str, quiet: &[String], value: &str) {
        assert_eq!(self.files(), files);
        assert_eq!(self.in_app().trim(), "by hand");
        assert_eq!(self.stack.variable("app", "V"), value);
        let now = self.stack.containers();
        assert_eq!(now.keys().collect::<Vec<_>>(), ["app", "quiet"]);
        assert_eq!(now["quiet"], quiet);
    }
}

#[test]
fn what_was_started_by_hand_runs_as_before() {
    let lab = Lab::current().unwrap();
    for (values, variant) in [(Some("VALUE=by-hand\n"), Variant::Root), (None, Variant::Sudo)] {
        let made = ByHand::new(&lab, variant);
        let (stack, workspace) = (&made.stack, &made.stack.workspace);
        made.start(values, "docker compose up --detach");
        let (files, before) = (made.files(), stack.containers());
        let value = if values.is_some() { "by-hand" } else { "none" };
        made.import();
        let state = workspace.state(STACK);

        // Something else and something more, which is never well.
        let more = stack.compose_file("rollback-adopted/more.part.yaml", &[]);
        made.configure(false, &more, "profiles = [\"tools\"]");
        let error = workspace.apply().expect_error();
        error.says("app-1 is unhealthy").says("It was rolled back: ");
        error.says(&format!("{0}-app-1 (healthy), {0}-quiet-1 (running)", stack.name));
        made.expect_as_before(&files, &before["quiet"], value);
        let networks =
            stack.shell(&format!("docker network ls --format '{{{{.Name}}}}' | grep ^{}_", stack.name));
        assert_eq!(networks, format!("{}_default", stack.name));
        assert_eq!(workspace.state(STACK)["services"]["quiet"], state["services"]["quiet"]);
        assert_eq!(stack.shell(&format!("cd {} && docker compose ps --quiet | wc -l", made.directory)), "2");
        workspace.expect_change(STACK, &["update"]);

        if values.is_none() {
            continue;
        }
        // A second attempt that leaves everything, and a third that takes it back.
        made.configure(false, "", "on_failure = \"keep\"");
        workspace.apply().expect_error().says("The next apply goes on from here.");
        assert_eq!(made.in_app().trim(), "shipped");
        assert_eq!(stack.variable("app", "V"), "shipped");
        made.configure(false, &more, "");
        workspace.apply().expect_error().says("It was rolled back: ");
        made.expect_as_before(&files, &before["quiet"], value);

        made.configure(true, "", "");
        workspace.converge();
        assert_eq!(stack.containers()["quiet"], before["quiet"]);
        assert_eq!((made.in_app().trim(), stack.variable("app", "V").as_str()), ("shipped", "shipped"));
        let kept = stack
            .shell(&format!("cat {0}/.windlass/good/app.conf; ls {0}/.windlass/generations", made.directory));
        assert!(kept.starts_with("shipped") && kept.lines().count() == 2, "{kept}");
        // From here on it is like any other.
        made.configure(false, "", "");
        workspace.apply().expect_error().says("It was rolled back: ");
        workspace.expect_change(STACK, &["update"]);
        assert_eq!(stack.variable("app", "V"), "shipped");
        workspace.destroy().expect_success();
        stack.expect_gone();
        // What was there before the import is there again.
        let left = stack.shell(&format!("cd {} && find . -type f | sort", made.directory));
        assert_eq!(left, "./.env\n./app.conf\n./compose.yaml\n./data/mine");
    }
}

#[test]
fn what_its_files_do_not_tell_is_not_claimed_to_be_kept() {
    let lab = Lab::current().unwrap();
    let mut going_on = None;
    for (line, reason) in [
        ("VALUE=shell docker compose up --detach", "do not say what service app runs"),
        ("cp .env prod.env && docker compose --env-file prod.env up --detach", "`--env-file "),
    ] {
        let made = ByHand::new(&lab, Variant::Root);
        let (stack, workspace) = (&made.stack, &made.stack.workspace);
        made.start(Some("OTHER=1\n"), line);
        made.import();
        made.configure(false, "", "");
        let error = workspace.apply().expect_error();
        error.says("app-1 is unhealthy").says("It was not rolled back: it had been started by hand");
        error.says(reason).says("put its own files back").says("The next apply goes on from here.");
        assert!(!stack.exists(&format!("{}/.windlass/good", made.directory)));
        workspace.expect_change(STACK, &["update"]);
        going_on = Some(made);
    }
    let made = going_on.unwrap();
    made.configure(true, "", "");
    made.stack.workspace.converge();
    made.stack.workspace.destroy().expect_success();
}
