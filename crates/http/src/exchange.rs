//! One request and its response over a stream that is there already.

use http_body_util::BodyExt;
use hyper::{
    body::{Body, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, Request, Response};

/// What becomes of a long body. The number is of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyLimit {
    /// A longer one is an error.
    Refused(usize),
    /// Of a longer one, the beginning is read.
    Cut(usize),
}

/// Sends `request` and reads the response.
pub(crate) async fn over<S>(stream: S, request: Request, limit: BodyLimit) -> Result<Response, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::Response)?;
    // Moves the bytes, until this function is over.
    let _mover = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request.into_parts()).await.map_err(Error::Response)?;
    let (head, body) = response.into_parts();
    Ok(Response { status: head.status.as_u16(), headers: head.headers, body: read(body, limit).await? })
}

/// Reads a body. One that says beforehand that it is too long is not begun with.
async fn read(mut incoming: Incoming, limit: BodyLimit) -> Result<Vec<u8>, Error> {
    limit.check(incoming.size_hint().lower())?;
    let mut body = Vec::new();
    while !limit.is_satisfied_by(body.len()) {
        let Some(frame) = incoming.frame().await else { break };
        if let Some(bytes) = frame.map_err(Error::Response)?.data_ref() {
            body.extend_from_slice(bytes);
        }
        limit.check(body.len() as u64)?;
    }
    if let BodyLimit::Cut(most) = limit {
        body.truncate(most);
    }
    Ok(body)
}

impl BodyLimit {
    /// Refuses a body of `length` bytes if it is too long.
    fn check(self, length: u64) -> Result<(), Error> {
        match self {
            Self::Refused(most) if length > most as u64 => Err(Error::TooLarge { limit: most }),
            Self::Refused(_) | Self::Cut(_) => Ok(()),
        }
    }

    /// Whether more than `length` bytes would not be used.
    fn is_satisfied_by(self, length: usize) -> bool {
        matches!(self, Self::Cut(most) if length >= most)
    }
}
