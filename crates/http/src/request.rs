//! What is asked.

use std::fmt;

use http_body_util::Full;
use hyper::{
    HeaderMap, Method,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use secret::Secret;

use crate::{Error, Url};

/// One request. `Debug` shows neither headers nor body, which may have secrets in them.
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, url: Url) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("windlass"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        Self { method, url, headers, body: Bytes::new() }
    }

    /// A `GET`.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// With this header, in place of one of that name. `Host`, `Connection` and the length of the
    /// body are the client's business.
    ///
    /// # Errors
    /// [`Error::Header`] for what cannot be a header.
    pub fn header(self, name: &str, value: &str) -> Result<Self, Error> {
        self.with(name, value, false)
    }

    /// With `Authorization: Bearer <token>`.
    ///
    /// # Errors
    /// [`Error::Header`] when the token has characters that no header can have.
    pub fn bearer(self, token: &Secret) -> Result<Self, Error> {
        self.with(header::AUTHORIZATION.as_str(), &format!("Bearer {}", token.expose()), true)
    }

    /// With this body, of a media type such as `application/json`.
    ///
    /// # Errors
    /// [`Error::Header`] when `media_type` cannot be a header.
    pub fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Result<Self, Error> {
        self.body = body.into();
        self.header(header::CONTENT_TYPE.as_str(), media_type)
    }

    fn with(mut self, name: &str, value: &str, sensitive: bool) -> Result<Self, Error> {
        let wrong = || Error::Header { name: name.to_owned() };
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(sensitive);
        self.headers.insert(parsed, value);
        Ok(self)
    }

    /// Whom it is for.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The request as it is sent, the last one of its connection.
    pub(crate) fn into_parts(self) -> hyper::Request<Full<Bytes>> {
        let mut request = hyper::Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.url.origin_form();
        *request.headers_mut() = self.headers;
        request.headers_mut().insert(header::HOST, self.url.host_header().clone());
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        "http://127.0.0.1:8080/keys".parse().unwrap()
    }

    #[test]
    fn no_secret_is_shown() {
        let token = Secret::from("hunter2");
        let request = Request::get(url()).bearer(&token).unwrap().body("text/plain", "hunter2").unwrap();
        assert!(!format!("{request:?} {:?}", request.headers).contains("hunter2"));
    }

    #[test]
    fn what_would_be_another_header_is_refused() {
        for (name, value) in [("x", "a\r\nHost: other"), ("x y", "a"), ("", "a"), ("x:", "a")] {
            let error = Request::get(url()).header(name, value).unwrap_err();
            assert!(matches!(error, Error::Header { .. }), "{name:?}: {error}");
        }
        let error = Request::get(url()).bearer(&Secret::from("hunter2\n")).unwrap_err();
        assert!(error.to_string().starts_with("the header \"authorization\" is not valid"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn the_host_is_that_of_the_address() {
        let request = Request::get(url()).header("host", "other").unwrap().into_parts();
        assert_eq!(request.headers()["host"], "127.0.0.1:8080");
        assert_eq!(request.uri(), "/keys");
    }
}
