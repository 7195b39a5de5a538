//! Rules about Rust sources that the compiler does not know.

use super::modules::Lead;
use super::rust::{Role, RustFile, words};
use super::{SourceFile, Violation};
use std::collections::BTreeSet;

/// Longer files are hard to read front to back; split by what they say.
const MAXIMUM_LINES: usize = 600;

/// Crates that know the protocol and nothing of what is done with it.
const PROTOCOL_CRATES: &[&str] =
    &["crates/tfplugin5/", "crates/tfvalue/", "crates/framework/", "crates/framework-derive/"];
const DOMAIN_WORDS: &[&str] = &["docker", "ssh", "windlass"];

/// Not `tofu`: in the SSH crate that is trust on first use.
const PROTOCOL_WORDS: &[&str] = &["terraform", "opentofu"];

/// Where names of files are listed, whoever writes them.
const FILE_NAMES: &[&str] = &["crates/tree/src/left_out.rs"];

/// Where the wire's crates may be named in the provider.
const ADAPTER: &[&str] = &["provider/src/main.rs", "provider/src/adapter"];
const WIRE_CRATES: &[&str] = &["tonic", "prost", "tonic_prost", "prost_types", "tfplugin5"];

/// The domain crates that know what is behind an executor: the one that is SSH,
/// and the one that says how a connection is spelled.
const SSH_USERS: &[&str] = &["crates/ssh/", "crates/remote/"];

const PRINTS: &[&str] = &["println", "print", "eprintln", "eprint"];

/// Where something may be written to stdout: the handshake, and the companion
/// tool, whose output is its purpose.
const STDOUT_USERS: &[&str] = &["crates/tfplugin5/", "provider/src/main.rs", "cli/"];

const RESOURCES: &str = "provider/src/resources/";

/// Crates that know servers and nothing of what drives them.
pub fn is_domain_crate(path: &str) -> bool {
    path.starts_with("crates/") && !starts_with_any(path, PROTOCOL_CRATES)
}

pub fn check(texts: &[SourceFile], files: &[RustFile], leads: &[Lead]) -> Vec<Violation> {
    let mut violations: Vec<Violation> = texts.iter().filter_map(too_long).collect();
    violations.extend(files.iter().flat_map(check_one));
    violations.extend(sibling_resources(files, leads));
    violations
}

fn check_one(file: &RustFile) -> Vec<Violation> {
    let mut violations = prints(file);
    violations.extend(wire_in_provider(file));
    violations.extend(other_half(file));
    violations.extend(ssh_behind_executor(file));
    violations
}

