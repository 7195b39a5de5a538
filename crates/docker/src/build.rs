//! Building one image on a host, by the BuildKit client that its Compose brings along.
//!
//! The build is described by a Compose file of one service: neither arguments nor labels show in a
//! list of processes. That file, the values of secrets and a client configuration with the logins to
//! registries lie in a directory of mode 0700 for as long as the build goes on. The command that builds
//! makes and removes it itself, and sees by the end of its stdin that nobody waits for it any more: so
//! nothing is left also where the connection breaks.

use std::{collections::BTreeMap, time::Duration};

use base64::Engine as _;
use remote::{
    Command, Executor, Input,
    collect::{Limits, Overflow, run, run_with},
    files::{Entry, EntryContent, archive, random_name, walking_script},
};
use secret::{Scrubber, Secret};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{Cli, Error, Registry, registry};

/// The name of the project, and of its one service.
const PROJECT: &str = "windlass-build";
const SERVICE: &str = "image";
/// What the directory of one build is called, with something of its own behind it.
const PRIVATE: &str = "windlass-build-";
/// What lies in it: the Compose file, the configuration of the client, and the secrets by their names.
const FILE: &str = "compose.json";
const CONFIG: &str = "config.json";
const SECRETS: &str = "secrets";
/// Where docker's configuration keeps builders.
const BUILDERS: &str = "buildx";
/// Makes the directory `$2` in `$1`, unpacks into it an archive of `$3` bytes from stdin, and runs the
/// words that follow, with what they write to stdout on stderr, of which the end is kept. Both end when
/// stdin does. Directories that were made a day ago are of builds that could not remove theirs, and go.
const BUILD: &str = r#"
go "$1" ''
find . -maxdepth 1 -type d -user "$me" -name 'windlass-build-*' -mtime +0 -exec rm -r -f -- {} + 2>/dev/null
place=$2
mkdir -- "./$place" || exit
below "$place"
watch=
build=
finish() {
  trap '' HUP INT PIPE TERM
  [ ! "$watch" ] || kill "$watch"
  [ ! "$build" ] || kill "$build"
  cd -P .. && rm -r -f -- "./$place"
} 2>/dev/null
trap finish EXIT
trap 'exit 143' HUP INT PIPE TERM
head -c "$3" | tar -x -m -o -p -f - || exit
shift 3
exec 3<&0
{ read -r none <&3; kill -s TERM "$$"; } >/dev/null 2>&1 &
watch=$!
"$@" <compose.json >&2 3<&- &
build=$!
wait "$build"
"#;
/// How many lines of a failed build an error carries.
const ERROR_LINES: usize = 40;

/// What to build, and from what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// An absolute directory on the host, or the URL of a git repository.
    pub context: String,
    /// The Dockerfile, relative to the context.
    pub dockerfile: Option<String>,
    /// The stage to build.
    pub target: Option<String>,
    /// Values for its `ARG`s.
    pub args: BTreeMap<String, String>,
    /// The platform to build for; the host's own without one.
    pub platform: Option<String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// The references that it gets, at least one.
    pub tags: Vec<String>,
    /// Where cached steps come from.
    pub cache_from: Vec<String>,
    /// Where they go to.
    pub cache_to: Vec<String>,
    /// The secrets by their names.
    pub secrets: BTreeMap<String, Secret>,
}

impl Build {
    /// The Compose file of it, whose secrets are in `directory`.
    fn document(&self, directory: &str) -> Value {
        let mut build = Map::new();
        let mut put = |name: &str, value: Value| {
            let empty = match &value {
                Value::Null => true,
                Value::Array(list) => list.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            if !empty {
                build.insert(name.to_owned(), value);
            }
        };
        put("context", json!(literal(&self.context)));
        put("dockerfile", json!(self.dockerfile.as_deref().map(literal)));
        put("target", json!(self.target.as_deref().map(literal)));
        put("args", literals(&self.args));
        put("platforms", json!(self.platform.iter().map(|text| literal(text)).collect::<Vec<_>>()));
        put("labels", literals(&self.labels));
        put("tags", list(&self.tags));
        put("cache_from", list(&self.cache_from));
        put("cache_to", list(&self.cache_to));
        put("secrets", json!(self.secrets.keys().map(|name| json!({ "source": name })).collect::<Vec<_>>()));
        let image = self.tags.first().map(|tag| literal(tag));
        let path = |name: &String| literal(&format!("{directory}/{SECRETS}/{name}"));
        let files = self.secrets.keys().map(|name| (name.clone(), json!({ "file": path(name) })));
        json!({
            "services": { SERVICE: { "image": image, "build": build } },
            "secrets": files.collect::<Map<_, _>>(),
        })
    }
}

/// `text` where Compose would else put in values of variables.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn literals(map: &BTreeMap<String, String>) -> Value {
    Value::Object(map.iter().map(|(name, value)| (name.clone(), json!(literal(value)))).collect())
}

