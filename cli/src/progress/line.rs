//! How far it has come, in one line.

use std::time::Duration;

use super::Way;
use crate::units::bytes;

/// What a line is made of.
pub struct View<'a> {
    pub title: &'a str,
    pub way: Way,
    pub store: &'a str,
    pub done: u64,
    pub total: Option<u64>,
    pub elapsed: Duration,
}

/// How wide a bar is.
const BAR: usize = 20;

/// No rate is told of what has only begun.
const EARLY: Duration = Duration::from_millis(500);

impl View<'_> {
    fn begin(&self) -> String {
        let way = match self.way {
            Way::To => "to",
            Way::From => "from",
        };
        format!("{} {way} {}", self.title, self.store)
    }

    /// Of a hundred, how many.
    fn percent(&self) -> Option<u64> {
        let total = self.total.filter(|total| *total > 0)?;
        let percent = u128::from(self.done) * 100 / u128::from(total);
        Some(u64::try_from(percent).unwrap_or(100).min(100))
    }

    /// Bytes in a second.
    fn rate(&self) -> Option<u64> {
        let millis = self.elapsed.as_millis();
        let rate = u128::from(self.done) * 1000 / millis.max(1);
        u64::try_from(rate).ok().filter(|rate| self.elapsed >= EARLY && *rate > 0)
    }

    fn end(&self) -> String {
        let mut text = match self.total {
            Some(total) => format!("{} of {}", bytes(self.done), bytes(total.max(self.done))),
            None => bytes(self.done),
        };
        if let Some(rate) = self.rate() {
            text += &format!(", {}/s", bytes(rate));
            if let Some(left) = self.total.and_then(|total| total.checked_sub(self.done)) {
                text += &format!(", {} left", time(left / rate));
            }
        }
        text
    }
}

fn time(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// As a line of a log.
pub fn plain(view: &View) -> String {
    let percent = view.percent().map(|percent| format!("{percent} %, ")).unwrap_or_default();
    format!("{}: {percent}{}", view.begin(), view.end())
}

/// As a line of a terminal that is so wide, with a bar where it is known how much is to come.
pub fn line(view: &View, width: usize, colour: bool) -> String {
    let (begin, end) = (view.begin(), view.end());
    let Some(percent) = view.percent() else { return cut(&format!("{begin}  {end}"), width) };
    let filled = usize::try_from(percent).unwrap_or(100) * BAR / 100;
    let (full, open) = ("█".repeat(filled), "░".repeat(BAR - filled));
    let plain = format!("{begin}  {full}{open} {percent:>3} %  {end}");
    // What does not fit has no colours, which are longer than they look.
    if plain.chars().count() >= width || !colour {
        return cut(&plain, width);
    }
    format!("{begin}  \x1b[36m{full}\x1b[2m{open}\x1b[0m {percent:>3} %  {end}")
}

/// As much of it as fits into a line: a longer one would be drawn beside itself.
fn cut(text: &str, width: usize) -> String {
    text.chars().take(width.saturating_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(total: Option<u64>) -> View<'static> {
        let (title, store, done) = ("uploads", "s3://b", 45 << 20);
        View { title, way: Way::From, store, done, total, elapsed: Duration::from_secs(3) }
    }

    #[test]
    fn a_line_tells_how_far_it_has_come() {
        let half = view(Some(90 << 20));
        assert_eq!(
            line(&half, 120, false),
            "uploads from s3://b  ██████████░░░░░░░░░░  50 %  45.0 MiB of 90.0 MiB, 15.0 MiB/s, 3 s left"
        );
        assert_eq!(plain(&half), "uploads from s3://b: 50 %, 45.0 MiB of 90.0 MiB, 15.0 MiB/s, 3 s left");
        assert_eq!(line(&view(None), 120, true), "uploads from s3://b  45.0 MiB, 15.0 MiB/s");
        assert_eq!(plain(&View { elapsed: Duration::ZERO, ..view(None) }), "uploads from s3://b: 45.0 MiB");
        assert!(line(&half, 120, true).contains("\x1b[36m██████████\x1b[2m"));
    }

    #[test]
    fn a_line_is_never_wider_than_its_terminal() {
        for width in [0, 1, 20, 60, 85] {
            for colour in [false, true] {
                let text = line(&view(Some(90 << 20)), width, colour);
                assert!(text.chars().count() < width.max(1) && !text.contains('\x1b'), "{width}: {text}");
            }
        }
    }

    #[test]
    fn more_than_was_expected_is_no_more_than_all() {
        let text = plain(&view(Some(40 << 20)));
        assert_eq!(text, "uploads from s3://b: 100 %, 45.0 MiB of 45.0 MiB, 15.0 MiB/s");
    }

    #[test]
    fn times_are_told_as_people_do() {
        assert_eq!([5, 65, 3_700].map(time), ["5 s", "1 min 5 s", "1 h 1 min"]);
    }
}
