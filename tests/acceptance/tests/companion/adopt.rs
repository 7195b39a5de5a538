//! `windlass adopt`: a server that is there already becomes a configuration, and nothing on it changes.

use std::{collections::BTreeMap, fs, process::Command};

use acceptance_tests::{Change, Companion, Stack, Workspace, copy_folder, hcl};
use lab::{Lab, Variant};

/// A project that somebody has started by hand: what its Compose file has beside a service `app`, what else is
/// in its directory, and how it is started. `NAME` is the project's name, `IMAGE` an image.
#[derive(Clone, Copy)]
struct Kind {
    compose: &'static str,
    files: &'static [(&'static str, &'static str)],
    up: &'static str,
}

/// Where Debian's cron has the crontabs of users.
const CRONTABS: &str = "/var/spool/cron/crontabs";

const PLAIN: Kind = Kind { compose: "", files: &[], up: "docker compose up -d --wait" };

const KINDS: [Kind; 23] = [
    PLAIN,
    Kind {
        compose: "    environment: { A: \"1\", B: \"two words\" }\n    restart: unless-stopped\n",
        ..PLAIN
    },
    // Values that stay on the server.
    Kind {
        compose: "    environment: { A: \"${WORD}\" }\n",
        files: &[(".env", "WORD=sesame-4Tz\n")],
        ..PLAIN
    },
    Kind { compose: "    env_file: [.env]\n", files: &[(".env", "OTHER=sesame-4Tz\n")], ..PLAIN },
    Kind { compose: "    env_file: ./app.env\n", files: &[("app.env", "A=1\n")], ..PLAIN },
    Kind { compose: "    volumes: [\"data:/data\"]\nvolumes: { data: {} }\n", ..PLAIN },
    Kind { compose: "    volumes: [\"./conf:/conf:ro\"]\n", files: &[("conf/a.conf", "x\n")], ..PLAIN },
    Kind {
        compose: "    healthcheck: { test: [CMD, \"true\"], interval: 300ms }\n  \
                  web: { image: IMAGE, command: [sleep, infinity], stop_grace_period: 0s, restart: always, \
                  depends_on: { app: { condition: service_healthy } } }\n",
        ..PLAIN
    },
    Kind { compose: "    deploy: { replicas: 2 }\n", ..PLAIN },
    Kind {
        compose: "    scale: 2\n  off: { image: IMAGE, scale: 0 }\n",
        up: "docker compose up -d",
        ..PLAIN
    },
    Kind { compose: "    networks: [back]\nnetworks: { back: { internal: true } }\n", ..PLAIN },
    // What is not the project's own: our labels would stand for it.
    Kind {
        compose: "    networks: [edge]\n  db: { image: IMAGE, command: [sleep, infinity], stop_grace_period: 0s }\n\
                  networks: { edge: { external: true, name: NAME-edge } }\n",
        ..PLAIN
    },
    Kind {
        compose: "    volumes: [\"kept:/kept\"]\nvolumes: { kept: { external: true, name: NAME-kept } }\n",
        ..PLAIN
    },
    Kind { compose: "    labels: { \"traefik.enable\": \"true\", \"a.b/c\": \"x=y\" }\n", ..PLAIN },
    Kind {
        compose: "    configs: [{ source: c, target: /c }]\nconfigs: { c: { file: ./c.txt } }\n",
        files: &[("c.txt", "c\n")],
        ..PLAIN
    },
    Kind {
        compose: "    secrets: [s]\nsecrets: { s: { file: ./s.txt } }\n",
        files: &[("s.txt", "open-9Lm\n")],
        ..PLAIN
    },
    Kind {
        compose: "    network_mode: host\n    init: true\n    read_only: true\n    tmpfs: [/tmp]\n    \
                  extra_hosts: [\"a:10.0.0.1\"]\n    cap_drop: [ALL]\n    mem_limit: 64m\n",
        ..PLAIN
    },
    // A job that has ended well, and one that needs it.
    Kind {
        compose: "    depends_on: { job: { condition: service_completed_successfully } }\n  \
                  job: { image: IMAGE, command: [\"true\"] }\n",
        up: "docker compose up -d",
        ..PLAIN
    },
    Kind {
        compose: "  more: { image: IMAGE, command: [sleep, infinity], stop_grace_period: 0s, profiles: [tools] }\n  \
                  never: { image: IMAGE, profiles: [other] }\n",
        up: "docker compose --profile tools up -d",
        ..PLAIN
    },
    Kind {
        files: &[
            ("deploy/prod.yaml", "services: { app: { environment: { P: prod } } }\n"),
            (".env", "COMPOSE_FILE=compose.yaml:deploy/prod.yaml\nCOMPOSE_PROFILES=\n"),
        ],
        ..PLAIN
    },
    // Anchors, dollar signs and a variable that nothing sets.
    Kind {
        compose: "    environment: { L: \"$$literal ${NOT_SET:-d}${NOTHING}\", <<: *common }\n\
                  x-common: &common { C: \"1\" }\n",
        ..PLAIN
    },
    Kind {
        compose: "    extends: { file: ./base/base.yaml, service: base }\ninclude: [sub/more.yaml]\n",
        files: &[
            ("base/base.yaml", "services: { base: { environment: { B: base } } }\n"),
            (
                "sub/more.yaml",
                "services: { sub: { image: IMAGE, command: [sleep, infinity], stop_grace_period: 0s, \
                               environment: { V: \"${V}\" } } }\n",
            ),
            ("sub/.env", "V=1\n"),
        ],
        ..PLAIN
    },
    // Built there, and only one of two services started.
    Kind {
        compose: "  built: { build: ., command: [sleep, infinity], stop_grace_period: 0s }\n",
        files: &[("Dockerfile", "FROM IMAGE\nENV BUILT=1\n")],
        up: "docker compose up -d built",
    },
];

