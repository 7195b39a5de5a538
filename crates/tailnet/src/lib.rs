//! Tailscale and Headscale, the control servers of a tailnet.
//!
//! [`hujson`] reads the language of policies, [`policy`] says what a policy means: which rules it
//! has, what is wrong with it before a server sees it, whether it lets a deployer in. Both are pure.
//! [`Control`] is what both control servers can do; [`Tailscale`] and [`Headscale`] do it, each in
//! the words of its own interface.
//!
//! [`node`] is a machine of a tailnet, seen from the machine itself; [`serve`] is what it offers there.
//!
//! Requests go out directly ([`Direct`]) or through the connection of a host ([`Through`]), so that
//! a Headscale needs no public port. What may be repeated is repeated; a key is never made twice
//! because an answer was lost.

mod control;
pub mod dns_records;
mod headscale;
pub mod hujson;
pub mod node;
pub mod policy;
pub mod serve;
mod tailscale;
mod time_text;
mod transport;

pub use control::{
    Answered, Control, CreatedKey, Device, DeviceChange, Dns, DnsChange, EXIT_ROUTES, Error, Expected,
    KeyInfo, KeySpec, KeyStatus, Kind, PolicyVersion, SplitDns, StoredPolicy, TailnetSettings, Verdict,
};
pub use headscale::{ApiKeys, Headscale, Program, Release};
pub use tailscale::{Credentials, Tailscale, TokenSource};
pub use time_text::{Moment, moment_after, parse_moment};
pub use transport::{Call, Direct, Pace, Reply, Through, Transport, TransportError, Wire};
