//! What the stack answers over HTTP. Plain HTTP/1.0, so that nothing else need be installed.

use anyhow::{Context, Result};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long the stack may take to answer one request.
const ANSWER: Duration = Duration::from_secs(10);

/// The body of a 200 answer to `GET url`.
pub fn get(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} is not an http URL"))?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(address).with_context(|| format!("{url} does not answer"))?;
    stream.set_read_timeout(Some(ANSWER))?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("{url} does not answer"))?;
    body(&answer).map(str::to_owned).with_context(|| format!("{url} did not answer with 200:\n{answer}"))
}

fn body(answer: &str) -> Option<&str> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines().next()?.split_whitespace().nth(1).filter(|status| *status == "200").map(|_| body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_200_has_a_body() {
        assert_eq!(body("HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello\n"), Some("hello\n"));
        assert_eq!(body("HTTP/1.1 502 Bad Gateway\r\n\r\noops"), None);
        assert_eq!(body("nonsense"), None);
    }
}
