//! The docker command line on a host: how it is called, whatever it is called for.

use remote::{Command, Connection, SUDO, connection::Sudo, facts::Facts};

/// Where programs are looked for first, whatever the login's environment says.
const FIRST: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// Where root is at home, whoever logs in.
const ROOT_HOME: &str = "/root";

/// Where they are looked for last: NixOS, Flatcar and Entware have theirs there.
const LAST: [&str; 3] = ["/run/current-system/sw/bin", "/opt/bin", "/opt/sbin"];

/// By which a plugin of the client knows that it was called as one: the client's name, as the client
/// itself sets it (`ReexecEnvvar` in docker/cli, `cli-plugins/metadata`).
const AS_PLUGIN: &str = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND=docker";

/// Where no daemon listens: `DOCKER_HOST` stays what it is, for files that name it.
const NO_DAEMON: &str = "unix:///nonexistent/docker.sock";

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
    /// The `PATH` that docker is found by, and that it finds its helpers by.
    pub path: String,
    /// Whether the client, and nothing else, runs under sudo. Then sudo gives it an environment and a
    /// `PATH` of its own, and what is set here reaches it only where sudo is told to keep it.
    pub under_sudo: bool,
    /// Where the client has its configuration and plugins, where that is not `.docker` in the home.
    configuration: Option<String>,
    /// The program that `docker compose` becomes, where that is sure. It is called as docker would call
    /// it: docker starts twice to get there (to ask the plugin what it is, and to run it), which takes
    /// more than half of the processor time of a `docker compose config`.
    compose_plugin: Option<String>,
}

impl Cli {
    /// The client for `socket`, run by a user whose home is `home`; where the distributions have it.
    pub fn new(socket: impl Into<String>, home: impl Into<String>) -> Self {
        Self {
            socket: socket.into(),
            home: home.into(),
            path: search_path("", &[]),
            under_sudo: false,
            configuration: None,
            compose_plugin: None,
        }
    }

    /// The client on the host behind `connection`, of which `facts` are known.
    pub fn of_host(connection: &Connection, sudo: Sudo, facts: &Facts) -> Self {
        let home = match sudo {
            Sudo::Nothing => facts.home.trim_end_matches('/'),
            Sudo::Docker | Sudo::All => ROOT_HOME,
        };
        let cli = Self::new(connection.docker_socket(), home).found_by(&facts.path, &facts.docker_at);
        cli.under(sudo).with_compose_plugin(sudo, facts.compose_plugin.as_deref())
    }

    /// The same, looked for also where the login's own `PATH` leads, and in `places`, where it has been
    /// seen.
    #[must_use]
    pub fn found_by(self, login_path: &str, places: &[String]) -> Self {
        Self { path: search_path(login_path, places), ..self }
    }

    /// The same, with its configuration and plugins in this directory (`DOCKER_CONFIG`).
    #[must_use]
    pub fn configured_in(self, directory: Option<String>) -> Self {
        Self { configuration: directory, ..self }
    }

    /// The same, under sudo by words of its own where `sudo` lets it run docker alone.
    #[must_use]
    pub fn under(self, sudo: Sudo) -> Self {
        Self { under_sudo: sudo == Sudo::Docker, ..self }
    }

    /// The same, with the plugin that `docker compose` is known to become; nobody under sudo has been
    /// seen, so there it is left to docker.
    #[must_use]
    pub fn with_compose_plugin(self, sudo: Sudo, plugin: Option<&str>) -> Self {
        let compose_plugin = plugin.filter(|_| sudo == Sudo::Nothing).map(str::to_owned);
        Self { compose_plugin, ..self }
    }

    /// `docker compose` with more `variables`, none of them secret; its own words follow.
    pub fn compose(&self, variables: &[(&str, &str)]) -> Command {
        self.compose_at(&[], variables)
    }

    /// The same for what needs no daemon. Compose asks every daemon in reach whether it is Docker
    /// Desktop's, by a `GET /info` for which the daemon starts programs: that takes it more processor
    /// time than Compose takes to read a project.
    pub fn compose_without_daemon(&self, variables: &[(&str, &str)]) -> Command {
        // What follows sudo stays as whoever allowed it knows it.
        if self.under_sudo {
            self.compose(variables)
        } else {
            self.compose_at(&["--host", NO_DAEMON], variables)
        }
    }

    /// `docker <global options> compose`.
    fn compose_at(&self, global: &[&str], variables: &[(&str, &str)]) -> Command {
        let words = global.iter().copied().chain(["compose"]);
        match &self.compose_plugin {
            Some(plugin) => {
                self.variables(variables).args([AS_PLUGIN, plugin.as_str()]).args(words).privileged()
            }
            None => self.docker_with(variables, words),
        }
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
        self.client(self.variables(variables)).args(words)
    }

    /// `docker <words>` for calls that need no home: nothing is read from it.
    pub(crate) fn without_home<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Command {
        self.client(self.environment()).args(words)
    }

    /// The client, behind the words that set its environment.
    fn client(&self, environment: Command) -> Command {
        if !self.under_sudo {
            return environment.arg("docker").privileged();
        }
        // Of the environment sudo passes on what it likes, and that is hardly ever a DOCKER_HOST.
        let host = format!("unix://{}", self.socket);
        environment.args(SUDO).args(["docker", "--host", &host])
    }

    /// The words that set the environment, with a home and more `variables`.
    fn variables(&self, variables: &[(&str, &str)]) -> Command {
        let home = self.environment().arg(format!("HOME={}", self.home));
        home.args(variables.iter().map(|(name, value)| format!("{name}={value}")))
    }

