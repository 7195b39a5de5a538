//! HTTP over the streams of a host, for what is reached through its connection.
//!
//! A [`Client`] dials through an [`remote::Executor`]: names are resolved and connections made
//! from the host's point of view, while HTTP and TLS are spoken here, so that the host needs no
//! program for it. From this machine it works alike, through [`remote::Local`].
//!
//! It is small on purpose: one request per connection, HTTP/1.1, no redirects (they are responses
//! like any other), no proxies, no cookies, no compression. Bodies are held in memory; those that are too
//! large for that pass through [`send_streamed`]. What this machine asks over the internet by itself
//! is the business of a full client.

mod client;
mod error;
mod exchange;
pub mod probe;
mod request;
mod response;
mod streamed;
mod tls;
mod url;

pub use client::Client;
pub use error::Error;
pub use hyper::{HeaderMap, Method, header};
pub use request::Request;
pub use response::Response;
pub use streamed::{Streamed, send_streamed};
pub use tls::Roots;
pub use url::{Url, UrlError};