fn list(texts: &[String]) -> Value {
    json!(texts.iter().map(|text| literal(text)).collect::<Vec<_>>())
}

/// What builds on one host.
#[derive(Debug)]
pub struct Builder<'a> {
    /// The host.
    pub exec: &'a dyn Executor,
    /// The docker client there.
    pub cli: Cli,
    /// The home directory of who logs in, without a slash at its end.
    pub home: &'a str,
    /// The registries to log in to.
    pub registries: &'a [Registry],
}

impl Builder<'_> {
    /// Builds it, for no longer than `limit`.
    ///
    /// # Errors
    /// [`Error::Command`] with the last words of the build, scrubbed by `scrubber`.
    pub async fn build(
        &self,
        build: &Build,
        limit: Option<Duration>,
        scrubber: &Scrubber,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let name = format!("{PRIVATE}{}", random_name()?);
        let mut files = self.files(build, &format!("{}/{name}", self.home));
        files.extend(self.builders().await?);
        let files = archive(&files).await?;
        let command = self.command(&name, files.len()).timeout(limit);
        let limits = Limits { cap: 0, overflow: Overflow::Truncate, ..Limits::cancelled_by(cancel) };
        let output = run_with(self.exec, &command, Input::Open(files.into()), &limits).await?;
        if output.success() {
            return Ok(());
        }
        Err(Error::Command {
            host: self.exec.name().to_owned(),
            operation: "build the image".to_owned(),
            status: output.status,
            output: remote::collect::last_lines(&scrubber.scrub(&output.stderr_text()), ERROR_LINES),
        })
    }

    /// `docker compose build` in the directory `name`, after an archive of `length` bytes.
    fn command(&self, name: &str, length: usize) -> Command {
        // Which builder a person has chosen on the host counts in any case.
        let builders = format!("{}/.docker/{BUILDERS}", self.cli.home);
        let directory = format!("{}/{name}", self.home);
        let mut variables = vec![("DOCKER_BUILDKIT", "1"), ("BUILDX_CONFIG", builders.as_str())];
        let logs_in = !self.registries.is_empty();
        variables.extend(logs_in.then_some(("DOCKER_CONFIG", directory.as_str())));
        // sudo passes the variable on to nobody.
        let command = if logs_in && self.cli.under_sudo {
            self.cli.docker_with(&variables, ["--config", &directory, "compose"])
        } else {
            self.cli.compose(&variables)
        };
        let command = command.args(["--ansi", "never", "--progress", "plain", "--project-name", PROJECT]);
        let command = command.args(["--env-file", "/dev/null", "--file", "-", "build", "--", SERVICE]);
        Command::new(["sh", "-c", &walking_script(BUILD), PROJECT, self.home, name])
            .arg(length.to_string())
            .args(command.words())
            .privileged()
    }

    /// Leads from the directory to the builders that a person has chosen for root, where sudo runs docker
    /// alone and the directory holds docker's configuration. Without it docker would keep builders of its
    /// own in there, as root, whose files the login cannot remove.
    async fn builders(&self) -> Result<Option<Entry>, Error> {
        if !self.cli.under_sudo || self.registries.is_empty() {
            return Ok(None);
        }
        // Makes what it looks for. Whether the login could see that is another matter.
        let listed = run(self.exec, &self.cli.docker(["buildx", "ls"]), Input::Nothing).await?;
        let target = format!("{}/.docker/{BUILDERS}", self.cli.home);
        let link =
            || Entry { path: BUILDERS.to_owned(), mode: 0o700, content: EntryContent::Symlink(target) };
        Ok(listed.success().then(link))
    }

    /// What lies in `directory`.
    fn files(&self, build: &Build, directory: &str) -> Vec<Entry> {
        let file = |path: String, text: &str| Entry {
            path,
            mode: 0o600,
            content: EntryContent::Bytes(text.to_owned().into_bytes().into()),
        };
        let mut files = vec![file(FILE.to_owned(), &build.document(directory).to_string())];
        if !self.registries.is_empty() {
            let config = client_config(self.registries, &self.cli.home);
            files.push(file(CONFIG.to_owned(), config.expose()));
        }
        let secret = |(name, value): (&String, &Secret)| file(format!("{SECRETS}/{name}"), value.expose());
        files.extend(build.secrets.iter().map(secret));
        files
    }
}

