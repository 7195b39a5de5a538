//! Running one command, and the words for what came of it.

use std::time::{Duration, Instant};

use framework::Context;
use remote::{
    Command, Error, Input, Output,
    collect::{Limits, Overflow, last_lines, run_with},
};
use secret::{Scrubber, Secret};

use super::model::{CommandModel, shortened};
use crate::{
    failure::{Failure, Stop},
    hosted::Host,
};

/// How many bytes of output the state takes.
pub(super) const MOST_OUTPUT: usize = 256 << 10;
/// How many of its last lines a failed command's error shows.
const ERROR_LINES: usize = 20;
/// How long before the time limit of the whole operation a command is ended, so that there is time
/// to tell of it.
const MARGIN: Duration = Duration::from_secs(3);

/// What runs the commands of one resource on one host.
pub(super) struct Runner<'a> {
    pub(super) cx: &'a Context,
    pub(super) host: &'a Host,
    pub(super) model: &'a CommandModel,
    /// What the command reads from stdin, and what nobody must see.
    pub(super) stdin: Option<&'a Secret>,
}

/// Why a command did not do what it should.
#[derive(Debug)]
pub(super) enum RunError {
    /// The host, or the way there.
    Host(Error),
    /// It ended with a status other than 0.
    Status { status: u32, report: String },
    /// It ended well and printed what no state can hold.
    Output(String),
}

impl Runner<'_> {
    /// Runs `words` and returns what they printed.
    pub(super) async fn run(&self, words: &[String]) -> Result<String, RunError> {
        let time = self.cx.remaining().map(|left| left.saturating_sub(MARGIN).max(Duration::from_secs(1)));
        let command = command(words, self.model).timeout(time);
        let limits = Limits {
            cap: MOST_OUTPUT + 1,
            // Ending a command in the middle because of what it prints would leave half of its work.
            overflow: Overflow::Truncate,
            ..Limits::cancelled_by(self.cx.token())
        };
        let input = self.stdin.map_or(Input::Nothing, |text| Input::bytes(text.expose().to_owned()));
        let began = Instant::now();
        let output = run_with(self.host.executor.as_ref(), &command, input, &limits).await;
        let output = output.map_err(RunError::Host)?;
        if !output.success() {
            let report = self.report(words, &output, began.elapsed());
            return Err(RunError::Status { status: output.status, report });
        }
        let text = printed(output.stdout).map_err(|why| {
            RunError::Output(format!(
                "{:?} on {} {why}.",
                shortened(&words.join(" ")),
                self.host.executor.name()
            ))
        })?;
        Ok(self.scrubber().scrub(&text))
    }

    /// What is said of a failed command. Where the output is sensitive, only stderr is shown.
    fn report(&self, words: &[String], output: &Output, took: Duration) -> String {
        let stderr = output.stderr_text();
        let shown = if stderr.trim().is_empty() && !self.model.sensitive.is_true() {
            output.stdout_text()
        } else {
            stderr
        };
        let lines = last_lines(&self.scrubber().scrub(&shown), ERROR_LINES);
        let ended = format!(
            "{:?} on {} ended with status {} after {:.1} s",
            shortened(&words.join(" ")),
            self.host.executor.name(),
            output.status,
            took.as_secs_f64()
        );
        match (lines.is_empty(), self.model.sensitive.is_true()) {
            (false, _) => format!("{ended}. Its last lines:\n{lines}"),
            (true, true) => format!("{ended} and wrote nothing to stderr (what it printed is sensitive)."),
            (true, false) => format!("{ended} and said nothing."),
        }
    }

    fn scrubber(&self) -> Scrubber {
        Scrubber::new(self.stdin.cloned())
    }
}

