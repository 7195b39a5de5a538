//! What each image of the lab is made of. An image's tag is the hash of its recipe and of the one
//! below it, so a changed recipe is built and an unchanged one is found in the engine's cache.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::files::{Content, FileEntry};

/// Release inside of the hosts: the first one that has Compose v2 as a package.
pub(crate) const SUITE: &str = "trixie";

/// Changes when the way the base is made changes.
const BASE_VERSION: &str = "1";

/// Changes when the way changes that an image is made by its recipe, and what was made before does not do.
const BUILD_VERSION: &str = "2";

/// An image made from another one by installing packages.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub name: &'static str,
    /// What it is made from, where that is not the base.
    pub from: Option<Box<Recipe>>,
    pub packages: &'static [&'static str],
    /// Files put in before the packages are installed.
    pub files: Vec<FileEntry>,
    /// Run by sh after the packages are installed.
    pub finish: &'static str,
    /// Instructions of a Dockerfile that set the image's configuration.
    pub changes: &'static [&'static str],
    /// Signal that stops a container, where it is not SIGTERM.
    pub stop_signal: &'static str,
}

fn script(path: &str, content: &str) -> FileEntry {
    FileEntry::file(path, 0o755, content)
}

/// The machine that everything is deployed to.
pub(crate) fn host() -> Recipe {
    Recipe {
        name: "host",
        from: None,
        packages: &[
            "curl",
            "docker-buildx",
            "docker-cli",
            "docker-compose",
            "docker.io",
            "git",
            "iproute2",
            "iptables",
            "openssh-server",
            // Refused by Windlass, for which it has to be there.
            "podman",
            "procps",
            "rootlesskit",
            "slirp4netns",
            "sudo",
            "tar",
            "tini",
            "uidmap",
            "zstd",
        ],
        files: vec![
            script("usr/local/sbin/lab-init", include_str!("../images/host-init.sh")),
            script("usr/local/sbin/lab-prepare", include_str!("../images/host-prepare.sh")),
            script("usr/local/sbin/lab-service", include_str!("../images/host-service.sh")),
        ],
        finish: "rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id && \
                 useradd -m -u 1000 -s /bin/bash -G docker deploy && \
                 useradd -m -u 1001 -s /bin/bash admin && \
                 mkdir -p /etc/docker /etc/lab",
        changes: &["ENTRYPOINT [\"tini\", \"--\", \"/usr/local/sbin/lab-init\"]"],
        stop_signal: "SIGTERM",
    }
}

/// The same machine with systemd as its first process, as a rented one has.
pub(crate) fn systemd_host() -> Recipe {
    Recipe {
        name: "systemd-host",
        from: Some(Box::new(host())),
        packages: &["dbus", "nftables", "systemd", "systemd-sysv"],
        files: vec![FileEntry::file(
            "etc/systemd/system/lab-prepare.service",
            0o644,
            include_str!("../images/lab-prepare.service"),
        )],
        // Whoever installs a service there finds it started, as on a real machine.
        finish: "rm -f /usr/sbin/policy-rc.d && : >/etc/machine-id && \
                 systemctl enable lab-prepare.service ssh.service docker.service && \
                 systemctl mask console-getty.service systemd-modules-load.service",
        changes: &["ENTRYPOINT [\"/sbin/init\"]", "ENV container=docker"],
        stop_signal: "SIGRTMIN+3",
    }
}

/// The same machine with login shells that are not of Bourne's kind, or take more for theirs.
pub(crate) fn shells_host() -> Recipe {
    Recipe {
        name: "shells-host",
        from: Some(Box::new(host())),
        packages: &["fish", "tcsh", "zsh"],
        files: vec![],
        finish: "true",
        changes: host().changes,
        stop_signal: "SIGTERM",
    }
}

/// The registry, before it is filled.
pub(crate) fn registry() -> Recipe {
    Recipe {
        name: "registry",
        from: None,
        packages: &["docker-registry", "tini", "whois"],
        files: vec![
            script("usr/local/sbin/lab-registry", include_str!("../images/registry-init.sh")),
            FileEntry::file("etc/lab/public.yml", 0o644, registry_config(":5000", false)),
            FileEntry::file("etc/lab/private.yml", 0o644, registry_config(":5001", true)),
        ],
        finish: "mkdir -p /srv/registry",
        changes: &["ENTRYPOINT [\"tini\", \"--\", \"/usr/local/sbin/lab-registry\"]"],
        stop_signal: "SIGTERM",
    }
}

