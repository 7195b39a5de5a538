//! `cargo xtask demo`: the main job on a real host, from nothing.
//!
//! Brings up a host (sshd, dockerd, docker compose), applies examples/demo to it, asks the stack
//! over HTTP, and shows that a second plan has nothing to do. The host and the configuration stay
//! then, to look around in; when something fails or somebody interrupts, nothing stays.
//!
//! What it costs is compiling, and making the host's images from packages; both happen once, and
//! at the same time. The provider is a development build, for which half the wait is worth more
//! than its speed.

mod answer;
mod configuration;
mod terminal;

use crate::interrupt::Interrupt;
use crate::provider_binary::{self, BuildArguments};
use crate::test::lab::{self, Lab};
use crate::{clis, install, shell};
use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use terminal::Steps;

/// The lab's name, so that the demo and other labs stay apart.
const NAME: &str = "demo";
/// One host, where root logs in.
const HOSTS: &[&str] = &["--hosts", "1"];

pub fn run() -> Result<()> {
    let interrupt = Interrupt::watch()?;
    let mut steps = Steps::new(7);

    steps.next("Build the tool that brings up hosts", "seconds");
    let tool = lab::tool(&interrupt)?;
    steps.done("built");

    // What it says comes between the lines of what follows.
    eprintln!(
        "\nA host begins beside the next steps: sshd, dockerd, docker compose, and a registry with images\n\
         (made from Debian packages the first time, which takes five minutes; else ten seconds)"
    );
    let beside = interrupt.apart();
    std::thread::scope(|scope| {
        let host = scope.spawn(|| bring_up(&tool, &beside));
        let prepared = prepare(&interrupt, &mut steps);
        if prepared.is_err() {
            beside.set();
        }
        let (cli, overrides) = prepared.inspect_err(|_| eprintln!("\ntaking the host down again"))?;
        steps.next("The host comes up", "what is left of it");
        let lab = host.join().map_err(|_| anyhow!("a thread panicked"))??;
        steps.done("there");

        let folder = provider_binary::in_target(NAME);
        let shown =
            show(&interrupt, &mut steps, &lab, &Configured { cli, overrides, folder: folder.clone() });
        match shown {
            Ok(farewell) => {
                lab.keep();
                println!("\n{farewell}");
                Ok(())
            }
            Err(error) => {
                eprintln!("\ntaking the host down again");
                // It is of no use without the host, which the lab takes down at the end of this.
                let _ = fs::remove_dir_all(&folder);
                Err(error)
            }
        }
    })
}

fn bring_up(tool: &Path, interrupt: &Interrupt) -> Result<Lab> {
    let mut lab = Lab::named(NAME, HOSTS, tool);
    lab.up_through(|command| terminal::run(interrupt, "host", command))?;
    Ok(lab)
}

/// The provider and a CLI: the CLI's path, and its configuration with the provider.
fn prepare(interrupt: &Interrupt, steps: &mut Steps) -> Result<(PathBuf, PathBuf)> {
    steps.next("Build the provider from this checkout", "three minutes the first time, else seconds");
    let provider = provider_binary::build_unless(interrupt, &BuildArguments::DEV)?;
    let overrides = install::install(&provider, "demo.tfrc")?;
    steps.done("built");

    steps.next(
        "Find OpenTofu or Terraform",
        "at once where one is on PATH; else OpenTofu is built once, in minutes",
    );
    let cli = clis::one()?;
    interrupt.check()?;
    steps.done(&cli.display().to_string());
    Ok((cli, overrides))
}

/// A CLI in a folder with configuration.
struct Configured {
    cli: PathBuf,
    overrides: PathBuf,
    folder: PathBuf,
}

impl Configured {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.cli);
        command.args(words).current_dir(&self.folder).env("TF_CLI_CONFIG_FILE", &self.overrides);
        command
    }

    /// Runs the CLI, its words behind its name.
    fn run(&self, interrupt: &Interrupt, words: &[&str]) -> Result<()> {
        let mut command = self.command(words);
        command.arg("-input=false").args((!std::io::stderr().is_terminal()).then_some("-no-color"));
        let name = self.cli.file_name().unwrap_or_default().to_string_lossy();
        terminal::run(interrupt, &name, &mut command)
    }

    fn farewell(&self, took: &str) -> String {
        let (cli, folder, overrides) = (self.cli.display(), self.folder.display(), self.overrides.display());
        format!(
            "Done in {took}. To look around:\n\n  \
             cd {folder}\n  \
             export TF_CLI_CONFIG_FILE={overrides}\n  \
             {cli} plan                              # change something under stack/ first\n  \
             cargo run -q -p lab -- exec --name {NAME} n1 -- docker ps\n  \
             cargo run -q -p lab -- status           # how to get onto the host with ssh\n\n\
             To take everything down:\n\n  \
             {cli} destroy                           # the stack, its files; volumes stay unless told otherwise\n  \
             make lab-down LAB={NAME}                  # the host",
        )
    }
}

/// What the demo is about, on a host that is up: returns what to do next.
fn show(interrupt: &Interrupt, steps: &mut Steps, lab: &Lab, configured: &Configured) -> Result<String> {
    configuration::prepare(&configured.folder, &state(lab)?)?;
    steps.next("Apply a copy of examples/demo: five services", "ten seconds");
    eprintln!(
        "        the host's key is verified, files are shipped, images pulled, services started until they"
    );
    eprintln!("        are healthy; in {}", configured.folder.display());
    configured.run(interrupt, &["apply", "-auto-approve"])?;
    steps.done("applied");

    steps.next("Ask the stack over HTTP", "a second");
    let url = shell::output(&mut configured.command(&["output", "-raw", "url"]))?;
    eprintln!("{} answers:\n\n  {}\n", url.trim(), answer::get(url.trim())?.trim());
    steps.done("answered");

    steps.next("Plan again: there is nothing to do", "two seconds");
    configured.run(interrupt, &["plan", "-detailed-exitcode"]).context("the second plan was not empty")?;
    interrupt.check()?;
    steps.done("no changes");
    Ok(configured.farewell(&steps.took()))
}

fn state(lab: &Lab) -> Result<Value> {
    let path = lab.state_file();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}
