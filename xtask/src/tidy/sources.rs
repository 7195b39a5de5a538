//! Rules about Rust sources that the compiler does not know.

use super::code::{self, Keep};
use super::{SourceFile, Violation};

/// Longer files are hard to read front to back; split by what they say.
const MAXIMUM_LINES: usize = 600;

/// Crates that know the protocol and nothing of what is done with it.
const PROTOCOL_CRATES: &[&str] =
    &["crates/tfplugin5/", "crates/tfvalue/", "crates/framework/", "crates/framework-derive/"];
const DOMAIN_WORDS: &[&str] = &["docker", "ssh", "windlass"];

/// Crates that know servers and nothing of what drives them.
const DOMAIN_CRATES: &[&str] = &[
    "crates/remote/",
    "crates/ssh/",
    "crates/docker/",
    "crates/sops/",
    "crates/tailnet/",
    "crates/backup/",
    "crates/secret/",
];
/// Not `tofu`: in the SSH crate that is trust on first use.
const PROTOCOL_WORDS: &[&str] = &["terraform", "opentofu"];

/// Where the wire's crates may be named in the provider.
const ADAPTER: &[&str] = &["provider/src/main.rs", "provider/src/adapter"];
const WIRE_CRATES: &[&str] = &["tonic", "prost", "tonic_prost", "prost_types", "tfplugin5"];

/// Crates that work through an executor, whatever is behind it.
const EXECUTOR_USERS: &[&str] = &["crates/docker/", "crates/backup/"];

/// Where something may be written to stdout: the handshake, and the companion
/// tool, whose output is its purpose.
const STDOUT_USERS: &[&str] = &["crates/tfplugin5/", "provider/src/main.rs", "cli/"];

const RESOURCES: &str = "provider/src/resources/";

pub fn check(files: &[SourceFile]) -> Vec<Violation> {
    let resources = resource_folders(files);
    files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .flat_map(|file| check_one(file, &resources))
        .collect()
}

fn check_one(file: &SourceFile, resources: &[&str]) -> Vec<Violation> {
    let code = code::strip(&file.text, Keep::Code);
    let mut violations = Vec::new();
    violations.extend(too_long(file));
    violations.extend(prints(file, &code));
    violations.extend(wire_in_provider(file, &code));
    violations.extend(other_half(file));
    violations.extend(ssh_behind_executor(file, &code));
    violations.extend(sibling_resource(file, &code, resources));
    violations
}

