//! Trees of files that cannot be shipped.

use framework::Diagnostic;
use tree::{IGNORE_FILE, TreeError};

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

#[cfg(test)]
mod tests {
    use tree::Tree;

    use super::*;

    #[test]
    fn a_directory_that_is_not_there_is_reported_at_its_attribute() {
        let error = Tree::directory("/no/such/directory").unwrap_err();
        let problem = tree_error("source_dir", &error);
        assert!(problem.detail.contains("cannot be read"), "{problem}");
        assert_eq!(problem.path.unwrap().to_string(), "source_dir");
    }
}
