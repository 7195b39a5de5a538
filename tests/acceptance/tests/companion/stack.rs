//! `windlass stack`: stacks that the provider has made, seen and mended without it.

use acceptance_tests::{Companion, STACK, Stack, eventually, hcl};
use lab::{Lab, Variant};
use serde_json::Value;

/// A stack whose service `app` is healthy while its mounted file says `good`, and the companion.
struct Emergency<'a> {
    stack: Stack<'a>,
    companion: Companion,
    host: String,
}

impl<'a> Emergency<'a> {
    fn on(lab: &'a Lab, variant: Variant) -> Self {
        let stack = Stack::on(lab, lab.host(variant).unwrap());
        let host = hcl::connection(&stack.host);
        Self { stack, companion: Companion::of(lab, ""), host }
    }

    /// Writes version `version` of everything: a file, a secret, an image and `more` services.
    fn configure(&self, version: &str, says: &str, more: &str, attributes: &str) {
        let stack = &self.stack;
        let text = stack.compose_file("rollback/stack.yaml", &[("IMAGE", stack.image("busybox"))]) + more;
        let _ = std::fs::remove_dir_all(stack.workspace.path().join("app"));
        stack.workspace.write("app/compose.yaml", &text);
        stack.workspace.write("app/app.conf", &format!("{says} {version}\n"));
        stack.workspace.write(&format!("app/only-in-{version}"), "x\n");
        stack.configure(&format!(
            "source_dir = \"${{path.module}}/app\"\n  secrets_wo = {{ TOKEN = \"token-{version}-Kq7\" }}\n  \
             secrets_wo_version = \"{version}\"\n  {attributes}"
        ));
    }

    /// Fails unless everything of version `version` is there and runs, and nothing else.
    #[track_caller]
    fn expect_version(&self, version: &str) {
        let stack = &self.stack;
        let app = format!("{}-app-1", stack.name);
        assert_eq!(stack.root_runs(&["docker", "exec", &app, "cat", "/app.conf"]), format!("good {version}"));
        assert_eq!(stack.variable("app", "T"), format!("token-{version}-Kq7"));
        let there = stack.shell(&format!("cd {} && ls; grep -o 'token-[0-9]-Kq7' .env", stack.directory()));
        assert_eq!(there, format!("app.conf\ncompose.yaml\nonly-in-{version}\ntoken-{version}-Kq7"));
        assert_eq!(stack.containers().keys().collect::<Vec<_>>(), ["app", "quiet"]);
    }

    /// What `ls` says of the stack.
    #[track_caller]
    fn listed(&self) -> Value {
        let all = self.companion.json(&["stack", "ls", &self.host, "--json"]);
        let own = all.as_array().unwrap().iter().find(|one| one["name"] == self.stack.name.as_str());
        own.expect("it is listed").clone()
    }

    #[track_caller]
    fn rolls_back(&self) -> String {
        self.companion.told(&["stack", "rollback", &self.host, &self.stack.name])
    }
}

#[test]
fn a_rollback_is_what_the_next_plan_would_change_again() {
    let lab = Lab::current().unwrap();
    let emergency = Emergency::on(&lab, Variant::Deploy);
    let (stack, workspace) = (&emergency.stack, &emergency.stack.workspace);
    emergency.configure("1", "good", "", "");
    workspace.apply().expect_success();
    emergency.expect_version("1");
    let good = stack.containers();
    let listed = emergency.listed();
    assert_eq!((&listed["managed"], &listed["unfinished"]), (&true.into(), &false.into()), "{listed}");
    assert!(emergency.rolls_back().contains("already; nothing was done"));
    assert_eq!(stack.containers(), good);

    // By hand: a container that is gone, and a file that is another.
    let directory = stack.directory();
    stack.write_on_host(&format!("{directory}/app.conf"), "bad by hand\n");
    stack.root_runs(&["docker", "rm", "-f", &format!("{}-quiet-1", stack.name)]);
    let told = emergency.rolls_back();
    assert!(told.contains("app (healthy), quiet (running)"), "{told}");
    emergency.expect_version("1");
    workspace.expect_no_changes();

    // A change that failed and stays.
    let extra = stack.compose_file("rollback/extra.part.yaml", &[]);
    emergency.configure("2", "bad", &extra, "on_failure = \"keep\"");
    workspace.apply().expect_error().says("The next apply goes on from here.");
    let listed = emergency.listed();
    assert_eq!((&listed["unfinished"], &listed["release"]), (&true.into(), &true.into()), "{listed}");
    let told = emergency.rolls_back();
    assert!(told.contains("app (healthy), quiet (running)"), "{told}");
    emergency.expect_version("1");
    assert_eq!(emergency.listed()["unfinished"], false);

    // The next plan tells the truth: that the second version would come again.
    let change = workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.after["secrets_wo_version"], "2");
    emergency.configure("2", "good", "", "");
    workspace.converge();
    emergency.expect_version("2");
}

