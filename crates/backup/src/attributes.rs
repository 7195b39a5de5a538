//! Extended attributes and access control lists: which are kept, and how they are in archives.
//!
//! Attributes of users alone are kept: what is in `security` is of one host (labels) or a right as set-user-id is one
//! (capabilities), and what is in `trusted` is of a host's administrators.

use serde::{Deserialize, Serialize};

use crate::{
    acl::Acl,
    members::{Malformed, pax},
    raw::RawPath,
};

/// How the names of attributes of users begin (xattr(7)).
const OF_USERS: &[u8] = b"user.";

/// What a record of an attribute begins with, in archives of GNU tar and of star.
const XATTR: &[u8] = b"SCHILY.xattr.";

/// The record of an access control list in text, in the same.
const ACL: &[u8] = b"SCHILY.acl.access";

/// The same of the list that what is made in a directory begins with.
const DEFAULT_ACL: &[u8] = b"SCHILY.acl.default";

/// The attribute that the kernel gives an access control list as (acl(5)): by numbers, which GNU tar's text is not.
const KERNEL_ACL: &[u8] = b"system.posix_acl_access";

/// The same of the default one.
const KERNEL_DEFAULT_ACL: &[u8] = b"system.posix_acl_default";

/// How many bytes the name of an attribute has at most (xattr(7)).
const LONGEST_NAME: usize = 255;

/// The attributes of something in a snapshot beside those that everything has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// Extended attributes of users: names, sorted, and values.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub user: Vec<Attribute>,
    /// Who may use it, beside what its mode says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acl: Option<Acl>,
    /// What that is at first of all that is made in it; of directories alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_acl: Option<Acl>,
}

/// An extended attribute: its name with `user.` before it, and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attribute(pub RawPath, pub RawPath);

impl Attributes {
    /// Those in the records of an extended header of a directory or something else, if there are some. An access control list
    /// that names somebody says nothing elsewhere, and is left out.
    pub(crate) fn of(records: &[u8], is_directory: bool) -> Result<Option<Box<Self>>, Malformed> {
        let mut found = Self::default();
        let (mut acl, mut default_acl) = (None, None);
        for record in pax::Records(records) {
            let (keyword, value) = record?;
            let text = |value| std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            let by_kernel = |value| Acl::from_kernel(value).map(Some).map_err(|_| Malformed::Acl);
            if let Some(name) = keyword.strip_prefix(XATTR) {
                let name = decoded(name);
                match &name[..] {
                    KERNEL_ACL => found.acl = by_kernel(value)?,
                    KERNEL_DEFAULT_ACL => found.default_acl = by_kernel(value)?,
                    _ if is_kept(&name) => {
                        found.user.push(Attribute(RawPath(name), RawPath(value.to_vec())));
                    }
                    _ => {}
                }
            } else if keyword == ACL {
                acl = text(value);
            } else if keyword == DEFAULT_ACL {
                default_acl = text(value);
            }
        }
        found.acl = found.acl.or(acl);
        found.default_acl = found.default_acl.or(default_acl).filter(|_| is_directory);
        // The latter of two of the same name counts.
        found.user.reverse();
        found.user.sort_by(|one, other| one.0.cmp(&other.0));
        found.user.dedup_by(|later, first| later.0 == first.0);
        Ok((found != Self::default()).then(|| Box::new(found)))
    }

    /// The records of an extended header by which GNU tar sets them.
    pub(crate) fn to_records(&self) -> Vec<u8> {
        let mut records = Vec::new();
        for Attribute(name, value) in &self.user {
            pax::push(&mut records, &[XATTR, &encoded(&name.0)].concat(), &value.0);
        }
        for (keyword, acl) in [(ACL, &self.acl), (DEFAULT_ACL, &self.default_acl)] {
            if let Some(acl) = acl {
                pax::push(&mut records, keyword, acl.to_string().as_bytes());
            }
        }
        records
    }

    /// Whether there is an access control list among them.
    pub(crate) fn have_acls(&self) -> bool {
        self.acl.is_some() || self.default_acl.is_some()
    }

