//! JSON as the core writes it: into state files (`RawState.json` of UpgradeResourceState) and,
//! rarely, into `DynamicValue.json`.
//!
//! Sets and tuples are arrays, objects and maps are objects, a dynamic value is
//! `{"type": …, "value": …}`; JSON has no unknown values. As in the core's own reader, a number may
//! be given as a text of it, and a text as a number or bool; an attribute that is not there is null.
//!
//! Numbers are read without loss: each level of the input is split into `RawValue`s, and a number
//! is parsed from the digits that are there. serde_json's `arbitrary_precision` would do it as well,
//! but features are shared by the whole build, and it changes how every other crate's `f64`s and
//! untagged enums are read. `raw_value` only adds a type.
//! Each level is scanned once more than the one above it, so the work is at most length × depth of
//! the type.

mod read;
mod write;

pub use read::{Lenient, decode, decode_lenient};
pub use write::encode;