#[test]
fn without_a_good_apply_nothing_is_done() {
    let lab = Lab::current().unwrap();
    let emergency = Emergency::on(&lab, Variant::Root);
    let (stack, companion) = (&emergency.stack, &emergency.companion);
    let refused = |part: &str| {
        let answer = companion.answer_to(&["stack", "rollback", &emergency.host, &stack.name], "");
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(1), ""), "{answer:?}");
        assert!(answer.stderr.contains(part) && answer.stderr.contains("nothing was done"), "{answer:?}");
    };
    refused("There is no stack of Windlass of that name");
    emergency.configure("1", "bad", "", "on_failure = \"keep\"");
    stack.workspace.apply().expect_error().says("is unhealthy");
    let there = stack.containers();
    refused("Nothing is kept in ");
    assert_eq!(stack.containers(), there);
    assert_eq!(emergency.listed()["release"], false);
}

#[test]
fn containers_are_heard_and_spoken_to() {
    let lab = Lab::current().unwrap();
    let emergency = Emergency::on(&lab, Variant::Deploy);
    let (stack, companion, host) = (&emergency.stack, &emergency.companion, emergency.host.as_str());
    // Docker keeps the order of one stream; two of them reach it side by side.
    let speaks = |words: &str| format!("    entrypoint: [sh, -c, \"{words}; exec sleep infinity\"]\n");
    stack.configure_text(&format!(
        "services:\n{}{}{}",
        stack.service("loud", &speaks("echo one; echo two")),
        stack.service("aside", &speaks("echo three >&2")),
        stack.service("quiet", "")
    ));
    stack.workspace.apply().expect_success();
    let name = stack.name.as_str();
    let heard = || {
        let told = companion.told(&["stack", "logs", host, name]);
        let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let all = [("aside", "three"), ("loud", "one"), ("loud", "two")];
    let all = all.map(|(service, line)| format!("{name}-{service}-1 | {line}"));
    // A container that runs may not have spoken yet.
    eventually("every container has spoken", || heard() == all);
    assert_eq!(
        companion.told(&["stack", "logs", host, name, "loud"]),
        format!("{name}-loud-1 | one\n{name}-loud-1 | two\n")
    );
    assert_eq!(companion.told(&["stack", "logs", host, name, "quiet"]), "");
    assert_eq!(
        companion.told(&["stack", "logs", host, name, "loud", "--lines", "1"]),
        format!("{name}-loud-1 | two\n")
    );
    let unknown = companion.answer_to(&["stack", "logs", host, name, "absent"], "");
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("it has aside, loud, quiet"), "{unknown:?}");

    let line = "cat; echo aside >&2; exit 7";
    let ran =
        companion.answer_to(&["stack", "exec", host, name, "quiet", "--", "sh", "-c", line], "to stdin");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(7), "to stdin", "aside\n"));
    let second =
        companion.answer_to(&["stack", "exec", host, name, "quiet", "--number", "2", "--", "true"], "");
    assert!(
        second.code == Some(1) && second.stderr.contains("Fewer than 2 of its containers run"),
        "{second:?}"
    );

    // Followed, the lines end with the container.
    let follow = ["stack", "logs", host, name, "loud", "--follow"];
    let followed = std::thread::scope(|scope| {
        let followed = scope.spawn(|| companion.told(&follow));
        std::thread::sleep(std::time::Duration::from_secs(2));
        stack.root_runs(&["docker", "stop", &format!("{name}-loud-1")]);
        followed.join().unwrap()
    });
    let mut lines: Vec<&str> = followed.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, [format!("{name}-loud-1 | one"), format!("{name}-loud-1 | two")]);
}
