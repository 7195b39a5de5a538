//! One request and its response over a stream, whose bodies pass through in pieces.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::{
    Request, Response,
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use remote::Stream;
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, Roots, Url, tls};

/// The body of a response, which is read from its connection as it comes; dropping it ends that.
#[derive(Debug)]
pub struct Streamed {
    body: Incoming,
    /// Moves the bytes.
    _mover: AbortOnDropHandle<Result<(), hyper::Error>>,
}

/// Sends `request` over `stream`, which leads to the server of `url`, and reads the head of the response. The address in
/// the request, and its headers `Host` and `Connection`, are this function's business; there is no limit of time.
///
/// # Errors
/// [`Error::Tls`] and [`Error::Response`]; a status of failure is a response.
pub async fn send_streamed<B>(
    stream: Box<dyn Stream>,
    url: &Url,
    roots: &Roots,
    request: Request<B>,
) -> Result<Response<Streamed>, Error>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let (mut head, body) = request.into_parts();
    head.uri = url.origin_form();
    head.headers.insert(header::HOST, url.host_header().clone());
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let request = Request::from_parts(head, body);
    if !url.is_https() {
        return exchange(stream, request).await;
    }
    exchange(tls::connect(stream, url.host(), roots).await?, request).await
}

async fn exchange<S, B>(stream: S, request: Request<B>) -> Result<Response<Streamed>, Error>
where
    S: Stream + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::Response)?;
    let mover = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(Error::Response)?;
    Ok(response.map(|body| Streamed { body, _mover: mover }))
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
