//! Requests that leave from a host: the server may be one that only this host sees.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Roots, Streamed, Url, send_streamed};
use hyper::body::{Body, Frame, SizeHint};
use object_store::client::{
    HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use remote::{Dial, Executor};
use reqwest::Method;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::{
    patience::{CONNECT, SILENCE},
    refusal::Cause,
};

/// From how many bytes of a body on a request gets a connection of its own.
const BULK: u64 = 1 << 20;

/// Sends requests through the streams of a host.
#[derive(Debug)]
pub(super) struct Through {
    executor: Arc<dyn Executor>,
    roots: Roots,
}

/// Nothing came for too long.
#[derive(Debug, thiserror::Error)]
#[error("the server said nothing for {} s", .0.as_secs())]
struct Silent(Duration);

impl Through {
    /// To the server at `endpoint`, as the host of `executor` sees it.
    pub(super) fn new(executor: Arc<dyn Executor>, endpoint: &str) -> Self {
        Self { executor, roots: Roots::of_address(endpoint) }
    }

    async fn send(&self, url: &Url, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let target = Dial::Tcp(url.host().to_owned(), url.port());
        let is_content = request.method() == Method::GET && request.uri().query().is_none();
        let dialling = async {
            match is_content || request.body().size_hint().lower() >= BULK {
                true => self.executor.dial_bulk(&target).await,
                false => self.executor.dial(&target).await,
            }
        };
        let stream = within(CONNECT, HttpErrorKind::Connect, dialling).await?;
        let sending = send_streamed(stream, url, &self.roots, request);
        let (head, body) = within(SILENCE, HttpErrorKind::Request, sending).await?.into_parts();
        let body = Patient { body, silence: Box::pin(sleep(SILENCE)) };
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

/// What comes of `work`; an error of it is one of `kind`, and it may be tried again.
async fn within<T, E: Into<Cause>>(
    limit: Duration,
    kind: HttpErrorKind,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, HttpError> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|error| HttpError::new_boxed(kind, error.into())),
        Err(_) => Err(HttpError::new(HttpErrorKind::Timeout, Silent(limit))),
    }
}

#[async_trait]
impl HttpService for Through {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url: Url = request
            .uri()
            .to_string()
            .parse()
            .map_err(|error: http::UrlError| HttpError::new(HttpErrorKind::Unknown, error))?;
        self.send(&url, request).await
    }
}

/// A body that does not wait for ever.
struct Patient {
    body: Streamed,
    silence: Pin<Box<Sleep>>,
}

impl Body for Patient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.silence.as_mut().reset(Instant::now() + SILENCE);
                Poll::Ready(
                    frame.map(|frame| {
                        frame.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))
                    }),
                )
            }
            Poll::Pending => match self.silence.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, Silent(SILENCE)))))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