fn starts_with_any(path: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

fn at(file: &SourceFile, line: usize, text: impl Into<String>) -> Violation {
    Violation::new(format!("{}:{line}", file.path), text)
}

fn too_long(file: &SourceFile) -> Option<Violation> {
    let lines = file.text.lines().count();
    (lines > MAXIMUM_LINES).then(|| {
        Violation::new(
            &file.path,
            format!("has {lines} lines; {MAXIMUM_LINES} is the limit, about 200 the aim"),
        )
    })
}

/// The lints say the same, but a lint can be switched off in the file.
fn prints(file: &SourceFile, code: &str) -> Vec<Violation> {
    let is_build_script = file.path.ends_with("/build.rs");
    let is_test = file.path.starts_with("tests/") || file.path.contains("/tests/");
    if is_test || is_build_script || file.path.starts_with("xtask/") {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let identifiers = code::identifiers(line);
        let names = |name: &str| identifiers.iter().any(|(_, found)| *found == name);
        for print in ["println", "print", "eprintln", "eprint"] {
            if names(print) && line.contains(&format!("{print}!")) {
                violations.push(at(file, index + 1, format!("{print}! is not for here: use tracing")));
            }
        }
        let stdout = line.contains("io::stdout") || (names("stdout") && names("use"));
        if stdout && !starts_with_any(&file.path, STDOUT_USERS) {
            let text = "stdout belongs to the plugin handshake";
            violations.push(at(file, index + 1, text));
        }
    }
    violations
}

fn wire_in_provider(file: &SourceFile, code: &str) -> Vec<Violation> {
    if !file.path.starts_with("provider/src/") || starts_with_any(&file.path, ADAPTER) {
        return Vec::new();
    }
    code::identifiers(code)
        .into_iter()
        .filter(|(_, name)| WIRE_CRATES.contains(name))
        .map(|(line, name)| {
            let text = format!("names {name}; only main.rs and the adapter know the wire");
            at(file, line, text)
        })
        .collect()
}

/// The two halves of the architecture do not name each other, strings included.
fn other_half(file: &SourceFile) -> Vec<Violation> {
    let (words, half) = if starts_with_any(&file.path, PROTOCOL_CRATES) {
        (DOMAIN_WORDS, "protocol")
    } else if starts_with_any(&file.path, DOMAIN_CRATES) {
        (PROTOCOL_WORDS, "domain")
    } else {
        return Vec::new();
    };
    code::words(&code::strip(&file.text, Keep::Strings))
        .into_iter()
        .filter(|(_, word)| words.contains(&word.as_str()))
        .map(|(line, word)| at(file, line, format!("names {word}; the {half} crates know nothing of it")))
        .collect()
}

fn ssh_behind_executor(file: &SourceFile, code: &str) -> Vec<Violation> {
    if !starts_with_any(&file.path, EXECUTOR_USERS) {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let names = |name: &str| code::identifiers(line).iter().any(|(_, n)| *n == name);
        let is_path = names("ssh") && (line.contains("ssh::") || names("use"));
        if is_path || names("russh") {
            let text = "names ssh; it works through an Executor, whatever is behind it";
            violations.push(at(file, index + 1, text));
        }
    }
    violations
}

/// The folders directly under provider/src/resources.
fn resource_folders(files: &[SourceFile]) -> Vec<&str> {
    let mut folders: Vec<&str> = files.iter().filter_map(|file| resource_of(&file.path)).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

fn resource_of(path: &str) -> Option<&str> {
    let (folder, _) = path.strip_prefix(RESOURCES)?.split_once('/')?;
    Some(folder)
}

fn sibling_resource(file: &SourceFile, code: &str, resources: &[&str]) -> Vec<Violation> {
    let Some(own) = resource_of(&file.path) else {
        return Vec::new();
    };
    let mut violations = Vec::new();
    for (line, name) in named_through(code, &["resources", "super"]) {
        if name != own && resources.contains(&name.as_str()) {
            let text = format!(
                "uses the resource folder {name}; share through a domain crate or the provider's own modules"
            );
            violations.push(at(file, line, text));
        }
    }
    violations
}

/// The names right behind `<module>::`, also those in braces, with their lines.
fn named_through(code: &str, modules: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("::") {
        let module =
            code[..start].rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        if !modules.contains(&module) {
            continue;
        }
        let line = code[..start].lines().count().max(1);
        let behind = &code[start + 2..];
        let reach = match behind.trim_start().strip_prefix('{') {
            Some(group) => &group[..closing_brace(group)],
            None => behind.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default(),
        };
        let names = code::identifiers(reach).into_iter();
        found.extend(names.map(|(_, name)| (line, name.to_owned())));
    }
    found
}

/// Where the brace that opened before `group` closes.
fn closing_brace(group: &str) -> usize {
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    group.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    fn texts(files: &[SourceFile]) -> Vec<String> {
        check(files).iter().map(ToString::to_string).collect()
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
        assert_clean("crates/a/src/lib.rs", "let s = \"println!\";\n");
    }

    #[test]
    fn stdout_is_for_the_handshake() {
        let text = "std::io::stdout().write_all(b\"x\");\n";
        assert_eq!(
            texts(&[file("crates/docker/src/lib.rs", text)]),
            ["crates/docker/src/lib.rs:1: stdout belongs to the plugin handshake"]
        );
        assert_clean("crates/tfplugin5/src/serve.rs", text);
        assert_clean("crates/docker/src/lib.rs", "let out = child.stdout.take();\n");
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
            texts(&[file("crates/ssh/src/a.rs", "let x = terraform_state();\n")]),
            ["crates/ssh/src/a.rs:1: names terraform; the domain crates know nothing of it"]
        );
        assert_clean("crates/docker/src/a.rs", "// Terraform plans this.\n");
        assert_clean("crates/ssh/src/a.rs", "enum Trust { Tofu }\n");
        assert_clean("provider/src/main.rs", "const NAME: &str = \"terraform\";\n");
    }

    #[test]
    fn docker_does_not_reach_around_its_executor() {
        assert_eq!(
            texts(&[file("crates/docker/src/a.rs", "use ssh::Client;\n")]),
            ["crates/docker/src/a.rs:1: names ssh; it works through an Executor, whatever is behind it"]
        );
        assert_clean("crates/docker/src/a.rs", "let scheme = \"ssh://\";\n");
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
            ("let host = super::read(host);\n", false),
        ];
        for (text, is_violation) in cases {
            let own = file("provider/src/resources/file/apply.rs", text);
            let found = check(&[own, file(&other.path, "")]);
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
