//! A repository with a drill, and what its configuration does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use companion_tests::{Workspace, both};
use serde_json::Value;

/// A server, and a release on it that does what `var.release` says. What becomes of the server stands in the file
/// `told`; while the file `hold` is there, it is not destroyed.
const CONFIGURATION: &str = r#"
terraform {
  backend "http" {}
}
variable "workspace" {}
variable "secret" {
  type      = string
  sensitive = true
}
variable "release" { default = "true" }
resource "terraform_data" "server" {
  provisioner "local-exec" { command = "echo made >> told" }
  provisioner "local-exec" {
    when    = destroy
    command = "touch ending; while [ -e hold ]; do sleep 0.05; done; test ! -e stuck && echo gone >> told"
  }
}
resource "terraform_data" "release" {
  depends_on = [terraform_data.server]
  provisioner "local-exec" { command = var.release }
}
output "address" { value = "127.0.0.1" }
output "workspace" { value = var.workspace }
output "password" {
  value     = var.secret
  sensitive = true
}
"#;

/// A release that waits until somebody lets it go on.
pub const GATED: &str = "arguments = [\"-var=release=touch begun; while [ ! -e go ]; do sleep 0.05; done\"]";

/// The file of the drill's state.
pub const STATE: &str = "drill.tfstate.sops.json";

/// The repository.
pub struct World(pub Workspace);

impl World {
    /// One whose drill has more settings.
    pub fn new(cli: &Path, settings: &str) -> Self {
        let world = Self(Workspace::without_init(cli));
        std::fs::remove_file(world.0.path("main.tf")).unwrap();
        world.0.write("infra/main.tf", CONFIGURATION);
        std::fs::copy(world.0.path("windlass.toml"), world.0.path("begin.toml")).unwrap();
        world.settle(settings);
        world
    }

    /// Gives the drill other settings.
    pub fn settle(&self, settings: &str) {
        let begin = std::fs::read_to_string(self.0.path("begin.toml")).unwrap();
        let drill = format!(
            "{begin}[drill.monthly]\ndirectory = \"infra\"\nworkspace = \"drill\"\ncore = {:?}\n\
             report = \"reports/{{drill}}.md\"\n{settings}\n",
            self.0.cli()
        );
        self.0.write("windlass.toml", drill);
    }

    /// `windlass drill words…`, to be started.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.0.windlass(&[&["drill"], words].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same, to its end: how it ended, and all that it said.
    pub fn drill(&self, words: &[&str]) -> (Option<i32>, String) {
        ended(&self.command(words).output().unwrap())
    }

    /// One that has got to its gate.
    pub fn gated(&self, words: &[&str]) -> Child {
        let child = self.command(words).spawn().unwrap();
        self.0.wait_for("infra/begun");
        child
    }

    /// What became of the server.
    pub fn told(&self) -> String {
        std::fs::read_to_string(self.0.path("infra/told")).unwrap_or_default().replace('\n', " ")
    }

    /// What the state of the drill has.
    pub fn left(&self) -> String {
        self.0.told(&["--workspace", "drill", "list"])
    }

    /// The report: as JSON, and as Markdown.
    pub fn report(&self) -> (Value, String) {
        let read = |name: &str| std::fs::read_to_string(self.0.path(name)).unwrap();
        (serde_json::from_str(&read("reports/monthly.json")).unwrap(), read("reports/monthly.md"))
    }
}

/// How something ended, and what it said.
pub fn ended(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), both(output))
}

/// Signals a process.
pub fn signal(process: u32, name: &str) {
    let done = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(done.success());
}

/// Signals a process and all that it has started, before any of them can tell another.
pub fn signal_all(process: u32, name: &str) {
    let mut all = vec![process];
    let mut at = 0;
    while let Some(one) = all.get(at).copied() {
        at += 1;
        let tasks = std::fs::read_dir(format!("/proc/{one}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().map(|id| id.parse::<u32>().unwrap()));
        }
    }
    all.iter().for_each(|one| signal(*one, "STOP"));
    all.iter().for_each(|one| signal(*one, name));
}

/// Somebody who answers every question with a status and a body; the port.
pub fn server(status: &'static str, body: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::from("-");
            while !line.trim().is_empty() {
                line.clear();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
            }
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    port
}
