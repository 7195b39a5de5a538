//! What containers wrote.

use bollard::{errors::Error as ApiError, query_parameters::LogsOptionsBuilder};
use futures_util::TryStreamExt;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Engine, not_found, status_code};
use crate::Error;
use remote::Tail;

/// How much of a log is held: the end of it.
const HELD: usize = 4 << 20;

/// A part of the log of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// How many lines at most: the last ones.
    pub lines: usize,
    /// What was written before this moment is left out; seconds since 1970.
    pub since: Option<i64>,
    /// What was written after this moment is left out; seconds since 1970.
    pub until: Option<i64>,
    /// Whether each line begins with the moment when it was written, in RFC 3339 with nanoseconds.
    pub timestamps: bool,
}

impl Engine {
    /// A part of what the container wrote, stdout and stderr in the order in which the daemon kept
    /// them. Bytes that are not UTF-8 are replaced, nothing else is changed. More than 4 MiB are cut,
    /// at the front.
    ///
    /// A log driver that cannot be read back gives no lines.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn logs(&self, id: &str, part: &LogPart) -> Result<Vec<String>, Error> {
        let mut options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .timestamps(part.timestamps)
            .tail(&part.tail());
        if let Some(since) = part.since {
            options = options.since(seconds(since));
        }
        if let Some(until) = part.until {
            options = options.until(seconds(until));
        }
        let mut written = Tail::of(HELD);
        let chunks = self.docker.logs(id, Some(options.build()));
        let done: Result<(), ApiError> = chunks
            .try_for_each(|chunk| {
                written.push(chunk.as_ref());
                std::future::ready(Ok(()))
            })
            .await;
        match done {
            Ok(()) => Ok(last_lines(&written.text(), part.lines)),
            Err(source) if not_found(&source) || status_code(&source) == Some(501) => Ok(Vec::new()),
            Err(source) => Err(self.error("read the log of a container", source)),
        }
    }

    /// What the host's own clock says: seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer, [`Error::Parse`] when it tells no time.
    pub async fn now(&self) -> Result<i64, Error> {
        let info = self.docker.info().await.map_err(|source| self.error("tell the time", source))?;
        let now = OffsetDateTime::parse(&info.system_time.unwrap_or_default(), &Rfc3339);
        now.map(OffsetDateTime::unix_timestamp)
            .map_err(|source| Error::Parse { what: "the daemon's time".to_owned(), source: source.into() })
    }
}

impl LogPart {
    /// The last `lines` lines.
    pub fn last(lines: usize) -> Self {
        Self { lines, ..Self::default() }
    }

    /// What the daemon is asked for. It counts lines before it looks at their time, so that the last
    /// ones until a moment are ours to count.
    fn tail(&self) -> String {
        if self.until.is_some() { "all".to_owned() } else { self.lines.to_string() }
    }
}

/// A moment as bollard takes it: a number of 32 bits, where 0 is none.
fn seconds(moment: i64) -> i32 {
    i32::try_from(moment.max(1)).unwrap_or(i32::MAX)
}

fn last_lines(text: &str, count: usize) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_here_where_the_daemon_would_count_others() {
        let part = LogPart::last(7);
        assert_eq!(part.tail(), "7");
        assert_eq!(LogPart { since: Some(5), ..part }.tail(), "7");
        assert_eq!(LogPart { until: Some(5), ..part }.tail(), "all");
        assert_eq!(last_lines("a\r\nb\nc", 2), ["b", "c"]);
        assert_eq!(last_lines("a\n", 2), ["a"]);
        assert_eq!(last_lines("", 2), Vec::<String>::new());
    }

    #[test]
    fn moments_that_32_bits_do_not_hold_are_the_nearest_that_they_do() {
        assert_eq!([-5, 0, 1, 1_700_000_000, 9_000_000_000].map(seconds), [1, 1, 1, 1_700_000_000, i32::MAX]);
    }
}
