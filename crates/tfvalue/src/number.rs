//! Exact decimal numbers.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The most significant digits a number may have, and the largest power of ten it may be scaled
/// by. Every `f64` has at most 767 digits; the core computes with 512 bits (155 digits).
const MAX_DIGITS: usize = 4096;
const MAX_EXPONENT: i64 = 4096;
/// Longer than the longest plain notation of such a number; nothing beyond it is worth reading.
const MAX_TEXT: usize = 3 * MAX_DIGITS;

/// An exact number: any decimal, never rounded. `1`, `1.0` and `1e0` are equal.
///
/// The core computes with 512 bits, so it rounds what has more than 154 significant digits.
///
/// The canonical form behind it is `±digits × 10^exponent`, the digits without a zero at either
/// end, so that equality of the parts is equality of the values.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    /// ASCII digits; empty for zero.
    digits: Box<str>,
    exponent: i64,
}

/// Why a text or a float is not a number that can be held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// Not a decimal number.
    #[error("not a decimal number")]
    Syntax,
    /// Infinite or not a number.
    #[error("infinite or not a number")]
    NotFinite,
    /// More digits, or a larger exponent, than anything real has.
    #[error("more than {MAX_DIGITS} digits or an exponent beyond ±{MAX_EXPONENT}")]
    TooLarge,
}

impl Number {
    /// Zero.
    pub fn zero() -> Self {
        Self { negative: false, digits: "".into(), exponent: 0 }
    }

    /// Exactly the binary value of `float`: `0.1_f64` becomes `0.1000000000000000055511151231257827…`.
    ///
    /// This is what a float on the wire means. For a float that this program computed use
    /// `Number::try_from`, which takes the shortest decimal instead.
    ///
    /// # Errors
    /// When `float` is infinite or NaN.
    pub fn from_exact_f64(float: f64) -> Result<Self, NumberError> {
        if !float.is_finite() {
            return Err(NumberError::NotFinite);
        }
        // No f64 has more than 767 significant digits, so nothing is rounded here.
        format!("{float:.766e}").parse()
    }

    /// The value as `i64`, `None` when it has a fraction or does not fit.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_i128()?.try_into().ok()
    }

    /// The value as `u64`, `None` when it is negative, has a fraction or does not fit.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_i128()?.try_into().ok()
    }

    /// The value as `f64`, `None` when no `f64` is exactly this value (`0.1` is none).
    pub fn as_f64(&self) -> Option<f64> {
        let float = self.nearest_f64();
        (Self::from_exact_f64(float).ok()? == *self).then_some(float)
    }

    /// The closest `f64`; infinite beyond its range.
    pub fn nearest_f64(&self) -> f64 {
        self.scientific().parse().unwrap_or(f64::NAN)
    }

    /// Whether the value has no fraction.
    pub fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    fn as_i128(&self) -> Option<i128> {
        let zeros = usize::try_from(self.exponent).ok()?;
        if self.digits.len() + zeros > 30 {
            return None;
        }
        let magnitude: i128 = format!("0{}{}", self.digits, "0".repeat(zeros)).parse().ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    fn scientific(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}0{}e{}", self.digits, self.exponent)
    }

    /// The power of ten above the first digit: where the value stands in the order of magnitudes.
    fn magnitude(&self) -> i64 {
        // Bounded by MAX_DIGITS, so the cast cannot lose anything.
        self.digits.len() as i64 + self.exponent
    }

    fn cmp_absolute(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Aligned at the first digit, digits compare like text.
            (false, false) => {
                self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }

    fn from_integer(text: &str) -> Self {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        Self::canonical(negative, digits, 0)
    }

    fn canonical(negative: bool, digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        if trimmed.is_empty() {
            return Self::zero();
        }
        let exponent = exponent + (digits.len() - trimmed.len()) as i64;
        Self { negative, digits: trimmed.into(), exponent }
    }
}

/// Reads `-12.50e3` and every other decimal notation of JSON, and also a leading `+`, `.5` and `5.`.
impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if text.len() > MAX_TEXT {
            return Err(NumberError::TooLarge);
        }
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return Err(NumberError::Syntax);
        }
        let number =
            Self::canonical(negative, &format!("{whole}{fraction}"), exponent - fraction.len() as i64);
        if number.digits.len() > MAX_DIGITS || number.exponent.abs() > MAX_EXPONENT {
            return Err(NumberError::TooLarge);
        }
        Ok(number)
    }
}