impl RunError {
    /// Whether the command may have done something before it failed.
    pub(super) fn may_have_run(&self) -> bool {
        match self {
            Self::Host(error) => !matches!(
                error,
                Error::Unreachable { .. }
                    | Error::HostKeyMismatch { .. }
                    | Error::HostKeyUnknown { .. }
                    | Error::Authentication { .. }
                    | Error::TailnetPolicy { .. }
                    | Error::NoShell { .. }
                    | Error::JoinedStreams { .. }
                    | Error::Configuration { .. }
                    | Error::Start { .. }
                    | Error::Dial { .. }
            ),
            Self::Status { .. } | Self::Output(_) => true,
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let (happened, next) = match error {
            RunError::Host(error) => return error.into(),
            RunError::Status { status: 126 | 127, report } => (
                report,
                "Probably there is no such program on the host, or it cannot be run: name it by its absolute path, and \
                 put a shell in front where a line of shell is meant.",
            ),
            RunError::Status { report, .. } => (report, "Correct what it says, then apply again."),
            RunError::Output(report) => {
                (report, "Let it print less, or encode it (base64), then apply again.")
            }
        };
        Stop::new(happened, next).into()
    }
}

/// Goes to the directory `$1` and becomes the words that follow.
const IN_DIRECTORY: &str = r#"cd -- "$1" && shift && exec "$@""#;

/// `words` as they run: with root's rights where the connection has them.
fn command(words: &[String], model: &CommandModel) -> Command {
    let variables = model.environment.known().filter(|variables| !variables.is_empty());
    let mut all = Vec::new();
    if let Some(directory) = model.working_directory.as_str() {
        all.extend(["sh", "-c", IN_DIRECTORY, "windlass-command", directory].map(str::to_owned));
    }
    if let Some(variables) = variables {
        all.extend(["env".to_owned(), "--".to_owned()]);
        all.extend(variables.iter().map(|(name, value)| format!("{name}={value}")));
    }
    all.extend_from_slice(words);
    Command::new(all).privileged()
}

/// What a command printed, as the state holds it.
fn printed(stdout: Vec<u8>) -> Result<String, String> {
    if stdout.len() > MOST_OUTPUT {
        return Err(format!("printed more than {} KiB", MOST_OUTPUT >> 10));
    }
    let mut text =
        String::from_utf8(stdout).map_err(|_| "printed something that is not UTF-8 text".to_owned())?;
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use framework::{Field, Operation, Timeouts};
    use remote::{Fake, fake::Reply};
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_stay_as_they_are() {
        let model = CommandModel::default();
        assert_eq!(command(&words(&["a b", "$c", "-d"]), &model).words(), ["a b", "$c", "-d"]);
        let model = CommandModel {
            working_directory: "/srv/x y".into(),
            environment: Field::Known(BTreeMap::from([("A".to_owned(), "1 2".to_owned())])),
            ..CommandModel::default()
        };
        let command = command(&words(&["make", "it"]), &model);
        let before = ["sh", "-c", IN_DIRECTORY, "windlass-command", "/srv/x y"];
        assert_eq!(command.words(), [&before[..], &["env", "--", "A=1 2", "make", "it"]].concat());
        assert!(command.is_privileged());
        let model = CommandModel { working_directory: Field::Null, ..model };
        let command = super::command(&words(&["make", "it"]), &model);
        assert_eq!((command.words().len(), command.program()), (5, "make"));
    }

    #[tokio::test]
    async fn directories_and_variables_are_those_asked_for_whatever_the_host_has() {
        let directory = tempfile::tempdir().unwrap();
        let model = CommandModel {
            working_directory: directory.path().to_str().unwrap().into(),
            environment: Field::Known(BTreeMap::from([("A".to_owned(), "1  2".to_owned())])),
            ..CommandModel::default()
        };
        for tools in remote::conformance::Tools::all() {
            let command = command(&words(&["sh", "-c", "pwd; printf %s \"$A$1\"", "-", "x"]), &model);
            let output = remote::run_checked(&tools, &command, Input::Nothing).await.unwrap();
            let expected = format!("{}\n1  2x", directory.path().canonicalize().unwrap().display());
            assert_eq!(output.stdout_text(), expected, "{tools:?}");
        }
    }

    #[test]
    fn an_output_is_short_text_without_its_last_line_break() {
        assert_eq!(printed(b"a\n b\r\n\n".to_vec()).unwrap(), "a\n b");
        assert!(printed(vec![0xff]).unwrap_err().contains("UTF-8"));
        assert_eq!(printed(vec![b'x'; MOST_OUTPUT]).unwrap().len(), MOST_OUTPUT);
        assert!(printed(vec![b'x'; MOST_OUTPUT + 1]).unwrap_err().contains("256 KiB"));
    }

    async fn ran(model: CommandModel, reply: Reply) -> Result<String, RunError> {
        let fake = Fake::new("web");
        fake.expect(words(&["make"]), reply);
        let cx = Context::new(Operation::Create, CancellationToken::new(), Timeouts::new().create(1));
        let host = Host::fake(Arc::new(fake));
        let secret = Secret::from("hunter2");
        let runner = Runner { cx: &cx, host: &host, model: &model, stdin: Some(&secret) };
        runner.run(&words(&["make"])).await
    }

    #[tokio::test]
    async fn what_is_read_from_stdin_is_seen_nowhere() {
        let output = ran(CommandModel::default(), Reply::ok("it is hunter2\n")).await.unwrap();
        assert_eq!(output, "it is [secret]");
        let failure = ran(CommandModel::default(), Reply::failure(3, "bad hunter2\n")).await.unwrap_err();
        assert!(failure.may_have_run());
        let text =
            Failure::from(failure).into_diagnostics("Could not create command \"make\"", "W.").to_string();
        assert!(text.contains("ended with status 3 after") && text.contains("bad [secret]"), "{text}");
    }

    #[tokio::test]
    async fn a_sensitive_output_is_in_no_error() {
        let model = CommandModel { sensitive: Field::Known(true), ..CommandModel::default() };
        let reply = Reply::failure(1, "").stdout("token");
        let failure = ran(model, reply).await.unwrap_err();
        let text = Failure::from(failure).into_diagnostics("t", "W.").to_string();
        assert!(!text.contains("token") && text.contains("sensitive"), "{text}");
    }

    #[test]
    fn a_host_that_was_not_reached_has_run_nothing() {
        let source = std::io::Error::other("refused").into();
        assert!(!RunError::Host(Error::Unreachable { host: "web".into(), source }).may_have_run());
        let lost = Error::NoStatus { program: "make".into(), host: "web".into() };
        assert!(RunError::Host(lost).may_have_run());
    }
}