    fn environment(&self) -> Command {
        let variables = [format!("PATH={}", self.path), format!("DOCKER_HOST=unix://{}", self.socket)];
        let configuration = self.configuration.iter().map(|directory| format!("DOCKER_CONFIG={directory}"));
        Command::new(["env", "-i"]).args(variables).args(configuration)
    }
}

/// Our own directories, those of the login that are absolute, where docker has been seen, and the last
/// ones; each once.
fn search_path(login: &str, places: &[String]) -> String {
    let mut all: Vec<&str> = FIRST.split(':').collect();
    let more = login.split(':').chain(places.iter().map(String::as_str)).chain(LAST);
    for directory in more.filter(|directory| directory.starts_with('/') && !directory.contains(':')) {
        if !all.contains(&directory) {
            all.push(directory);
        }
    }
    all.join(":")
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
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin:\
                 /run/current-system/sw/bin:/opt/bin:/opt/sbin",
                "DOCKER_HOST=unix:///run/docker.sock",
                "HOME=/home/deploy",
                "docker",
                "version",
            ]
        );
        assert!(command.is_privileged());
    }

    #[test]
    fn a_configuration_elsewhere_is_named() {
        let cli = |directory: Option<&str>| {
            let cli = Cli::new("/s", "/root").configured_in(directory.map(str::to_owned));
            cli.docker(["ps"]).words().join(" ")
        };
        assert!(cli(Some("/etc/docker-ci")).ends_with(" DOCKER_CONFIG=/etc/docker-ci HOME=/root docker ps"));
        assert!(!cli(None).contains("DOCKER_CONFIG"));
    }

    #[test]
    fn docker_is_looked_for_where_the_login_finds_it_and_where_it_was_seen() {
        let places = ["/var/packages/ContainerManager/target/usr/bin".to_owned()];
        let cli = Cli::new("/s", "/root").found_by("/opt/elsewhere/bin:/usr/bin:.::bin:/opt/bin", &places);
        assert_eq!(
            cli.path.strip_prefix(FIRST).unwrap(),
            ":/opt/elsewhere/bin:/opt/bin:/var/packages/ContainerManager/target/usr/bin:/run/current-system/sw/bin:\
             /opt/sbin"
        );
    }

    #[test]
    fn sudo_for_docker_alone_stands_right_before_it() {
        let cli = Cli::new("/run/docker.sock", "/root").under(Sudo::Docker);
        for command in [cli.docker(["ps"]), cli.without_home(["ps"])] {
            let words = command.words().join(" ");
            assert!(words.starts_with("env -i PATH="), "{words}");
            assert!(words.ends_with(" sudo -n -- docker --host unix:///run/docker.sock ps"), "{words}");
            assert!(!command.is_privileged() && command.is_under_sudo(Sudo::Docker));
        }
        assert!(!Cli::new("/s", "/root").under(Sudo::All).under_sudo);
    }

    #[test]
    fn more_variables_come_before_the_program() {
        let words = Cli::new("/s", "/root").docker_with(&[("PWD", "/a b")], ["ps"]).words().join(" ");
        assert!(words.ends_with(" HOME=/root PWD=/a b docker ps"), "{words}");
    }

    #[test]
    fn the_plugin_is_called_as_docker_calls_it_where_it_is_known() {
        let plugin = Some("/usr/libexec/docker/cli-plugins/docker-compose");
        let direct =
            Cli::new("/s", "/root").with_compose_plugin(Sudo::Nothing, plugin).compose(&[("PWD", "/a")]);
        let words = direct.words().join(" ");
        assert!(
            words.ends_with(
                " HOME=/root PWD=/a DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND=docker \
                 /usr/libexec/docker/cli-plugins/docker-compose compose"
            ),
            "{words}"
        );
        assert!(direct.is_privileged());
        for sudo in [Sudo::Docker, Sudo::All] {
            let left = Cli::new("/s", "/root").under(sudo).with_compose_plugin(sudo, plugin).compose(&[]);
            let words = left.words().join(" ");
            assert!(words.ends_with(" compose") && !words.contains("docker-compose"), "{words}");
        }
        let unknown = Cli::new("/s", "/root").with_compose_plugin(Sudo::Nothing, None).compose(&[]);
        assert!(unknown.words().join(" ").ends_with(" HOME=/root docker compose"));
    }

    #[test]
    fn what_needs_no_daemon_has_none_in_reach_but_behind_sudo() {
        let plugin = Some("/p/docker-compose");
        let direct = Cli::new("/s", "/root").with_compose_plugin(Sudo::Nothing, plugin);
        let words = direct.compose_without_daemon(&[]).words().join(" ");
        assert!(words.contains(" DOCKER_HOST=unix:///s "), "{words}");
        assert!(
            words.ends_with(" /p/docker-compose --host unix:///nonexistent/docker.sock compose"),
            "{words}"
        );
        let client = Cli::new("/s", "/root").compose_without_daemon(&[]).words().join(" ");
        assert!(client.ends_with(" docker --host unix:///nonexistent/docker.sock compose"), "{client}");
        let cli = Cli::new("/s", "/root").under(Sudo::Docker);
        assert_eq!(cli.compose_without_daemon(&[]), cli.compose(&[]));
    }

    #[test]
    fn calls_that_read_nothing_have_no_home() {
        let words = Cli::new("/s", "/root").without_home(["system", "dial-stdio"]).words().join(" ");
        assert!(words.ends_with(" DOCKER_HOST=unix:///s docker system dial-stdio"), "{words}");
    }
}
