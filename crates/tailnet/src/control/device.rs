//! Machines of a tailnet.

/// A machine, in one vocabulary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The id by which the server's interface knows it.
    pub id: String,
    /// What the machine calls itself.
    pub hostname: String,
    /// Its name in the tailnet: the first label of `fqdn`.
    pub name: String,
    /// Its name in MagicDNS, without a dot at its end; empty where the server tells none.
    pub fqdn: String,
    /// Its addresses in the tailnet, IPv4 first.
    pub addresses: Vec<String>,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// Whose it is; empty of one with tags.
    pub user: String,
    /// Its operating system; empty where the server does not tell.
    pub os: String,
    /// Whether it is connected.
    pub online: bool,
    /// Whether it may take part.
    pub authorized: bool,
    /// Whether it goes by itself when it is not connected for a while.
    pub ephemeral: bool,
    /// When it joined, in RFC 3339.
    pub created: String,
    /// When it was last connected; empty while it is, and where that is not known.
    pub last_seen: String,
    /// When it has to log in again; empty when it has not.
    pub key_expires: String,
    /// Whether it never has to log in again. So it is with every machine that has tags.
    pub key_expiry_disabled: bool,
    /// The routes that it offers and that are approved, sorted.
    pub routes: Vec<String>,
    /// The routes that are approved, whether or not it offers them, sorted.
    pub approved_routes: Vec<String>,
}

/// The routes of an exit node: everything, of IPv4 and of IPv6.
pub const EXIT_ROUTES: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// One setting that a server has for a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceChange {
    /// These tags and no others. A machine that has tags is nobody's any more, and always has some.
    Tags(Vec<String>),
    /// This name, the first label.
    Name(String),
    /// Whether it never has to log in again.
    KeyExpiryDisabled(bool),
    /// Approves these routes and no others.
    ApprovedRoutes(Vec<String>),
}

impl Device {
    /// Its first address of IPv4.
    pub fn ipv4(&self) -> Option<&str> {
        self.addresses.iter().map(String::as_str).find(|address| address.contains('.'))
    }

    /// Its first address of IPv6.
    pub fn ipv6(&self) -> Option<&str> {
        self.addresses.iter().map(String::as_str).find(|address| address.contains(':'))
    }

    /// All of them, by name.
    pub(crate) fn by_name(devices: impl Iterator<Item = Self>) -> Vec<Self> {
        let mut devices: Vec<Self> = devices.collect();
        devices.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        devices
    }

    /// The same with everything that has no order sorted.
    #[must_use]
    pub(crate) fn settled(mut self) -> Self {
        self.addresses.sort_by_key(|address| address.contains(':'));
        self.tags.sort();
        self.routes.sort();
        self.approved_routes.sort();
        self
    }
}
