//! Dotenv texts: what Windlass makes of a stack's `.env` is what plain `docker compose` makes of it
//! when the values are given by a shell.
//!
//! Every text is the `.env` of a stack of its own, of which nothing is started. On the host, plain
//! `docker compose config` in the stack's directory must say the same of every variable as it does in
//! a directory with nothing but the user's files, under an environment with the values.

use acceptance_tests::{Fixture, hcl};
use lab::{Lab, Variant};
use serde_json::Value;

/// Every variable of the texts, as one service has it by interpolation; the other one gets them from
/// the file.
const COMPOSE: &str = r#"
services:
  filled:
    image: IMAGE
    environment:
      VERSION: "${VERSION-unset}"
      PASSWORD: "${PASSWORD-unset}"
      TAG: "${TAG-unset}"
      DSN: "${DSN-unset}"
      NOTE: "${NOTE-unset}"
  whole:
    image: IMAGE
    env_file: [.env]
"#;

/// What is given from outside.
const VERSION: &str = "2";
const PASSWORD: &str = "it's $real\\ \"now\" #1";

/// The texts, each with what it is about.
const TEXTS: &[(&str, &str)] = &[
    (
        "builds-on",
        "VERSION=1\nPASSWORD=changeme\nTAG=app-${VERSION}\nDSN=\"postgres://app:${PASSWORD}@db/app\"\n",
    ),
    ("windows", "\u{feff}VERSION=1\r\nexport TAG=app-$VERSION\r\n# DSN=no\r\nPASSWORD=\r\nNOTE=end\r\n"),
    ("quotes", "VERSION='1'\nTAG='app-${VERSION}'\nDSN=\"a \\\"b\\\" \\$c \\n ${VERSION}\"\nNOTE='it\\'s'\n"),
    ("lines", "NOTE=\"one\nVERSION=0\nthree ${VERSION}\"\nVERSION=\"1\n1\"\nTAG=${VERSION}\n"),
    (
        "comments",
        "VERSION=1 # one\nTAG=a#b # c\n#VERSION=3\n  # PASSWORD=x\nDSN=\"x # y\" # z\nNOTE=$$VERSION\n",
    ),
    ("colons", "VERSION: 1\nTAG: app-${VERSION}\nDSN = spaced ${PASSWORD} \n"),
    ("twice", "VERSION=1\nTAG=a-${VERSION}\nVERSION=3\nDSN=b-${VERSION}\nTAG=c-${TAG}\n"),
    (
        "defaults",
        "TAG=${VERSION:-9}\nDSN=${NOWHERE:-${PASSWORD}}\nNOTE=${VERSION:+given}-${NOWHERE-none}\nVERSION=\n",
    ),
    ("names", "export VERSION\nTAG=${VERSION}\nPASSWORD\nMY.VERSION-1=x\nVERSIONS=1\nNOTE=${VERSIONS}\n"),
    ("last-line", "TAG=${VERSION}\nPASSWORD=x"),
];

#[test]
fn dotenv_texts_mean_what_they_mean_to_plain_compose() {
    let lab = Lab::current().expect("a lab runs");
    let stacks = Fixture::on(&lab, lab.host(Variant::Root).expect("a host"), left_of);
    let directory = |case: &str| format!("/srv/{}/{case}", stacks.name);
    let compose = COMPOSE.replace("IMAGE", stacks.image("busybox"));
    for (case, text) in TEXTS {
        stacks.workspace.write(&format!("{case}/compose.yaml"), &compose);
        stacks.workspace.write(&format!("{case}/.env"), text);
        let attributes = format!(
            "source_dir = \"${{path.module}}/{case}\"\n  directory = {}\n  start_services = []\n  \
             environment = {{ VERSION = {} }}\n  secrets_wo = {{ PASSWORD = {} }}\n  secrets_wo_version = \"1\"",
            hcl::quoted(&directory(case)),
            hcl::quoted(VERSION),
            hcl::quoted(PASSWORD),
        );
        let name = format!("{}-{case}", stacks.name);
        let block =
            hcl::resource_block("windlass_compose_stack", case, &stacks.connection(), &name, &attributes);
        stacks.workspace.write(&format!("{case}.tf"), &block);
        let plain = format!("{}-plain", directory(case));
        stacks.root_runs(&["mkdir", "-p", &plain]);
        stacks.write_on_host(&format!("{plain}/compose.yaml"), &compose);
        stacks.write_on_host(&format!("{plain}/.env"), text);
    }
    stacks.workspace.apply().expect_success();

    let said = |directory: &str, given: &[&str]| -> Value {
        let clean = ["env", "-i", "-C", directory, "PATH=/usr/bin:/bin", "HOME=/root"];
        let words = [&clean[..], given, &["docker", "compose", "config", "--format", "json"]].concat();
        let json: Value = serde_json::from_str(&stacks.root_runs(&words)).expect("a project");
        json["services"].clone()
    };
    let (version, password) = (format!("VERSION={VERSION}"), format!("PASSWORD={PASSWORD}"));
    for (case, _) in TEXTS {
        let ours = said(&directory(case), &[]);
        let plain = said(&format!("{}-plain", directory(case)), &[&version, &password]);
        assert_eq!(ours, plain, "{case}");
    }
    stacks.workspace.destroy().expect_success();
}

/// Removes what is left of the stacks of a test.
fn left_of(name: &str) -> String {
    format!("rm -rf /srv/{name}")
}
