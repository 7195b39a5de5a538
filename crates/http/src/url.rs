//! The addresses that can be asked.

use std::{fmt, str::FromStr};

use hyper::{Uri, header::HeaderValue, http::uri::PathAndQuery};

/// An `http` or `https` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    https: bool,
    host: String,
    port: u16,
    origin_form: PathAndQuery,
    host_header: HeaderValue,
}

/// Why a text is not such an address: what it must be or have, to be put behind its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no address at all, or has no host.
    #[error("must be an address such as `http://127.0.0.1:8080/health`")]
    Malformed,
    /// Something else than HTTP.
    #[error("must begin with `http://` or `https://`")]
    Scheme,
    /// Somebody's name and password would show.
    #[error("must not have a user or a password in it")]
    User,
    /// Port 0.
    #[error("must have a port from 1 to 65535, or none")]
    Port,
}

impl Url {
    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none is written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// What is asked for: the path and the query.
    pub(crate) fn origin_form(&self) -> Uri {
        self.origin_form.clone().into()
    }

    /// The value of `Host`: the host and the port as they are written.
    pub(crate) fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        // A fragment is for who shows the answer; it is not sent.
        let sent = text.split('#').next().unwrap_or_default();
        let uri: Uri = sent.parse().map_err(|_| UrlError::Malformed)?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(UrlError::Scheme),
            None => return Err(UrlError::Malformed),
        };
        let authority = uri.authority().ok_or(UrlError::Malformed)?.as_str();
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(UrlError::Malformed);
        }
        let written = authority.rsplit(']').next().unwrap_or_default().contains(':');
        if written && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(UrlError::Port);
        }
        let host_header = HeaderValue::from_str(authority).map_err(|_| UrlError::Malformed)?;
        let origin_form = origin_form(&uri).parse().map_err(|_| UrlError::Malformed)?;
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        Ok(Self { text: text.to_owned(), https, host, port, origin_form, host_header })
    }
}

/// The path, which is never empty, and the query.
fn origin_form(uri: &Uri) -> String {
    let path = if uri.path().is_empty() { "/" } else { uri.path() };
    match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_parts() {
        let url: Url = "https://[::1]:8443/a/b?c=d#e".parse().unwrap();
        assert_eq!((url.host(), url.port(), url.is_https()), ("::1", 8443, true));
        assert_eq!(url.origin_form(), "/a/b?c=d");
        assert_eq!(*url.host_header(), "[::1]:8443");
        assert_eq!(url.to_string(), "https://[::1]:8443/a/b?c=d#e");
        let url: Url = "http://localhost".parse().unwrap();
        assert_eq!((url.host(), url.port()), ("localhost", 80));
        assert_eq!(url.origin_form(), "/");
        assert_eq!(*url.host_header(), "localhost");
        let url: Url = "https://example.org?x".parse().unwrap();
        assert_eq!(url.port(), 443);
        assert_eq!(url.origin_form(), "/?x");
    }

    #[test]
    fn other_texts_are_reported_why() {
        for (text, why) in [
            ("", UrlError::Malformed),
            ("localhost:80", UrlError::Malformed),
            ("/health", UrlError::Malformed),
            ("http:///x", UrlError::Malformed),
            ("http://a b/", UrlError::Malformed),
            ("ftp://a/", UrlError::Scheme),
            ("http://me:secret@a/", UrlError::User),
            ("http://a:0/", UrlError::Port),
            ("http://a:70000/", UrlError::Port),
            ("http://a:/", UrlError::Port),
        ] {
            assert_eq!(text.parse::<Url>(), Err(why), "{text:?}");
        }
    }
}
