//! Whose restored files become.

use std::{fmt, str::FromStr};

/// Whose all restored files become, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// That a text names no owner.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an owner is two numbers with a colon between them, such as 1000:1000")]
pub struct OwnerError;

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        let (uid, gid) = text.split_once(':').ok_or(OwnerError)?;
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| plain).ok_or(OwnerError)
        };
        Ok(Self { uid: number(uid)?, gid: number(gid)? })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_two_numbers() {
        assert_eq!("1000:33".parse(), Ok(Owner { uid: 1000, gid: 33 }));
        for text in ["", "1000", "www-data:www-data", "1:", ":1", "+1:1", "-1:1", "1:2:3", "4294967296:0"] {
            assert_eq!(text.parse::<Owner>(), Err(OwnerError), "{text}");
        }
        assert_eq!(Owner { uid: 1, gid: 2 }.to_string(), "1:2");
    }
}
