//! Building one image on a host, by the BuildKit client that its Compose brings along.
//!
//! The build is described by a Compose file of one service, which goes to Compose's stdin: neither
//! arguments nor labels show in a list of processes. Values of secrets are in files of mode 0600
//! that the caller has put on the host; credentials for registries are in a client configuration
//! of the caller's, also of mode 0600.

use std::{collections::BTreeMap, time::Duration};

use base64::Engine as _;
use remote::{
    Command, Executor, Input,
    collect::{Limits, Overflow, run_with},
};
use secret::{Scrubber, Secret};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{Cli, Error, Registry, registry};

/// The name of the project, and of its one service.
const PROJECT: &str = "windlass-build";
const SERVICE: &str = "image";
/// Runs the words that follow with what they write to stdout on stderr, of which the end is kept.
const TO_STDERR: &str = r#"exec "$@" >&2"#;
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
    /// The files on the host that hold the secrets, by their names.
    pub secrets: BTreeMap<String, String>,
}

impl Build {
    /// The Compose file of it.
    pub fn document(&self) -> Value {
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
        let files = self.secrets.iter().map(|(name, path)| (name.clone(), json!({ "file": literal(path) })));
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

/// `docker compose build` of the file on stdin. `config` is the directory of the client's
/// configuration where it is not the one of the user.
pub fn command(cli: &Cli, config: Option<&str>, limit: Option<Duration>) -> Command {
    // Which builder a person has chosen on the host counts in any case.
    let builders = format!("{}/.docker/buildx", cli.home);
    let mut variables = vec![("DOCKER_BUILDKIT", "1"), ("BUILDX_CONFIG", builders.as_str())];
    variables.extend(config.map(|config| ("DOCKER_CONFIG", config)));
    let words = ["compose", "--ansi", "never", "--progress", "plain", "--project-name", PROJECT];
    let words = words.into_iter().chain(["--env-file", "/dev/null", "--file", "-", "build", "--", SERVICE]);
    let command = cli.docker_with(&variables, words);
    Command::new(["sh", "-c", TO_STDERR, PROJECT]).args(command.words()).privileged().timeout(limit)
}

/// The client's configuration (`config.json`) that logs in to `registries`, and finds the plugins
/// that a user with this home has for himself.
pub fn client_config(registries: &[Registry], home: &str) -> Secret {
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

/// Builds it.
///
/// # Errors
/// [`Error::Command`] with the last words of the build, scrubbed by `scrubber`.
pub async fn run(
    exec: &dyn Executor,
    command: &Command,
    build: &Build,
    scrubber: &Scrubber,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let limits = Limits { cap: 0, overflow: Overflow::Truncate, ..Limits::cancelled_by(cancel) };
    let input = Input::bytes(build.document().to_string());
    let output = run_with(exec, command, input, &limits).await?;
    if output.success() {
        return Ok(());
    }
    Err(Error::Command {
        host: exec.name().to_owned(),
        operation: "build the image".to_owned(),
        status: output.status,
        output: remote::collect::last_lines(&scrubber.scrub(&output.stderr_text()), ERROR_LINES),
    })
}

#[cfg(test)]
mod tests {
    use remote::{Fake, fake::Reply};

    use super::*;

    fn build() -> Build {
        Build {
            context: "/root/.windlass/builds/1".into(),
            dockerfile: Some("docker/Dockerfile".into()),
            args: BTreeMap::from([("PRICE".to_owned(), "$5".to_owned())]),
            tags: vec!["registry.example.org/app:1".into(), "app:latest".into()],
            cache_to: vec!["type=inline".into()],
            secrets: BTreeMap::from([("token".to_owned(), "/tmp/x/token".to_owned())]),
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
            "secrets": { "token": { "file": "/tmp/x/token" } },
        });
        assert_eq!(build().document(), expected);
    }

    #[test]
    fn what_is_built_is_not_among_the_words() {
        let cli = Cli::new("/s", "/root");
        let words = command(&cli, Some("/tmp/x"), None).words().join(" ");
        assert!(words.starts_with("sh -c exec \"$@\" >&2 windlass-build env -i PATH="), "{words}");
        let end = " HOME=/root DOCKER_BUILDKIT=1 BUILDX_CONFIG=/root/.docker/buildx DOCKER_CONFIG=/tmp/x docker compose \
                   --ansi never --progress plain --project-name windlass-build --env-file /dev/null --file - build -- image";
        assert!(words.ends_with(end), "{words}");
        assert!(!command(&cli, None, None).words().join(" ").contains("DOCKER_CONFIG"));
    }

    #[test]
    fn logins_are_written_as_the_client_reads_them() {
        let registry = |address: &str| Registry {
            address: address.into(),
            username: "me".into(),
            password: Secret::from("pass"),
        };
        let text = client_config(&[registry("https://ghcr.io/v2/"), registry("docker.io")], "/root");
        let config: Value = serde_json::from_str(text.expose()).unwrap();
        // printf me:pass | base64
        assert_eq!(config["auths"]["ghcr.io"]["auth"], "bWU6cGFzcw==");
        assert_eq!(config["auths"]["https://index.docker.io/v1/"]["auth"], "bWU6cGFzcw==");
        assert_eq!(config["cliPluginsExtraDirs"][0], "/root/.docker/cli-plugins");
    }

    #[tokio::test]
    async fn a_failed_build_tells_its_last_words() {
        let fake = Fake::new("web");
        let command = command(&Cli::new("/s", "/root"), None, None);
        fake.expect(command.words().to_vec(), Reply::failure(17, "#8 boom hunter2\nfailed to solve\n"));
        let scrubber = Scrubber::new([Secret::from("hunter2")]);
        let cancel = CancellationToken::new();
        let error = super::run(&fake, &command, &build(), &scrubber, &cancel).await.unwrap_err();
        let Error::Command { status, output, .. } = error else { panic!("{error}") };
        assert_eq!((status, output.as_str()), (17, "#8 boom [secret]\nfailed to solve"));
    }
}
