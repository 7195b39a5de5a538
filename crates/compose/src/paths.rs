//! Paths in the stack's directory, and the symbolic links on the way to what they stand for.

use std::collections::BTreeMap;

/// As many links as Linux follows on the way to one file.
const MOST_LINKS: usize = 40;

/// `path`, every link on the way to what it stands for, and that. A link that leads out of the
/// directory ends the way.
pub(super) fn followed(path: &str, links: &BTreeMap<String, String>) -> Vec<String> {
    let mut ways = vec![path.to_owned()];
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let Some((end, target)) = ends.filter_map(|end| Some((end, links.get(&path[..end])?))).next() else {
            break;
        };
        let (link, rest) = path.split_at(end);
        ways.push(link.to_owned());
        let above = link.rsplit_once('/').map_or("", |(above, _)| above);
        let Some(next) = normal(above, target, rest) else { break };
        path = next;
        ways.push(path.clone());
    }
    ways
}

/// What `target` and then `rest` stand for in the folder `above`; `None` when that is outside.
pub(super) fn normal(above: &str, target: &str, rest: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in above.split('/').chain(target.split('/')).chain(rest.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The path of a file in a directory without `.`, `..` and empty parts: `./a//b` is `a/b`. `None` when it
/// is the directory itself, or leads out of it.
pub fn inside(path: &str) -> Option<String> {
    normal("", path, "").filter(|path| !path.is_empty())
}

/// `path` relative to `directory` (empty when they are the same); `None` when it is elsewhere.
pub(super) fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_directory_is_spelled_in_one_way() {
        for (path, expected) in [
            ("compose.yml", Some("compose.yml")),
            ("./compose.yml", Some("compose.yml")),
            ("a/.//b/../c.yml", Some("a/c.yml")),
            ("../a", None),
            ("a/../../b", None),
            ("/etc/a", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(inside(path).as_deref(), expected, "{path}");
        }
    }
}
