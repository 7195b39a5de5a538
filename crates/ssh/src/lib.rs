//! Reaching hosts over SSH: a [`remote::Executor`] on russh and ring.
//!
//! A [`Pool`] holds the connections of a process. Each host has **one control connection**, made
//! at its first use and shared by everybody; callers at the same time share one handshake and its
//! result. A connection that died is replaced once before anything was sent, a failure is not
//! kept, and a command that may have begun is never run again.
//!
//! # Slow readers
//!
//! The library's session loop hands every message to a channel's queue and waits when that queue
//! is full: one unread channel freezes the whole connection, and not reading is therefore no way
//! to make a host wait. So every channel has a task that always reads (`channel`), into a buffer
//! that the caller empties at its own pace (`pipe`):
//!
//! - On the shared connection the buffer holds 64 MiB. A reader who leaves more than that unread
//!   loses the channel with an error that says so; everybody else goes on. Only such a reader
//!   costs that memory.
//! - A command marked [`bulk`](remote::Command::bulk) gets a connection of its own, through jump
//!   hosts too. There the task stops reading at 4 MiB and the host waits, which harms nobody else.
//! - stderr is buffered like the former in both cases: nobody has to read it for stdout to go on.
//!
//! # Limits of an unmodified sshd
//!
//! `MaxSessions 10`: eight session slots per connection, fewer where the host refuses more. A slot
//! is given back when the host has closed the channel. A command marked
//! [`long_lived`](remote::Command::long_lived) (a lock, which is held while other commands run)
//! takes none of those: such commands share connections of their own, eight on each, and the next
//! one is opened as soon as these are full. So whoever waits for a slot of the control connection
//! waits for commands that end by themselves. When nevertheless no slot is given back for 10 s, or
//! sessions do not open although the host answers, another control connection is opened and a
//! warning logged ([`Pool::stalls`] counts them), so callers who hold slots and wait for more
//! cannot block each other. Streams to sockets need no slot. `MaxStartups 10:30:100`: at most three connections to a host are in their
//! beginning at once, and one that the host hangs up on is tried again after a jittered wait.
//!
//! # Host keys and authentication
//!
//! The key is checked first (`trust`, `known_hosts`); nothing that says who we are is sent to a
//! host whose key was refused. Then `none` is tried, the key, the agent. Passwords are not
//! supported, `~/.ssh/config` is not read, and whatever a server tries to open towards us is
//! refused.
//!
//! # Ending commands
//!
//! Cancelling sends TERM, after 5 s KILL, and closes the channel; see `kill` for servers that
//! refuse signals and for commands under sudo.

mod auth;
mod backoff;
mod channel;
mod connect;
mod dial_error;
mod executor;
mod frame;
mod handshake;
mod host;
mod keys;
mod kill;
mod known_hosts;
mod link;
mod login;
mod pipe;
mod pool;
mod process;
mod proxy;
mod shared_error;
mod signals;
#[cfg(feature = "conformance")]
pub mod soak;
mod socket;
mod stdin;
mod target;
mod trust;

pub use pool::{OfferedKey, Pool};
