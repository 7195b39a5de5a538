//! Which files of a directory are shipped.

use std::path::Path;

use ignore::WalkBuilder;

/// The file that names what is not shipped, in the syntax of `.gitignore`.
pub const IGNORE_FILE: &str = ".windlassignore";
/// Never shipped: the history of the sources.
const GIT: &str = ".git";

fn walk(root: &Path) -> ignore::Walk {
    WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        .filter_entry(|entry| entry.file_name() != GIT)
        .sort_by_file_name(Ord::cmp)
        .build()
}

/// The names of all files below `root` that no [`IGNORE_FILE`] leaves out.
pub(crate) fn names(root: &Path) -> Result<Vec<String>, Vec<String>> {
    let (mut names, mut problems) = (Vec::new(), Vec::new());
    for found in walk(root) {
        let entry = match found {
            Ok(entry) => entry,
            Err(error) => {
                problems.push(error.to_string());
                continue;
            }
        };
        let directory = entry.file_type().is_some_and(|kind| kind.is_dir());
        if directory || entry.file_name() == IGNORE_FILE {
            continue;
        }
        let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
        match inside.to_str() {
            Some(name) => names.push(name.to_owned()),
            None => problems.push(format!("{}: its name is not UTF-8", inside.display())),
        }
    }
    if problems.is_empty() { Ok(names) } else { Err(problems) }
}
