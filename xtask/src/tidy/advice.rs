//! Texts of the domain crates that give the provider's advice: they would be
//! wrong in the companion, and stale when the schema changes.
//!
//! The names of attributes and blocks come from the generated pages in docs/,
//! which are the schema. Most of them are everyday words or Compose's own, so a
//! name counts only where the text leaves no doubt that it is meant.

use super::exceptions::Advice;
use super::rust::{Found, RustFile};
use super::sources::is_domain_crate;
use super::{SourceFile, Violation};
use std::collections::BTreeSet;

/// Words of what runs the provider, not of what it does.
const ALWAYS: &[&str] = &["the provider", "the provider's", "this provider", "this provider's"];

/// Names with an underscore that Compose files or connections have as well.
const SHARED: &[&str] = &["cache_from", "cache_to", "host_key"];

/// One violation per text, and one per exception that no text needs.
pub fn check(texts: &[SourceFile], files: &[RustFile], exceptions: &[Advice]) -> Vec<Violation> {
    let names = Names::of(texts);
    let found: Vec<(&str, &Found, String)> = files
        .iter()
        .filter(|file| is_domain_crate(file.path))
        .flat_map(|file| file.strings.iter().map(|text| (file.path, text)))
        .filter_map(|(path, text)| Some((path, text, names.said_in(&text.text)?)))
        .collect();
    let is_excepted = |path: &str, said: &str| {
        exceptions.iter().any(|exception| exception.file == path && exception.says == said)
    };
    let stale = exceptions.iter().filter(|exception| {
        !found.iter().any(|(path, _, said)| exception.file == *path && exception.says == said)
    });
    found
        .iter()
        .filter(|(path, _, said)| !is_excepted(path, said))
        .map(|(path, text, said)| {
            let place = format!("{path}:{}", text.line);
            Violation::new(
                place,
                format!("says \"{said}\": what the provider's user can do is said by the provider"),
            )
        })
        .chain(stale.map(Advice::stale))
        .collect()
}

/// What the schema calls its parts.
#[derive(Default)]
struct Names {
    attributes: BTreeSet<String>,
    blocks: BTreeSet<String>,
}

impl Names {
    fn of(texts: &[SourceFile]) -> Self {
        let pages = texts.iter().filter(|file| file.path.starts_with("docs/") && file.path.ends_with(".md"));
        let mut names = Self::default();
        for line in pages.flat_map(|page| page.text.lines()) {
            let Some((name, rest)) = line.strip_prefix("- `").and_then(|line| line.split_once("` (")) else {
                continue;
            };
            let of_its_kind =
                if rest.starts_with("Block") { &mut names.blocks } else { &mut names.attributes };
            of_its_kind.insert(name.to_owned());
        }
        names
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.contains(name) || self.blocks.contains(name)
    }

    /// The first piece of the text that only the provider's user understands.
    fn said_in(&self, text: &str) -> Option<String> {
        self.quoted(text).or_else(|| self.called(text))
    }

    /// A name in backquotes that nothing else has, or that is given a value as HCL does.
    fn quoted(&self, text: &str) -> Option<String> {
        let quoted = text.split('`').skip(1).step_by(2);
        quoted
            .map(str::trim)
            .find(|code| {
                let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
                let (name, rest) = code.split_at(end);
                let is_own = name.contains('_') && rest.is_empty() && !SHARED.contains(&name);
                self.has(name) && (is_own || rest.starts_with(" = ") || rest.starts_with(" {"))
            })
            .map(|code| format!("`{code}`"))
    }

    /// A type of resource, "the provider", or a name that is called what it is.
    fn called(&self, text: &str) -> Option<String> {
        let words: Vec<&str> = text
            .split_whitespace()
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'))
            .collect();
        let resource = words.iter().find(|word| word.starts_with("windlass_"));
        let pair = words.windows(2).find(|pair| {
            let what = pair[1].trim_end_matches('s');
            ALWAYS.contains(&pair.join(" ").to_lowercase().as_str())
                || (what == "block" && self.blocks.contains(pair[0]))
                || (matches!(what, "attribute" | "argument") && self.has(pair[0]))
        });
        resource.map(ToString::to_string).or_else(|| pair.map(|pair| pair.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "- `on_unreachable` (String) What then.\n- `sudo` (Boolean) With sudo.\n\
        - `cache_from` (List of String) Caches.\n- `require` (Block List, Max: 1) Rules.\n- `build` (Block) A build.\n";

    fn names() -> Names {
        Names::of(&[SourceFile { path: "docs/resources/x.md".into(), text: PAGE.into() }])
    }

    #[test]
    fn advice_for_the_providers_user_is_known_by_its_names() {
        for (text, said) in [
            ("set `on_unreachable` to go on", "`on_unreachable`"),
            ("set `on_unreachable = \"keep\"`", "`on_unreachable = \"keep\"`"),
            ("set `sudo = true` in it", "`sudo = true`"),
            ("add `require { … }` to it", "`require { … }`"),
            ("the \"require\" block forbids it", "require block"),
            ("`require` blocks forbid it", "require blocks"),
            ("the sudo attribute is set", "sudo attribute"),
            ("import windlass_host.web first", "windlass_host.web"),
            ("give it in the provider's configuration", "the provider's"),
            ("The provider has none", "The provider"),
        ] {
            assert_eq!(names().said_in(text).as_deref(), Some(said), "{text}");
        }
    }

    #[test]
    fn everyday_words_and_those_of_others_are_no_advice() {
        for text in [
            "take `build` out",
            "`sudo` asks for a password",
            "sudo=1 in the connection",
            "`cache_from` names no image",
            "a block of 4096 bytes",
            "a cloud provider",
            "windlass.stack",
            "on_unreachable",
            "could not require blocking",
        ] {
            assert_eq!(names().said_in(text), None, "{text}");
        }
    }
}
