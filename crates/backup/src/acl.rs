//! POSIX access control lists, by numbers: names mean somebody else on another host.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::Error as _};

/// The version of a list as the kernel gives it (Linux, `include/uapi/linux/posix_acl_xattr.h`).
const VERSION: [u8; 4] = 2_u32.to_le_bytes();

/// Whom an entry is about, with the tag that it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Owner,
    User(u32),
    OwningGroup,
    Group(u32),
    Mask,
    Other,
}

/// An access control list.
///
/// In JSON it is a text, such as `user::rw-,user:1000:r--,group::r--,mask::r--,other::---`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl(Vec<(Who, u8)>);

/// That something is no access control list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not an access control list by numbers")]
pub struct NoAcl;

impl Acl {
    /// The list as the kernel gives it, in an attribute of a file.
    pub(crate) fn from_kernel(value: &[u8]) -> Result<Self, NoAcl> {
        let entries = value.strip_prefix(&VERSION).ok_or(NoAcl)?;
        let (entries, rest) = entries.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(NoAcl);
        }
        let read = |entry: &[u8; 8]| {
            let [tag, _, permissions, _, id @ ..] = *entry;
            let id = u32::from_le_bytes(id);
            let who = match tag {
                0x01 => Who::Owner,
                0x02 => Who::User(id),
                0x04 => Who::OwningGroup,
                0x08 => Who::Group(id),
                0x10 => Who::Mask,
                0x20 => Who::Other,
                _ => return Err(NoAcl),
            };
            let is_plain = entry[1] == 0 && entry[3] == 0 && permissions < 8;
            if is_plain { Ok((who, permissions)) } else { Err(NoAcl) }
        };
        Self::checked(entries.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// One that can be: each entry once, those that have to be there, and a mask where somebody is named
    /// (acl(5), valid ACLs).
    fn checked(mut entries: Vec<(Who, u8)>) -> Result<Self, NoAcl> {
        entries.sort_unstable();
        let is_unique = entries.windows(2).all(|pair| pair[0].0 != pair[1].0);
        let has = |wanted: Who| entries.iter().any(|(who, _)| *who == wanted);
        let names = entries.iter().any(|(who, _)| matches!(who, Who::User(_) | Who::Group(_)));
        let is_whole = has(Who::Owner) && has(Who::OwningGroup) && has(Who::Other);
        if is_unique && is_whole && (has(Who::Mask) || !names) { Ok(Self(entries)) } else { Err(NoAcl) }
    }
}

/// In the long text form (acl(5)), with commas between the entries.
impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (who, permissions)) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(",")?;
            }
            match who {
                Who::Owner => f.write_str("user::")?,
                Who::User(id) => write!(f, "user:{id}:")?,
                Who::OwningGroup => f.write_str("group::")?,
                Who::Group(id) => write!(f, "group:{id}:")?,
                Who::Mask => f.write_str("mask::")?,
                Who::Other => f.write_str("other::")?,
            }
            for (bit, letter) in [(4, "r"), (2, "w"), (1, "x")] {
                f.write_str(if permissions & bit == 0 { "-" } else { letter })?;
            }
        }
        Ok(())
    }
}

/// Reads the long text form; with line breaks as well, as in an archive, with what is effective as a comment behind
/// an entry, and with the number as a fourth field, which star writes.
impl FromStr for Acl {
    type Err = NoAcl;

    fn from_str(text: &str) -> Result<Self, NoAcl> {
        let mut entries = Vec::new();
        for entry in text.split([',', '\n']) {
            let entry = entry.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            let mut fields = entry.split(':');
            let (Some(tag), Some(name), Some(permissions)) = (fields.next(), fields.next(), fields.next())
            else {
                return Err(NoAcl);
            };
            let number = fields.next().unwrap_or(name);
            if fields.next().is_some() {
                return Err(NoAcl);
            }
            let who = match (tag, name) {
                ("user", "") => Who::Owner,
                ("user", _) => Who::User(id(number)?),
                ("group", "") => Who::OwningGroup,
                ("group", _) => Who::Group(id(number)?),
                ("mask", "") => Who::Mask,
                ("other", "") => Who::Other,
                _ => return Err(NoAcl),
            };
            entries.push((who, bits(permissions)?));
        }
        Self::checked(entries)
    }
}

