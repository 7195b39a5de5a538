//! Policies that were read, for as long as they are asked about again: a core has the same text validated,
//! planned and planned once more, and a large one takes a while to read.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tailnet::{
    hujson::SyntaxError,
    policy::{Policy, Rules},
};

/// How many are kept: what is and what is to be, of two tailnets.
const KEPT: usize = 4;

static LAST: Memory = Memory(Mutex::new(VecDeque::new()));

/// Policies that were read, the last one first.
struct Memory(Mutex<VecDeque<Arc<ReadPolicy>>>);

/// A policy that can be read, and what it says.
#[derive(Debug)]
pub(super) struct ReadPolicy {
    text: String,
    pub(super) policy: Policy,
    rules: OnceLock<Rules>,
}

impl ReadPolicy {
    /// Its rules, as [`Policy::rules`].
    pub(super) fn rules(&self) -> &Rules {
        self.rules.get_or_init(|| self.policy.rules())
    }
}

/// Reads a policy, unless it was read just before.
///
/// # Errors
/// As [`Policy::parse`].
pub(super) fn read_policy(text: &str) -> Result<Arc<ReadPolicy>, SyntaxError> {
    LAST.read(text)
}

impl Memory {
    fn read(&self, text: &str) -> Result<Arc<ReadPolicy>, SyntaxError> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().iter().find(|one| one.text == text) {
            return Ok(found.clone());
        }
        let (text, policy) = (text.to_owned(), Policy::parse(text)?);
        let read = Arc::new(ReadPolicy { text, policy, rules: OnceLock::new() });
        let mut known = known();
        known.push_front(read.clone());
        known.truncate(KEPT);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_and_another_text_is_another_policy() {
        let memory = Memory(Mutex::default());
        let text = |number: usize| format!("{{\"acls\": []}} // {number}\n");
        let first = memory.read(&text(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &memory.read(&text(0)).unwrap()));
        for number in 1..=KEPT {
            assert!(!Arc::ptr_eq(&first, &memory.read(&text(number)).unwrap()));
        }
        assert!(!Arc::ptr_eq(&first, &memory.read(&text(0)).unwrap()), "no more are kept");
        assert!(memory.read("{").is_err());
    }
}
