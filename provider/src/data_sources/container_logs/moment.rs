//! From when and until when a log is read.

use std::time::Duration;

use framework::schema::parse_duration;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// In nanoseconds.
const SECOND: i128 = 1_000_000_000;

/// A moment, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(OffsetDateTime),
    /// As long before now.
    Ago(Duration),
}

impl Moment {
    /// Reads `2026-01-31T12:00:00Z`, or a duration.
    ///
    /// # Errors
    /// A sentence that says what a moment looks like.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(Self::At)
            .or_else(|_| parse_duration(text).map(Self::Ago))
            .map_err(|_| {
                "The value must be a moment such as \"2026-01-31T12:00:00Z\", or a duration such as \"90s\", \"10m\" \
                 or \"1h30m\"."
                    .to_owned()
            })
    }

    /// Whether it depends on what time it is.
    pub(super) fn is_relative(self) -> bool {
        matches!(self, Self::Ago(_))
    }

    /// The last full second that is not after it, in seconds since 1970; `now` is what time it is.
    pub(super) fn floor(self, now: i64) -> i64 {
        in_range(self.nanoseconds(now).div_euclid(SECOND))
    }

    /// The first full second that is not before it.
    pub(super) fn ceiling(self, now: i64) -> i64 {
        in_range(-(-self.nanoseconds(now)).div_euclid(SECOND))
    }

    fn nanoseconds(self, now: i64) -> i128 {
        match self {
            Self::At(moment) => moment.unix_timestamp_nanos(),
            Self::Ago(duration) => {
                let ago = i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
                (i128::from(now) * SECOND).saturating_sub(ago)
            }
        }
    }
}

fn in_range(seconds: i128) -> i64 {
    i64::try_from(seconds).unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    #[test]
    fn moments_and_durations_are_read_and_nothing_else() {
        assert!(parse("10m").is_relative() && !parse("2026-01-31T12:00:00Z").is_relative());
        assert_eq!(parse("2026-01-31T12:00:00+02:00"), parse("2026-01-31T10:00:00Z"));
        for text in ["", "now", "0s", "-5m", "2026-01-31", "2026-01-31T12:00:00", "1769860800"] {
            let problem = Moment::parse(text).unwrap_err();
            assert!(problem.starts_with("The value must be a moment such as"), "{text}: {problem}");
        }
    }

    #[test]
    fn what_is_no_full_second_leaves_nothing_out() {
        for (text, floor, ceiling) in [
            ("1970-01-01T00:00:10Z", 10, 10),
            ("1970-01-01T00:00:10.25Z", 10, 11),
            ("1969-12-31T23:59:59.5Z", -1, 0),
            ("90s", 910, 910),
            ("500ms", 999, 1000),
        ] {
            let moment = parse(text);
            assert_eq!((moment.floor(1000), moment.ceiling(1000)), (floor, ceiling), "{text}");
        }
    }
}
