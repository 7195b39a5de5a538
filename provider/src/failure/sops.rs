//! Files of SOPS that cannot be opened or written.

use sops::Error;

use super::{Stop, sentence};

/// Why a file stopped an operation; `attribute` names the file.
pub(crate) fn sops_stop(error: &Error, attribute: &'static str) -> Stop {
    Stop::new(sentence(&error.to_string()), next(error)).at(attribute)
}

fn next(error: &Error) -> String {
    match error {
        Error::NoIdentity { .. } => {
            "Give the private key by SOPS_AGE_KEY or SOPS_AGE_KEY_FILE, or in the provider's `sops` block."
        }
        Error::WrongKey { .. } => {
            "Give the private key of one of these recipients by SOPS_AGE_KEY or SOPS_AGE_KEY_FILE, or in the provider's \
             `sops` block; or let somebody who can open the file add yours (`sops updatekeys`, `sops rotate --add-age`)."
        }
        Error::Identity { .. } => "Correct where the private key comes from.",
        Error::NotEncrypted => "Encrypt it by `sops encrypt --in-place`, or name another file.",
        Error::Syntax { .. } => "Correct the file, or say by `format` what it is.",
        Error::Value(_) | Error::Mac | Error::Plain(_) | Error::Metadata(_) => {
            "Do not edit an encrypted file but by `sops edit`; restore the last good version, from git for example."
        }
        Error::NotFlat { .. } => {
            "Give it one value: names and values are all that such a file has, as an environment does."
        }
        Error::Unsupported(_) | Error::OtherKeys(_) => "Encrypt it for age recipients, such as by `sops encrypt --age`.",
        Error::Recipient { .. } | Error::NoRecipients => "Correct `recipients`.",
        Error::Shape(_) | Error::Number | Error::Taken => "Write it in another way, as a text for example.",
        _ => "",
    }
    .to_owned()
}