/// Both registries serve the same storage; only what guards it differs.
pub(crate) fn registry_config(address: &str, private: bool) -> String {
    let mut config = format!(
        "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: /srv/registry}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"{address}\"}}\n"
    );
    if private {
        config.push_str("auth: {htpasswd: {realm: lab, path: /etc/lab/htpasswd}}\n");
    }
    config
}

/// A workload image: what the lab's registry offers it as.
#[derive(Debug)]
pub(crate) struct Workload {
    pub recipe: Recipe,
    pub tag: &'static str,
}

/// Images of real services, with the paths and variables that people know from the usual ones.
pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        Workload {
            tag: "1.26",
            recipe: Recipe {
                name: "nginx",
                from: None,
                packages: &["curl", "nginx-light"],
                files: vec![FileEntry::file(
                    "etc/nginx/conf.d/default.conf",
                    0o644,
                    "server {\n    listen 80;\n    server_name localhost;\n    location / {\n        \
                     root /usr/share/nginx/html;\n        index index.html;\n    }\n}\n",
                )],
                finish: "rm -f /etc/nginx/sites-enabled/default && \
                         ln -sf /dev/stdout /var/log/nginx/access.log && \
                         ln -sf /dev/stderr /var/log/nginx/error.log",
                changes: &["CMD [\"nginx\", \"-g\", \"daemon off;\"]", "EXPOSE 80"],
                stop_signal: "SIGQUIT",
            },
        },
        Workload {
            tag: "8.0",
            recipe: Recipe {
                name: "redis",
                from: None,
                packages: &["redis-server"],
                files: vec![],
                finish: "mkdir -p /data && chown redis:redis /data",
                changes: &[
                    "USER redis",
                    "WORKDIR /data",
                    "VOLUME /data",
                    "CMD [\"redis-server\", \"--protected-mode\", \"no\"]",
                    "EXPOSE 6379",
                ],
                stop_signal: "SIGTERM",
            },
        },
        Workload {
            tag: "3",
            recipe: Recipe {
                name: "sqlite",
                from: None,
                packages: &["sqlite3"],
                files: vec![],
                finish: "mkdir -p /data",
                changes: &["WORKDIR /data", "VOLUME /data", "CMD [\"sleep\", \"infinity\"]"],
                stop_signal: "SIGKILL",
            },
        },
        Workload {
            tag: "11.8",
            recipe: Recipe {
                name: "mariadb",
                from: None,
                packages: &["mariadb-client", "mariadb-server-core"],
                files: vec![script(
                    "usr/local/bin/docker-entrypoint.sh",
                    include_str!("../images/mariadb-entrypoint.sh"),
                )],
                finish: "useradd -r mysql && rm -rf /var/lib/mysql && install -d -o mysql /var/lib/mysql /run/mysqld",
                changes: &[
                    "VOLUME /var/lib/mysql",
                    "ENTRYPOINT [\"docker-entrypoint.sh\"]",
                    "CMD [\"mariadbd\"]",
                    "EXPOSE 3306",
                ],
                stop_signal: "SIGTERM",
            },
        },
        Workload {
            tag: "17",
            recipe: Recipe {
                name: "postgres",
                from: None,
                packages: &["postgresql-17"],
                files: vec![
                    FileEntry::file(
                        "etc/postgresql-common/createcluster.conf",
                        0o644,
                        "create_main_cluster = false\n",
                    ),
                    script(
                        "usr/local/bin/docker-entrypoint.sh",
                        include_str!("../images/postgres-entrypoint.sh"),
                    ),
                ],
                finish: "mkdir -p /docker-entrypoint-initdb.d /var/lib/postgresql/data",
                changes: &[
                    "ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "ENV PGDATA=/var/lib/postgresql/data",
                    "VOLUME /var/lib/postgresql/data",
                    "ENTRYPOINT [\"docker-entrypoint.sh\"]",
                    "CMD [\"postgres\"]",
                    "EXPOSE 5432",
                ],
                stop_signal: "SIGINT",
            },
        },
    ]
}

/// Where busybox comes from; the images themselves are made by [`busybox_files`].
pub(crate) fn busybox_source() -> Recipe {
    Recipe {
        name: "busybox-source",
        from: None,
        packages: &["busybox-static"],
        files: vec![],
        finish: "true",
        changes: &[],
        stop_signal: "SIGTERM",
    }
}

