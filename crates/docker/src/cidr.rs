//! Ranges of addresses, as networks have them.

use std::{fmt, net::IpAddr, str::FromStr};

/// A range: `10.1.0.0/24`, `fd00:1::/64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr {
    first: IpAddr,
    prefix: u8,
}

/// Why a text is no range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// It does not look like one.
    #[error("must be a range of addresses such as 10.1.0.0/24 or fd00:1::/64")]
    Shape,
    /// The address is not the first one of the range.
    #[error("must begin with the first address of its range: {0}")]
    NotFirst(Cidr),
}

impl Cidr {
    /// Checks the spelling of a range.
    ///
    /// # Errors
    /// When it is none.
    pub fn check(text: &str) -> Result<(), String> {
        text.parse::<Self>().map(drop).map_err(|error| error.to_string())
    }

    /// Whether the address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        first(address, self.prefix) == self.first && address.is_ipv4() == self.first.is_ipv4()
    }

    /// Whether all of `other` is in the range.
    pub fn covers(&self, other: &Self) -> bool {
        other.prefix >= self.prefix && self.contains(other.first)
    }
}

impl Cidr {
    /// Whether it is a range of IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.first.is_ipv4()
    }

    /// Whether they have an address in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// The ranges with this prefix that an IPv4 range consists of, in their order.
    pub(crate) fn parts(self, prefix: u8) -> impl Iterator<Item = Self> {
        let first = match self.first {
            IpAddr::V4(first) if (self.prefix..=32).contains(&prefix) => Some(u64::from(first.to_bits())),
            _ => None,
        };
        let count = first.map_or(0, |_| 1_u64 << (prefix - self.prefix));
        let size = 1_u64 << 32_u8.saturating_sub(prefix);
        (0..count).filter_map(move |at| {
            let address = u32::try_from(first? + at * size).ok()?;
            Some(Self { first: IpAddr::V4(address.into()), prefix })
        })
    }
}

/// The first address of the range of this size around `address`.
fn first(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, prefix) = text.split_once('/').ok_or(CidrError::Shape)?;
        let address: IpAddr = address.parse().map_err(|_| CidrError::Shape)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix =
            prefix.parse().ok().filter(|prefix| digits && *prefix <= longest).ok_or(CidrError::Shape)?;
        let range = Self { first: first(address, prefix), prefix };
        if range.first == address { Ok(range) } else { Err(CidrError::NotFirst(range)) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_are_read_and_compared() {
        assert_eq!(range("fd00:0001::/64"), range("fd00:1::/64"));
        assert_eq!(range("0.0.0.0/0").to_string(), "0.0.0.0/0");
        assert!(range("10.1.0.0/16").covers(&range("10.1.2.0/24")));
        assert!(!range("10.1.2.0/24").covers(&range("10.1.0.0/16")));
        assert!(range("::/0").contains("fd00::1".parse().unwrap()));
        assert!(!range("::/0").contains("10.0.0.1".parse().unwrap()));
        assert!(!range("10.1.2.0/24").contains("10.1.3.1".parse().unwrap()));
        assert!(range("10.1.2.3/32").contains("10.1.2.3".parse().unwrap()));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["", "10.1.0.0", "10.1.0.0/", "10.1.0.0/33", "10.1.0.0/+8", "10.1/16", "fd00::/129", "a/8"]
        {
            assert_eq!(text.parse::<Cidr>(), Err(CidrError::Shape), "{text}");
        }
        let error = "10.1.2.3/16".parse::<Cidr>().unwrap_err();
        assert_eq!(error.to_string(), "must begin with the first address of its range: 10.1.0.0/16");
    }
}
