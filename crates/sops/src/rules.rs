//! Which values of a file are encrypted.

use regex::Regex;

use crate::error::Error;
use crate::value::Value;

/// The rule of a file, by names on the way to a value.
#[derive(Clone, Debug)]
pub struct Rules {
    rule: Rule,
    /// Whether the MAC leaves out what is not encrypted.
    pub mac_only_encrypted: bool,
}

#[derive(Clone, Debug)]
enum Rule {
    Everything,
    UnencryptedSuffix(String),
    EncryptedSuffix(String),
    UnencryptedRegex(Regex),
    EncryptedRegex(Regex),
}

/// What SOPS does where a file says nothing.
pub const DEFAULT_SUFFIX: &str = "_unencrypted";
/// The expression that any name fits.
const ANYTHING: &str = ".*";

impl Default for Rules {
    fn default() -> Self {
        Self { rule: Rule::UnencryptedSuffix(DEFAULT_SUFFIX.into()), mac_only_encrypted: false }
    }
}

impl Rules {
    /// Every value, whatever its name.
    pub const EVERYTHING: Self = Self { rule: Rule::Everything, mac_only_encrypted: false };

    /// The same MAC, over every value: SOPS follows no rule in binary files.
    #[must_use]
    pub fn for_everything(self) -> Self {
        Self { rule: Rule::Everything, ..self }
    }

    /// What a file says of itself.
    ///
    /// # Errors
    /// When that is more than one rule, or one that cannot be followed.
    pub fn read(metadata: &Value) -> Result<Self, Error> {
        for name in ["unencrypted_comment_regex", "encrypted_comment_regex"] {
            if text(metadata, name).is_some() {
                return Err(Error::Unsupported(format!("`{name}`")));
            }
        }
        let regex = |text: &str| {
            Regex::new(text).map_err(|_| Error::Metadata("its rule is not a regular expression".into()))
        };
        let mut rules = Vec::new();
        rules.extend(
            text(metadata, "unencrypted_suffix").map(|suffix| Rule::UnencryptedSuffix(suffix.into())),
        );
        rules.extend(text(metadata, "encrypted_suffix").map(|suffix| Rule::EncryptedSuffix(suffix.into())));
        if let Some(expression) = text(metadata, "unencrypted_regex") {
            rules.push(Rule::UnencryptedRegex(regex(expression)?));
        }
        if let Some(expression) = text(metadata, "encrypted_regex") {
            rules.push(Rule::EncryptedRegex(regex(expression)?));
        }
        if rules.len() > 1 {
            return Err(Error::Metadata("it has more than one rule of what is encrypted".into()));
        }
        let mac_only_encrypted = match metadata.get("mac_only_encrypted") {
            Some(Value::Bool(only)) => *only,
            Some(Value::Text(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        };
        let rule = rules.pop().unwrap_or_else(|| Rule::UnencryptedSuffix(DEFAULT_SUFFIX.into()));
        Ok(Self { rule, mac_only_encrypted })
    }

    /// As the file says it.
    pub fn write(&self) -> Vec<(String, Value)> {
        let said = match &self.rule {
            // Without a rule SOPS leaves out what ends in `_unencrypted`.
            Rule::Everything => Some(("encrypted_regex", ANYTHING)),
            Rule::UnencryptedSuffix(text) => Some(("unencrypted_suffix", text.as_str())),
            Rule::EncryptedSuffix(text) => Some(("encrypted_suffix", text.as_str())),
            Rule::UnencryptedRegex(regex) => Some(("unencrypted_regex", regex.as_str())),
            Rule::EncryptedRegex(regex) => Some(("encrypted_regex", regex.as_str())),
        };
        let mut pairs: Vec<(String, Value)> =
            said.into_iter().map(|(name, text)| (name.to_owned(), Value::text(text))).collect();
        if self.mac_only_encrypted {
            pairs.push(("mac_only_encrypted".into(), Value::Bool(true)));
        }
        pairs
    }

    /// Whether what lies below these names is encrypted: any of them decides.
    pub fn covers(&self, path: &[&str]) -> bool {
        let any = |matches: &dyn Fn(&str) -> bool| path.iter().any(|name| matches(name));
        match &self.rule {
            Rule::Everything => true,
            Rule::UnencryptedSuffix(suffix) => !any(&|name| name.ends_with(suffix.as_str())),
            Rule::EncryptedSuffix(suffix) => any(&|name| name.ends_with(suffix.as_str())),
            Rule::UnencryptedRegex(regex) => !any(&|name| regex.is_match(name)),
            // What every file says that encrypts everything; asked once for each value.
            Rule::EncryptedRegex(regex) if regex.as_str() == ANYTHING => !path.is_empty(),
            Rule::EncryptedRegex(regex) => any(&|name| regex.is_match(name)),
        }
    }
}

fn text<'a>(metadata: &'a Value, name: &str) -> Option<&'a str> {
    metadata.get(name)?.as_text().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(pairs: &[(&str, &str)]) -> Result<Rules, Error> {
        Rules::read(&Value::Map(
            pairs.iter().map(|(name, text)| ((*name).into(), Value::text(*text))).collect(),
        ))
    }

    #[test]
    fn any_name_on_the_way_decides() {
        let path = |words: &'static str| words.split('.').collect::<Vec<_>>();
        let all = [
            (rules(&[]), "a.b_unencrypted.c", false),
            (rules(&[]), "a.b", true),
            (rules(&[("encrypted_suffix", "_s")]), "a_s.b", true),
            (rules(&[("encrypted_suffix", "_s")]), "a.b", false),
            (rules(&[("encrypted_regex", "^(data|stringData)$")]), "x.data.y", true),
            (rules(&[("encrypted_regex", "^(data|stringData)$")]), "x.metadata.y", false),
            (rules(&[("unencrypted_regex", "lic")]), "public.y", false),
            (rules(&[("encrypted_regex", ".*")]), "a", true),
        ];
        for (rules, words, covered) in all {
            assert_eq!(rules.unwrap().covers(&path(words)), covered, "{words}");
        }
    }

    #[test]
    fn rules_that_cannot_be_followed_are_errors() {
        let two = rules(&[("encrypted_suffix", "_s"), ("encrypted_regex", "x")]).unwrap_err();
        assert_eq!(
            two.to_string(),
            "the `sops` part of the file is damaged: it has more than one rule of what is encrypted"
        );
        let comments = rules(&[("encrypted_comment_regex", "x")]).unwrap_err();
        assert!(comments.to_string().contains("`encrypted_comment_regex`"));
    }
}
