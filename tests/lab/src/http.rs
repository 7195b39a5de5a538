//! The few requests that the lab itself makes to its registry; one connection each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer; names of headers are in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// Sends one request to `address:port`. HTTP/1.0, so that the answer ends with the connection.
pub(crate) fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let parsed = address.parse().map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&parsed, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut message = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\n").into_bytes();
    for (name, value) in headers {
        message.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    message.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
    message.extend(body);
    stream.write_all(&message)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer { status, headers, body: answer[end + 4..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = parse(b"HTTP/1.0 201 Created\r\nDocker-Content-Digest: sha256:1\r\n\r\n{}");
        let answer = answer.unwrap();
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("docker-content-digest"), Some("sha256:1"));
        assert_eq!(answer.body, b"{}");
        assert_eq!(parse(b"nonsense"), None);
    }

    #[test]
    fn a_request_reaches_a_server() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut received = [0; 1024];
            let mut length = 0;
            while !received[..length].ends_with(b"body") {
                length += stream.read(&mut received[length..]).unwrap();
            }
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
            String::from_utf8_lossy(&received[..length]).into_owned()
        });
        let answer = request(&address, "PUT", "/x", &[("A", "b")], b"body").unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(
            server.join().unwrap(),
            format!("PUT /x HTTP/1.0\r\nHost: {address}\r\nA: b\r\nContent-Length: 4\r\n\r\nbody")
        );
    }
}
