//! Numbers in the fields of a header, and in records.

use super::Malformed;

/// The number in `field`: octal digits (POSIX.1-2017, pax, ustar interchange format), or, where the first bit is set,
/// the rest of the bits as a signed number (GNU tar manual, Extensions to the archive format: base-256).
pub(super) fn number(field: &[u8], of: &'static str) -> Result<i64, Malformed> {
    let malformed = Malformed::Number(of);
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => {
            let is_negative = first & 0x40 != 0;
            let first = if is_negative { i64::from(first | 0x80) - 0x100 } else { i64::from(first & 0x7f) };
            let shifted = |number: i64, byte: &u8| number.checked_mul(0x100)?.checked_add(i64::from(*byte));
            rest.iter().try_fold(first, shifted).ok_or(malformed)
        }
        _ => {
            let blank = |byte: &u8| matches!(byte, b' ' | 0);
            let begin = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
            let (_, digits) = field.split_at(begin);
            let end = digits.iter().position(blank).unwrap_or(digits.len());
            let (digits, behind) = digits.split_at(end);
            if !behind.iter().all(blank) {
                return Err(malformed);
            }
            digits
                .iter()
                .try_fold(0_i64, |number, digit| match digit {
                    b'0'..=b'7' => number.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
                    _ => None,
                })
                .ok_or(malformed)
        }
    }
}

/// The same of what is never negative.
pub(super) fn count(field: &[u8], of: &'static str) -> Result<u64, Malformed> {
    u64::try_from(number(field, of)?).map_err(|_| Malformed::Number(of))
}

/// How many digits a decimal number has at most.
pub(super) const DIGITS: usize = 20;

/// A number of decimal digits alone.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > DIGITS {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &[u8]) -> Option<i64> {
        number(field, "size").ok()
    }

    #[test]
    fn numbers_are_octal_or_signed_bytes() {
        assert_eq!(read(b"0000644\0"), Some(0o644));
        assert_eq!(read(b"   644 \0"), Some(0o644));
        assert_eq!(read(b"77777777777"), Some((8 << 30) - 1));
        assert_eq!(read(&[0; 12]), Some(0));
        assert_eq!(read(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(8 << 30));
        assert_eq!(read(&[0xff; 12]), Some(-1));
        assert_eq!(read(b"\xff\xff\xff\xff\xff\xff\xff\xff\x80\0\0\0"), Some(i64::from(i32::MIN)));
        assert_eq!(read(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"), Some(i64::MAX));
        assert_eq!(read(b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"), Some(i64::MIN));
        for field in [
            &b"0000648\0"[..],
            b"-000644\0",
            b"00 0644\0",
            b"\x80\0\0\0\x80\0\0\0\0\0\0\0",
            b"\xbf11111111111",
        ] {
            assert_eq!(read(field), None, "{field:?}");
        }
        assert!(count(&[0xff; 12], "size").is_err());
    }
}
