//! Which HTTP statuses will do.

use std::{fmt, ops::RangeInclusive, str::FromStr};

/// Statuses, as a person writes them: `200`, `200-299`, `200,301-308`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

/// Why a text is not statuses: what it must be, to be put behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an HTTP status from 100 to 599 or a range of them, several separated by commas: `200`, `200-399`, `200,404`"
)]
pub struct StatusesError;

impl Statuses {
    /// Whether `status` is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for Statuses {
    /// Every status of success.
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl FromStr for Statuses {
    type Err = StatusesError;

    fn from_str(text: &str) -> Result<Self, StatusesError> {
        text.split(',')
            .map(|part| range(part.trim()))
            .collect::<Option<Vec<_>>>()
            .map(Self)
            .ok_or(StatusesError)
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            if range.start() == range.end() {
                write!(f, "{separator}{}", range.start())?;
            } else {
                write!(f, "{separator}{}-{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (status(first)?, status(last)?);
    (first <= last).then_some(first..=last)
}

fn status(text: &str) -> Option<u16> {
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|status| digits && (100..=599).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_statuses() {
        let statuses: Statuses = "200, 301-308,404".parse().unwrap();
        for (status, expected) in
            [(200, true), (201, false), (301, true), (308, true), (404, true), (500, false)]
        {
            assert_eq!(statuses.contains(status), expected, "{status}");
        }
        assert_eq!(statuses.to_string(), "200,301-308,404");
        assert!(Statuses::default().contains(204) && !Statuses::default().contains(301));
    }

    #[test]
    fn nothing_else_is() {
        for text in ["", "20", "600", "099", "2xx", "300-200", "200-", "-200", "200,", "+20", "200-300-400"] {
            assert!(text.parse::<Statuses>().is_err(), "{text:?}");
        }
    }
}
