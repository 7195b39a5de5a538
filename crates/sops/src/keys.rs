//! Who a file is for: recipients, and the data key wrapped for each.

use std::str::FromStr;

use crate::cipher::DataKey;
use crate::error::Error;
use crate::metadata::Wrapped;

/// A public key that a file can be encrypted for.
pub struct Recipient {
    text: String,
    key: Box<dyn age::Recipient + Send + Sync>,
}

impl FromStr for Recipient {
    type Err = Error;

    /// `age1…`, `ssh-ed25519 …` or `ssh-rsa …`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let problem =
            |problem: &str| Error::Recipient { recipient: text.to_owned(), problem: problem.into() };
        let key: Box<dyn age::Recipient + Send + Sync> = if text.starts_with("ssh-") {
            let key: Result<age::ssh::Recipient, _> = text.parse();
            Box::new(key.map_err(|_| problem("it is not an SSH key of the kinds ed25519 and RSA"))?)
        } else if text.starts_with("age1pq1") {
            return Err(problem("hybrid (post-quantum) recipients are not supported here"));
        } else {
            match text.parse::<age::x25519::Recipient>() {
                Ok(key) => Box::new(key),
                // Plugins have their name between two ones, which X25519 recipients never have.
                Err(_) if text.starts_with("age1") && text.matches('1').count() > 1 => {
                    return Err(problem(
                        "it is mistyped, or a recipient of a plugin, which are not supported here",
                    ));
                }
                Err(_) => {
                    return Err(problem("it is neither an age recipient (age1…) nor an SSH public key"));
                }
            }
        };
        Ok(Self { text: text.to_owned(), key })
    }
}

impl Recipient {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The data key, for this one alone.
    ///
    /// # Errors
    /// When age cannot.
    pub(crate) fn wrap(&self, key: &DataKey) -> Result<Wrapped, Error> {
        let problem = |problem: String| Error::Recipient { recipient: self.text.clone(), problem };
        let recipients = std::iter::once(&*self.key as &dyn age::Recipient);
        let encryptor =
            age::Encryptor::with_recipients(recipients).map_err(|error| problem(error.to_string()))?;
        let sealed = armored(encryptor, key.bytes()).map_err(|error| problem(error.to_string()))?;
        Ok(Wrapped { recipient: self.text.clone(), sealed })
    }
}

fn armored(encryptor: age::Encryptor, bytes: &[u8]) -> std::io::Result<String> {
    use std::io::Write;
    let armor = age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armor)?;
    writer.write_all(bytes)?;
    let text = writer.finish()?.finish()?;
    String::from_utf8(text).map_err(std::io::Error::other)
}

/// Encrypts bytes as one age file for all of these recipients.
///
/// # Errors
/// Without recipients, and when age cannot.
pub fn encrypt(recipients: &[Recipient], bytes: &[u8]) -> Result<Vec<u8>, Error> {
    use std::io::Write;
    let first = recipients.first().ok_or(Error::NoRecipients)?;
    let problem = |problem: String| Error::Recipient { recipient: first.text.clone(), problem };
    let keys = recipients.iter().map(|recipient| &*recipient.key as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(keys).map_err(|error| problem(error.to_string()))?;
    let sealed = encryptor.wrap_output(Vec::new()).and_then(|mut writer| {
        writer.write_all(bytes)?;
        writer.finish()
    });
    sealed.map_err(|error| problem(error.to_string()))
}
