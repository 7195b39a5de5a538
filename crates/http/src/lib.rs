//! HTTP and TCP over the streams of a host, for what is reached through its connection.

pub mod probe;
