//! Files of SOPS on the machine that runs tofu: where their key comes from, how they are read, and what
//! becomes of their values.

mod document;
mod keyring;
mod typed;

pub(crate) use document::{Document, document_attributes, document_rules, open, read, sha256_of};
pub(crate) use keyring::Keyring;
pub(crate) use typed::typed;
