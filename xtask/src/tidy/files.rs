//! Rules about every tracked text file.

use super::{SourceFile, Violation};

/// Hosts of package registries, in halves so that this file is clean itself.
/// Packages come from wherever the machine is set up to get them: a mirror in a
/// company, a proxy in CI.
const REGISTRY_HOSTS: &[(&str, &str)] = &[
    ("deb.deb", "ian.org"),
    ("security.deb", "ian.org"),
    ("snapshot.deb", "ian.org"),
    ("ftp.deb", "ian.org"),
    ("archive.ubu", "ntu.com"),
    ("crat", "es.io"),
    ("py", "pi.org"),
    ("python", "hosted.org"),
    ("np", "mjs.org"),
    ("np", "mjs.com"),
    ("ruby", "gems.org"),
    ("proxy.go", "lang.org"),
    ("sum.go", "lang.org"),
];

/// Beginnings of paths that exist on somebody's machine only, in halves too.
const MACHINE_PATHS: &[(&str, &str)] = &[("/wo", "rk/"), ("/Us", "ers/"), ("/home/run", "ner/")];

/// Written by cargo, which names where crates come from.
const EXEMPT: &[&str] = &["Cargo.lock"];

pub fn check(files: &[SourceFile]) -> Vec<Violation> {
    files.iter().filter(|file| !EXEMPT.contains(&file.path.as_str())).flat_map(check_one).collect()
}

fn check_one(file: &SourceFile) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (left, right) in REGISTRY_HOSTS {
        let host = format!("{left}{right}");
        let text = format!("names the package registry {host}; take it from the machine's configuration");
        violations.extend(lines(file, &host, names_host).map(|place| Violation::new(place, text.clone())));
    }
    for (left, right) in MACHINE_PATHS {
        let path = format!("{left}{right}");
        let text = format!("names a path of one machine ({path}…)");
        violations.extend(lines(file, &path, names_path).map(|place| Violation::new(place, text.clone())));
    }
    violations
}

/// The places where a line of the file names something.
fn lines(file: &SourceFile, what: &str, names: fn(&str, &str) -> bool) -> impl Iterator<Item = String> {
    let text = if file.text.contains(what) { file.text.as_str() } else { "" };
    let lines = text.lines().enumerate().filter(move |(_, line)| names(line, what));
    lines.map(|(index, _)| format!("{}:{}", file.path, index + 1))
}

/// `a.host` is the host's; `ahost` and `host.more` are other names.
fn names_host(line: &str, host: &str) -> bool {
    line.match_indices(host).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + host.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '-')
            && !after.is_some_and(|c| c.is_alphanumeric() || c == '-')
    })
}

/// An absolute path, not the middle of another one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "./_-}>~".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile { path: path.into(), text: text.into() };
        check(&[file]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_package_registry_is_named_with_its_line() {
        let host = ["deb.debian", "org"].join(".");
        assert_eq!(
            texts("a.sh", &format!("\ncurl http://{host}/debian\n")),
            [format!("a.sh:2: names the package registry {host}; take it from the machine's configuration")]
        );
    }

    #[test]
    fn a_subdomain_counts_and_a_longer_name_does_not() {
        let host = ["crates", "io"].join(".");
        assert_eq!(texts("a", &format!("static.{host}")).len(), 1);
        assert_eq!(texts("a", &format!("my{host} {host}n")).len(), 0);
        assert_eq!(texts("Cargo.lock", &host).len(), 0);
    }

    #[test]
    fn provider_registries_may_be_named() {
        let text = "registry.terraform.io registry.opentofu.org";
        assert_eq!(texts("a", text), Vec::<String>::new());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let path = ["/wo", "rk/main"].concat();
        assert_eq!(texts("a", &format!("see {path}")).len(), 1);
        assert_eq!(texts("a", &format!("$HOME{}", "/.cache")).len(), 0);
        assert_eq!(texts("a", &format!("frame{path}")).len(), 0);
    }
}
