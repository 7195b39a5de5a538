//! How long a server is waited for, whichever way leads to it.

use std::time::Duration;

/// How long a connection may take to be there.
pub(super) const CONNECT: Duration = Duration::from_secs(15);

/// For how long a server may be silent, all of a part's upload included.
pub(super) const SILENCE: Duration = Duration::from_secs(300);