fn starts_with_any(path: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

fn at(path: &str, line: usize, text: impl Into<String>) -> Violation {
    Violation::new(format!("{path}:{line}"), text)
}

fn too_long(file: &SourceFile) -> Option<Violation> {
    let lines = file.text.lines().count();
    (file.is_rust() && lines > MAXIMUM_LINES).then(|| {
        Violation::new(
            &file.path,
            format!("has {lines} lines; {MAXIMUM_LINES} is the limit, about 200 the aim"),
        )
    })
}

/// The lints say the same, but a lint can be switched off in the file.
fn prints(file: &RustFile) -> Vec<Violation> {
    let is_build_script = file.path.ends_with("/build.rs");
    let is_test = file.path.starts_with("tests/") || file.path.contains("/tests/");
    if is_test || is_build_script || file.path.starts_with("xtask/") {
        return Vec::new();
    }
    let prints = file.macros.iter().filter(|name| PRINTS.contains(&name.text.as_str()));
    let mut violations: Vec<Violation> = prints
        .map(|found| at(file.path, found.line, format!("{}! is not for here: use tracing", found.text)))
        .collect();
    if !starts_with_any(file.path, STDOUT_USERS) {
        let stdout = file.paths().filter(|path| match path.role {
            Role::Mention => path.segments.windows(2).any(|pair| pair == ["io", "stdout"]),
            Role::Import { .. } | Role::Glob { .. } => path.segments.iter().any(|name| name == "stdout"),
        });
        violations
            .extend(stdout.map(|path| at(file.path, path.line, "stdout belongs to the plugin handshake")));
    }
    violations
}

fn wire_in_provider(file: &RustFile) -> Vec<Violation> {
    if !file.path.starts_with("provider/src/") || starts_with_any(file.path, ADAPTER) {
        return Vec::new();
    }
    let wire = file.identifiers.iter().filter(|name| WIRE_CRATES.contains(&name.text.as_str()));
    wire.map(|found| {
        let text = format!("names {}; only main.rs and the adapter know the wire", found.text);
        at(file.path, found.line, text)
    })
    .collect()
}

/// The two halves of the architecture do not name each other, strings included.
fn other_half(file: &RustFile) -> Vec<Violation> {
    let (forbidden, half) = if starts_with_any(file.path, PROTOCOL_CRATES) {
        (DOMAIN_WORDS, "protocol")
    } else if is_domain_crate(file.path) && !FILE_NAMES.contains(&file.path) {
        (PROTOCOL_WORDS, "domain")
    } else {
        return Vec::new();
    };
    let named = file.identifiers.iter().chain(&file.strings);
    named
        .filter(|found| {
            let text = found.text.to_ascii_lowercase();
            forbidden.iter().any(|word| text.contains(word))
        })
        .flat_map(|found| words(&found.text).into_iter().map(|word| (found.line, word)))
        .filter(|(_, word)| forbidden.contains(&word.as_str()))
        .map(|(line, word)| {
            at(file.path, line, format!("names {word}; the {half} crates know nothing of it"))
        })
        .collect()
}

fn ssh_behind_executor(file: &RustFile) -> Vec<Violation> {
    if !is_domain_crate(file.path) || starts_with_any(file.path, SSH_USERS) {
        return Vec::new();
    }
    let through = file.paths().filter(|path| {
        let modules = match path.role {
            Role::Mention => path.segments.split_last().map_or(&[][..], |(_, before)| before),
            Role::Import { .. } | Role::Glob { .. } => &path.segments,
        };
        // In `age::ssh` it is a kind of keys.
        let of_age = |at: usize| at > 0 && modules.get(at - 1).is_some_and(|name| name == "age");
        modules.iter().enumerate().any(|(at, name)| name == "ssh" && !of_age(at))
    });
    let russh = file.identifiers.iter().filter(|name| name.text == "russh");
    let lines: BTreeSet<usize> = through.map(|path| path.line).chain(russh.map(|found| found.line)).collect();
    let text = "names ssh; it works through an Executor, whatever is behind it";
    lines.into_iter().map(|line| at(file.path, line, text)).collect()
}

/// A folder directly under provider/src/resources.
fn resource_of(path: &str) -> Option<&str> {
    let (folder, _) = path.strip_prefix(RESOURCES)?.split_once('/')?;
    Some(folder)
}

fn sibling_resources(files: &[RustFile], leads: &[Lead]) -> Vec<Violation> {
    let folders: BTreeSet<&str> = files.iter().filter_map(|file| resource_of(file.path)).collect();
    let mut violations = Vec::new();
    for lead in leads {
        let (Some(own), [resources, other, ..]) = (resource_of(lead.file), &lead.to.names[..]) else {
            continue;
        };
        if resources == "resources" && other != own && folders.contains(other.as_str()) {
            let text = format!(
                "uses the resource folder {other}; share through a domain crate or the provider's own modules"
            );
            violations.push(at(lead.file, lead.line, text));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::{modules, rust};
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(files: &[SourceFile]) -> Vec<Violation> {
        let (read, unreadable) = rust::read_all(files);
        assert_eq!(unreadable, []);
        check(files, &read, &modules::leads(&read))
    }

    fn texts(files: &[SourceFile]) -> Vec<String> {
        found(files).iter().map(ToString::to_string).collect()
    }

    fn assert_clean(path: &str, text: &str) {
        assert_eq!(texts(&[file(path, text)]), Vec::<String>::new());
    }

    #[test]
    fn a_file_over_the_limit_is_named_with_its_length() {
        let text = "//\n".repeat(601);
        assert_eq!(
            texts(&[file("crates/a/src/lib.rs", &text)]),
            ["crates/a/src/lib.rs: has 601 lines; 600 is the limit, about 200 the aim"]
        );
        assert_clean("crates/a/src/lib.rs", &"//\n".repeat(600));
    }

    #[test]
    fn printing_is_for_tests_and_tools() {
        let text = "fn f() {\n    println!(\"x\");\n}\n";
        assert_eq!(
            texts(&[file("crates/a/src/lib.rs", text)]),
            ["crates/a/src/lib.rs:2: println! is not for here: use tracing"]
        );
        assert_clean("xtask/src/main.rs", text);
        assert_clean("tests/lab/src/main.rs", text);
        assert_clean("crates/a/build.rs", text);
        assert_clean("crates/a/src/lib.rs", "// println!(\"in a comment\")\n");
        assert_clean("crates/a/src/lib.rs", "fn f() { let s = \"println!\"; }\n");
    }

    #[test]
    fn stdout_is_for_the_handshake() {
        let text = "fn f() { std::io::stdout().write_all(b\"x\"); }\n";
        assert_eq!(
            texts(&[file("crates/docker/src/lib.rs", text)]),
            ["crates/docker/src/lib.rs:1: stdout belongs to the plugin handshake"]
        );
        assert_clean("crates/tfplugin5/src/serve.rs", text);
        assert_clean("crates/docker/src/lib.rs", "fn f() { let out = child.stdout.take(); }\n");
    }

    #[test]
    fn the_wire_is_named_by_the_adapter_alone() {
        let text = "use tonic::Status;\n";
        assert_eq!(
            texts(&[file("provider/src/settings.rs", text)]),
            ["provider/src/settings.rs:1: names tonic; only main.rs and the adapter know the wire"]
        );
        assert_clean("provider/src/adapter.rs", text);
        assert_clean("provider/src/adapter/convert.rs", text);
        assert_clean("provider/src/main.rs", text);
    }

    #[test]
    fn protocol_crates_do_not_know_the_domain() {
        assert_eq!(
            texts(&[file("crates/framework/src/a.rs", "\nconst X: &str = \"docker\";\n")]),
            ["crates/framework/src/a.rs:2: names docker; the protocol crates know nothing of it"]
        );
        assert_eq!(
            texts(&[file("crates/tfvalue/src/a.rs", "struct SshKey;\n")]),
            ["crates/tfvalue/src/a.rs:1: names ssh; the protocol crates know nothing of it"]
        );
        assert_clean("crates/framework/src/a.rs", "/// Such as windlass_file.\nfn f() {}\n");
    }

    #[test]
    fn domain_crates_do_not_know_the_protocol() {
        assert_eq!(
            texts(&[file("crates/ssh/src/a.rs", "fn f() { let x = terraform_state(); }\n")]),
            ["crates/ssh/src/a.rs:1: names terraform; the domain crates know nothing of it"]
        );
        assert_clean("crates/docker/src/a.rs", "// Terraform plans this.\n");
        assert_clean("crates/ssh/src/a.rs", "enum Trust { Tofu }\n");
        assert_clean("crates/tree/src/left_out.rs", "const NAME: &str = \"terraform.tfstate\";\n");
        assert_clean("provider/src/main.rs", "const NAME: &str = \"terraform\";\n");
    }

    #[test]
    fn docker_does_not_reach_around_its_executor() {
        assert_eq!(
            texts(&[file("crates/docker/src/a.rs", "use ssh::Client;\n")]),
            ["crates/docker/src/a.rs:1: names ssh; it works through an Executor, whatever is behind it"]
        );
        assert_clean("crates/docker/src/a.rs", "fn f() { let scheme = \"ssh://\"; }\n");
        assert_clean("crates/sops/src/a.rs", "fn f(key: age::ssh::Identity) {}\n");
    }

    #[test]
    fn a_resource_uses_no_sibling() {
        let other = file("provider/src/resources/host/mod.rs", "");
        let cases = [
            ("use crate::resources::host::model;\n", true),
            ("use super::super::host::Model;\n", true),
            ("use crate::resources::{\n    host::model,\n};\n", true),
            ("use super::model::Model;\n", false),
            ("use crate::resources::file::model;\n", false),
            ("use crate::host::connect;\n", false),
            ("fn f() { let host = super::read(host); }\n", false),
        ];
        for (text, is_violation) in cases {
            let own = file("provider/src/resources/file/apply.rs", text);
            let found = found(&[own, file(&other.path, "")]);
            assert_eq!(!found.is_empty(), is_violation, "{text}{found:?}");
        }
        let found = texts(&[file("provider/src/resources/file/a.rs", cases[0].0), other]);
        assert_eq!(
            found,
            [
                "provider/src/resources/file/a.rs:1: uses the resource folder host; share through a domain crate or the provider's own modules"
            ]
        );
    }
}