fn parse_exponent(text: &str) -> Result<i64, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    let significant = digits.trim_start_matches('0');
    if significant.len() > 9 {
        return Err(NumberError::TooLarge);
    }
    let magnitude: i64 = format!("0{significant}").parse().map_err(|_| NumberError::Syntax)?;
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// Plain decimal notation without an exponent, a trailing zero or a plus: `-12500`, `0.001`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let point = self.magnitude();
        if self.exponent >= 0 {
            write!(f, "{}{}", self.digits, "0".repeat(self.exponent.unsigned_abs() as usize))
        } else if point > 0 {
            let (whole, fraction) = self.digits.split_at(point as usize);
            write!(f, "{whole}.{fraction}")
        } else {
            write!(f, "0.{}{}", "0".repeat(point.unsigned_abs() as usize), self.digits)
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_absolute(other),
            (true, true) => other.cmp_absolute(self),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Number {
            fn from(integer: $integer) -> Self {
                Self::from_integer(&integer.to_string())
            }
        }
    )*};
}
from_integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

/// The shortest decimal that means this float: `0.1_f64` becomes `0.1`, which is what a person
/// would write in a configuration and what a state file gives back.
impl TryFrom<f64> for Number {
    type Error = NumberError;

    fn try_from(float: f64) -> Result<Self, NumberError> {
        if !float.is_finite() {
            return Err(NumberError::NotFinite);
        }
        format!("{float:e}").parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn equal_by_value() {
        for same in
            [["1", "1.0"], ["1", "1e0"], ["100", "1e2"], ["0.5", "5e-1"], ["0", "-0.00e7"], ["+7", "007"]]
        {
            assert_eq!(number(same[0]), number(same[1]), "{same:?}");
        }
        assert_ne!(number("1"), number("-1"));
        assert_ne!(number("0.1"), Number::from_exact_f64(0.1).unwrap());
        assert_eq!(number("0.1"), Number::try_from(0.1).unwrap());
    }

    #[test]
    fn shown_in_plain_notation() {
        for (text, shown) in [
            ("0", "0"),
            ("-0", "0"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("12345e-3", "12.345"),
            ("-5e-3", "-0.005"),
            (".5", "0.5"),
            ("5.", "5"),
            ("9223372036854775808", "9223372036854775808"),
        ] {
            assert_eq!(number(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn integers_and_floats_are_exact_or_none() {
        assert_eq!(number("9223372036854775807").as_i64(), Some(i64::MAX));
        assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
        assert_eq!(number("9223372036854775808").as_i64(), None);
        assert_eq!(number("9223372036854775808").as_u64(), Some(1 << 63));
        assert_eq!(number("18446744073709551616").as_u64(), None);
        assert_eq!(number("-1").as_u64(), None);
        assert_eq!(number("1.5").as_i64(), None);
        assert_eq!(number("0").as_i64(), Some(0));
        assert_eq!(number("1.5").as_f64(), Some(1.5));
        assert_eq!(number("0.1").as_f64(), None);
        assert_eq!(number("0.1").nearest_f64(), 0.1);
        assert_eq!(number("1e400").as_f64(), None);
        for float in [0.1, f64::MAX, f64::MIN_POSITIVE, 5e-324, -2.5, 0.0] {
            assert_eq!(Number::from_exact_f64(float).unwrap().as_f64(), Some(float));
        }
    }

    #[test]
    fn ordered_by_value() {
        let mut numbers: Vec<Number> =
            ["10", "-0.5", "9", "0", "-10", "0.25", "1e-9", "0.3", "-9"].map(number).to_vec();
        numbers.sort();
        let shown: Vec<String> = numbers.iter().map(Number::to_string).collect();
        assert_eq!(shown, ["-10", "-9", "-0.5", "0", "0.000000001", "0.25", "0.3", "9", "10"]);
    }

    #[test]
    fn what_cannot_be_held_is_refused() {
        for text in
            ["", "-", ".", "e5", "1e", "1e+", "0x10", "1_000", "Inf", "NaN", " 1", "1 ", "1.2.3", "--1", "é"]
        {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Syntax), "{text:?}");
        }
        for text in
            ["1e4097", "1e-4097", &"0".repeat(MAX_TEXT + 1), "1e999999999999999999999", "-1e1000000000"]
        {
            assert_eq!(text.parse::<Number>(), Err(NumberError::TooLarge), "{text:?}");
        }
        assert_eq!("1".repeat(MAX_DIGITS + 1).parse::<Number>(), Err(NumberError::TooLarge));
        assert_eq!(Number::try_from(f64::INFINITY), Err(NumberError::NotFinite));
        assert_eq!(Number::from_exact_f64(f64::NAN), Err(NumberError::NotFinite));
    }
}
