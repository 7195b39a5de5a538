//! Rust source without its comments, for rules about what code names.
//!
//! A scanner, not a parser: it knows comments, strings and characters, which is
//! enough to tell code from prose. Every character that it drops becomes a
//! space, so that line numbers stay.

/// What to keep of a source text.
#[derive(Clone, Copy, PartialEq)]
pub enum Keep {
    /// Code and the contents of strings.
    Strings,
    /// Code alone.
    Code,
}

/// The text with comments (and strings, unless kept) blanked.
pub fn strip(text: &str, keep: Keep) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = token(rest, first, out.chars().next_back(), keep);
        let (piece, after) = rest.split_at(length);
        if is_code {
            out.push_str(piece);
        } else {
            out.extend(piece.chars().map(|c| if c == '\n' { c } else { ' ' }));
        }
        rest = after;
    }
    out
}

/// The length of what begins here, and whether it is kept.
fn token(rest: &str, first: char, before: Option<char>, keep: Keep) -> (usize, bool) {
    let in_word = before.is_some_and(is_word);
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), false);
    }
    if first == '"' {
        return (string(rest), keep == Keep::Strings);
    }
    if first == 'r'
        && !in_word_or_prefix(in_word, before)
        && let Some(length) = raw_string(rest)
    {
        return (length, keep == Keep::Strings);
    }
    if first == '\''
        && let Some(length) = character(rest)
    {
        return (length, keep == Keep::Strings);
    }
    (first.len_utf8(), true)
}

/// `br"…"` and `cr"…"` are raw strings too, although a letter comes before the r.
fn in_word_or_prefix(in_word: bool, before: Option<char>) -> bool {
    in_word && !matches!(before, Some('b' | 'c'))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    let start = 1 + hashes;
    let body = rest[start..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map(|at| at + close.len());
    Some(start + 1 + end.unwrap_or(body.len()))
}

/// A character literal; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut inside = rest.char_indices().skip(1);
    let (_, first) = inside.next()?;
    if first == '\\' {
        // The escaped character itself may be a quote.
        inside.next()?;
        return inside.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    match inside.next()? {
        (at, '\'') => Some(at + 1),
        _ => None,
    }
}

/// The words that names and texts are made of, in lower case, with their line
/// numbers: `DockerHost` and `docker_host` both give `docker` and `host`.
pub fn words(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in code.lines().enumerate() {
        let mut word = String::new();
        let mut previous_is_lower = false;
        for c in text.chars().chain([' ']) {
            let starts_new = c.is_uppercase() && previous_is_lower;
            if (!c.is_alphanumeric() || starts_new) && !word.is_empty() {
                found.push((line + 1, std::mem::take(&mut word)));
            }
            if c.is_alphanumeric() {
                word.extend(c.to_lowercase());
            }
            previous_is_lower = c.is_lowercase() || c.is_numeric();
        }
    }
    found
}

/// Whole identifiers with their line numbers.
pub fn identifiers(code: &str) -> Vec<(usize, &str)> {
    code.lines()
        .enumerate()
        .flat_map(|(line, text)| {
            text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(move |word| (line + 1, word))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_lines_stay() {
        let text = "a // one\n/* two /* nested */\n still */ b\n/// doc\nc";
        let stripped = strip(text, Keep::Code);
        assert_eq!(stripped.split_whitespace().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(stripped.lines().count(), text.lines().count());
    }

    #[test]
    fn strings_are_kept_only_when_asked() {
        let text = r###"f("in // string", r#"raw " here"#, b"bytes\"", 'q', '\'', br"x") + g"###;
        let code = strip(text, Keep::Code);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(""), "f(,,b,,,b)+g");
        assert_eq!(strip(text, Keep::Strings), text);
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        let text = "fn f<'a>(x: &'a str) -> &'static str { \"s\" }";
        assert_eq!(strip(text, Keep::Code), "fn f<'a>(x: &'a str) -> &'static str {     }");
    }

    #[test]
    fn words_are_split_as_people_read_them() {
        let all: Vec<String> =
            words("let DockerHost_1 = ssh_key;\nrussh").into_iter().map(|(_, word)| word).collect();
        assert_eq!(all, ["let", "docker", "host", "1", "ssh", "key", "russh"]);
    }
}
