//! Where a report goes: a path with the time of the drill in it.

use std::path::PathBuf;

use backup::Moment;

/// The path that a pattern means: in `{…}`, `YYYY`, `MM`, `DD`, `hh`, `mm` and `ss` are of `moment` (UTC), and `drill` is
/// the name of the drill.
pub fn path(pattern: &str, drill: &str, moment: Moment) -> PathBuf {
    let compact = moment.compact();
    let part = |from: usize, to: usize| compact.get(from..to).unwrap_or_default();
    let times = [
        ("YYYY", part(0, 4)),
        ("MM", part(4, 6)),
        ("DD", part(6, 8)),
        ("hh", part(9, 11)),
        ("mm", part(11, 13)),
        ("ss", part(13, 15)),
    ];
    let (mut told, mut rest) = (String::new(), pattern);
    while let Some((before, (inner, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        told += before;
        told += &match inner {
            "drill" => drill.to_owned(),
            _ => times.iter().fold(inner.to_owned(), |text, (name, value)| text.replace(name, value)),
        };
        rest = after;
    }
    PathBuf::from(told + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_time_and_the_name() {
        let moment = Moment::from_compact("20261130T034105Z").unwrap();
        for (pattern, expected) in [
            ("docs/{YYYY-MM}.md", "docs/2026-11.md"),
            ("{drill}/{YYYY}/{MM-DD}_{hhmmss}.md", "always-on/2026/11-30_034105.md"),
            ("MM.md", "MM.md"),
            ("open{YYYY", "open{YYYY"),
        ] {
            assert_eq!(path(pattern, "always-on", moment), PathBuf::from(expected));
        }
    }
}
