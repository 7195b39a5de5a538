//! What a key by which machines join is asked for with: the same for the resource, whose key is in
//! the state, and the ephemeral one, whose key is nowhere.

use std::{collections::BTreeSet, time::Duration};

use framework::{Attribute, Diagnostic, Diagnostics, Field, Model, Rule, Type, schema::parse_duration};
use tailnet::KeySpec;

/// The attributes that say what key is wanted.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct KeyFields {
    pub(crate) description: Field<String>,
    pub(crate) tags: Field<BTreeSet<String>>,
    pub(crate) user: Field<String>,
    pub(crate) reusable: Field<bool>,
    pub(crate) ephemeral: Field<bool>,
    pub(crate) preauthorized: Field<bool>,
    pub(crate) expiry: Field<String>,
}

impl KeyFields {
    /// The attributes; another value of any asks for another key.
    pub(crate) fn attributes(expiry: &'static str) -> [Attribute; 7] {
        [
            Attribute::string("description").check(description).describe(
                "What the key is for, as the console of Tailscale shows it: letters, digits, hyphens and spaces, at most \
                 50. Headscale has no place for it.",
            ),
            tags_attribute().describe(
                "The tags that machines get by it, such as `tag:prod`. Each must be in `tagOwners` of the policy. A key \
                 that an OAuth client makes needs tags, and all of them must be its own, or owned by one of its own.",
            ),
            Attribute::string("user").describe(
                "Headscale: whose machines they become, the name of a user. Exactly one of `user` and `tags`.",
            ),
            Attribute::bool("reusable").default(false).describe("Whether more than one machine can join by it. Default: `false`."),
            Attribute::bool("ephemeral").default(false).describe(
                "Whether machines that join by it are removed from the tailnet when they are gone for a while. Default: \
                 `false`.",
            ),
            Attribute::bool("preauthorized").default(true).describe(
                "Whether machines that join by it need no approval where the tailnet has device approval. Default: `true`. \
                 Headscale has no such approval.",
            ),
            Attribute::string("expiry").default(expiry).check(expiry_in_range).describe(format!(
                "For how long a machine can join by it, such as `1h`; at most 90 days (`2160h`). Default: `{expiry}`."
            )),
        ]
    }

    /// The rules over them.
    pub(crate) fn rule() -> Rule {
        Rule::at_most_one_of(["tags", "user"])
    }

    /// What the server is asked for.
    pub(crate) fn spec(&self) -> KeySpec {
        KeySpec {
            description: self.description.clone().known_or_default(),
            tags: self.tags.clone().known_or_default().into_iter().collect(),
            user: self.user.known().cloned(),
            reusable: self.reusable.is_true(),
            ephemeral: self.ephemeral.is_true(),
            preauthorized: self.preauthorized.is_true(),
            expiry: self
                .expiry
                .as_str()
                .and_then(|text| parse_duration(text).ok())
                .unwrap_or(Duration::from_secs(600)),
        }
    }

    /// What validators of single attributes cannot see.
    pub(crate) fn validate(&self, problems: &mut Diagnostics) {
        if self.tags.known().is_some_and(BTreeSet::is_empty) {
            problems.push(
                Diagnostic::error("Invalid value for tags")
                    .detail("The value must not be empty. Leave it out for a key without tags.")
                    .at("tags"),
            );
        }
    }
}

#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
fn description(text: &String) -> Result<(), String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == ' ';
    if text.chars().all(fits) && (1..=50).contains(&text.len()) {
        return Ok(());
    }
    Err("must have 1 to 50 letters, digits, hyphens and spaces".to_owned())
}

/// An attribute with tags for machines.
pub(crate) fn tags_attribute() -> Attribute {
    Attribute::set("tags", Type::String)
        .check(|tags: &BTreeSet<String>| tags.iter().try_for_each(|tag| check_tag(tag)))
}

/// Checks the spelling of a tag.
fn check_tag(text: &str) -> Result<(), String> {
    let name = text.strip_prefix("tag:").unwrap_or_default();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(fits) {
        return Ok(());
    }
    Err("must be tags: `tag:`, a letter, then letters, digits and hyphens".to_owned())
}

#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
fn expiry_in_range(text: &String) -> Result<(), String> {
    let expiry = parse_duration(text)?;
    let range = Duration::from_secs(1)..=Duration::from_secs(90 * 24 * 3600);
    if range.contains(&expiry) { Ok(()) } else { Err("must be from `1s` to `2160h` (90 days)".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_no_server_takes_are_refused() {
        assert!(description(&"CI deploy-key 2".to_owned()).is_ok());
        assert!(description(&"no_underscores".to_owned()).is_err() && description(&"x".repeat(51)).is_err());
        assert!(check_tag("tag:gha-deployer").is_ok());
        assert!(["prod", "tag:", "tag:1", "tag:a b"].into_iter().all(|tag| check_tag(tag).is_err()));
        assert!(
            expiry_in_range(&"2160h".to_owned()).is_ok() && expiry_in_range(&"2161h".to_owned()).is_err()
        );
    }
}
