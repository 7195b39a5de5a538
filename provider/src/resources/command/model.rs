//! The attributes of `windlass_command`, and how an output becomes attributes.

use std::collections::BTreeMap;

use framework::{Field, Model};
use secret::Secret;

/// How many characters of a command a title shows.
const TITLE_LENGTH: usize = 60;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct CommandModel {
    pub(crate) host: Field<String>,
    pub(crate) create: Field<Vec<String>>,
    pub(crate) read: Field<Vec<String>>,
    pub(crate) update: Field<Vec<String>>,
    pub(crate) destroy: Field<Vec<String>>,
    pub(crate) gone_statuses: Field<Vec<u64>>,
    pub(crate) working_directory: Field<String>,
    pub(crate) environment: Field<BTreeMap<String, String>>,
    pub(crate) triggers: Field<BTreeMap<String, String>>,
    pub(crate) stdin_wo: Field<Secret>,
    pub(crate) stdin_wo_version: Field<String>,
    pub(crate) sensitive: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) output: Field<String>,
    pub(crate) sensitive_output: Field<String>,
}

impl CommandModel {
    /// Puts an output into the attribute that it belongs into; while it is not decided which one
    /// that is, both are unknown.
    pub(super) fn put_output(&mut self, output: Field<String>) {
        (self.output, self.sensitive_output) = match self.sensitive {
            Field::Unknown => (Field::Unknown, Field::Unknown),
            Field::Known(true) => (Field::Null, output),
            _ => (output, Field::Null),
        };
    }

    /// The output, whichever attribute it is in.
    pub(super) fn any_output(&self) -> &Field<String> {
        if self.sensitive_output.is_null() { &self.output } else { &self.sensitive_output }
    }

    /// Whether `status` is one with which `read` says that there is nothing.
    pub(super) fn is_gone(&self, status: u32) -> bool {
        self.gone_statuses.known().is_some_and(|statuses| statuses.contains(&status.into()))
    }

    /// What `create` makes, in words.
    pub(super) fn subject(&self) -> String {
        let words = self.create.known().map(|words| words.join(" ")).unwrap_or_default();
        format!("command {:?}", shortened(&words))
    }
}

/// The first line of `text`, as far as a title has room for it.
pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(TITLE_LENGTH).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// What is remembered of an output.
pub(super) fn hash(output: &str) -> String {
    tree::sha256(output.as_bytes())
}

/// Checks a command.
pub(super) fn check_words(words: &[String]) -> Result<(), String> {
    let Some(program) = words.first() else {
        return Err("must be a program and its arguments".to_owned());
    };
    if program.is_empty() || program.starts_with('-') || program.contains('=') {
        return Err("must begin with the name or the path of a program".to_owned());
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err("must not contain the character NUL".to_owned());
    }
    Ok(())
}

/// Checks a variable of the environment.
pub(super) fn check_variable((name, value): (&String, &String)) -> Result<(), String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(letter) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!(
            "must have names of letters, digits and `_` that do not begin with a digit; {name:?} is not one"
        ));
    }
    if value.contains('\0') {
        return Err("must not contain the character NUL".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_in_one_attribute_only() {
        let mut model = CommandModel { sensitive: Field::Known(false), ..CommandModel::default() };
        model.put_output("a".into());
        assert_eq!((&model.output, &model.sensitive_output), (&"a".into(), &Field::Null));
        model.sensitive = Field::Known(true);
        model.put_output("b".into());
        assert_eq!((&model.output, model.any_output()), (&Field::Null, &"b".into()));
        model.sensitive = Field::Unknown;
        model.put_output("c".into());
        assert!(model.output.is_unknown() && model.sensitive_output.is_unknown());
    }

    #[test]
    fn a_command_begins_with_a_program() {
        let check = |words: &[&str]| check_words(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(check(&["/bin/a b", "-x", "", "A=1"]).is_ok());
        for words in [&[][..], &[""], &["-x"], &["A=1", "b"], &["a", "\0"]] {
            assert!(check(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn variables_have_names() {
        let check = |name: &str| check_variable((&name.to_owned(), &"v".to_owned()));
        assert!(check("A_1").is_ok());
        for name in ["", "1A", "A-B", "A=B", "Ä"] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_title_has_one_short_line() {
        assert_eq!(shortened("a\nb"), "a…");
        assert_eq!(shortened("a b"), "a b");
        assert_eq!(shortened(&"x".repeat(99)).chars().count(), TITLE_LENGTH + 1);
    }
}
