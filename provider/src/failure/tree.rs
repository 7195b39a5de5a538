//! Trees of files that cannot be shipped.

use framework::Diagnostic;
use tree::{IGNORE_FILE, LEFT_OUT, Tree, TreeError};

/// From how many bytes on it is said how much is shipped.
const HEAVY: u64 = 100_000_000;

/// The diagnostic for a directory that `attribute` names.
pub(crate) fn tree_error(attribute: &str, error: &TreeError) -> Diagnostic {
    let TreeError { directory, problems } = error;
    Diagnostic::error(format!("Could not read {directory:?}"))
        .detail(format!("These files cannot be shipped:\n{}", problems.join("\n")))
        .detail("Nothing was changed.")
        .detail(format!(
            "Correct them, or name them in a {IGNORE_FILE} file. A relative `{attribute}` starts from where tofu runs; \
             `${{path.module}}/…` is safer."
        ))
        .at(attribute)
}

/// What is never shipped unless it is asked for, for the description of an attribute.
pub(crate) fn left_out_in_words() -> String {
    let names: Vec<String> = LEFT_OUT.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "So is what OpenTofu, Terraform, editors and version control keep there ({}), and states and plans of any name: \
         a line with `!` in a `{IGNORE_FILE}`, such as `!*.tf`, takes one back in.",
        names.join(", ")
    )
}

/// The warning about a directory that `attribute` names of which a lot is shipped.
pub(crate) fn heavy_tree(attribute: &str, directory: &str, tree: &Tree) -> Option<Diagnostic> {
    let (files, bytes) = (tree.files.len(), tree.bytes());
    if bytes <= HEAVY {
        return None;
    }
    let title = format!("A lot is shipped from {directory:?}");
    let amount = format!("{files} files with {} MB go to the host.", bytes / 1_000_000);
    let next = format!("Name what is not needed there in a {IGNORE_FILE} file.");
    Some(Diagnostic::warning(title).detail(amount).detail(next).at(attribute))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tree::{Content, Modes, TreeFile};

    use super::*;

    #[test]
    fn how_much_is_shipped_is_told_when_it_is_a_lot() {
        let file = |size| TreeFile {
            digest: tree::FileDigest { sha256: "1".into(), mode: 0o644 },
            size,
            content: Content::Text(String::new()),
        };
        let of = |size| Tree {
            files: BTreeMap::from([("a".into(), file(size)), ("b".into(), file(9_000_000))]),
            ..Tree::default()
        };
        assert_eq!(heavy_tree("source_dir", "./app", &of(91_000_000)), None);
        assert_eq!(
            heavy_tree("source_dir", "./app", &of(92_500_000)).unwrap().to_string(),
            "A lot is shipped from \"./app\" (at source_dir)\n2 files with 101 MB go to the host.\n\n\
             Name what is not needed there in a .windlassignore file."
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_reported_at_its_attribute() {
        let error = Tree::directory("/no/such/directory", Modes::Git).unwrap_err();
        let problem = tree_error("source_dir", &error);
        assert!(problem.detail.contains("cannot be read"), "{problem}");
        assert_eq!(problem.path.unwrap().to_string(), "source_dir");
    }
}
