//! Why a daemon does not answer, found out by asking the host's own docker client.

use std::time::Duration;

use bollard::errors::Error as ApiError;
use remote::{Command, Executor, Input, run};

use crate::{Cli, Error};

/// The client answers at once or, when the daemon hangs, never.
const LIMIT: Duration = Duration::from_secs(20);

/// What the client's answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The daemon answers the client.
    Answers,
    /// There is no client.
    Missing,
    /// The socket is not permitted.
    Permission,
    /// Nobody listens at the socket.
    NotRunning,
    /// Something else.
    Unknown,
}

/// The client's own question to the daemon.
pub(super) fn ask(cli: &Cli) -> Command {
    cli.without_home(["version", "--format", "{{.Server.Version}}"]).timeout(Some(LIMIT))
}

/// The error for a daemon that did not answer with `source`.
pub(super) async fn why(executor: &dyn Executor, cli: &Cli, source: ApiError) -> Error {
    let finding = match run(executor, &ask(cli), Input::Nothing).await {
        Ok(output) => read(output.status, &output.stderr_text()),
        Err(remote::Error::Start { .. }) => Finding::Missing,
        Err(other) => return other.into(),
    };
    let (host, socket) = (executor.name().to_owned(), cli.socket.clone());
    match finding {
        Finding::Missing => Error::Missing { host, searched: cli.path.clone() },
        Finding::Permission => Error::Permission { host, socket },
        Finding::NotRunning => Error::NotRunning { host, socket },
        Finding::Answers | Finding::Unknown => Error::Engine { host, operation: "answer".to_owned(), source },
    }
}

/// Reads the exit status and stderr of the client (or of `env`, which stands before it).
pub(super) fn read(status: u32, stderr: &str) -> Finding {
    let stderr = stderr.to_ascii_lowercase();
    if status == 0 {
        Finding::Answers
    } else if stderr.contains("permission denied while trying to connect") {
        Finding::Permission
    } else if stderr.contains("cannot connect to the docker daemon")
        || stderr.contains("is the docker daemon running")
        || stderr.contains("connection refused")
    {
        Finding::NotRunning
    } else if status == 127 {
        Finding::Missing
    } else {
        Finding::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_the_client_says() {
        for (status, stderr, expected) in [
            (0, "", Finding::Answers),
            (127, "env: 'docker': No such file or directory\n", Finding::Missing),
            (
                1,
                "permission denied while trying to connect to the Docker daemon socket at \
                 unix:///var/run/docker.sock: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.45/version\": \
                 dial unix /var/run/docker.sock: connect: permission denied\n",
                Finding::Permission,
            ),
            (
                1,
                "Cannot connect to the Docker daemon at unix:///nope.sock. Is the docker daemon running?\n",
                Finding::NotRunning,
            ),
            (1, "something new\n", Finding::Unknown),
        ] {
            assert_eq!(read(status, stderr), expected, "{stderr}");
        }
    }
}
