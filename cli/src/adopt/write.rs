//! From what a host has to the configuration of it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use docker::engine::{NetworkSpec, Subnet, VolumeSpec};

use super::found::{CronFile, Found, LeftOut, Project, Text, may_be_secret};
use super::hcl::{Resource, Value, comment, label};

/// What is written: paths below the folder, and texts.
pub type Files = BTreeMap<String, String>;

/// What labels of Docker and Compose begin with, which count only where they are named.
const THEIRS: &str = "com.docker.";

const VERSIONS: &str = "# Written by `windlass adopt`: what was there, each with its import.

terraform {
  required_providers {
    windlass = { source = \"windlass/windlass\" }
  }
}
";

/// What `.gitignore` begins with.
const IGNORED: &str =
    "# Copied by `windlass adopt`; may hold secrets. A line goes once you know that the file has none.\n";

/// The configuration of all that was found on `host`.
pub fn files(host: &str, found: &Found) -> Files {
    let mut files = Files::from([("versions.tf".to_owned(), versions(&found.left_out))]);
    let mut put = |name: &str, resources: &[Resource]| {
        if !resources.is_empty() {
            let texts: Vec<String> = resources.iter().map(Resource::text).collect();
            files.insert(name.to_owned(), texts.join("\n"));
        }
    };
    let mut taken = BTreeSet::new();
    let stacks: Vec<Resource> = found.projects.iter().map(|one| stack(host, one, &mut taken)).collect();
    put("stacks.tf", &stacks);
    let mut taken = BTreeSet::new();
    put("networks.tf", &found.networks.iter().map(|one| network(host, one, &mut taken)).collect::<Vec<_>>());
    let mut taken = BTreeSet::new();
    put("volumes.tf", &found.volumes.iter().map(|one| volume(host, one, &mut taken)).collect::<Vec<_>>());
    let mut taken = BTreeSet::new();
    put("cron.tf", &found.cron.iter().map(|one| cron(host, one, &mut taken)).collect::<Vec<_>>());
    let mut values = String::new();
    for project in &found.projects {
        for (path, Text { text, is_compose }) in &project.texts {
            let place = format!("stacks/{}/{path}", project.name);
            if !is_compose {
                values += &format!("/{place}\n");
            }
            files.insert(place, text.clone());
        }
    }
    for file in found.cron.iter().filter(|file| may_be_secret(&file.text)) {
        values += &format!("/{}\n", file.copy());
    }
    if !values.is_empty() {
        files.insert(".gitignore".to_owned(), IGNORED.to_owned() + &values);
    }
    files.extend(found.cron.iter().map(|one| (one.copy(), one.text.clone())));
    files
}

/// What else there is, as comments, and the provider.
fn versions(left_out: &[LeftOut]) -> String {
    let left_out = left_out.iter().map(|LeftOut { what, why }| comment(&format!("Left out: {what}: {why}.")));
    let left_out: String = left_out.collect();
    VERSIONS.replacen("\n\n", &format!("\n{left_out}\n"), 1)
}

fn resource(kind: &'static str, host: &str, name: &str, taken: &mut BTreeSet<String>) -> Resource {
    Resource {
        kind,
        label: label(name, taken),
        id: format!("{host}|{name}"),
        comment: None,
        attributes: vec![("host", Value::Text(host.to_owned())), ("name", Value::Text(name.to_owned()))],
    }
}

fn stack(host: &str, project: &Project, taken: &mut BTreeSet<String>) -> Resource {
    let mut resource = resource("windlass_compose_stack", host, &project.name, taken);
    let source = format!("stacks/{}", project.name);
    // What no host tells of a configuration, the import does.
    let mut told: Vec<(&str, String)> = vec![("source_dir", format!("./{source}"))];
    let mut list = |name: &'static str, all: Vec<String>| {
        told.extend(all.iter().map(|one| (name, one.clone())));
        (name, Value::List(all))
    };
    let more = &mut resource.attributes;
    more.push(("directory", Value::Text(project.directory.clone())));
    more.push(("source_dir", Value::Local(source.clone())));
    more.push(list("files", project.files.clone()));
    if !project.profiles.is_empty() {
        more.push(list("profiles", project.profiles.iter().cloned().collect()));
    }
    if let Some(started) = &project.started {
        more.push(list("start_services", started.iter().cloned().collect()));
    }
    let mut word = |set: bool, name: &'static str, word: &str| {
        if set {
            more.push((name, Value::Text(word.to_owned())));
            told.push((name, word.to_owned()));
        }
    };
    word(project.has_env, "host_env", "merge");
    word(project.has_undefined, "undefined_variables", "warn");
    for (setting, value) in told {
        resource.id += &format!("|{setting}={value}");
    }
    resource.comment = Some(words(project, &source));
    resource
}

