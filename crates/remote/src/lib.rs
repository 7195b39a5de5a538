//! Commands, files and sockets on a host, whatever way it is reached.
//!
//! The [`Executor`] is the only thing the rest of Windlass knows of a host: it starts commands
//! and opens streams. Everything else here (files, quoting, the connection string, the choice of
//! credentials) is built on it or beside it, so that the local machine, a host behind SSH and the
//! fake of the tests behave alike; one conformance suite holds all of
//! them to that.

pub mod claims;
pub mod collect;
mod command;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod connection;
pub mod credentials;
mod detached;
mod dial_failure;
mod error;
mod executor;
pub mod facts;
pub mod fake;
pub mod files;
mod local;
pub mod lock;
pub mod poll;
pub mod proof;
pub mod quote;
mod tail;
mod traced;

pub use collect::{Input, checked, run, run_checked};
pub use command::{Command, Output, SUDO};
pub use connection::Connection;
pub use credentials::{Credentials, SshSettings};
pub use detached::detached_command;
pub use dial_failure::DialFailure;
pub use error::{Error, chain};
pub use executor::{Dial, Executor, Noise, Process, ProcessControl, Stream};
pub use fake::Fake;
pub use local::Local;
pub use tail::Tail;
pub use traced::traced;
