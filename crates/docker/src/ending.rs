//! The end of what may be long.

/// The end of what was written to it.
#[derive(Debug)]
pub(crate) struct Ending {
    bytes: Vec<u8>,
    /// How many bytes are held at least, where there are as many.
    most: usize,
}

impl Ending {
    /// Of nothing yet; the last `most` bytes are held.
    pub(crate) fn of(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cut now and then, not for each byte.
        if self.bytes.len() > 2 * self.most {
            self.bytes.drain(..self.bytes.len() - self.most);
        }
    }

    /// As text; bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl tokio::io::AsyncWrite for Ending {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.take(bytes);
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
        let mut ending = Ending::of(4);
        for byte in b"abcdefgh" {
            ending.take(&[*byte]);
        }
        assert_eq!(ending.text(), "abcdefgh");
        ending.take(b"i");
        assert_eq!(ending.text(), "fghi");
        // A character may come in two parts.
        ending.take(b"\xc3");
        ending.take(b"\xb6\xff");
        assert_eq!(ending.text(), "fghi\u{f6}\u{fffd}");
    }
}
