//! MessagePack as the plugin protocol uses it (`docs/plugin-protocol/object-wire-format.md` of the
//! core, and go-cty's `cty/msgpack`, which is what actually runs there).
//!
//! | type | form |
//! |---|---|
//! | string, bool | str, bool |
//! | number | int when it fits `i64`; float64 when it has a fraction and is exact; else a decimal str |
//! | list, set, tuple | array |
//! | map | map with str keys |
//! | object | map with exactly the type's attributes |
//! | dynamic | array of two: bin with the type's JSON, then the value |
//! | null | nil |
//! | unknown | any extension; we write `d4 00 00` and drop refinements of what we read |
//!
//! The low-level reader and writer are `rmp`'s: it reads one marker or length at a time from a
//! slice and allocates nothing, so every bound (depth, number of values, lengths that exceed the
//! message) is enforced here. Its serde layer is of no use, because what a byte means depends on a
//! type that is only known at run time.
//!
//! Texts are not normalised; the core brings every text it reads to NFC by itself.

mod read;
mod write;

pub use read::decode;
pub use write::encode;
