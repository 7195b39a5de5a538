//! What kind of failure a text tells of, so that somebody knows whom to ask.

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Somebody is not let in
    Auth,
    /// Something does not answer
    Network,
    /// A server says that the request is wrong
    #[value(name = "4xx")]
    #[serde(rename = "4xx")]
    Refused,
    /// A server says that it has failed
    #[value(name = "5xx")]
    #[serde(rename = "5xx")]
    Failing,
    /// Data are not what they should be, or there is drift
    Data,
    /// Anything else
    Other,
}

impl Class {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Network => "network",
            Self::Refused => "4xx",
            Self::Failing => "5xx",
            Self::Data => "data",
            Self::Other => "other",
        }
    }

    /// What is to be done about it.
    pub const fn next(self) -> &'static str {
        match self {
            Self::Auth => "Look at keys and tokens: one has ended, was replaced, or may not do this.",
            Self::Network => "Look at whether the machine runs and can be reached from here.",
            Self::Refused => "A server does not accept what it is asked for: look at the configuration.",
            Self::Failing => "A server fails by itself: if it does not pass, ask those who run it.",
            Self::Data => "Something is not what it should be: look at what differs.",
            Self::Other => "Look at what it says.",
        }
    }
}

/// What texts of each kind say, the surest first. Numbers stand where servers put them.
const SIGNS: [(Class, &[&str]); 5] = [
    (
        Class::Auth,
        &[
            "permission denied (publickey",
            "unable to authenticate",
            "authentication fail",
            "unauthorized",
            "invalid token",
            "bad credentials",
            "access denied",
            "host key",
            "accessdenied",
            "invalidaccesskeyid",
            "signaturedoesnotmatch",
            "none of the",
            "status was 401",
            "answer was 401",
            " 401 ",
            " 403 ",
            "answer was 403",
            "status was 403",
            "forbidden",
        ],
    ),
    (
        Class::Failing,
        &[
            "status was 5",
            "answer was 5",
            "500 internal",
            "502 bad",
            "503 service",
            "504 gateway",
            "internal server error",
            "bad gateway",
            "service unavailable",
            "gateway timeout",
        ],
    ),
    (
        Class::Refused,
        &[
            "status was 4",
            "answer was 4",
            "400 bad",
            "404 not found",
            "409 conflict",
            "422 unprocessable",
            "429 too many",
        ],
    ),
    (
        Class::Network,
        &[
            "connection refused",
            "connection reset",
            "no route to host",
            "network is unreachable",
            "timed out",
            "timeout",
            "could not resolve",
            "no such host",
            "name or service not known",
            "temporary failure in name resolution",
            "does not answer",
            "unreachable",
            "broken pipe",
            "eof",
        ],
    ),
    (
        Class::Data,
        &[
            "checksum",
            "digest",
            "corrupt",
            "does not fit",
            "was changed",
            "hash",
            "no space left",
            "is older",
            "is missing",
            "to replace",
            "to change",
            "to create",
            "to destroy",
            "drift",
        ],
    ),
];

/// The kind that a text tells of.
pub fn class(text: &str) -> Class {
    let text = text.to_lowercase();
    SIGNS
        .iter()
        .find(|(_, signs)| signs.iter().any(|sign| text.contains(sign)))
        .map_or(Class::Other, |(class, _)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        for (text, expected) in [
            ("Error: Could not reach web: Permission denied (publickey,password).", Class::Auth),
            ("The answer was 403: Resource not accessible by integration.", Class::Auth),
            ("dial tcp 192.0.2.1:22: connect: no route to host", Class::Network),
            ("context deadline exceeded: the request timed out", Class::Network),
            ("The answer was 422: Validation Failed.", Class::Refused),
            ("its status was 503: Service Unavailable", Class::Failing),
            ("Plan: 1 to change", Class::Data),
            ("The snapshot is corrupt: the checksum of archive is another one", Class::Data),
            ("something odd", Class::Other),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }
}