fn id(digits: &str) -> Result<u32, NoAcl> {
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain).ok_or(NoAcl)
}

fn bits(letters: &str) -> Result<u8, NoAcl> {
    let &[read, write, run] = letters.as_bytes() else { return Err(NoAcl) };
    [(read, b'r', 4), (write, b'w', 2), (run, b'x', 1)].into_iter().try_fold(
        0,
        |bits, (found, letter, bit)| match found {
            b'-' => Ok(bits),
            found if found == letter => Ok(bits | bit),
            _ => Err(NoAcl),
        },
    )
}

impl Serialize for Acl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Acl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "user::rw-,user:0:r--,user:4242:rwx,group::r--,group:33:--x,mask::rw-,other::---";

    fn entry(tag: u8, permissions: u8, id: u32) -> Vec<u8> {
        [&[tag, 0, permissions, 0][..], &id.to_le_bytes()].concat()
    }

    #[test]
    fn the_list_of_the_kernel_is_a_text() {
        let none = u32::MAX;
        let entries = [
            (1, 6, none),
            (2, 4, 0),
            (2, 7, 4242),
            (4, 4, none),
            (8, 1, 33),
            (0x10, 6, none),
            (0x20, 0, none),
        ];
        let entries: Vec<_> = entries.iter().map(|(tag, bits, id)| entry(*tag, *bits, *id)).collect();
        let whole = [VERSION.to_vec(), entries.concat()].concat();
        let acl = Acl::from_kernel(&whole).unwrap();
        assert_eq!(acl.to_string(), TEXT);
        assert_eq!(serde_json::to_string(&acl).unwrap(), format!("\"{TEXT}\""));
        assert_eq!(serde_json::from_str::<Acl>(&format!("\"{TEXT}\"")).unwrap(), acl);
        for length in 0..whole.len() {
            assert_eq!(Acl::from_kernel(&whole[..length]), Err(NoAcl), "{length}");
        }
        let twice = [whole.clone(), entry(2, 4, 0)].concat();
        let strange = [whole.clone(), entry(0x40, 4, none)].concat();
        let loud = [whole, entry(2, 8, 7)].concat();
        assert!([twice, strange, loud].iter().all(|list| Acl::from_kernel(list).is_err()));
    }

    #[test]
    fn texts_of_archives_are_read_as_far_as_they_have_numbers() {
        let acl: Acl = TEXT.parse().unwrap();
        assert_eq!(TEXT.replace(',', "\n").parse(), Ok(acl.clone()));
        assert_eq!(TEXT.replace("user:4242:rwx", "user:app:rwx:4242").parse(), Ok(acl.clone()));
        assert_eq!(TEXT.replace("rwx", "rwx\t#effective:rw-").replace(',', "\n").parse(), Ok(acl));
        assert!("user::rwx,group::r-x,other::r-x".parse::<Acl>().is_ok());
        for wrong in [
            "",
            "user::rwx,group::r-x",
            "user::rwx,user:1:r--,group::r-x,other::r-x",
            "user::rwx,user:root:r--,group::r-x,mask::r--,other::r-x",
            "user::rwx,user:+1:r--,group::r-x,mask::r--,other::r-x",
            "user::rwx,user:4294967296:r--,group::r-x,mask::r--,other::r-x",
            "user::rwx,group::r-x,other::r-x,other::r-x",
            "user::rwx,group::r-x,other::xr-",
            "user::rwx,group::r-x,other::r",
            "user::rwx,group::r-x,other:1:r-x",
            "user::rwx,group::r-x,other",
        ] {
            assert_eq!(wrong.parse::<Acl>(), Err(NoAcl), "{wrong}");
        }
    }
}
