//! Texts in a dialect of ours: "is no valid port" for "is not a valid port". People
//! search for what a message says, and write it differently.

use super::Violation;
use super::rust::{Found, RustFile};

/// The words after which the shape is good English: "no longer", "no more than".
const AFTER: &[&str] = &["longer", "more", "less", "later", "other", "need", "use", "point", "way"];

/// What may stand before it: "there is no network".
const BEFORE: &[&str] = &["there", "where"];

/// One violation per text of the crates, the provider and the companion.
pub fn check(files: &[RustFile]) -> Vec<Violation> {
    let texts = files.iter().filter(|file| is_for_users(file.path));
    let texts = texts.flat_map(|file| file.strings.iter().map(|text| (file.path, text)));
    texts.filter_map(|(path, text)| Some(violation(path, text, &dialect(&text.text)?))).collect()
}

fn violation(path: &str, text: &Found, said: &str) -> Violation {
    Violation::new(format!("{path}:{}", text.line), format!("says \"{said}\": write \"is not a …\""))
}

/// Whether users read what the file says.
fn is_for_users(path: &str) -> bool {
    let is_code = ["crates/", "provider/src/", "cli/src/"].iter().any(|root| path.starts_with(root));
    is_code && !path.contains("/tests/") && !path.ends_with("tests.rs")
}

/// The first place of the shape, with the word that follows.
fn dialect(text: &str) -> Option<String> {
    // The shape may begin the text.
    let words: Vec<&str> = std::iter::once("").chain(text.split_whitespace()).collect();
    words.windows(4).find_map(|window| {
        let [before, verb, no, what] = window else { return None };
        let is_shape = ["is", "are"].contains(verb) && *no == "no";
        let is_english = BEFORE.contains(&before.to_lowercase().as_str()) || AFTER.contains(what);
        (is_shape && !is_english).then(|| format!("{verb} no {what}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_found_and_good_english_is_not() {
        for text in ["\"x\" is no port", "is no mode", "It is no HuJSON. At 1", "they are no files"] {
            assert!(dialect(text).is_some(), "{text}");
        }
        for text in ["There is no port", "is no longer there", "x is not a port", "says no more", "no"] {
            assert_eq!(dialect(text), None, "{text}");
        }
    }

    #[test]
    fn tests_may_say_what_they_like() {
        assert!(is_for_users("crates/ssh/src/error.rs") && is_for_users("cli/src/main.rs"));
        assert!(!is_for_users("crates/ssh/tests/a.rs") && !is_for_users("xtask/src/main.rs"));
    }
}