/// Starts the projects by hand, as somebody would.
fn start(stacks: &[(Stack<'_>, Kind)]) {
    for (stack, kind) in stacks {
        let (name, directory) = (&stack.name, format!("/srv/{}", stack.name));
        let filled = |text: &str| text.replace("NAME", name).replace("IMAGE", stack.image("busybox"));
        let compose = filled(kind.compose);
        // YAML wants an anchor before its alias.
        let (anchors, compose) = match compose.split_once("x-common") {
            Some((before, anchor)) => (format!("x-common{anchor}"), before.to_owned()),
            None => (String::new(), compose),
        };
        stack
            .shell(&format!("mkdir -p {directory}/conf {directory}/deploy {directory}/base {directory}/sub"));
        stack.write_on_host(
            &format!("{directory}/compose.yaml"),
            &format!("{anchors}services:\n{}{compose}", stack.service("app", "")),
        );
        for (path, text) in kind.files {
            stack.write_on_host(&format!("{directory}/{path}"), &filled(text));
        }
        if compose.contains("external") {
            stack.shell(&format!(
                "docker network create --label team=a {name}-edge; docker volume create {name}-kept"
            ));
        }
        stack.shell(&format!("cd {directory} && {} 2>&1", kind.up));
    }
}

/// Fails unless a plan does nothing to what is there, and imports all of it.
#[track_caller]
fn expect_only_imports(workspace: &Workspace, count: usize) {
    let changes = workspace.changes();
    let is_other = |(_, change): &(&String, &Change)| !change.is_noop();
    let others: BTreeMap<_, _> = changes.iter().filter(is_other).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(changes.len(), count);
}

#[test]
fn a_server_that_is_there_becomes_a_configuration_and_nothing_on_it_changes() {
    let lab = Lab::current().unwrap();
    let added = lab.add_host(Variant::Root).unwrap();
    let host = &*added;
    let stacks: Vec<(Stack<'_>, Kind)> = KINDS.iter().map(|kind| (Stack::on(&lab, host), *kind)).collect();
    start(&stacks);
    let first = &stacks[0].0;
    first.root_runs(&["mkdir", "-p", "/etc/cron.d"]);
    first.write_on_host("/etc/cron.d/nightly", "1 2 * * * root true\n");
    first.root_runs(&["mkdir", "-p", CRONTABS]);
    first.write_on_host(&format!("{CRONTABS}/root"), "1 3 * * * true\n");
    first.write_on_host(&format!("{CRONTABS}/nobody-has-this-name"), "1 4 * * * true\n");
    first.root_runs(&["chmod", "0600", &format!("{CRONTABS}/root")]);
    let look = || {
        let all = "docker ps -a --no-trunc --format '{{.ID}} {{.Names}}' | sort; docker network ls -q | sort; \
                   docker volume ls -q | sort; docker images -q | sort";
        let files = format!("find /srv {CRONTABS} -type f | sort | xargs md5sum; md5sum /etc/cron.d/nightly");
        (first.shell(all), first.shell(&files))
    };
    let before = look();

    let companion = Companion::of(&lab, "");
    let connection = hcl::connection(host);
    let adopted = companion.answer_to(&["adopt", &connection, "--out", "infra"], "");
    let told = format!("Written to infra: {} stacks, 2 networks, 2 volumes, 2 files of cron.\n", KINDS.len());
    assert_eq!((adopted.code, adopted.stdout.as_str()), (Some(0), told.as_str()), "{adopted:?}");
    let left_out = adopted.stderr.lines().filter(|line| line.starts_with("Left out")).collect::<Vec<_>>();
    assert_eq!(
        left_out,
        [format!(
            "Left out: {CRONTABS}/nobody-has-this-name: there is no user of that name, so that no cron reads it."
        )]
    );
    assert!(!adopted.stderr.contains("not empty"), "{adopted:?}");
    let again = companion.answer_to(&["adopt", &connection, "--out", "infra"], "");
    assert!(again.code == Some(1) && again.stderr.contains("Something is in it already"), "{again:?}");
    // What is secret stays there.
    let words = ["-rE", "sesame-4Tz|open-9Lm", "infra"];
    let grep = Command::new("grep").args(words).current_dir(companion.path()).output().unwrap();
    assert_eq!(grep.status.code(), Some(1), "{grep:?}");
    let ignored = fs::read_to_string(companion.path().join("infra/.gitignore")).unwrap();
    assert!(ignored.contains(&format!("/stacks/{}/app.env\n", stacks[4].0.name)), "{ignored}");

    let workspace = &first.workspace;
    copy_folder(&companion.path().join("infra"), workspace.path());
    let count = KINDS.len() + 6;
    expect_only_imports(workspace, count);
    assert_eq!(look(), before, "something on the host has changed before anything was applied");
    workspace.apply_planned().expect_success();
    assert_eq!(look(), before, "something on the host has changed by imports");
    workspace.expect_no_changes();

    // The first change of one service makes no other one anew, whatever labels the others lack.
    let shared =
        &stacks.iter().find(|(_, kind)| kind.compose.contains("external: true, name: NAME-edge")).unwrap().0;
    let ids = shared.containers();
    let path = format!("stacks/{}/compose.yaml", shared.name);
    let text = fs::read_to_string(workspace.path().join(&path)).unwrap();
    workspace.write(&path, &text.replace("  db: {", "  db: { environment: { A: \"2\" },"));
    let address = format!("windlass_compose_stack.{}", shared.name);
    let change = workspace.expect_change(&address, &["update"]);
    assert_eq!(change.changed_in("services"), ["db"]);
    workspace.converge_as_planned();
    let now = shared.containers();
    assert!(now["app"] == ids["app"] && now["db"] != ids["db"], "{ids:?} {now:?}");
    // From then on it has them.
    workspace.write(
        &path,
        &text.replace("    networks: [edge]", "    environment: { A: \"3\" }\n    networks: [edge]"),
    );
    workspace.expect_change(&address, &["update"]);
    workspace.converge_as_planned();
    assert_ne!(shared.containers()["app"], ids["app"]);
}

/// What runs is not what the files say: it is said beforehand, and what a plan would do is no surprise.
#[test]
fn what_the_files_do_not_say_is_told() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let (stack, other) = (Stack::on(&lab, host), Stack::on(&lab, host));
    let directory = format!("/srv/{}", stack.name);
    stack.root_runs(&["mkdir", "-p", &directory]);
    let more =
        stack.service("app", "    environment: { A: \"${FROM_SHELL:-x}\" }\n") + &stack.service("two", "");
    stack.write_on_host(&format!("{directory}/compose.yaml"), &format!("services:\n{more}"));
    stack.shell(&format!("cd {directory} && FROM_SHELL=y docker compose up -d --scale two=2"));
    other.root_runs(&["mkdir", "-p", &format!("/srv/{}", other.name)]);
    other.write_on_host(
        &format!("/srv/{}/compose.yaml", other.name),
        &format!("services:\n{}", other.service("a", "")),
    );
    other.write_on_host(&format!("/srv/{}/prod.env", other.name), "A=1\n");
    other.shell(&format!("cd /srv/{} && docker compose --env-file prod.env up -d", other.name));

    let companion = Companion::of(&lab, "");
    let connection = hcl::connection(host);
    let words = ["adopt", &connection, &stack.name, &other.name, "--out", "infra", "--json"];
    let told = companion.json(&words);
    assert_eq!(told["stacks"], serde_json::json!([stack.name]));
    assert_eq!(told["networks"], serde_json::json!([]));
    let left_out = told["left_out"][0]["why"].as_str().unwrap();
    assert!(left_out.contains("prod.env, which is not the .env in its directory"), "{left_out}");
    let text = fs::read_to_string(companion.path().join("infra/stacks.tf")).unwrap();
    for line in [
        "# The first plan is not empty: service app was started from other files, or with variables of a shell, and will be replaced.",
        "# The first plan is not empty: service two has 2 containers, and will have 1.",
    ] {
        assert!(text.contains(line), "{text}");
    }
    copy_folder(&companion.path().join("infra"), stack.workspace.path());
    let address = format!("windlass_compose_stack.{}", stack.name);
    let change = stack.workspace.expect_change(&address, &["update"]);
    assert_eq!(change.changed_in("services"), ["app", "two"]);
    let unknown = companion.answer_to(&["adopt", &connection, "no-such", "--out", "other"], "");
    assert!(unknown.code == Some(1) && unknown.stderr.contains("no project \"no-such\""), "{unknown:?}");
}
