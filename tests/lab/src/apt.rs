//! What the machine's own package configuration says: where Debian is fetched from, and installing
//! the few programs that the lab itself needs.

use std::path::Path;

use crate::command::{check_interrupt, find_program, run, words};
use crate::error::{Error, Result};

/// One source of packages as written in `sources.list` or a `.sources` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub uri: String,
    pub suites: Vec<String>,
    pub components: Vec<String>,
}

/// Reads the one-line format (`deb [options] uri suite component…`).
pub(crate) fn parse_one_line(text: &str) -> Vec<Source> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next()?.trim().strip_prefix("deb ")?.trim();
            let line = match line.strip_prefix('[') {
                Some(rest) => rest.split_once(']')?.1,
                None => line,
            };
            let mut fields = line.split_whitespace().map(str::to_owned);
            Some(Source { uri: fields.next()?, suites: vec![fields.next()?], components: fields.collect() })
        })
        .collect()
}

/// Reads the deb822 format: stanzas of `Field: value`, values continued on indented lines.
pub(crate) fn parse_deb822(text: &str) -> Vec<Source> {
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    text.split("\n\n")
        .flat_map(|stanza| {
            let fields = stanza_fields(stanza);
            let list = |name: &str| -> Vec<String> {
                fields
                    .iter()
                    .filter(|(field, _)| field == name)
                    .flat_map(|(_, value)| value.split_whitespace().map(str::to_owned))
                    .collect()
            };
            let enabled = list("enabled").first().is_none_or(|value| value != "no");
            if !enabled || !list("types").iter().any(|kind| kind == "deb") {
                return Vec::new();
            }
            list("uris")
                .into_iter()
                .map(|uri| Source { uri, suites: list("suites"), components: list("components") })
                .collect()
        })
        .collect()
}

fn stanza_fields(stanza: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in stanza.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

/// The mirror that serves the distribution's main archive: it has the running release itself
/// (not its security or updates suite) and the component `main`.
pub(crate) fn main_mirror<'a>(sources: &'a [Source], codename: &str) -> Option<&'a str> {
    sources
        .iter()
        .find(|source| {
            source.suites.iter().any(|suite| suite == codename)
                && source.components.iter().any(|component| component == "main")
        })
        .map(|source| source.uri.trim_end_matches('/'))
}

/// One value of `/etc/os-release`.
pub(crate) fn os_release<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(field, _)| *field == name)
        .map(|(_, value)| value.trim_matches('"'))
}

/// The Debian mirror of this machine, or nothing where it does not run Debian (debootstrap then
/// takes its own default). `WINDLASS_LAB_MIRROR` wins over both.
pub(crate) fn debian_mirror() -> Option<String> {
    if let Ok(mirror) = std::env::var("WINDLASS_LAB_MIRROR") {
        return Some(mirror);
    }
    let release = std::fs::read_to_string("/etc/os-release").ok()?;
    if os_release(&release, "ID") != Some("debian") {
        return None;
    }
    let codename = os_release(&release, "VERSION_CODENAME")?;
    let mirror = main_mirror(&machine_sources(), codename)?.to_owned();
    // Cloud images name a file that holds the mirrors.
    match mirror.strip_prefix("mirror+file:") {
        None => Some(mirror),
        Some(list) => {
            let list = std::fs::read_to_string(list).ok()?;
            let first = list.lines().find(|line| line.starts_with("http"))?;
            Some(first.split_whitespace().next()?.to_owned())
        }
    }
}

fn machine_sources() -> Vec<Source> {
    let mut paths = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
    if let Ok(entries) = std::fs::read_dir("/etc/apt/sources.list.d") {
        let mut more: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        paths.extend(more);
    }
    paths
        .iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(path).ok()?;
            match path.extension()?.to_str()? {
                "list" => Some(parse_one_line(&text)),
                "sources" => Some(parse_deb822(&text)),
                _ => None,
            }
        })
        .flatten()
        .collect()
}

