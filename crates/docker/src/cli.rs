//! The docker command line on a host: how it is called, whatever it is called for.

use remote::Command;

/// Where programs are looked for: the login environment of the host does not count.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// How the docker client is called on one host: under an environment of which every variable is
/// written here, so that neither the login environment nor the client's context changes a result.
///
/// Values never appear among the words; they travel by files of mode 0600 or by stdin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cli {
    /// The daemon's socket, an absolute path on the host.
    pub socket: String,
    /// Home of the user that docker runs as (root's under sudo): `~` in Compose files means this.
    pub home: String,
}

impl Cli {
    /// The client for `socket`, run by a user whose home is `home`.
    pub fn new(socket: impl Into<String>, home: impl Into<String>) -> Self {
        Self { socket: socket.into(), home: home.into() }
    }

    /// `docker <words>`.
    pub fn docker<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Command {
        self.docker_with(&[], words)
    }

    /// `docker <words>` with more `variables`, none of them secret.
    pub fn docker_with<'w>(
        &self,
        variables: &[(&str, &str)],
        words: impl IntoIterator<Item = &'w str>,
    ) -> Command {
        let mut command = environment(&self.socket).arg(format!("HOME={}", self.home));
        for (name, value) in variables {
            command = command.arg(format!("{name}={value}"));
        }
        command.arg("docker").args(words).privileged()
    }
}

/// `docker <words>` for calls that need no home: nothing is read from it.
pub(crate) fn docker<'w>(socket: &str, words: impl IntoIterator<Item = &'w str>) -> Command {
    environment(socket).arg("docker").args(words).privileged()
}

fn environment(socket: &str) -> Command {
    Command::new(["env", "-i"]).arg(format!("PATH={PATH}")).arg(format!("DOCKER_HOST=unix://{socket}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_written_out() {
        let command = Cli::new("/run/docker.sock", "/home/deploy").docker(["version"]);
        assert_eq!(
            command.words(),
            [
                "env",
                "-i",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin",
                "DOCKER_HOST=unix:///run/docker.sock",
                "HOME=/home/deploy",
                "docker",
                "version",
            ]
        );
        assert!(command.is_privileged());
    }

    #[test]
    fn more_variables_come_before_the_program() {
        let words = Cli::new("/s", "/root").docker_with(&[("PWD", "/a b")], ["ps"]).words().join(" ");
        assert!(words.ends_with(" HOME=/root PWD=/a b docker ps"), "{words}");
    }

    #[test]
    fn calls_that_read_nothing_have_no_home() {
        let words = docker("/s", ["system", "dial-stdio"]).words().join(" ");
        assert!(words.ends_with(" DOCKER_HOST=unix:///s docker system dial-stdio"), "{words}");
    }
}