    /// Whether they can be those of something, which is a directory or not.
    pub(crate) fn fit(&self, is_directory: bool) -> bool {
        let is_sorted = self.user.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let are_kept = self.user.iter().all(|Attribute(name, _)| is_kept(&name.0));
        is_sorted && are_kept && (is_directory || self.default_acl.is_none()) && *self != Self::default()
    }
}

/// Whether an attribute of this name is.
fn is_kept(name: &[u8]) -> bool {
    let own = name.strip_prefix(OF_USERS).is_some_and(|own| !own.is_empty());
    own && name.len() <= LONGEST_NAME && !name.contains(&0)
}

/// A name as GNU tar writes it, in whose keywords the sign before a value stands for nothing else (GNU tar 1.32,
/// `xattr_encode_keyword`).
fn encoded(name: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'%' => encoded.extend_from_slice(b"%25"),
            b'=' => encoded.extend_from_slice(b"%3D"),
            byte => encoded.push(*byte),
        }
    }
    encoded
}

/// The other way.
fn decoded(mut name: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(name.len());
    while let [byte, rest @ ..] = name {
        (name, _) = match name {
            [b'%', b'2', b'5', rest @ ..] => (rest, decoded.push(b'%')),
            [b'%', b'3', b'D', rest @ ..] => (rest, decoded.push(b'=')),
            _ => (rest, decoded.push(*byte)),
        };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(of: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut records = Vec::new();
        of.iter().for_each(|(keyword, value)| pax::push(&mut records, keyword, value));
        records
    }

    #[test]
    fn those_of_users_are_kept_and_no_others() {
        let found = records(&[
            (b"path", b"x"),
            (b"SCHILY.xattr.user.b", b"1"),
            (b"SCHILY.xattr.user.a%3D%25\n\xff", b"line\nbreak\0"),
            (b"SCHILY.xattr.security.capability", b"1"),
            (b"SCHILY.xattr.trusted.x", b"1"),
            (b"SCHILY.xattr.user.", b"1"),
            (b"SCHILY.xattr.user.b", b"2"),
            (b"SCHILY.acl.access", b"user::rw-\nuser:root:r--\ngroup::r--\nmask::r--\nother::---\n"),
            (b"SCHILY.acl.default", b"user::rwx\ngroup::r-x\nother::---\n"),
        ]);
        let found = Attributes::of(&found, true).unwrap().unwrap();
        let expected = [(&b"user.a=%\n\xff"[..], &b"line\nbreak\0"[..]), (b"user.b", b"2")];
        let expected =
            expected.map(|(name, value)| Attribute(RawPath(name.to_vec()), RawPath(value.to_vec())));
        assert_eq!((&found.user[..], &found.acl), (&expected[..], &None));
        assert_eq!(found.default_acl.as_ref().unwrap().to_string(), "user::rwx,group::r-x,other::---");
        assert_eq!(Attributes::of(&found.to_records(), true).unwrap(), Some(found.clone()));
        assert!(found.fit(true) && !found.fit(false) && found.have_acls());
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Attributes>(&json).unwrap(), *found);
        assert_eq!(Attributes::of(&records(&[(b"mtime", b"1")]), false), Ok(None));
        assert_eq!(
            Attributes::of(&records(&[(b"SCHILY.xattr.system.posix_acl_access", b"1")]), false),
            Err(Malformed::Acl)
        );
    }

    #[test]
    fn what_cannot_be_is_not_taken_for_one() {
        let named = |name: &[u8]| Attribute(RawPath(name.to_vec()), RawPath::from("v"));
        let of = |user| Attributes { user, ..Attributes::default() };
        assert!(of(vec![named(b"user.a"), named(b"user.b")]).fit(false));
        for wrong in [
            vec![],
            vec![named(b"user.b"), named(b"user.a")],
            vec![named(b"user.a"), named(b"user.a")],
            vec![named(b"security.capability")],
            vec![named(b"user.")],
            vec![named(b"user.a\0")],
            vec![named(&[b"user.", &[b'x'; 251][..]].concat())],
        ] {
            assert!(!of(wrong.clone()).fit(false), "{wrong:?}");
        }
    }
}
