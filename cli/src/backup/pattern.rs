//! When a file was made, by its name.

use backup::Moment;

/// The moment that `name` tells by `pattern`, in which `%Y`, `%m`, `%d`, `%H`, `%M` and `%S` stand for digits and `*`
/// for any text. The year has to be among them; what else is not told is zero, or the first.
///
/// # Errors
/// When the name is another one, or tells no moment.
pub fn moment_in(name: &str, pattern: &str) -> Result<Moment, String> {
    if !pattern.contains("%Y") {
        return Err(format!("the pattern {pattern:?} has no %Y, so that it tells no year"));
    }
    let mut fields = Fields::default();
    if !fields.matches(name, pattern)? {
        return Err(format!("the name {name:?} is not one of {pattern:?}"));
    }
    let Fields { year, month, day, hour, minute, second } = fields;
    let text = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
    Moment::from_compact(&text).ok_or_else(|| format!("the name {name:?} tells no moment that there is"))
}

#[derive(Clone)]
struct Fields {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl Default for Fields {
    fn default() -> Self {
        Self { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    }
}

impl Fields {
    fn matches(&mut self, name: &str, pattern: &str) -> Result<bool, String> {
        let mut letters = pattern.chars();
        let Some(first) = letters.next() else { return Ok(name.is_empty()) };
        let rest = letters.as_str();
        match first {
            '*' => {
                let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
                for end in ends {
                    let mut tried = self.clone();
                    if tried.matches(&name[end..], rest)? {
                        *self = tried;
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            '%' => {
                let letter = letters.next();
                let (field, digits) = match letter {
                    Some('Y') => (&mut self.year, 4),
                    Some('m') => (&mut self.month, 2),
                    Some('d') => (&mut self.day, 2),
                    Some('H') => (&mut self.hour, 2),
                    Some('M') => (&mut self.minute, 2),
                    Some('S') => (&mut self.second, 2),
                    _ => {
                        return Err(format!(
                            "the pattern {pattern:?} has another % than %Y, %m, %d, %H, %M and %S"
                        ));
                    }
                };
                let Some(text) =
                    name.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                else {
                    return Ok(false);
                };
                *field = text.parse().unwrap_or_default();
                self.matches(&name[digits..], letters.as_str())
            }
            other => match name.strip_prefix(other) {
                Some(name) => self.matches(name, rest),
                None => Ok(false),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_when_it_was_made() {
        let told = |name: &str, pattern: &str| moment_in(name, pattern).map(|moment| moment.to_string());
        let fine = |text: &str| Ok(text.to_owned());
        assert_eq!(
            told("pg_dump_20261129_0230.dump", "pg_dump_%Y%m%d_%H%M.dump"),
            fine("2026-11-29T02:30:00Z")
        );
        assert_eq!(told("a-2026-01-02.tgz", "*%Y-%m-%d.tgz"), fine("2026-01-02T00:00:00Z"));
        assert_eq!(told("x_20260101T010203_y.tgz", "*_%Y%m%dT%H%M%S_*"), fine("2026-01-01T01:02:03Z"));
        for (name, pattern) in [
            ("other.dump", "pg_dump_%Y%m%d.dump"),
            ("pg_dump_2026112é.dump", "pg_dump_%Y%m%d.dump"),
            ("pg_dump_20261329.dump", "pg_dump_%Y%m%d.dump"),
            ("pg_dump_20261129.dump.part", "pg_dump_%Y%m%d.dump"),
            ("pg_dump.dump", "pg_dump.dump"),
        ] {
            assert!(told(name, pattern).is_err(), "{name}");
        }
        assert!(told("x", "%Y%j").is_err());
        assert!(told("2026x", "%Y%j").unwrap_err().contains("another %"));
        assert!(told("pg_dump.dump", "pg_dump.dump").unwrap_err().contains("tells no year"));
    }
}