/// Where the Rust coreutils and sudo-rs come from.
pub(crate) fn rust_tools_source() -> Recipe {
    Recipe {
        name: "rust-tools-source",
        from: None,
        packages: &["rust-coreutils", "sudo-rs"],
        files: vec![],
        finish: "true",
        changes: &[],
        stop_signal: "SIGTERM",
    }
}

/// Tags of the busybox image; each differs from the others by the content of `/version`.
pub(crate) const BUSYBOX_TAGS: [&str; 2] = ["1", "2"];

/// A root file system of a static busybox and a link for each of its applets.
pub(crate) fn busybox_files(busybox: Vec<u8>, applets: &str, tag: &str) -> Vec<FileEntry> {
    let mut files = vec![
        FileEntry::directory("bin", 0o755),
        FileEntry::directory("etc", 0o755),
        FileEntry::directory("root", 0o700),
        FileEntry::directory("tmp", 0o1777),
        FileEntry::directory("www", 0o755),
        FileEntry::file("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n"),
        FileEntry::file("etc/group", 0o644, "root:x:0:\n"),
        FileEntry::file("version", 0o644, format!("{tag}\n")),
        FileEntry::file("www/index.html", 0o644, format!("busybox {tag}\n")),
        FileEntry::file("bin/busybox", 0o755, busybox),
    ];
    files.extend(
        applets
            .lines()
            .map(str::trim)
            .filter(|applet| !applet.is_empty() && *applet != "busybox")
            .map(|applet| FileEntry::link(&format!("bin/{applet}"), "busybox")),
    );
    files
}

/// Tag of the engine's busybox images: the package's recipe and the files around it.
pub(crate) fn busybox_tag() -> String {
    let files = busybox_files(Vec::new(), "", "");
    short_hash(&format!("{} {files:?}", busybox_source().tag()))
}

/// Tag of the base image.
pub(crate) fn base_tag() -> String {
    short_hash(&format!("{SUITE} {BASE_VERSION}"))
}

impl Recipe {
    /// Tag of the image that this recipe makes.
    pub fn tag(&self) -> String {
        let mut text = format!(
            "{BUILD_VERSION} {} {} {:?} {} {:?} {}",
            self.from.as_ref().map_or_else(base_tag, |from| from.tag()),
            self.name,
            self.packages,
            self.finish,
            self.changes,
            self.stop_signal
        );
        for file in &self.files {
            let content = match &file.content {
                Content::File(content) => String::from_utf8_lossy(content).into_owned(),
                other => format!("{other:?}"),
            };
            let _ = write!(text, " {} {:o} {} {content}", file.path, file.mode, file.owner);
        }
        short_hash(&text)
    }

    /// The script that turns what it is made from into this image.
    pub fn install_script(&self) -> String {
        format!(
            "set -e; export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; \
             apt-get install -qq -y --no-install-recommends {}; \
             apt-get clean; rm -rf /var/lib/apt/lists/*; {}",
            self.packages.join(" "),
            self.finish
        )
    }
}

/// Twelve hexadecimal digits of a text's SHA-256.
pub(crate) fn short_hash(text: &str) -> String {
    secret::hex(&Sha256::digest(text.as_bytes())[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_changes_with_anything_in_the_recipe() {
        let tag = host().tag();
        assert_eq!(tag, host().tag());
        assert_eq!(tag.len(), 12);
        let mut other = host();
        other.files[0].mode = 0o700;
        assert_ne!(tag, other.tag());
        let mut other = host();
        other.packages = &["git"];
        assert_ne!(tag, other.tag());
        let mut above = systemd_host();
        above.from = Some(Box::new(other));
        assert_ne!(above.tag(), systemd_host().tag());
    }

    #[test]
    fn the_script_stops_at_the_first_failure() {
        assert_eq!(
            busybox_source().install_script(),
            "set -e; export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; \
             apt-get install -qq -y --no-install-recommends busybox-static; \
             apt-get clean; rm -rf /var/lib/apt/lists/*; true"
        );
    }

    #[test]
    fn busybox_tags_differ_and_link_their_applets() {
        let one = busybox_files(vec![1], "busybox\nls\nsh\n", "1");
        let two = busybox_files(vec![1], "busybox\nls\nsh\n", "2");
        assert_ne!(one, two);
        assert!(one.contains(&FileEntry::link("bin/sh", "busybox")));
        assert!(!one.contains(&FileEntry::link("bin/busybox", "busybox")));
    }

    #[test]
    fn only_the_private_registry_asks_for_a_password() {
        assert!(!registry_config(":5000", false).contains("auth"));
        assert!(registry_config(":5001", true).contains("htpasswd"));
    }
}