/// What is to be known of a stack.
fn words(project: &Project, source: &str) -> String {
    let Project { directory, texts, has_env, has_undefined, differences, .. } = project;
    let mut lines = vec![format!(
        "Started by hand in {directory}. What Compose reads is copied to {source}; all else there stays on the server."
    )];
    if *has_env {
        lines.push(
            "Its .env stays on the server, too, and its values, which may be secrets, are read there."
                .to_owned(),
        );
    }
    let values: Vec<&str> =
        texts.iter().filter(|(_, text)| !text.is_compose).map(|(path, _)| path.as_str()).collect();
    if !values.is_empty() {
        lines.push(format!("These may hold secrets, and are in .gitignore: {}.", values.join(", ")));
    }
    if *has_undefined {
        lines.push("It uses variables that nothing sets; they are taken for empty.".to_owned());
    }
    lines.extend(differences.iter().map(|difference| format!("The first plan is not empty: {difference}.")));
    lines.join("\n")
}

fn own(all: &BTreeMap<String, String>) -> Option<Value> {
    let own = all.iter().filter(|(name, _)| !name.starts_with(THEIRS));
    let own: Vec<_> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    (!own.is_empty()).then_some(Value::Map(own))
}

fn all(all: &BTreeMap<String, String>) -> Option<Value> {
    (!all.is_empty())
        .then(|| Value::Map(all.iter().map(|(name, value)| (name.clone(), value.clone())).collect()))
}

fn network(host: &str, spec: &NetworkSpec, taken: &mut BTreeSet<String>) -> Resource {
    let mut resource = resource("windlass_docker_network", host, &spec.name, taken);
    let more = &mut resource.attributes;
    more.push(("driver", Value::Text(spec.driver.clone())));
    more.extend(all(&spec.options).map(|value| ("options", value)));
    more.extend(own(&spec.labels).map(|value| ("labels", value)));
    let flags = [
        ("internal", spec.internal),
        ("attachable", spec.attachable && spec.driver == "overlay"),
        ("encrypted", spec.encrypted),
        ("ipv6", spec.ipv6),
    ];
    more.extend(flags.into_iter().filter(|(_, set)| *set).map(|(name, set)| (name, Value::Flag(set))));
    // What Docker has chosen by itself cannot be told from what somebody asked for, and asking for it is a change.
    let ranges: Vec<String> = spec.subnets.iter().map(range).collect();
    resource.comment = (!ranges.is_empty()).then(|| format!("Its addresses: {}.", ranges.join("; ")));
    resource
}

fn range(subnet: &Subnet) -> String {
    let part = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(", {name} {value}"));
    let parts = [part("gateway", &subnet.gateway), part("ip_range", &subnet.ip_range)];
    subnet.cidr.clone() + &parts.into_iter().flatten().collect::<String>()
}

fn volume(host: &str, spec: &VolumeSpec, taken: &mut BTreeSet<String>) -> Resource {
    let mut resource = resource("windlass_docker_volume", host, &spec.name, taken);
    let more = &mut resource.attributes;
    more.push(("driver", Value::Text(spec.driver.clone())));
    more.extend(all(&spec.options).map(|value| ("options", value)));
    more.extend(own(&spec.labels).map(|value| ("labels", value)));
    resource
}