/// The client's configuration (`config.json`) that logs in to `registries`, and finds the plugins
/// that a user with this home has for himself.
fn client_config(registries: &[Registry], home: &str) -> Secret {
    let auths: Map<String, Value> = registries
        .iter()
        .map(|registry| {
            let login = format!("{}:{}", registry.username, registry.password.expose());
            let auth = base64::engine::general_purpose::STANDARD.encode(login);
            (registry::login_address(&registry.address), json!({ "auth": auth }))
        })
        .collect();
    let plugins = format!("{home}/.docker/cli-plugins");
    Secret::new(json!({ "auths": auths, "cliPluginsExtraDirs": [plugins] }).to_string())
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

    use remote::{Dial, Fake, Local, Noise, Process, Stream};
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn build() -> Build {
        Build {
            context: "/root/.windlass/builds/1".into(),
            dockerfile: Some("docker/Dockerfile".into()),
            args: BTreeMap::from([("PRICE".to_owned(), "$5".to_owned())]),
            tags: vec!["registry.example.org/app:1".into(), "app:latest".into()],
            cache_to: vec!["type=inline".into()],
            secrets: BTreeMap::from([("token".to_owned(), Secret::from("hunter2"))]),
            ..Build::default()
        }
    }

    #[test]
    fn a_build_is_a_compose_file_of_one_service() {
        let expected = json!({
            "services": { "image": {
                "image": "registry.example.org/app:1",
                "build": {
                    "context": "/root/.windlass/builds/1",
                    "dockerfile": "docker/Dockerfile",
                    "args": { "PRICE": "$$5" },
                    "tags": ["registry.example.org/app:1", "app:latest"],
                    "cache_to": ["type=inline"],
                    "secrets": [{ "source": "token" }],
                },
            } },
            "secrets": { "token": { "file": "/home/deploy/b/secrets/token" } },
        });
        assert_eq!(build().document("/home/deploy/b"), expected);
    }

    fn registry(address: &str) -> Registry {
        Registry { address: address.into(), username: "me".into(), password: Secret::from("pass") }
    }

    fn builder<'a>(exec: &'a dyn Executor, home: &'a str, registries: &'a [Registry]) -> Builder<'a> {
        Builder { exec, cli: Cli::new("/s", "/root"), home, registries }
    }

    #[test]
    fn what_is_built_is_not_among_the_words() {
        let (fake, registries) = (Fake::new("web"), [registry("ghcr.io")]);
        let command = builder(&fake, "/home/deploy", &registries).command("windlass-build-1", 77);
        let script = walking_script(BUILD);
        let before =
            ["sh", "-c", &script, "windlass-build", "/home/deploy", "windlass-build-1", "77", "env", "-i"];
        assert_eq!(command.words()[..9], before);
        let words = command.words()[9..].join(" ");
        let end = " HOME=/root DOCKER_BUILDKIT=1 BUILDX_CONFIG=/root/.docker/buildx \
                   DOCKER_CONFIG=/home/deploy/windlass-build-1 docker compose --ansi never --progress plain \
                   --project-name windlass-build --env-file /dev/null --file - build -- image";
        assert!(words.ends_with(end), "{words}");
        let without = builder(&fake, "/root", &[]).command("b", 1).words().join(" ");
        assert!(!without.contains("DOCKER_CONFIG"));
    }

    #[test]
    fn logins_are_written_as_the_client_reads_them() {
        let text = client_config(&[registry("https://ghcr.io/v2/"), registry("docker.io")], "/root");
        let config: Value = serde_json::from_str(text.expose()).unwrap();
        // printf me:pass | base64
        assert_eq!(config["auths"]["ghcr.io"]["auth"], "bWU6cGFzcw==");
        assert_eq!(config["auths"]["https://index.docker.io/v1/"]["auth"], "bWU6cGFzcw==");
        assert_eq!(config["cliPluginsExtraDirs"][0], "/root/.docker/cli-plugins");
    }

    /// This machine, where docker is the script `docker`.
    #[derive(Debug)]
    struct Machine {
        home: tempfile::TempDir,
        local: Local,
    }

    impl Machine {
        fn with(docker: &str) -> Self {
            let home = tempfile::tempdir().unwrap();
            let program = home.path().join("docker");
            std::fs::write(&program, format!("#!/bin/sh\n{docker}\n")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            Self { home, local: Local::new() }
        }

        fn home(&self) -> &str {
            self.home.path().to_str().unwrap()
        }

        /// The directories of builds in the home directory.
        fn places(&self) -> Vec<PathBuf> {
            let entries = std::fs::read_dir(self.home.path()).unwrap().map(|entry| entry.unwrap().path());
            entries.filter(|path| path.to_str().unwrap().contains(PRIVATE)).collect()
        }

        async fn nothing_is_left(&self) {
            let gone = async {
                while !self.places().is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
        }

        async fn build(&self, cancel: &CancellationToken) -> Result<(), Error> {
            let registries = [registry("ghcr.io")];
            let builder = builder(self, self.home(), &registries);
            builder.build(&build(), None, &Scrubber::new([Secret::from("hunter2")]), cancel).await
        }
    }

    #[async_trait::async_trait]
    impl Executor for Machine {
        async fn start(&self, command: &Command) -> Result<Process, remote::Error> {
            let path = format!("PATH={}:", self.home());
            let words = command.words().iter().map(|word| word.replacen("PATH=", &path, 1));
            self.local.start(&Command::new(words).timeout(command.time_limit())).await
        }

        async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, remote::Error> {
            self.local.dial(target).await
        }

        fn name(&self) -> &str {
            "web"
        }

        fn sudo(&self) -> remote::connection::Sudo {
            remote::connection::Sudo::Nothing
        }

        fn noise(&self) -> Option<Noise> {
            None
        }
    }

    #[tokio::test]
    async fn a_failed_build_tells_its_last_words() {
        let machine = Machine::with(
            "cat $DOCKER_CONFIG/secrets/token; grep -q ghcr.io $DOCKER_CONFIG/config.json && grep -q services || \
             exit 1\nstat -c '%a' $DOCKER_CONFIG $DOCKER_CONFIG/secrets/token $DOCKER_CONFIG/config.json\nexit 17",
        );
        let error = machine.build(&CancellationToken::new()).await.unwrap_err();
        let Error::Command { status, output, .. } = error else { panic!("{error}") };
        assert_eq!((status, output.as_str()), (17, "[secret]700\n600\n600"));
        machine.nothing_is_left().await;
    }

    #[tokio::test]
    async fn secrets_go_with_a_build_that_succeeds_is_cancelled_or_is_left_by_everybody() {
        let machine = Machine::with("[ -s $DOCKER_CONFIG/secrets/token ]");
        machine.build(&CancellationToken::new()).await.unwrap();
        machine.nothing_is_left().await;

        let machine = Machine::with("echo $$ >$DOCKER_CONFIG/pid; exec sleep 600");
        let begun = || async {
            loop {
                let pid = machine
                    .places()
                    .first()
                    .and_then(|place| std::fs::read_to_string(place.join("pid")).ok());
                if let Some(pid) = pid.filter(|pid| pid.ends_with('\n')) {
                    return pid;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let cancel = CancellationToken::new();
        let (cancelled, _) = tokio::join!(machine.build(&cancel), async {
            begun().await;
            cancel.cancel();
        });
        assert!(matches!(cancelled, Err(Error::Remote(remote::Error::Cancelled))), "{cancelled:?}");
        machine.nothing_is_left().await;

        // The connection breaks: nobody sends a signal, only stdin comes to its end.
        let registries = [registry("ghcr.io")];
        let files =
            archive(&builder(&machine, machine.home(), &registries).files(&build(), "/b")).await.unwrap();
        let command = builder(&machine, machine.home(), &registries).command("windlass-build-2", files.len());
        let mut process = machine.start(&command).await.unwrap();
        process.stdin.write_all(&files).await.unwrap();
        process.stdin.flush().await.unwrap();
        let pid = begun().await;
        process.stdin.shutdown().await.unwrap();
        drop(process.stdin);
        machine.nothing_is_left().await;
        let ended = async {
            while std::path::Path::new("/proc").join(pid.trim()).exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
        process.control.wait().await.unwrap();
    }
}
