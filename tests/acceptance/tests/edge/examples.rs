//! What the documentation shows is applied as it stands, on a host of the lab in the place of the one
//! that it names; a second plan has nothing to do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use acceptance_tests::{Workspace, compose_file, hcl, is_full_run};
use lab::{Host, Lab, Variant};

/// What an example takes for granted.
#[derive(Default)]
struct Given {
    /// Run by root on the host before.
    on_host: &'static str,
    /// Compose files beside the configuration, and their fixtures.
    compose_files: &'static [(&'static str, &'static str)],
    /// Further files; `NGINX` and `BUSYBOX` in them are images of the lab.
    files: &'static [(&'static str, &'static str)],
    /// Texts of the configuration that stand for something that the lab calls otherwise.
    replaced: &'static [(&'static str, &'static str)],
}

/// Examples that reach for more than a host has, and what tests them instead.
const ELSEWHERE: &[&str] = &[
    // A git server and a registry to push to: the acceptance tests of the resource.
    "resources/windlass_image",
    // A host on another port: the tests of the function.
    "functions/connection",
];

fn given(example: &str) -> Given {
    match example {
        "resources/windlass_command" => Given {
            on_host: "printf '#!/bin/sh\\nexec cat >/dev/null' | tee /usr/local/bin/invite /usr/local/bin/nft; \
                      sed -i 's/exec cat.*/exit 0/' /usr/local/bin/nft; chmod 755 /usr/local/bin/invite /usr/local/bin/nft",
            ..Given::default()
        },
        "resources/windlass_compose_stack" => Given {
            compose_files: &[
                ("shop/compose.yaml", "examples/shop.yaml"),
                ("library/compose.yaml", "examples/library.yaml"),
                ("portal/compose.yaml", "examples/portal.yaml"),
                ("news/compose.yaml", "examples/news.yaml"),
            ],
            files: &[
                ("shop/.env.example", "TAG=\nDATABASE_PASSWORD=\n"),
                ("shop/html/health", "ok\n"),
                (
                    "portal/Dockerfile",
                    "FROM NGINX\nRUN --mount=type=secret,id=token test -s /run/secrets/token\n",
                ),
                ("portal/tools/Dockerfile", "FROM BUSYBOX\n"),
            ],
            replaced: &[
                ("\"bin/migrate\", \"--all\"", "\"true\""),
                ("\"bin/warm-up\", \"--quiet\"", "\"true\""),
            ],
            ..Given::default()
        },
        "resources/windlass_docker_network" => {
            Given { replaced: &[("caddy:2.10", "NGINX")], ..Given::default() }
        }
        "data-sources/windlass_compose_stack"
        | "data-sources/windlass_compose_stacks"
        | "data-sources/windlass_container_logs" => Given {
            on_host: "mkdir -p /srv/x && cd /srv/x && printf 'services: {api: {image: \"BUSYBOX\", command: [sleep, infinity]}}' \
                      >compose.yaml && docker compose -p legacy up -d && docker compose -p shop up -d",
            ..Given::default()
        },
        _ => Given::default(),
    }
}

/// The folders of examples for one thing each.
fn examples() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found = Vec::new();
    for kind in ["resources", "data-sources", "functions"] {
        for entry in fs::read_dir(root.join(kind)).unwrap() {
            let entry = entry.unwrap();
            found.push((format!("{kind}/{}", entry.file_name().to_string_lossy()), entry.path()));
        }
    }
    found.sort();
    found.retain(|(name, _)| !ELSEWHERE.contains(&name.as_str()));
    found
}

/// The configuration with the lab's host in the place of every host that it names.
fn on_lab(text: &str, host: &Host) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("resource \"windlass_host\" \"") {
            let name = rest.split('"').next().unwrap();
            out += &hcl::host_block(name, host, "");
            lines.by_ref().find(|line| *line == "}");
        } else if let Some((before, _)) = line.split_once("\"ssh://") {
            out += &format!("{before}{}\n", hcl::quoted(&hcl::connection(host)));
        } else {
            out += &format!("{line}\n");
        }
    }
    out
}

#[test]
fn a_second_plan_of_every_example_is_empty() {
    if !is_full_run() {
        return;
    }
    let lab = Lab::current().unwrap();
    let image = |text: &str| {
        text.replace("BUSYBOX", lab.image("busybox").unwrap()).replace("NGINX", lab.image("nginx").unwrap())
    };
    let host = lab.add_host(Variant::Root).unwrap();
    for (name, folder) in examples() {
        eprintln!("{name}");
        let given = given(&name);
        let mut workspace = Workspace::for_test();
        let mut text = String::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "tf") && !path.ends_with("import.tf") {
                text += &fs::read_to_string(path).unwrap();
            }
        }
        for (old, new) in given.replaced {
            assert!(text.contains(old), "{name} does not say {old:?} any more");
            text = text.replace(old, &image(new));
        }
        for variable in text.lines().filter_map(|line| line.strip_prefix("variable \"")) {
            let variable = variable.split('"').next().unwrap();
            workspace.env(&format!("TF_VAR_{variable}"), "a value for it");
        }
        workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
        workspace.write("main.tf", &on_lab(&text, &host));
        for (path, file) in given.compose_files {
            workspace.write(path, &compose_file(&lab, file, &[]));
        }
        for (path, content) in given.files {
            workspace.write(path, &image(content));
        }
        if !given.on_host.is_empty() {
            lab.exec_ok(&host, &["sh", "-c", &image(given.on_host)]).unwrap();
        }
        workspace.converge();
        workspace.destroy().expect_success();
        // What one example leaves is not there for the next.
        let line = "docker ps -aq | xargs -r docker rm -f -v >/dev/null; docker volume ls -q | xargs -r docker volume rm >/dev/null";
        lab.exec_ok(&host, &["sh", "-c", line]).unwrap();
    }
}
