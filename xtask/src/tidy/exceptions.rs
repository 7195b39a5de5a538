//! What is known to break a rule and has not been put right yet.
//!
//! An entry that nothing needs any more is a violation itself, so that the
//! lists only get shorter.

use super::Violation;

/// All of them.
pub struct Exceptions {
    pub circles: &'static [Circle],
    pub advice: &'static [Advice],
}

/// One import that closes a circle.
pub struct Circle {
    /// The crate's folder of sources.
    pub root: &'static str,
    /// The module that imports, from `crate` down.
    pub from: &'static str,
    /// The module that it imports.
    pub to: &'static str,
}

/// The provider's advice in a domain crate.
pub struct Advice {
    pub file: &'static str,
    /// What gives it away, as the violation says it.
    pub says: &'static str,
}

/// Of this checkout.
pub const KNOWN: Exceptions = Exceptions { circles: &[], advice: &[] };

/// Of a checkout that has none.
#[cfg(test)]
pub const NONE: Exceptions = Exceptions { circles: &[], advice: &[] };

impl Circle {
    pub fn stale(&self) -> Violation {
        stale(format!("the import of {} by {} in {}", self.to, self.from, self.root))
    }
}

impl Advice {
    pub fn stale(&self) -> Violation {
        stale(format!("\"{}\" in {}", self.says, self.file))
    }
}

fn stale(entry: String) -> Violation {
    let text = format!("excepts {entry}, which breaks no rule: remove the entry");
    Violation::new("xtask/src/tidy/exceptions.rs", text)
}
