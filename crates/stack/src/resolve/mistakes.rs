//! What is wrong with the files, in Compose's words and with the user's places.

use std::collections::BTreeSet;

use compose::{Compose, Project, Unresolved, dotenv, layout::STAGED_VALUES, newer};

use super::{
    Stage,
    files::{Sent, is_yaml},
};
use crate::error::{Error, Undefined};

/// How many files are tried to find the one with the mistake.
const MOST_SUSPECTS: usize = 20;

impl Stage<'_> {
    /// The mistake in the files, in Compose's words. It tells the line, but not always the file:
    /// then each is tried alone. Variables that Compose took for empty may be why.
    pub(super) async fn wrong(&self, compose: &Compose<'_>, why: Unresolved, sent: Sent<'_>) -> Error {
        let Unresolved { error, unset } = why;
        let output = match *error {
            docker::Error::Command { output, .. } => output,
            other => return other.into(),
        };
        let said = without_log_lines(&output);
        if let Some(error) = self.wrong_env(&said, sent) {
            return error;
        }
        let undefined = taken(self.undefined(&unset, sent));
        let undefined = match self.missing_file(&said, undefined, sent) {
            Ok(error) => return error,
            Err(undefined) => undefined,
        };
        let file =
            if said.starts_with("yaml: ") { self.culprit(compose, &said, sent.paths).await } else { None };
        let version = self.host.compose_version().await.unwrap_or_default();
        let message = match newer::refused(&said, &version) {
            Some(why) => format!("{said}\n{why}"),
            None => said,
        };
        Error::InvalidFiles { file, message, undefined }
    }

    /// The mistake in a dotenv text. The values that Compose reads begin with ours, so that its lines
    /// are not the user's.
    fn wrong_env(&self, said: &str, sent: Sent<'_>) -> Option<Error> {
        let of_values = said.strip_prefix(&format!("failed to read {STAGED_VALUES}: "));
        let own = self.spec.env_text().filter(|_| of_values.is_some());
        if let (Some(message), Some(text)) = (of_values, own) {
            let (line, message) = match line_in(message) {
                Some((line, message)) => (line.checked_sub(self.lines_before_own()), message),
                None => (line_about(text, message), message),
            };
            // Of a quote that is never closed it tells the last line.
            let line = dotenv::statements(text).1.map(|bad| bad.line).or(line);
            let (file, message) = (self.spec.dotenv_path.clone(), message.to_owned());
            return Some(Error::InvalidEnv { file, line, message });
        }
        // Of a file that a service names it does not tell which one.
        let (_, message) = line_in(said)?;
        let bad = |text: &str| dotenv::statements(text).1.map(|bad| bad.line);
        let mut texts = self.env_texts(sent.contents, sent.paths);
        let (file, line) = texts.find_map(|(file, text)| Some((file, bad(&text)?)))?;
        Some(Error::InvalidEnv { file, line: Some(line), message: message.to_owned() })
    }

    /// A file that Compose has not found, where that is not just a name in the stack's directory.
    fn missing_file(
        &self,
        said: &str,
        undefined: Vec<Undefined>,
        sent: Sent<'_>,
    ) -> Result<Error, Vec<Undefined>> {
        let is_missing = said.contains("no such file or directory") || said.contains("not found");
        let env = self.end.env_path();
        if said.contains(&format!("env file {env} not found")) || said.contains(&format!("stat {env}: ")) {
            let none = self.spec.own_text().is_none();
            return if none { Ok(Error::NoOwnEnv { path: env, undefined }) } else { Err(undefined) };
        }
        let mut words = said.split_whitespace().map(|word| word.trim_matches([':', '"', ',', '\'']));
        let Some(path) = words.find(|word| word.starts_with('/')).filter(|_| is_missing) else {
            return Err(undefined);
        };
        let is_written = |file: &String| {
            let text = sent.contents.get(file);
            text.is_some_and(|text| String::from_utf8_lossy(text).contains(path))
        };
        let written = sent.paths.iter().any(is_written);
        let named = if written { path.to_owned() } else { relative(path, &self.end.project_directory()) };
        Ok(Error::OutsideFile { named, path: path.to_owned(), message: said.to_owned(), undefined })
    }

    async fn culprit(&self, compose: &Compose<'_>, said: &str, staged: &BTreeSet<String>) -> Option<String> {
        let others = staged.iter().filter(|path| !self.spec.files.contains(path));
        let others = others.filter(|path| is_yaml(path));
        for path in self.spec.files.iter().chain(others).take(MOST_SUSPECTS) {
            let alone = Project { files: vec![format!("{}/{path}", self.at.root())], ..self.project() };
            let answer = compose.resolve(&alone).await;
            let output = answer.as_ref().err().and_then(Unresolved::output);
            if output.is_some_and(|output| without_log_lines(output) == said) {
                return Some(path.clone());
            }
        }
        None
    }
}

/// Those of `undefined` that a text comes to; where none does, all may be why.
fn taken(undefined: Vec<Undefined>) -> Vec<Undefined> {
    let is_used = |one: &Undefined| !one.uses.is_empty();
    if !undefined.iter().any(is_used) {
        return undefined;
    }
    undefined.into_iter().filter(is_used).collect()
}

/// Compose's words without the lines of its log.
pub(super) fn without_log_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| !line.starts_with("time=\"")).collect();
    lines.join("\n").trim().to_owned()
}

/// The absolute path `path` as it is seen from `directory`.
fn relative(path: &str, directory: &str) -> String {
    let (path, from): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), directory.split('/').collect());
    let same = path.iter().zip(&from).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..", from.len() - same);
    up.chain(path[same..].iter().copied()).collect::<Vec<_>>().join("/")
}

/// The line that a message about a dotenv text begins with, and the rest of it.
fn line_in(message: &str) -> Option<(usize, &str)> {
    let (line, rest) = message.strip_prefix("line ")?.split_once(": ")?;
    Some((line.parse().ok()?, rest))
}

/// The line of a dotenv text that a message without one is about: it quotes the value, or names the
/// variable.
fn line_about(text: &str, message: &str) -> Option<usize> {
    let quoted =
        message.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).map(|(quoted, _)| quoted);
    let required = message.strip_prefix("required variable ").and_then(|rest| rest.split(' ').next());
    match (quoted, required) {
        (_, Some(name)) => dotenv::line_with(text, &format!("${{{name}")),
        (Some(quoted), None) => dotenv::line_with(text, quoted),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_of_compose_are_no_mistake() {
        let said = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"x\"\nyaml: line 3: mapping values\n";
        assert_eq!(without_log_lines(said), "yaml: line 3: mapping values");
    }

    #[test]
    fn what_is_outside_is_named_from_the_directory() {
        assert_eq!(relative("/srv/common.env", "/srv/web"), "../common.env");
        assert_eq!(relative("/srv/a/b/x", "/srv/web/deploy"), "../../a/b/x");
        assert_eq!(relative("/x", "/srv/web"), "../../x");
    }

    #[test]
    fn messages_about_dotenv_texts_lead_to_a_line() {
        assert_eq!(line_in("line 11: key cannot contain a space"), Some((11, "key cannot contain a space")));
        assert_eq!(line_in("yaml: line 3: x"), None);
        let text = "A=1\nP=${abc\nQ=${d?need it}\n";
        for (message, line) in [
            ("Invalid template: \"${abc\"", Some(2)),
            ("required variable d is missing a value: need it", Some(3)),
            ("something else", None),
        ] {
            assert_eq!(line_about(text, message), line, "{message}");
        }
    }
}
