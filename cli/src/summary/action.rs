//! What a plan does with something.

/// What becomes of a resource, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is destroyed.
    Destroy,
    /// It is destroyed and made anew; whether the new one is there first.
    Replace {
        /// Whether the new one is there before the old one goes.
        new_first: bool,
    },
    /// It leaves the state and stays as it is.
    Forget,
    /// It changes in place.
    Update,
    /// It is created.
    Create,
    /// It enters the state as it is.
    Import,
    /// It has another address.
    Move,
    /// A data source is read during apply.
    Read,
}

impl Action {
    /// The words of a plan's JSON; `None` for nothing.
    pub fn of_words(words: &[String]) -> Option<Self> {
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["create"] => Some(Self::Create),
            ["update"] => Some(Self::Update),
            ["delete"] => Some(Self::Destroy),
            ["delete", "create"] => Some(Self::Replace { new_first: false }),
            ["create", "delete"] => Some(Self::Replace { new_first: true }),
            ["forget"] => Some(Self::Forget),
            // The old object is left alone, and no longer known.
            ["create", "forget"] | ["forget", "create"] => Some(Self::Replace { new_first: true }),
            ["read"] => Some(Self::Read),
            _ => None,
        }
    }

    /// What is done, as the end of a sentence without a subject.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "changed in place",
            Self::Replace { new_first: false } => "destroyed and made anew",
            Self::Replace { new_first: true } => "made anew, then the old one is destroyed",
            Self::Destroy => "destroyed",
            Self::Forget => "forgotten, and left as it is",
            Self::Import => "imported",
            Self::Move => "moved",
            Self::Read => "read during apply",
        }
    }

    /// The sign of a diff.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace { new_first: false } => "-/+",
            Self::Replace { new_first: true } => "+/-",
            Self::Destroy => "-",
            Self::Forget => ".",
            Self::Import | Self::Move => "→",
            Self::Read => "<=",
        }
    }

    /// A word for style sheets.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Create | Self::Import => "create",
            Self::Update | Self::Move | Self::Read => "update",
            Self::Replace { .. } => "replace",
            Self::Destroy | Self::Forget => "destroy",
        }
    }

    /// Whether what is there now goes.
    pub const fn removes(self) -> bool {
        matches!(self, Self::Destroy | Self::Replace { .. })
    }
}

/// Why, in words: what the core gives as its reason.
pub fn reason(word: &str, kind: &str) -> Option<String> {
    let text = match word {
        "replace_because_tainted" | "tainted" => "an earlier apply did not finish it (tainted)",
        "replace_by_request" | "requested" => "the command line asks for it (`-replace`)",
        "replace_by_triggers" | "replace_triggered_by" => "something in its `replace_triggered_by` changes",
        "delete_because_no_resource_config" => "it is not in the configuration any more",
        "delete_because_no_module" => "its module is not in the configuration any more",
        "delete_because_wrong_repetition" => "`count` or `for_each` came or went",
        "delete_because_count_index" => "its index is not within `count` any more",
        "delete_because_each_key" => "its key is not in `for_each` any more",
        "delete_because_no_move_target" => "it has been moved to an address that is not in the configuration",
        "delete_because_enabled_false" => "`enabled` is false",
        "read_because_config_unknown" => "its arguments are known during apply",
        "read_because_dependency_pending" => "something that it depends on changes first",
        "read_because_check_nested" => "a check reads it",
        // The paths say which.
        "replace_because_cannot_update" | "cannot_update" | "" => return None,
        other => return Some(format!("{} ({kind})", other.replace('_', " "))),
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_plans_are_actions() {
        let of =
            |words: &[&str]| Action::of_words(&words.iter().map(|&word| word.into()).collect::<Vec<_>>());
        assert_eq!(of(&["no-op"]), None);
        assert_eq!(of(&["create", "delete"]), Some(Action::Replace { new_first: true }));
        assert_eq!(of(&["delete", "create"]), Some(Action::Replace { new_first: false }));
        assert!(Action::Destroy < Action::Create);
    }

    #[test]
    fn a_reason_that_is_not_known_is_told_as_it_is() {
        assert_eq!(reason("replace_because_cannot_update", "t"), None);
        assert_eq!(reason("delete_because_moon", "t").as_deref(), Some("delete because moon (t)"));
    }
}
