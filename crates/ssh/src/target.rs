//! All that decides how a host is reached.

use std::{fmt, time::Duration};

use remote::connection::Proxy;

use crate::{auth::Identity, trust::Trust};

/// One host, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) trust: Trust,
    pub(crate) identity: Identity,
    /// How long one attempt may take until keys are exchanged.
    pub(crate) connect_timeout: Duration,
    /// The host through which this one is reached.
    pub(crate) jump: Option<Box<Target>>,
    /// What it is reached through where there is no such host.
    pub(crate) proxy: Option<Proxy>,
}

/// `user@host:port`, the host in words.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address.contains(':') {
            write!(f, "{}@[{}]:{}", self.user, self.address, self.port)
        } else {
            write!(f, "{}@{}:{}", self.user, self.address, self.port)
        }
    }
}
