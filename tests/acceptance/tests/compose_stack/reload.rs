//! Files that a running container takes in by a command.

use acceptance_tests::Stack;
use lab::{Lab, Variant};

/// A service that reads a file when it starts, and when it is told to.
struct Reloading<'a> {
    stack: Stack<'a>,
}

impl Reloading<'_> {
    fn write(&self, level: &str) {
        self.stack.workspace.write("web/conf/level", level);
    }

    fn configure(&self, more: &str) {
        self.stack.configure(&format!(
            "source_dir = \"${{path.module}}/web\"\n  {more}\n  reload {{\n    files = [\"conf/*\"]\n    \
             services = [\"app\"]\n    command = [\"sh\", \"-c\", \"! grep bad /conf/level && cp /conf/level /loaded\"]\n  }}"
        ));
    }

    /// What the container has taken in.
    fn loaded(&self) -> String {
        let containers = self.stack.containers();
        self.stack.root_runs(&["docker", "exec", &containers["app"][0], "cat", "/loaded"])
    }
}

#[test]
fn a_changed_file_is_taken_in_by_the_containers_that_run() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let image = stack.image("busybox");
    let text = format!(
        "services:\n  app:\n    image: {image}\n    stop_grace_period: 0s\n    volumes: [./conf:/conf]\n    \
         command: [sh, -c, \"cp /conf/level /loaded && exec sleep 86400\"]\n"
    );
    stack.workspace.write("web/compose.yaml", &text);
    let app = Reloading { stack };
    let workspace = &app.stack.workspace;
    app.write("1");
    app.configure("");
    workspace.apply().expect_success();
    let containers = app.stack.containers();
    assert_eq!(app.loaded(), "1");

    app.write("2");
    workspace.converge();
    assert_eq!((app.loaded().as_str(), app.stack.containers()), ("2", containers.clone()));

    // What a failed apply had them take in is taken back.
    app.write("3");
    app.configure("probe {\n    tcp = \"127.0.0.1:1\"\n    timeout = \"1s\"\n  }\n");
    workspace.apply().expect_error();
    assert_eq!((app.loaded().as_str(), app.stack.containers()), ("2", containers.clone()));

    app.write("bad");
    app.configure("");
    workspace.apply().expect_success().expect_warning("Could not reload service").says("grep bad");
    assert_eq!(app.loaded(), "bad");
    assert_ne!(app.stack.containers(), containers);
    workspace.expect_no_changes();
    workspace.destroy().expect_success();
    app.stack.expect_gone();
}
