//! Moments as the interfaces write them.

use std::time::Duration;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment.
pub type Moment = OffsetDateTime;

/// The moment in RFC 3339; `None` where there is none: both servers write an empty text, or the
/// beginning of the calendar, for what has not happened.
pub fn parse_moment(text: &str) -> Option<Moment> {
    OffsetDateTime::parse(text, &Rfc3339).ok().filter(|moment| moment.year() > 1970)
}

/// The same text, empty where there is no moment.
pub(crate) fn told_moment(text: String) -> String {
    if parse_moment(&text).is_some() { text } else { String::new() }
}

/// The moment that is `later` than `from`, in RFC 3339 with whole seconds.
pub fn moment_after(from: Moment, later: Duration) -> String {
    let moment = from.checked_add(later.try_into().unwrap_or(time::Duration::MAX)).unwrap_or(from);
    let whole = moment.replace_nanosecond(0).unwrap_or(moment);
    whole.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_happened_is_no_moment() {
        for text in ["", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "soon"] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
        let moment = parse_moment("2026-11-29T09:00:00.5Z").unwrap();
        assert_eq!(moment_after(moment, Duration::from_secs(600)), "2026-11-29T09:10:00Z");
    }
}
