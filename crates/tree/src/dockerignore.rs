//! `.dockerignore`: which files of a build context BuildKit does not take.
//!
//! The rules are those of the reference (docs.docker.com, "dockerignore"): one pattern per line, in
//! the manner of shell patterns with `**` for any number of folders, always anchored at the root of
//! the context; a `!` takes back in what an earlier line left out; the last line that fits decides; what fits a folder
//! fits everything in it.

use std::collections::BTreeMap;

/// The patterns of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dockerignore {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// Whether it takes back in.
    back: bool,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    One(char),
    /// `?`
    Any,
    /// `*`
    Some,
    /// `**/`: any number of folders.
    Folders,
    /// `**` at the end: whatever follows.
    Rest,
    /// `[a-z]`, `[^a-z]`
    Of {
        not: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Dockerignore {
    /// Reads the file's text.
    ///
    /// # Errors
    /// The first pattern that is not valid, for which a build fails as well.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim);
        let patterns = lines.filter(|line| !line.is_empty()).map(Pattern::parse).collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// The paths of `paths`, relative to the context, that are left in.
    pub fn kept<'p>(&self, paths: impl IntoIterator<Item = &'p str>) -> Vec<&'p str> {
        let mut folders = BTreeMap::new();
        paths.into_iter().filter(|path| !self.verdict(path, &mut folders).out).collect()
    }

    /// What the patterns say of `path`, and of the folders that it is in.
    fn verdict(&self, path: &str, folders: &mut BTreeMap<String, Verdict>) -> Verdict {
        let above = path.rsplit_once('/').map(|(above, _)| above);
        let above = above.map(|above| match folders.get(above) {
            Some(known) => known.clone(),
            None => {
                let verdict = self.verdict(above, folders);
                folders.insert(above.to_owned(), verdict.clone());
                verdict
            }
        });
        let path: Vec<char> = path.chars().collect();
        let mut verdict = Verdict { out: false, fits: vec![false; self.patterns.len()] };
        for (index, pattern) in self.patterns.iter().enumerate() {
            let inherited = above.as_ref().is_some_and(|above| above.fits[index]);
            // A pattern that could change nothing is not looked at, also not for what is below.
            if inherited || (pattern.back == verdict.out && fits(&pattern.tokens, &path)) {
                verdict.fits[index] = true;
                verdict.out = !pattern.back;
            }
        }
        verdict
    }
}

/// What the patterns say of one path.
#[derive(Clone, Debug)]
struct Verdict {
    out: bool,
    /// Which patterns fit.
    fits: Vec<bool>,
}

impl Pattern {
    fn parse(line: &str) -> Result<Self, String> {
        let (back, text) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if text.is_empty() {
            return Err(format!("{line:?} takes nothing back in"));
        }
        Ok(Self {
            back,
            tokens: tokens(&clean(text)).ok_or_else(|| format!("{line:?} is not a valid pattern"))?,
        })
    }
}

/// The pattern without empty parts, `.` and `..`, and without a slash at either end.
fn clean(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            // Above the root there is nothing.
            ".." if text.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut letters = text.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            '*' if letters.next_if_eq(&'*').is_some() => {
                letters.next_if_eq(&'/');
                if letters.peek().is_some() { Token::Folders } else { Token::Rest }
            }
            '*' => Token::Some,
            '?' => Token::Any,
            '\\' => Token::One(letters.next()?),
            '[' => class(&mut letters)?,
            letter => Token::One(letter),
        });
    }
    Some(tokens)
}

/// The inside of `[…]`.
fn class(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let not = letters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match letters.next()? {
            ']' if !ranges.is_empty() => return Some(Token::Of { not, ranges }),
            ']' | '-' => return None,
            '\\' => letters.next()?,
            letter => letter,
        };
        let high = match letters.next_if_eq(&'-') {
            None => low,
            Some(_) => match letters.next()? {
                ']' | '-' => return None,
                '\\' => letters.next()?,
                letter => letter,
            },
        };
        ranges.push((low, high));
    }
}

