//! Dynamic values, types and paths of the plugin protocol, with their codecs.
//!
//! The core and a provider exchange values of the core's own type system. This crate holds that
//! type system ([`Type`]), its values ([`Value`], [`Number`]), the paths that point into a value
//! ([`Path`]) and the two encodings that appear on the wire. It is pure: no I/O, no clock, no
//! knowledge of what the values mean.

mod check;
mod error;
pub mod json;
pub mod msgpack;
mod number;
mod path;
mod ty;
mod unify;
mod value;
mod visit;

pub use check::Mismatch;
pub use error::{DecodeError, EncodeError, MAX_VALUES, Problem};
pub use number::{Number, NumberError};
pub use path::{Path, Step};
pub use ty::{Type, TypeError};
pub use value::{NoSuchPlace, Value};

/// How deeply types and values may nest. Real schemas stay below ten; anything beyond this is a
/// hostile or broken message and is refused, so that no recursion in this crate can run out of stack.
pub const MAX_DEPTH: usize = 100;
