//! Where the programs of Postgres run.

use docker::Cli;
use remote::Command;

/// Takes variables from stdin, a line each up to an empty one, and becomes the words that follow: words of a command
/// show in the process list.
pub(crate) const WITH_VARIABLES: &str =
    r#"while IFS= read -r line || exit; do [ -n "$line" ] || break; export "$line"; done; exec "$@""#;

/// What that script is called in a process list.
const NAME: &str = "windlass-postgres";

/// Where the programs of Postgres run: `pg_dump`, `pg_dumpall`, `pg_restore` and `psql`, none of which may be older
/// than the server.
#[derive(Clone, Debug)]
pub enum Tools {
    /// In the container that the server runs in, whose programs are of its very version.
    Container {
        /// The docker client on the host.
        cli: Cli,
        /// The container, by its name or id.
        container: String,
    },
    /// In a container of an image, which is made for one command and gone after it.
    Image {
        /// The docker client on the host.
        cli: Cli,
        /// The image, which the host has.
        image: String,
        /// Whose network it has.
        network: Network,
    },
    /// On the host itself.
    Host,
}

/// Whose network a container has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// The host's own, so that it reaches what that reaches.
    Host,
    /// That of another container, in which a server listens on loopback.
    Container(String),
}

impl Tools {
    /// `words` there, which read variables from stdin first where that is said.
    pub(super) fn command(&self, words: impl IntoIterator<Item = String>, has_variables: bool) -> Command {
        let script = ["sh", "-c", WITH_VARIABLES, NAME];
        let command = match self {
            Self::Container { cli, container } => {
                let command = cli.docker(["exec", "-i", container]);
                if has_variables { command.args(script) } else { command }
            }
            Self::Image { cli, image, network } => {
                let network = match network {
                    Network::Host => "host".to_owned(),
                    Network::Container(name) => format!("container:{name}"),
                };
                // What it writes is a dump, which would be written down once more as its log.
                let run = ["run", "--rm", "-i", "--pull", "never", "--log-driver", "none"];
                let command = cli.docker(run).args(["--network", &network, "--entrypoint", "sh", image]);
                command.args(script[1..].iter().copied())
            }
            Self::Host => Command::new(script),
        };
        command.args(words)
    }

    /// The docker client on the host, where one is used.
    pub(super) fn cli(&self) -> Option<&Cli> {
        match self {
            Self::Container { cli, .. } | Self::Image { cli, .. } => Some(cli),
            Self::Host => None,
        }
    }

    /// The container that the server runs in, if it does.
    pub(super) fn container(&self) -> Option<&str> {
        match self {
            Self::Container { container, .. }
            | Self::Image { network: Network::Container(container), .. } => Some(container),
            Self::Image { network: Network::Host, .. } | Self::Host => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn words(tools: &Tools, has_variables: bool) -> String {
        let words = ["pg_dump", "-d", "shop"].map(str::to_owned);
        tools.command(words, has_variables).words().join(" ").replace(WITH_VARIABLES, "SCRIPT")
    }

    fn cli() -> Cli {
        Cli::new("/run/docker.sock", "/root")
    }

    #[test]
    fn each_place_has_its_words() {
        let container = Tools::Container { cli: cli(), container: "db".into() };
        let plain = words(&container, false);
        assert_eq!(plain.split_once(" docker ").unwrap().1, "exec -i db pg_dump -d shop");
        let with = words(&container, true);
        assert!(
            with.ends_with(" docker exec -i db sh -c SCRIPT windlass-postgres pg_dump -d shop"),
            "{with}"
        );
        for (network, word) in [(Network::Host, "host"), (Network::Container("db".into()), "container:db")] {
            let image = Tools::Image { cli: cli(), image: "postgres:17".into(), network };
            let run = words(&image, true);
            assert_eq!(
                run.split_once(" docker ").unwrap().1,
                format!(
                    "run --rm -i --pull never --log-driver none --network {word} --entrypoint sh postgres:17 -c SCRIPT \
                     windlass-postgres pg_dump -d shop"
                )
            );
        }
        assert_eq!(words(&Tools::Host, true), "sh -c SCRIPT windlass-postgres pg_dump -d shop");
    }

    #[test]
    fn variables_are_taken_as_they_are_and_the_rest_is_left() {
        let text = "PGPASSWORD= a\\b $(c) 'd'\nPGHOST=db\n\nSELECT 1\n";
        let line = r#"printf '%s|%s|' "$PGPASSWORD" "$PGHOST"; cat"#;
        let mut shell = std::process::Command::new("sh")
            .args(["-c", WITH_VARIABLES, NAME, "sh", "-c", line])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let said = shell.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(said.stdout).unwrap(), " a\\b $(c) 'd'|db|SELECT 1\n");
    }
}
