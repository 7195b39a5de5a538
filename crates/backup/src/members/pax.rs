//! Extended headers: records of any length before a member, for what a header has no room for.
//!
//! POSIX.1-2017, pax, extended header: `"%d %s=%s\n", <length>, <keyword>, <value>`, where the length counts the whole
//! record. So a value may have any bytes in it, line breaks among them.

use super::{
    Malformed,
    field::{DIGITS, decimal},
    sparse::Announced,
};

/// What records say of a member that a header has fields for, and how it is sparse.
#[derive(Debug, Default)]
pub(super) struct Overrides<'a> {
    pub(super) path: Option<&'a [u8]>,
    pub(super) link: Option<&'a [u8]>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<i64>,
    pub(super) sparse: Announced<'a>,
}

impl<'a> Overrides<'a> {
    /// What `records` say. Of two records with the same keyword, the latter counts; an empty value means that the
    /// field of the header does (POSIX.1-2017, pax, extended header keyword precedence).
    pub(super) fn of(records: &'a [u8]) -> Result<Self, Malformed> {
        let mut found = Self::default();
        for record in Records(records) {
            let (keyword, value) = record?;
            let value = Some(value).filter(|value| !value.is_empty());
            let number = |of| value.map(|value| decimal(value).ok_or(Malformed::Number(of))).transpose();
            match keyword {
                b"path" => found.path = value,
                b"linkpath" => found.link = value,
                b"size" => found.size = number("size")?,
                b"uid" => found.uid = number("uid")?,
                b"gid" => found.gid = number("gid")?,
                b"mtime" => {
                    let seconds = |value| seconds(value).ok_or(Malformed::Number("mtime"));
                    found.mtime = value.map(seconds).transpose()?;
                }
                _ => {
                    if let Some(keyword) = keyword.strip_prefix(b"GNU.sparse.") {
                        found.sparse.note(keyword, value.unwrap_or_default())?;
                    }
                }
            }
        }
        Ok(found)
    }
}

/// Whether records that are meant for all members to come say something that matters here.
pub(super) fn matters(records: &[u8]) -> Result<bool, Malformed> {
    let mut matters = false;
    for record in Records(records) {
        let (keyword, _) = record?;
        matters |= matches!(keyword, b"path" | b"linkpath" | b"size" | b"uid" | b"gid" | b"mtime")
            || keyword.starts_with(b"GNU.sparse.")
            || keyword.starts_with(b"SCHILY.xattr.")
            || keyword.starts_with(b"SCHILY.acl.");
    }
    Ok(matters)
}

/// The records of an extended header: keywords and values.
#[derive(Debug)]
pub(crate) struct Records<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((record, rest)) = first(self.0) else {
            self.0 = &[];
            return Some(Err(Malformed::Record));
        };
        self.0 = rest;
        Some(Ok(record))
    }
}

/// The keyword and the value of the first record, and what comes behind it.
#[expect(clippy::type_complexity, reason = "a record and the rest")]
fn first(records: &[u8]) -> Option<((&[u8], &[u8]), &[u8])> {
    let digits = records.iter().take(DIGITS + 1).position(|byte| *byte == b' ')?;
    let (length, _) = records.split_at(digits);
    let length = usize::try_from(decimal(length)?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let body = record.get(digits + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    let (keyword, value) = body.split_at(equals);
    Some(((keyword, value.split_first()?.1), rest))
}

/// The whole seconds of a time, which may have a fraction and may be before 1970: those that had begun.
fn seconds(value: &[u8]) -> Option<i64> {
    let (is_negative, value) = value.strip_prefix(b"-").map_or((false, value), |value| (true, value));
    let point = value.iter().position(|byte| *byte == b'.').unwrap_or(value.len());
    let (whole, fraction) = value.split_at(point);
    let fraction = fraction.strip_prefix(b".").unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole = i64::try_from(decimal(whole)?).ok()?;
    if !is_negative {
        return Some(whole);
    }
    let is_whole = fraction.iter().all(|digit| *digit == b'0');
    (-whole).checked_sub(i64::from(!is_whole))
}

/// Adds a record to `records`.
pub(crate) fn push(records: &mut Vec<u8>, keyword: &[u8], value: &[u8]) {
    // The space, the sign between both, and the line break.
    let body = keyword.len() + value.len() + 3;
    let digits = |number: usize| number.checked_ilog10().unwrap_or_default() as usize + 1;
    let mut length = body + digits(body);
    // Its own digits count, and may be one more for that.
    length = body + digits(length);
    records.extend_from_slice(length.to_string().as_bytes());
    records.push(b' ');
    records.extend_from_slice(keyword);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_go_by_their_length() {
        let mut records = Vec::new();
        let values =
            [&b""[..], b"v", b"a\n12 path=x\nb\0=", &[b'x'; 84], &[b'x'; 85], &[b'x'; 86], &[7; 70_000]];
        for value in values {
            push(&mut records, b"SCHILY.xattr.user.x", value);
        }
        push(&mut records, b"k\n\xff", b"last");
        let read: Vec<_> = Records(&records).map(Result::unwrap).collect();
        assert_eq!(read.len(), values.len() + 1);
        for ((keyword, value), expected) in read.iter().zip(values) {
            assert_eq!((*keyword, *value), (&b"SCHILY.xattr.user.x"[..], expected));
        }
        assert_eq!(read.last().unwrap(), &(&b"k\n\xff"[..], &b"last"[..]));
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        for records in [
            &b"x"[..],
            b"6 a=b",
            b"7 a=b\n",
            b"5 a=b\n",
            b"6 ab\n\n",
            b"6 =ab\n",
            b"0 a=b\n",
            b"-6 a=b\n",
            b"99999999999999999999 a=b\n",
            b"99999999999999999999999 a=b\n",
            b"18446744073709551615 a=b\n",
            b"2 ",
            b"6 a=b\n\0\0",
        ] {
            let last = Records(records).last().unwrap();
            assert!(matches!(last, Err(Malformed::Record)), "{records:?} {last:?}");
        }
    }

    #[test]
    fn seconds_are_those_that_had_begun() {
        for (value, expected) in [
            ("0", Some(0)),
            ("1.999", Some(1)),
            ("-1", Some(-1)),
            ("-1.000", Some(-1)),
            ("-1.5", Some(-2)),
            ("-0.5", Some(-1)),
            ("10418158800.25", Some(10_418_158_800)),
            ("9223372036854775808", None),
            ("1e3", None),
            ("1.-5", None),
            ("", None),
            ("--1", None),
        ] {
            assert_eq!(seconds(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn the_latter_record_counts_and_an_empty_one_for_nothing() {
        let mut records = Vec::new();
        for (keyword, value) in
            [("path", "a"), ("path", "b"), ("linkpath", "c"), ("linkpath", ""), ("uid", "4294967295")]
        {
            push(&mut records, keyword.as_bytes(), value.as_bytes());
        }
        let found = Overrides::of(&records).unwrap();
        assert_eq!((found.path, found.link, found.uid), (Some(&b"b"[..]), None, Some(u64::from(u32::MAX))));
        assert!(matters(&records).unwrap());
        assert!(!matters(b"16 comment=abcd\n").unwrap());
        assert!(Overrides::of(b"9 uid=-1\n").is_err());
    }
}