/// The proxy settings in the output of `apt-config dump`, as lines for a file in `apt.conf.d`.
pub(crate) fn proxy_lines(dump: &str) -> String {
    dump.lines()
        .filter(|line| {
            let name = line.split_whitespace().next().unwrap_or_default();
            name.starts_with("Acquire::") && name.ends_with("::Proxy") && !line.contains("\"\"")
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Programs that the lab runs on this machine, and the package of each.
const PROGRAMS: [(&str, &str); 8] = [
    ("dockerd", "docker.io"),
    ("docker", "docker-cli"),
    ("debootstrap", "debootstrap"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("ssh-keygen", "openssh-client"),
    ("setsid", "util-linux"),
    ("tar", "tar"),
];

/// Installs what the lab itself needs.
pub(crate) fn ensure_programs(report: &dyn Fn(&str)) -> Result<()> {
    let mut packages = missing(&PROGRAMS);
    if !Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").exists() {
        packages.push("debian-archive-keyring");
    }
    install(packages, report)
}

/// Installs the packages of missing programs (pairs of a program and its package) from wherever
/// the machine's apt is set up to look, without starting any service of theirs.
///
/// # Errors
/// When not run as root on a Debian, or when apt fails; the text names the packages.
pub fn install_missing(programs: &[(&str, &'static str)], report: &dyn Fn(&str)) -> Result<()> {
    install(missing(programs), report)
}

fn install(mut packages: Vec<&str>, report: &dyn Fn(&str)) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    if run(&words(&["id", "-u"]))?.trim() != "0" || find_program("apt-get").is_none() {
        let list = packages.join(" ");
        return Err(Error::Refused(format!(
            "these packages are missing: {list}; install them, or run this as root on Debian"
        )));
    }
    run(&words(&["apt-get", "update", "-qq"]))?;
    // Before Debian 13 the client is part of docker.io.
    if packages.contains(&"docker-cli") && run(&words(&["apt-cache", "show", "docker-cli"])).is_err() {
        packages.retain(|package| *package != "docker-cli");
    }
    check_interrupt()?;
    report(&format!("installing {}", packages.join(" ")));
    let mut line = words(&[
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "install",
        "-qq",
        "-y",
        "--no-install-recommends",
    ]);
    line.extend(words(&packages));
    let _guard = ServicesStayDown::new()?;
    run(&line)?;
    Ok(())
}

/// The packages of programs that are not there, each once.
fn missing(programs: &[(&str, &'static str)]) -> Vec<&'static str> {
    let missing = programs.iter().filter(|(program, _)| find_program(program).is_none());
    let mut packages: Vec<_> = missing.map(|(_, package)| *package).collect();
    packages.dedup();
    packages
}

/// While it lives, package scripts start no services (the machine gets no engine by our doing).
struct ServicesStayDown {
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl ServicesStayDown {
    fn new() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            std::fs::write(POLICY, "#!/bin/sh\nexit 101\n").map_err(Error::file("write", POLICY))?;
            run(&words(&["chmod", "0755", POLICY]))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for ServicesStayDown {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_file(POLICY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_formats() {
        let one_line = "# deb http://old.example/debian trixie main\n\
             deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main contrib # x\n\
             deb-src http://a.example/debian bookworm main\n";
        let source = Source {
            uri: "http://a.example/debian".to_owned(),
            suites: vec!["bookworm".to_owned()],
            components: vec!["main".to_owned(), "contrib".to_owned()],
        };
        assert_eq!(parse_one_line(one_line), [source]);

        let deb822 = "Types: deb deb-src\n# a comment\nURIs: http://b.example/debian/\n\
             Suites: bookworm\n bookworm-updates\nComponents: main\n\n\
             Enabled: no\nTypes: deb\nURIs: http://c.example\nSuites: x\nComponents: main\n\n\
             Types: deb-src\nURIs: http://d.example\nSuites: bookworm\nComponents: main\n";
        let source = Source {
            uri: "http://b.example/debian/".to_owned(),
            suites: vec!["bookworm".to_owned(), "bookworm-updates".to_owned()],
            components: vec!["main".to_owned()],
        };
        assert_eq!(parse_deb822(deb822), [source]);
    }

    #[test]
    fn the_main_mirror_is_not_another_vendor_nor_security() {
        let text = "deb http://vendor.example/apt vendor-bookworm main\n\
             deb http://a.example/security bookworm-security main\n\
             deb http://a.example/node bookworm nodejs\n\
             deb http://a.example/debian/ bookworm main\n";
        let sources = parse_one_line(text);
        assert_eq!(main_mirror(&sources, "bookworm"), Some("http://a.example/debian"));
        assert_eq!(main_mirror(&sources, "trixie"), None);
    }

    #[test]
    fn os_release_values_may_be_quoted() {
        let text = "NAME=\"Debian GNU/Linux\"\nID=debian\n";
        assert_eq!(os_release(text, "NAME"), Some("Debian GNU/Linux"));
        assert_eq!(os_release(text, "ID"), Some("debian"));
        assert_eq!(os_release(text, "VERSION"), None);
    }

    #[test]
    fn a_package_is_missing_once() {
        let programs =
            [("no-such-program", "one"), ("nor-this", "one"), ("sh", "two"), ("nor-that", "three")];
        assert_eq!(missing(&programs), ["one", "three"]);
    }

    #[test]
    fn only_proxies_are_taken_over() {
        let dump = "APT::Architecture \"amd64\";\nAcquire::http::Proxy \"http://p.example:3128\";\n\
             Acquire::https::Proxy \"\";\nAcquire::Retries \"3\";\n";
        assert_eq!(proxy_lines(dump), "Acquire::http::Proxy \"http://p.example:3128\";\n");
    }
}
