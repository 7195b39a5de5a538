//! What can be wrong with bytes that should be a value.

use std::fmt;

use crate::check::article;
use crate::unify::MIXED;
use crate::{MAX_DEPTH, Mismatch, NumberError, Path, Type, TypeError};

/// How many values one message may hold, counted with everything nested inside. The largest real
/// resources have some thousands. A message is at most tens of megabytes, but four bytes of it can
/// be a map of one element, which takes some 700 bytes of memory.
pub const MAX_VALUES: usize = 1 << 18;

/// The types of dynamic values count as well, one value for so many bytes of their JSON, because
/// they also take far more memory than bytes.
pub(crate) const TYPE_BYTES_PER_VALUE: usize = 8;

/// Why some bytes are not a value of the type that was asked for. Names the place, never a value.
#[derive(Debug, thiserror::Error)]
#[error("decode a value of type {}: {}{problem}", kind(ty), Place(path))]
pub struct DecodeError {
    /// The type that was asked for at the root.
    pub ty: Type,
    /// Where in the value reading stopped.
    pub path: Path,
    /// What is wrong there.
    #[source]
    pub problem: Problem,
}

/// What is wrong at one place of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Problem {
    /// The message ends too early.
    #[error("the message is truncated")]
    Truncated,
    /// Bytes follow after the value.
    #[error("{0} bytes follow after the value")]
    Trailing(usize),
    /// The message holds something else than the type asks for.
    #[error("{required} is required, not {found}")]
    Kind {
        /// What the type asks for.
        required: &'static str,
        found: &'static str,
    },
    /// An attribute of an object is not there.
    #[error("attribute {0:?} is missing")]
    Missing(String),
    /// The object type has no such attribute.
    #[error("there is no attribute {0:?}")]
    Unsupported(String),
    /// A key or attribute appears twice.
    #[error("{0:?} appears twice")]
    Duplicate(String),
    /// A tuple of another length.
    #[error("a tuple of {required} elements is required, not {found}")]
    Length {
        /// The length that the type asks for.
        required: usize,
        /// The length that is there.
        found: usize,
    },
    /// A text is not UTF-8.
    #[error("a text is not valid UTF-8")]
    Utf8,
    /// A number that cannot be held.
    #[error("a number cannot be held")]
    Number(#[source] NumberError),
    /// The type beside a dynamic value.
    #[error("the type of a dynamic value cannot be read")]
    Type(#[source] TypeError),
    /// A collection of dynamic values of different types.
    #[error("{MIXED}")]
    Mixed,
    /// A dynamic value that is not a type and a value.
    #[error("a dynamic value is a type and a value of it")]
    Dynamic,
    /// Not JSON.
    #[error("not valid JSON")]
    Json(#[source] serde_json::Error),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More than [`MAX_VALUES`] values.
    #[error("more than {MAX_VALUES} values")]
    TooMany,
}

/// Why a value cannot be encoded as the type that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value is not of the type.
    #[error("encode a value of type {}", kind(ty))]
    Mismatch {
        /// The type that was asked for at the root.
        ty: Type,
        /// Where and why the value does not fit.
        #[source]
        mismatch: Mismatch,
    },
    /// A text or collection is longer than the format can say.
    #[error("encode a value: a part is longer than 4294967295 bytes or elements")]
    TooLong,
    /// JSON has no unknown values.
    #[error("encode a value: an unknown value has no form in JSON")]
    Unknown,
}

/// The outermost word of a type; a whole object type would fill a screen.
fn kind(ty: &Type) -> &'static str {
    article(ty).split_once(' ').map_or("value", |(_, kind)| kind)
}

/// The place and a separator; nothing for the root.
struct Place<'a>(&'a Path);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_root() { Ok(()) } else { write!(f, "{}: ", self.0) }
    }
}
