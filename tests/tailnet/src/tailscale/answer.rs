//! Answers.

use std::time::Duration;

use http_body_util::Full;
use hyper::Response;
use serde_json::{Value, json};

/// What comes back.
pub(super) enum Answer {
    /// A whole answer.
    Whole { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// One that comes late.
    Late(Duration, Box<Answer>),
    /// These bytes, and the end of the connection.
    Broken(Vec<u8>),
}

impl Answer {
    pub(super) fn json(value: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Whole { status: 200, headers, body: value.to_string() }
    }

    /// A refusal, in Tailscale's form.
    pub(super) fn refusal(status: u16, message: &str) -> Self {
        let body = json!({"message": message, "status": status}).to_string();
        Self::Whole { status, headers: vec![("content-type", "application/json".to_owned())], body }
    }

    pub(super) fn nothing() -> Self {
        Self::Whole { status: 200, headers: Vec::new(), body: String::new() }
    }

    pub(super) fn response(self) -> Response<Full<bytes::Bytes>> {
        let Self::Whole { status, headers, body } = self else {
            return Response::new(Full::default());
        };
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        builder.body(Full::from(body)).unwrap()
    }
}
