//! `windlass check` of many stacks and of one, over what the local Compose takes for it.

use std::{fmt::Write as _, path::Path, process::Command};

use anyhow::{Context as _, Result};
use companion_tests::{compose, windlass};
use tempfile::TempDir;

use super::timed;
use crate::{samples::Samples, table::Row};

const STACKS: usize = 50;
const ROUNDS: usize = 5;
const COMPOSE: &str = "services:\n  web:\n    image: nginx:${TAG}\n    environment: { TOKEN: \"${TOKEN}\" }\n    \
    healthcheck: { test: [CMD, \"true\"] }\n  db:\n    image: postgres:17\n    volumes: [\"data:/var/lib/postgresql\"]\n  \
    cache:\n    image: redis:8\nvolumes:\n  data:\n";

pub(crate) fn rows() -> Result<Vec<Row>> {
    let folder = TempDir::new().context("make a folder")?;
    let at = |path: &str| folder.path().join(path);
    let write = |path: &str, text: &str| {
        let path = at(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&path)).and_then(|()| std::fs::write(path, text))
    };
    std::fs::create_dir_all(at("home/.docker/cli-plugins")).context("make a home")?;
    std::os::unix::fs::symlink(compose(), at("home/.docker/cli-plugins/docker-compose"))
        .context("link Compose")?;
    let mut configuration = String::new();
    for number in 0..STACKS {
        write(&format!("stacks/s{number}/compose.yaml"), COMPOSE)?;
        let _ = write!(
            configuration,
            "resource \"windlass_compose_stack\" \"s{number}\" {{\n  name = \"s{number}\"\n  \
             source_dir = \"${{path.module}}/stacks/s{number}\"\n  environment = {{ TAG = \"1.27\" }}\n  \
             secrets_wo = {{ TOKEN = var.token }}\n  secrets_wo_version = \"1\"\n}}\n"
        );
    }
    write("main.tf", &format!("variable \"token\" {{ ephemeral = true }}\n{configuration}"))?;
    let [mut all, mut one, mut alone] = std::array::from_fn(|_| Samples::default());
    for _ in 0..ROUNDS {
        timed(&mut all, program(&folder, windlass()).args(["check", "."]), b"")?;
        let [mut ours, mut docker] = std::array::from_fn(|_| Samples::default());
        timed(
            &mut docker,
            program(&folder, Path::new("docker")).args(["compose", "-f", "stacks/s0/compose.yaml", "config"]),
            b"",
        )?;
        timed(&mut ours, program(&folder, windlass()).args(["check", "stacks/s0"]), b"")?;
        alone.add(docker.median()?);
        one.add(ours.median()? - docker.median()?);
    }
    Ok(vec![
        Row::median(format!("`windlass check` of {STACKS} stacks"), &all, "ms")?.limit(3000.0),
        Row::median("`windlass check` of one over `docker compose config`", &one, "ms")?
            .limit(300.0)
            .beside(format!("`docker compose config` {:.0} ms", alone.median()?)),
    ])
}

fn program(folder: &TempDir, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path().join("home"))
        .current_dir(folder.path());
    command
}
