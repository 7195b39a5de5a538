//! `cargo xtask demo`: the main job on a real host, from nothing.
//!
//! Brings up a host (sshd, dockerd, docker compose), applies examples/demo to it, asks the stack
//! over HTTP, and shows that a second plan has nothing to do. The host and the configuration stay,
//! to look around in.

use crate::provider_binary::{self, BuildArguments};
use crate::{clis, install, interrupt::Interrupt, paths, shell};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The lab's name, so that the demo and other labs stay apart.
const LAB: &str = "demo";
/// How long the stack may take to answer one request.
const ANSWER: Duration = Duration::from_secs(10);

pub fn run() -> Result<()> {
    let began = Instant::now();
    let interrupt = Interrupt::watch()?;

    say("1. The provider, built from this checkout");
    let provider = provider_binary::build(&BuildArguments::RELEASE)?;
    let configuration = install::install(&provider, "demo.tfrc")?;
    let cli = clis::one()?;

    say("2. A host of its own in a container: sshd, dockerd, docker compose, and a registry with images");
    interrupt
        .run(shell::cargo().args(["run", "-q", "-p", "lab", "--", "up", "--hosts", "1", "--name", LAB]))?;

    say("3. The configuration, a copy of examples/demo");
    let folder = folder();
    prepare(&folder, &lab_state()?)?;
    eprintln!("in {}", folder.display());

    say("4. One apply: the host is verified, the stack's files are shipped, images pulled, services started");
    let command = |words: &[&str]| {
        let mut command = Command::new(&cli);
        command.args(words).current_dir(&folder).env("TF_CLI_CONFIG_FILE", &configuration);
        command
    };
    interrupt.run(command(&["apply", "-auto-approve"]).arg("-input=false"))?;

    say("5. The stack answers over HTTP");
    let url = shell::output(&mut command(&["output", "-raw", "url"]))?;
    let answer = get(url.trim())?;
    eprintln!("{} says:\n\n  {}\n", url.trim(), answer.trim());

    say("6. A second plan");
    let second = command(&["plan", "-input=false", "-detailed-exitcode"]).status().context("cannot plan")?;
    if !second.success() {
        bail!("the second plan was not empty ({second})");
    }
    interrupt.check()?;
    farewell(&cli, &configuration, &folder, began.elapsed());
    Ok(())
}

fn say(text: &str) {
    eprintln!("\n== {text}");
}

fn farewell(cli: &Path, configuration: &Path, folder: &Path, took: Duration) {
    let (cli, folder) = (cli.display(), folder.display());
    println!(
        "\nDone in {:.0} s. To look around:\n\n  \
         cd {folder}\n  \
         export TF_CLI_CONFIG_FILE={}\n  \
         {cli} plan                              # change something under stack/ first\n  \
         cargo run -q -p lab -- exec --name {LAB} n1 -- docker ps\n  \
         cargo run -q -p lab -- status           # how to get onto the host with ssh\n\n\
         To take everything down:\n\n  \
         {cli} destroy                           # the stack, its files; volumes stay unless told otherwise\n  \
         make lab-down LAB={LAB}                  # the host",
        took.as_secs_f32(),
        configuration.display(),
    );
}

/// Where the demo's configuration and state are.
fn folder() -> PathBuf {
    provider_binary::in_target("demo")
}

fn lab_state() -> Result<Value> {
    let path = paths::root().join(format!("tests/lab/state/{LAB}.json"));
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// A fresh copy of examples/demo with the values for this host. The state of an earlier demo goes:
/// its host is gone as well.
fn prepare(folder: &Path, lab: &Value) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    copy(&paths::root().join("examples/demo"), folder)?;
    let variables = serde_json::to_vec_pretty(&variables(lab)?)?;
    let path = folder.join("demo.auto.tfvars.json");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(&variables).with_context(|| format!("cannot write {}", path.display()))
}

/// The demo's variables for the lab's first host.
fn variables(lab: &Value) -> Result<Value> {
    let host = &lab["hosts"][0];
    let text = |value: &Value, name: &str| {
        value[name].as_str().map(str::to_owned).with_context(|| format!("the lab's state has no {name}"))
    };
    let images = &lab["images"];
    Ok(json!({
        "address": text(host, "address")?,
        "host_key": text(host, "host_key")?,
        "user": text(host, "user")?,
        "private_key_file": text(host, "private_key_file")?,
        "images": {
            "NGINX_IMAGE": text(images, "nginx")?,
            "BUSYBOX_IMAGE": text(images, "busybox")?,
            "REDIS_IMAGE": text(images, "redis")?,
            "POSTGRES_IMAGE": text(images, "postgres")?,
        },
        // Made up for this demo, on a host that only this machine reaches.
        "database_password": password()?,
    }))
}

fn password() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Copies a folder with the modes of its files.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(())
}

/// The body of a 200 answer to `GET url`. Plain HTTP/1.0, so that nothing else need be installed.
fn get(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is no http URL"))?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(address).with_context(|| format!("{url} does not answer"))?;
    stream.set_read_timeout(Some(ANSWER))?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("{url} does not answer"))?;
    body(&answer).map(str::to_owned).with_context(|| format!("{url} did not answer with 200:\n{answer}"))
}

fn body(answer: &str) -> Option<&str> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines().next()?.split_whitespace().nth(1).filter(|status| *status == "200").map(|_| body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_200_has_a_body() {
        assert_eq!(body("HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello\n"), Some("hello\n"));
        assert_eq!(body("HTTP/1.1 502 Bad Gateway\r\n\r\noops"), None);
        assert_eq!(body("nonsense"), None);
    }

    #[test]
    fn the_variables_come_from_the_first_host() {
        let host = json!({"address": "10.0.0.1", "host_key": "k", "user": "root", "private_key_file": "/k"});
        let images = json!({"nginx": "n", "busybox": "b", "redis": "r", "postgres": "p"});
        let made = variables(&json!({"hosts": [host], "images": images})).unwrap();
        assert_eq!((&made["address"], &made["images"]["NGINX_IMAGE"]), (&json!("10.0.0.1"), &json!("n")));
        assert_ne!(
            made["database_password"],
            variables(&json!({"hosts": [host], "images": images})).unwrap()["database_password"]
        );
        assert!(variables(&json!({"hosts": []})).is_err());
    }
}
