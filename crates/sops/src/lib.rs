//! Files of SOPS, encrypted with age.
//!
//! The format is that of `getsops/sops`: a tree whose names stay readable and whose values are
//! encrypted one by one, with a key that age wraps for every recipient, and a MAC over all of them.
//! Files made by SOPS open here, and files made here open in SOPS. Beyond it: numbers lose nothing,
//! and a file that is written again keeps the ciphertext of all that has not changed, so that a
//! change of one value is a small change of the file.
//!
//! Not here: keys of other kinds than age, groups of keys, INI, several YAML documents, rules by
//! comments. Each is an error that says so.

mod cipher;
mod dotenv;
mod error;
mod file;
mod flat;
mod identities;
mod json;
mod keys;
mod metadata;
mod replace;
mod rules;
mod value;
mod walk;
mod yaml;

pub use error::Error;
pub use file::{About, File, Format, about};
pub use flat::{names, texts};
pub use identities::{Identities, Lookup};
pub use json::compact;
pub use keys::{Recipient, encrypt};
pub use replace::{ReplaceError, replace};
pub use rules::Rules;
pub use value::{Float, Value};
pub use walk::{Identify, by_number};
