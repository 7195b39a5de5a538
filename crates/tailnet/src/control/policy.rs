//! The policy that a control server has.

/// A policy as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// The text, as somebody wrote it.
    pub text: String,
    /// Which version of it that is.
    pub version: PolicyVersion,
}

/// Names one version of a policy. What is in it is the server's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyVersion(pub String);

/// Which policy is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The one that a server has when nobody has written any.
    Untouched,
    /// This one.
    Version(PolicyVersion),
}

/// What a server thinks of a policy that it does not have yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it would not take it.
    pub errors: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Whether it would be taken.
    pub fn is_fine(&self) -> bool {
        self.errors.is_empty()
    }
}