fn fits(tokens: &[Token], path: &[char]) -> bool {
    let Some((token, tokens)) = tokens.split_first() else { return path.is_empty() };
    let first = path.first();
    let rest = path.get(1..).unwrap_or_default();
    match token {
        Token::One(letter) => first == Some(letter) && fits(tokens, rest),
        Token::Any => first.is_some_and(|letter| *letter != '/') && fits(tokens, rest),
        Token::Of { not, ranges } => {
            let within = |letter: &char| ranges.iter().any(|(low, high)| low <= letter && letter <= high);
            first.is_some_and(|letter| within(letter) != *not) && fits(tokens, rest)
        }
        Token::Some => {
            let longest = path.iter().position(|letter| *letter == '/').unwrap_or(path.len());
            (0..=longest).any(|length| fits(tokens, &path[length..]))
        }
        Token::Folders => {
            let ends = path.iter().enumerate().filter(|(_, letter)| **letter == '/').map(|(at, _)| at + 1);
            std::iter::once(0).chain(ends).any(|start| fits(tokens, &path[start..]))
        }
        Token::Rest => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str, paths: &[&str]) -> Vec<String> {
        let ignore = Dockerignore::parse(text).unwrap();
        ignore.kept(paths.iter().copied()).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn patterns_fit_as_the_reference_says() {
        for (pattern, fits, others) in [
            ("temp?", vec!["tempa", "tempb/x"], vec!["temp", "x/tempa"]),
            ("*/temp*", vec!["somedir/temporary.txt", "somedir/temp/a"], vec!["temp", "a/b/temp"]),
            ("*/*/temp*", vec!["a/b/temporary.txt"], vec!["a/temp"]),
            ("**/*.go", vec!["a.go", "a/b/c.go"], vec!["a.gox"]),
            ("/foo/bar/", vec!["foo/bar", "foo/bar/x"], vec!["x/foo/bar", "foo/barx"]),
            ("foo/../bar", vec!["bar"], vec!["foo/bar"]),
            ("foo/**", vec!["foo/a", "foo/a/b"], vec!["food/a"]),
            ("a**/z", vec!["az", "ab/z", "ab/c/z"], vec!["a/y"]),
            ("[a-c][^x].txt", vec!["ay.txt"], vec!["ax.txt", "dy.txt"]),
            (r"a\*b", vec!["a*b"], vec!["axb"]),
            ("  *.log  ", vec!["x.log"], vec!["a/x.log"]),
        ] {
            assert!(kept(pattern, &fits).is_empty(), "{pattern} does not fit all of {fits:?}");
            assert_eq!(kept(pattern, &others), others, "{pattern}");
        }
    }

    #[test]
    fn the_last_line_that_fits_decides() {
        let text = "# docs\n*.md\n!README*.md\nREADME-secret.md\n\n";
        let paths = ["a.md", "README.md", "README-1.md", "README-secret.md", "x"];
        assert_eq!(kept(text, &paths), ["README.md", "README-1.md", "x"]);
        let text = "*.md\nREADME-secret.md\n!README*.md";
        assert_eq!(kept(text, &paths), ["README.md", "README-1.md", "README-secret.md", "x"]);
    }

    #[test]
    fn everything_but_some_is_a_usual_file() {
        let text = "*\n!src\n! Cargo.toml\nsrc/**/*.tmp";
        let paths = ["Cargo.toml", "Dockerfile", "src/a.rs", "src/b/c.tmp", "target/x"];
        assert_eq!(kept(text, &paths), ["Cargo.toml", "src/a.rs"]);
        assert_eq!(kept("a\n!a/b", &["a/b", "a/c", "a/b/d"]), ["a/b", "a/b/d"]);
        assert_eq!(kept("**\n!keep/this", &["keep/this", "keep/that"]), ["keep/this"]);
    }

    #[test]
    fn what_is_no_pattern_is_reported() {
        for text in ["a[", "[]a]", "[a-", "a\\", "!", "[-x]"] {
            assert!(Dockerignore::parse(text).is_err(), "{text}");
        }
        assert_eq!(Dockerignore::parse("").unwrap(), Dockerignore::default());
    }
}
