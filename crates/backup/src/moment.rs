//! Moments in UTC, to the second.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize, de::Error as _};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, format_description::well_known::Rfc3339};

/// A moment in UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(OffsetDateTime);

impl Moment {
    /// Now, by the clock of this machine.
    pub fn now() -> Self {
        Self::whole(OffsetDateTime::now_utc())
    }

    /// The moment in RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self::whole(moment.checked_to_offset(time::UtcOffset::UTC)?))
    }

    /// As many seconds after 1970 began.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp(seconds).ok().map(Self)
    }

    /// Seconds since 1970 began.
    pub fn unix(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// The same as `20261129T163200Z`, for names of folders.
    pub fn compact(self) -> String {
        let (date, time) = (self.0.date(), self.0.time());
        format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }

    /// The moment that [`Moment::compact`] wrote.
    pub fn from_compact(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if date.len() != 8 || time.len() != 6 || !digits(date) || !digits(time) {
            return None;
        }
        let two = |text: &str, at: usize| text[at..at + 2].parse::<u8>().ok();
        let month = Month::try_from(two(date, 4)?).ok()?;
        let date = Date::from_calendar_date(date[..4].parse().ok()?, month, two(date, 6)?).ok()?;
        let time = Time::from_hms(two(time, 0)?, two(time, 2)?, two(time, 4)?).ok()?;
        Some(Self(PrimitiveDateTime::new(date, time).assume_utc()))
    }

    /// The moment `later` than this one; the last that there is, where that is too far.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        let later = time::Duration::try_from(later).unwrap_or(time::Duration::MAX);
        Self(self.0.checked_add(later).unwrap_or(PrimitiveDateTime::MAX.assume_utc()))
    }

    /// How much later it is than `earlier`; nothing where it is not.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).try_into().unwrap_or(Duration::ZERO)
    }

    /// The day that it is on.
    pub(crate) fn date(self) -> Date {
        self.0.date()
    }

    fn whole(moment: OffsetDateTime) -> Self {
        Self(moment.replace_nanosecond(0).unwrap_or(moment))
    }
}

/// In RFC 3339: `2026-11-29T16:32:00Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).unwrap_or_else(|_| self.compact()))
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not a time in the form of RFC 3339")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_two_spellings() {
        let moment = Moment::parse("2026-11-29T18:32:00.9+02:00").unwrap();
        assert_eq!(
            (moment.to_string().as_str(), moment.compact().as_str()),
            ("2026-11-29T16:32:00Z", "20261129T163200Z")
        );
        assert_eq!(Moment::from_compact(&moment.compact()), Some(moment));
        assert_eq!(Moment::from_unix(moment.unix()), Some(moment));
        for text in ["20261129", "20261129T1632Z", "20261129T163260Z", "2026112éT163200Z", "20261131T163200Z"]
        {
            assert_eq!(Moment::from_compact(text), None, "{text}");
        }
    }

    #[test]
    fn time_does_not_run_backwards() {
        let (early, late) = (Moment::from_unix(10).unwrap(), Moment::from_unix(70).unwrap());
        assert_eq!(late.since(early), Duration::from_secs(60));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.after(Duration::from_secs(60)), late);
        assert!(early.after(Duration::MAX) > late);
    }
}
