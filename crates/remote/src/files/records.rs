//! What `stat` and `sha256sum` print. Paths may hold line breaks, and not every such program ends a
//! record by NUL.

use std::collections::BTreeMap;

/// The lines `<something>//<path>` as something and the path, which holds no `//`.
pub fn records(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (about, tail) = rest.split_once("//")?;
        // Before the next slashes stands the rest of their line.
        let end = tail.find("//").map_or(tail.len(), |next| tail[..next].rfind('\n').map_or(0, |at| at + 1));
        rest = &tail[end..];
        Some((about, tail[..end].strip_suffix('\n')?))
    })
}

/// The hashes in what `sha256sum` printed, by path.
///
/// The GNU program escapes line breaks and says so by a backslash before the line, that of BusyBox
/// prints them as they are: what begins a line of the output is a hash.
pub fn sums(text: &str) -> BTreeMap<String, String> {
    let begins = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let begins: Vec<usize> = begins.filter(|at| sum_of(&text[*at..]).is_some()).collect();
    let ends = begins.iter().skip(1).copied().chain([text.len()]);
    let lines = begins.iter().zip(ends).filter_map(|(begin, end)| text[*begin..end].strip_suffix('\n'));
    lines
        .filter_map(sum_of)
        .map(|(sum, path, is_escaped)| {
            let path = if is_escaped { unescaped(path) } else { path.to_owned() };
            (path, sum.to_owned())
        })
        .collect()
}

/// Hash and path of a line of `sha256sum`, and whether the path is [escaped](unescaped).
pub fn sum_of(line: &str) -> Option<(&str, &str, bool)> {
    let plain = line.strip_prefix('\\');
    let (sum, path) = plain.unwrap_or(line).split_at_checked(64)?;
    let is_hex = sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let path = path.strip_prefix("  ").or_else(|| path.strip_prefix(" *"))?;
    is_hex.then_some((sum, path, plain.is_some()))
}

/// A path as it was before `sha256sum` of GNU escaped it.
pub fn unescaped(path: &str) -> String {
    let mut chars = path.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or('\\'),
            },
            c => c,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Tools;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn odd_names_come_back_whoever_has_printed_them() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["./a b", "./back\\slash", "./new\nline", "./z"];
        for name in names {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let script = r#"cd -- "$1" && shift && sha256sum -- "$@""#;
        for tools in Tools::all() {
            let words: Vec<&str> = std::iter::once(dir.path().to_str().unwrap()).chain(names).collect();
            let found = sums(&tools.run(script, &words, b"").1);
            assert_eq!(found.keys().collect::<Vec<_>>(), names, "{tools:?}");
            assert!(found.values().all(|sum| sum == HASH), "{tools:?}");
        }
    }

    #[test]
    fn line_breaks_belong_to_the_path() {
        let found: Vec<_> = records("1 a//b\n2//c\n/d\n\n3//e\n").collect();
        assert_eq!(found, [("1 a", "b"), ("2", "c\n/d\n"), ("3", "e")]);
        assert_eq!(records("").count(), 0);
    }

    #[test]
    fn what_is_no_hash_is_none() {
        assert_eq!(sums(""), BTreeMap::new());
        assert_eq!(sums(&format!("{HASH}  a")), BTreeMap::new());
        assert_eq!(sums(&format!("ü{HASH}  a\n")), BTreeMap::new());
    }
}
