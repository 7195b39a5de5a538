//! Mistakes in the files of a stack.

use lab::{Lab, Variant};

use crate::story::{expect_blame, expect_story};
use acceptance_tests::{STACK, Stack};

/// A mistake: the files with it (path and text), and what the diagnostic must say.
struct Mistake {
    files: &'static [(&'static str, &'static str)],
    parts: &'static [&'static str],
}

const MISTAKES: [Mistake; 7] = [
    Mistake {
        files: &[("more.yaml", "services:\n  app:\n    labels: [a\n    environment: {}\n")],
        // Where in the file is told in words that differ; a current Compose names the file itself.
        parts: &[" more.yaml: ", "yaml", "did not find expected ',' or ']'"],
    },
    Mistake {
        files: &[("more.yaml", "services:\n  app:\n    labels: a: b\n")],
        parts: &[" more.yaml: ", "yaml", "mapping values are not allowed"],
    },
    Mistake {
        files: &[("more.yaml", "services:\n  app:\n    environment: { A: \"${NOWHERE_SET}\" }\n")],
        parts: &[
            "variables that have no value: NOWHERE_SET",
            "`environment`",
            "`secrets_wo`",
            "${NOWHERE_SET:-}",
        ],
    },
    Mistake {
        files: &[("more.yaml", "services:\n  app:\n    environment: { A: \"${NOWHERE_SET:?say where}\" }\n")],
        parts: &["NOWHERE_SET", "say where"],
    },
    Mistake {
        files: &[("more.yaml", "services:\n  app:\n    imagge: x\n")],
        parts: &["more.yaml", "services.app", "imagge"],
    },
    Mistake {
        files: &[("more.yaml", "services:\n  app:\n    env_file: [sub/not-there.env]\n")],
        parts: &["sub/not-there.env", "not found"],
    },
    Mistake {
        files: &[("more.yaml", "services:\n  app:\n    depends_on: [nobody]\n")],
        parts: &["nobody", "app"],
    },
];

#[test]
fn mistakes_in_the_files_are_named_by_the_plan() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    stack.workspace.write("app/compose.yaml", &stack.one_service());
    stack.workspace.write("app/more.yaml", "services: {}\n");
    stack.configure("source_dir = \"${path.module}/app\"\n  files = [\"compose.yaml\", \"more.yaml\"]");
    stack.workspace.apply().expect_success();
    let before = (stack.containers(), stack.workspace.state(STACK));
    let title = stack.could_not("plan");
    for Mistake { files, parts } in MISTAKES {
        for (path, text) in files {
            stack.workspace.write(&format!("app/{path}"), text);
        }
        let run = stack.workspace.plan();
        let error = expect_story(&run, &title, parts);
        expect_blame(&run, "source_dir");
        error.says("Nothing was changed.");
        assert!(
            !error.detail.contains("windlass-plan"),
            "where files are staged is nobody's business: {error:#?}"
        );
    }
    assert_eq!((stack.containers(), stack.workspace.state(STACK)), before);
    let left = stack.shell("ls -d /home/*/windlass-plan.?????????? 2>/dev/null | wc -l");
    assert!(left.trim().parse::<u32>().unwrap() < 20, "staged files are left behind");
}

#[test]
fn mistakes_before_the_host_is_asked_are_named_too() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    stack.configure("source_dir = \"${path.module}/nowhere\"");
    let run = stack.workspace.plan();
    run.expect_error().says("nowhere");
    expect_blame(&run, "source_dir");

    // Not a name that Compose finds by itself.
    stack.workspace.write("app/stack.yml", &stack.one_service());
    stack.configure("source_dir = \"${path.module}/app\"");
    stack.workspace.plan().expect_error().says("compose.yaml").says("stack.yml").says("`files`");

    std::os::unix::fs::symlink("/etc/passwd", stack.workspace.path().join("app/outside")).unwrap();
    stack.configure("source_dir = \"${path.module}/app\"\n  files = [\"stack.yml\"]");
    stack.workspace.plan().expect_error().says("outside").says("/etc/passwd");
}
