//! What Compose has said a moment ago, as it lies on a host.

use std::collections::BTreeMap;

use crate::desired::DesiredStack;

/// The answers of a moment ago, by their names. All that a process wants to know of them it gets by one
/// command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers(BTreeMap<String, String>);

impl Answers {
    /// The answers in `text`: each a line, behind `./`, its name and a colon.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.strip_prefix("./")?.split_once(':'));
        Self(lines.map(|(name, json)| (name.to_owned(), json.to_owned())).collect())
    }

    /// The answer of this name, if it is one for inputs with this digest.
    pub(crate) fn answer(&self, name: &str, digest: &str) -> Option<DesiredStack> {
        let found: DesiredStack = serde_json::from_str(self.0.get(name)?).ok()?;
        (found.digest == digest).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_for_the_same_inputs_counts() {
        let answer = DesiredStack { digest: "d".into(), ..DesiredStack::default() };
        let json = serde_json::to_string(&answer).unwrap();
        let found = Answers::parse(&format!("./d-1:{json}\n./broken:{{\n"));
        assert_eq!(found.answer("d-1", "d"), Some(answer));
        assert_eq!(found.answer("d-1", "other"), None);
        assert_eq!((found.answer("broken", "d"), found.answer("d-2", "d")), (None, None));
    }
}
