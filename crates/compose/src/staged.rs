//! Where files are staged so that Compose takes every path for what it will be in the end.
//!
//! The directory of a plan is private, and stands for the root of the host: the stack's files lie in
//! it below the path of the stack's directory. A path that leads out of that (`../shared`) so leads to
//! the right place, and never to what somebody else may have put beside the staged files. More `..`
//! than there are directories end at the root, on a host; here they would end above it, so that the
//! root lies several folders deep, and all of these stand for it.

/// How many folders the root lies deep.
const LEVELS: usize = 16;
/// The name of each.
const LEVEL: &str = "/_";

/// A private directory in the place of a host's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    base: String,
}

impl Staged {
    /// What is staged in `base`: an absolute path without links and with a name that shows in no other
    /// text.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into() }
    }

    /// What stands for the root.
    pub fn root(&self) -> String {
        self.base.clone() + &LEVEL.repeat(LEVELS)
    }

    /// What stands for the absolute path `path`.
    pub fn of(&self, path: &str) -> String {
        self.root() + path
    }

    /// `text` with every staged path as what it stands for.
    pub fn original(&self, text: &str) -> String {
        // Compose doubles every dollar sign in what it writes.
        let doubled = self.base.replace('$', "$$");
        let text = original(text, &self.base);
        if doubled == self.base { text } else { original(&text, &doubled) }
    }
}

fn original(text: &str, base: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(base) {
        out.push_str(before);
        rest = after;
        let ends =
            |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
        for _ in 0..LEVELS {
            match rest.strip_prefix(LEVEL).filter(|rest| ends(rest)) {
                Some(below) => rest = below,
                None => break,
            }
        }
        if !rest.starts_with('/') {
            out.push('/');
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_they_stand_for_wherever_they_lead() {
        let staged = Staged::new("/root/windlass-plan.ab");
        let at = |path: &str| staged.of("/srv/web") + path;
        let up = |levels: usize| {
            let all = staged.of("/srv");
            let parts: Vec<&str> = all.split('/').collect();
            parts[..parts.len() - levels].join("/")
        };
        for (text, expected) in [
            (at("/conf"), "/srv/web/conf".to_owned()),
            (format!("\"--file={}:ro\"", at("/a")), "\"--file=/srv/web/a:ro\"".to_owned()),
            (
                format!("stat {}/x.yaml, {}: none", at(""), at("/y")),
                "stat /srv/web/x.yaml, /srv/web/y: none".to_owned(),
            ),
            (staged.root(), "/".to_owned()),
            (up(1) + "/x", "/x".to_owned()),
            (up(4) + "/x", "/x".to_owned()),
            (up(4), "/".to_owned()),
            (staged.of("/_x/web"), "/_x/web".to_owned()),
            ("/root/windlass".to_owned(), "/root/windlass".to_owned()),
        ] {
            assert_eq!(staged.original(&text), expected, "{text}");
        }
    }

    #[test]
    fn dollar_signs_of_the_place_are_single_or_doubled() {
        let staged = Staged::new("/home/a$b/p");
        assert_eq!(staged.original(&staged.of("/srv/x")), "/srv/x");
        assert_eq!(staged.original(&staged.of("/srv/x$y").replace('$', "$$")), "/srv/x$$y");
    }
}
