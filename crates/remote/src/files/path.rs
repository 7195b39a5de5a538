//! Which paths we work with.

use super::FileError;

/// An absolute path of plain components, which no tool takes for an option or an expression.
pub(super) fn absolute(path: &str) -> Result<(), FileError> {
    let problem = match path.strip_prefix('/') {
        None => Some("is not absolute"),
        Some("") => Some("is the root directory"),
        Some(relative) => problem_of(relative),
    };
    problem.map_or(Ok(()), |problem| Err(FileError::Path { path: path.to_owned(), problem }))
}

/// A path below a directory, of plain components.
pub(super) fn relative(path: &str) -> Result<(), FileError> {
    let problem = if path.starts_with('/') { Some("is not relative") } else { problem_of(path) };
    problem.map_or(Ok(()), |problem| Err(FileError::Path { path: path.to_owned(), problem }))
}

fn problem_of(relative: &str) -> Option<&'static str> {
    if relative.is_empty() {
        return Some("is empty");
    }
    if relative.contains('\0') {
        return Some("contains a NUL character");
    }
    relative.split('/').find_map(|component| match component {
        "" => Some("has an empty component"),
        "." | ".." => Some("has a component . or .."),
        _ => None,
    })
}

/// The directory that an absolute path is in.
pub(super) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}

/// The directories above a path, the nearest first, without the root (and, for a relative path,
/// without the directory it is relative to).
pub(super) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(end, _)| &path[..end]).filter(|path| !path.is_empty())
}

/// `name` in `directory`.
pub(super) fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_taken() {
        for path in ["/a", "/a b/-c", "/ü/$x;'\"", "/a{}b", "/a/..b", "/a\nb"] {
            absolute(path).unwrap();
        }
        for (path, problem) in [
            ("a", "is not absolute"),
            ("", "is not absolute"),
            ("/", "is the root directory"),
            ("//a", "has an empty component"),
            ("/a/", "has an empty component"),
            ("/a/./b", "has a component . or .."),
            ("/a/../b", "has a component . or .."),
            ("/a\0", "contains a NUL character"),
        ] {
            assert_eq!(absolute(path).unwrap_err().to_string(), format!("path {path:?} {problem}"));
        }
        relative("-a/b").unwrap();
        for path in ["", "/a", "../a", "a/..", "a//b"] {
            relative(path).unwrap_err();
        }
    }

    #[test]
    fn parts_of_paths() {
        assert_eq!((parent("/a/b"), parent("/a")), ("/a", "/"));
        assert_eq!(ancestors("/a/b/c").collect::<Vec<_>>(), ["/a/b", "/a"]);
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!((join("/", "a"), join("/a", "b")), ("/a".to_owned(), "/a/b".to_owned()));
    }
}
