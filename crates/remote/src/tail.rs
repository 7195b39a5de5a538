//! The end of a text that may be long.

/// The end of what was written to it.
#[derive(Debug)]
pub struct Tail {
    bytes: Vec<u8>,
    /// How many bytes are held at least, where there are as many.
    most: usize,
}

impl Tail {
    /// Of nothing yet; the last `most` bytes are held.
    pub fn of(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    /// Adds `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cut now and then, not for each byte.
        if self.bytes.len() > 2 * self.most {
            self.bytes.drain(..self.bytes.len() - self.most);
        }
    }

    /// As text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl tokio::io::AsyncWrite for Tail {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.push(bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_text_is_held() {
        let mut tail = Tail::of(4);
        for byte in b"abcdefgh" {
            tail.push(&[*byte]);
        }
        assert_eq!(tail.text(), "abcdefgh");
        tail.push(b"i");
        assert_eq!(tail.text(), "fghi");
        // A character may come in two parts.
        tail.push(b"\xc3");
        tail.push(b"\xb6\xff");
        assert_eq!(tail.text(), "fghi\u{f6}\u{fffd}");
    }
}