fn cron(host: &str, file: &CronFile, taken: &mut BTreeSet<String>) -> Resource {
    let text = |text: &str| Value::Text(text.to_owned());
    let name = file.user().map_or_else(|| file.name().to_owned(), |user| format!("crontab_{user}"));
    let mut words = Vec::new();
    words.extend(
        file.user().map(|user| format!("The crontab of {user}: `crontab -e` there is drift from now on.")),
    );
    words.extend(may_be_secret(&file.text).then(|| "It may hold a secret, and is in .gitignore.".to_owned()));
    Resource {
        kind: "windlass_file",
        label: label(&name, taken),
        id: format!("{host}|{}|source=./{}", file.path, file.copy()),
        comment: (!words.is_empty()).then(|| words.join("\n")),
        attributes: vec![
            ("host", text(host)),
            ("path", text(&file.path)),
            ("source", Value::Local(file.copy())),
            ("mode", text(&file.mode)),
            ("owner", text(&file.owner)),
            ("group", text(&file.group)),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_written_with_what_only_a_host_has_left_there() {
        let text = |text: &str, is_compose| Text { text: text.into(), is_compose };
        let texts = [
            ("compose.yaml", text("services: {}\n", true)),
            ("deploy/prod.yaml", text("x: y\n", true)),
            ("app.env", text("PIN=sesame\n", false)),
        ];
        let project = Project {
            name: "shop".into(),
            directory: "/srv/shop".into(),
            files: vec!["compose.yaml".into(), "deploy/prod.yaml".into()],
            texts: texts.map(|(path, text)| (path.to_owned(), text)).into(),
            profiles: BTreeSet::from(["more".to_owned()]),
            started: Some(BTreeSet::from(["app".to_owned()])),
            has_env: true,
            has_undefined: true,
            differences: vec!["service app differs".into()],
        };
        let labels = [("com.docker.compose.version", "2"), ("team", "a")];
        let spec = NetworkSpec {
            name: "edge".into(),
            driver: "bridge".into(),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            internal: true,
            attachable: true,
            subnets: vec![Subnet {
                cidr: "10.0.0.0/24".into(),
                gateway: Some("10.0.0.1".into()),
                ip_range: None,
            }],
            ..NetworkSpec::default()
        };
        let volume = VolumeSpec { name: "data".into(), driver: "local".into(), ..VolumeSpec::default() };
        let job = CronFile {
            path: "/etc/cron.d/nightly".into(),
            mode: "0644".into(),
            owner: "root".into(),
            group: "root".into(),
            text: "* * * * * root true\n".into(),
        };
        let crontab = CronFile {
            path: "/var/spool/cron/crontabs/john.doe".into(),
            mode: "0600".into(),
            owner: "john.doe".into(),
            group: "crontab".into(),
            text: "API_TOKEN=sesame\n* * * * * true\n".into(),
        };
        let found = Found {
            projects: vec![project],
            networks: vec![spec],
            volumes: vec![volume],
            cron: vec![job, crontab],
            left_out: vec![LeftOut::project("blog", "it is elsewhere".into())],
        };
        let files = files("ssh://root@web", &found);
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                ".gitignore",
                "cron.tf",
                "cron/crontabs/john.doe",
                "cron/nightly",
                "networks.tf",
                "stacks.tf",
                "stacks/shop/app.env",
                "stacks/shop/compose.yaml",
                "stacks/shop/deploy/prod.yaml",
                "versions.tf",
                "volumes.tf"
            ]
        );
        let stack = &files["stacks.tf"];
        for line in [
            "id = \"ssh://root@web|shop|source_dir=./stacks/shop|files=compose.yaml|files=deploy/prod.yaml|profiles=more|start_services=app|host_env=merge|undefined_variables=warn\"",
            "directory           = \"/srv/shop\"",
            "source_dir          = \"${path.module}/stacks/shop\"",
            "files               = [\"compose.yaml\", \"deploy/prod.yaml\"]",
            "profiles            = [\"more\"]",
            "start_services      = [\"app\"]",
            "host_env            = \"merge\"",
            "undefined_variables = \"warn\"",
            "# Its .env stays on the server, too,",
            "# These may hold secrets, and are in .gitignore: app.env.",
            "# The first plan is not empty: service app differs.",
        ] {
            assert!(stack.contains(line), "{line}: {stack}");
        }
        assert!(files.iter().all(|(name, text)| !name.ends_with(".tf") || !text.contains("sesame")));
        assert!(
            files[".gitignore"].ends_with("none.\n/stacks/shop/app.env\n/cron/crontabs/john.doe\n"),
            "{}",
            files[".gitignore"]
        );
        assert!(files["versions.tf"].contains("\n# Left out: project blog: it is elsewhere.\n\nterraform {"));
        let network = &files["networks.tf"];
        assert!(
            network.contains("labels   = { \"team\" = \"a\" }")
                && network.contains("# Its addresses: 10.0.0.0/24, gateway 10.0.0.1.")
        );
        assert!(!network.contains("attachable"), "of an overlay network alone: {network}");
        let cron = &files["cron.tf"];
        for line in [
            "source = \"${path.module}/cron/nightly\"",
            "id = \"ssh://root@web|/etc/cron.d/nightly|source=./cron/nightly\"",
            "# The crontab of john.doe: `crontab -e` there is drift from now on.\n# It may hold a secret,",
            "source = \"${path.module}/cron/crontabs/john.doe\"",
            "id = \"ssh://root@web|/var/spool/cron/crontabs/john.doe|source=./cron/crontabs/john.doe\"",
        ] {
            assert!(cron.contains(line), "{cron}");
        }
        assert_eq!(super::files("ssh://web", &Found::default()).len(), 1);
    }
}
