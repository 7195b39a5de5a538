//! Asking a machine.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use compose::Compose;
use docker::{Cli, Engine};
use remote::{Command, Dial, DialFailure, Executor, Input, run_checked};
use secret::Scrubber;
use tailnet::node::Node;
use tokio_util::sync::CancellationToken;

use super::finding::{Finding, Report};
use super::judge::judge;
use super::seen::{DockerSeen, Forwarding, MachineState, SCRIPT, Seen};
use crate::advice;
use crate::machine::{Machine, Unopened};
use crate::settings::Settings;

/// How long a machine may take.
const LIMIT: Duration = Duration::from_secs(120);
/// A port on which nobody ever listens.
const NOBODY: u16 = 1;

/// What there is to say of the machine behind a connection.
pub async fn host(settings: &Settings, connection: &str) -> Report {
    let findings = match tokio::time::timeout(LIMIT, asked(settings, connection)).await {
        Ok(Ok(seen)) => judge(&seen),
        Ok(Err(error)) => vec![closed(&error)],
        Err(_) => vec![Finding::error(
            "connection",
            format!("it did not answer all questions within {} s", LIMIT.as_secs()),
            "Look at the load of the host and at the way there, then ask again.",
        )],
    };
    Report { subject: connection.to_owned(), findings }
}

/// Why nothing could be asked.
fn closed(error: &Unopened) -> Finding {
    let next = match error {
        Unopened::Remote(error) => advice::host(error),
        Unopened::Connection(_) | Unopened::Credentials(_) => advice::LOGIN.to_owned(),
    };
    let about = match error {
        Unopened::Remote(remote::Error::HostKeyMismatch { .. } | remote::Error::HostKeyUnknown { .. }) => {
            "host key"
        }
        _ => "connection",
    };
    Finding::error(about, remote::chain(error), next)
}

async fn asked(settings: &Settings, connection: &str) -> Result<Seen, Unopened> {
    let machine = Machine::connect(settings, connection).await?;
    let (executor, cli, facts) = (&machine.executor, machine.cli(), machine.facts());
    let engine = machine.engine().await;
    let node = Node::new(executor.clone(), None, &facts.home);
    let (compose, state, forwarding, tailnet) = tokio::join!(
        compose_version(executor, cli),
        state(executor.as_ref(), engine.as_ref().ok(), &facts.home),
        forwarding(&machine),
        node.state()
    );
    let docker =
        engine.map(|engine| DockerSeen { version: engine.version().version.clone(), route: engine.route() });
    let seen = Seen {
        name: executor.name().to_owned(),
        facts: facts.clone(),
        docker,
        compose,
        state,
        forwarding,
        tailnet,
    };
    machine.close().await;
    Ok(seen)
}

async fn compose_version(executor: &Arc<dyn Executor>, cli: Cli) -> Result<String, docker::Error> {
    let compose = Compose::new(executor.as_ref(), cli, Scrubber::default(), CancellationToken::new());
    compose.version().await.map(|version| version.to_string())
}

/// The disks that matter, and the clock.
async fn state(
    executor: &dyn Executor,
    engine: Option<&Engine>,
    home: &str,
) -> Result<MachineState, remote::Error> {
    let docker = match engine {
        // Where it does not tell, its usual place is looked at.
        Some(engine) => engine.api().info().await.ok().and_then(|info| info.docker_root_dir),
        None => None,
    };
    let docker = docker.unwrap_or_else(|| "/var/lib/docker".to_owned());
    let command =
        Command::new(["sh", "-c", SCRIPT, "windlass-doctor", "/", "/var", home, &docker]).privileged();
    let begun = now();
    let output = run_checked(executor, &command, Input::Nothing).await?;
    Ok(MachineState::read(&output.stdout_text(), (begun, now())))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or_default()
}

/// Whether a stream to a port there can be had: that nobody listens is an answer, too.
async fn forwarding(machine: &Machine) -> Forwarding {
    if machine.is_local() {
        return Forwarding::Needless;
    }
    match machine.executor.dial(&Dial::Tcp("127.0.0.1".to_owned(), NOBODY)).await {
        Ok(_) => Forwarding::Permitted,
        Err(error) => match &error {
            remote::Error::Dial { source, .. } => match source.downcast_ref::<DialFailure>() {
                Some(DialFailure::NobodyListens) => Forwarding::Permitted,
                Some(DialFailure::Forbidden) => Forwarding::Forbidden,
                _ => Forwarding::Unknown(remote::chain(&error)),
            },
            _ => Forwarding::Unknown(remote::chain(&error)),
        },
    }
}
