//! What can be wrong with a file, its keys or its recipients. No text here repeats a plaintext.

use std::path::PathBuf;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not of its format.
    #[error("the file is not {format}: {problem} in line {line}")]
    Syntax {
        /// What it should be.
        format: &'static str,
        /// What is wrong.
        problem: String,
        /// Where, from 1.
        line: usize,
    },
    /// There is something in it that SOPS has no way to keep.
    #[error("the file has {0}, which SOPS cannot keep")]
    Shape(&'static str),
    /// Something other than one value stands under a name, where names have values and nothing else.
    #[error("`{name}` in the file is {kind}, not a single value")]
    NotFlat {
        /// The name.
        name: String,
        /// What stands there.
        kind: &'static str,
    },
    /// A number that a double cannot keep.
    #[error("a number has more digits than SOPS can keep")]
    Number,
    /// It has no part `sops`.
    #[error("the file is not encrypted by SOPS: it has no `sops` part")]
    NotEncrypted,
    /// A plain file has a part `sops` already.
    #[error("the file has a part named `sops`, which is where SOPS keeps its own")]
    Taken,
    /// The part `sops` cannot be understood.
    #[error("the `sops` part of the file is damaged: {0}")]
    Metadata(String),
    /// It uses what is not supported here.
    #[error("the file uses {0}, which is not supported here; SOPS itself can open it")]
    Unsupported(String),
    /// It is encrypted, but not for age.
    #[error("the file is not encrypted for age but for {0}")]
    OtherKeys(String),
    /// No identity was found anywhere.
    #[error("there is no age identity: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD, {} and SSH keys have none", default.display())]
    NoIdentity {
        /// Where identities lie when nothing says otherwise.
        default: PathBuf,
    },
    /// None of the identities opens it.
    #[error(
        "none of the {identities} identities at hand opens the file, which is encrypted for {recipients}"
    )]
    WrongKey {
        /// How many were tried.
        identities: usize,
        /// For whom it is.
        recipients: String,
    },
    /// An identity cannot be read.
    #[error("cannot read an identity from {place}: {problem}")]
    Identity {
        /// A variable or a path.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A recipient cannot be used.
    #[error("cannot encrypt for `{recipient}`: {problem}")]
    Recipient {
        /// As it was given.
        recipient: String,
        /// What is wrong.
        problem: String,
    },
    /// Nobody could read the file.
    #[error("there are no recipients to encrypt for")]
    NoRecipients,
    /// A value does not open.
    #[error("the value at `{0}` was changed after it was encrypted, or moved from another place")]
    Value(String),
    /// A value should be encrypted and is not.
    #[error("the value at `{0}` should be encrypted and is not")]
    Plain(String),
    /// The MAC says that somebody has changed the file.
    #[error("the file was changed after it was encrypted: its MAC does not fit")]
    Mac,
    /// The system has no random numbers.
    #[error("the system gave no random numbers")]
    Random,
}
