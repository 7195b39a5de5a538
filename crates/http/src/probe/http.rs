//! One HTTP request over a stream that is there already.

use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::task::AbortOnDropHandle;

use super::{Answer, Outcome, Url};

/// How much of a body is read: a text to look for has to be in here.
const READ: usize = 1 << 20;

/// `GET`s `url` over `stream`.
pub(super) async fn get<S>(stream: S, url: &Url) -> Result<Answer, Outcome>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let request = Request::get(url.path())
        .header(header::HOST, url.authority())
        .header(header::USER_AGENT, "windlass")
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Outcome::Broken(error.to_string()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Moves the bytes, until this function is over.
    let _mover = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(broken)?;
    let status = response.status().as_u16();
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while body.len() < READ {
        let Some(frame) = incoming.frame().await else { break };
        if let Some(bytes) = frame.map_err(broken)?.data_ref() {
            body.extend_from_slice(bytes);
        }
    }
    body.truncate(READ);
    Ok(Answer { status, body })
}

fn broken(error: hyper::Error) -> Outcome {
    Outcome::Broken(remote::chain(&error))
}
