//! The addresses that a probe may ask.

use std::{fmt, str::FromStr};

use hyper::Uri;

/// An `http` or `https` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    uri: Uri,
    host: String,
}

/// What an address must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoUrl {
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
        self.uri.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// What is asked for: the path and the query.
    pub(super) fn path(&self) -> String {
        let path = self.uri.path();
        let path = if path.is_empty() { "/" } else { path };
        match self.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// The value of `Host`: the host and the port as they are written.
    pub(super) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }
}

impl FromStr for Url {
    type Err = NoUrl;

    fn from_str(text: &str) -> Result<Self, NoUrl> {
        // A fragment is for who shows the answer; it is not sent.
        let sent = text.split('#').next().unwrap_or_default();
        let uri: Uri = sent.parse().map_err(|_| NoUrl::Malformed)?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            Some(_) => return Err(NoUrl::Scheme),
            None => return Err(NoUrl::Malformed),
        }
        let authority = uri.authority().ok_or(NoUrl::Malformed)?.as_str();
        if authority.contains('@') {
            return Err(NoUrl::User);
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(NoUrl::Malformed);
        }
        let written = authority.rsplit(']').next().unwrap_or_default().contains(':');
        if written && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(NoUrl::Port);
        }
        Ok(Self { text: text.to_owned(), uri, host })
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
        assert_eq!((url.path().as_str(), url.authority()), ("/a/b?c=d", "[::1]:8443"));
        assert_eq!(url.to_string(), "https://[::1]:8443/a/b?c=d#e");
        let url: Url = "http://localhost".parse().unwrap();
        assert_eq!(
            (url.host(), url.port(), url.path().as_str(), url.authority()),
            ("localhost", 80, "/", "localhost")
        );
        let url: Url = "https://example.org?x".parse().unwrap();
        assert_eq!((url.port(), url.path().as_str()), (443, "/?x"));
    }

    #[test]
    fn other_texts_are_told_why() {
        for (text, why) in [
            ("", NoUrl::Malformed),
            ("localhost:80", NoUrl::Malformed),
            ("/health", NoUrl::Malformed),
            ("http:///x", NoUrl::Malformed),
            ("http://a b/", NoUrl::Malformed),
            ("ftp://a/", NoUrl::Scheme),
            ("http://me:secret@a/", NoUrl::User),
            ("http://a:0/", NoUrl::Port),
            ("http://a:70000/", NoUrl::Port),
            ("http://a:/", NoUrl::Port),
        ] {
            assert_eq!(text.parse::<Url>(), Err(why), "{text:?}");
        }
    }
}
