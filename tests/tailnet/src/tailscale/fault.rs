//! What can go wrong on the way.

use std::time::Duration;

use super::answer::Answer;

/// Something that goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status in place of an answer, and nothing is done; the seconds of `Retry-After`.
    Status(u16, Option<u64>),
    /// This content with this status in place of an answer, and nothing is done.
    Body(u16, String),
    /// It is done, and the connection ends before a byte of the answer.
    Lost,
    /// It is done, and the connection ends in the middle of the answer.
    Cut,
    /// It is done, and the answer is no JSON.
    Garbled,
    /// It is done, and the answer comes late.
    Slow(Duration),
}

impl Fault {
    /// Whether the request is carried out.
    pub(super) fn is_done(&self) -> bool {
        !matches!(self, Self::Status(..) | Self::Body(..))
    }

    /// What comes in place of `answer`.
    pub(super) fn instead_of(self, answer: Option<Answer>) -> Answer {
        match self {
            Self::Status(status, wait) => {
                let headers = wait.map(|seconds| ("retry-after", seconds.to_string())).into_iter().collect();
                Answer::Whole { status, headers, body: String::new() }
            }
            Self::Body(status, body) => Answer::Whole { status, headers: Vec::new(), body },
            Self::Lost => Answer::Broken(Vec::new()),
            Self::Cut => {
                Answer::Broken(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"id\": \"k".to_vec())
            }
            Self::Garbled => {
                Answer::Whole { status: 200, headers: Vec::new(), body: "<html>ok</html>".to_owned() }
            }
            Self::Slow(wait) => Answer::Late(wait, Box::new(answer.unwrap_or_else(Answer::nothing))),
        }
    }
}
