//! The client against servers that misbehave, over the streams of a fake host: what each of them
//! sends is exact, and time passes as the test says.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod limits;
mod requests;
mod responses;
mod server;
mod streamed;
mod tls;
