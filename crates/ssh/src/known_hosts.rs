//! known_hosts files by OpenSSH's own rules (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
//!
//! Written here because the library's helper ignores markers and wildcards and refuses a rotated
//! key. Lines that cannot be read are skipped, as OpenSSH does.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::PublicKey;
use sha1::Sha1;

/// The port that goes without saying in a name.
const DEFAULT_PORT: u16 = 22;

/// What a line says about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// The key is a host's own.
    None,
    /// The key signs host certificates.
    CertAuthority,
    /// The key must not be accepted from anybody.
    Revoked,
}

/// One line of a known_hosts file.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) file: PathBuf,
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) marker: Marker,
    names: String,
    pub(crate) key: PublicKey,
}

impl Line {
    /// Where the line is, in words.
    pub(crate) fn place(&self) -> String {
        format!("{} line {}", self.file.display(), self.number)
    }
}

/// All lines of `text`, the content of `file`.
pub(crate) fn parse(file: &Path, text: &str) -> Vec<Line> {
    text.lines().enumerate().filter_map(|(index, line)| parse_line(file, index + 1, line)).collect()
}

fn parse_line(file: &Path, number: usize, line: &str) -> Option<Line> {
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let mut names = words.next()?;
    if names.starts_with('#') {
        return None;
    }
    let marker = match names {
        "@cert-authority" => Marker::CertAuthority,
        "@revoked" => Marker::Revoked,
        other if other.starts_with('@') => return None,
        _ => Marker::None,
    };
    if marker != Marker::None {
        names = words.next()?;
    }
    let kind = words.next()?;
    let key = PublicKey::from_bytes(&STANDARD.decode(words.next()?).ok()?).ok()?;
    // The name before the blob must be that of the blob, or the line means nothing.
    (key.algorithm().as_str() == kind).then(|| Line {
        file: file.to_owned(),
        number,
        marker,
        names: names.to_owned(),
        key,
    })
}

/// The name under which a host is recorded: lower case, with its port where that is not 22.
pub(crate) fn name_of(address: &str, port: u16) -> String {
    let address = address.to_lowercase();
    if port == DEFAULT_PORT { address } else { format!("[{address}]:{port}") }
}

/// What a set of lines says about a host and the key that it offered.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// A line holds this very key.
    Known,
    /// A line revokes this very key.
    Revoked(&'a Line),
    /// Lines hold other keys of the host.
    Changed(Vec<&'a Line>),
    /// No line holds a key of the host; this one names an authority for it.
    OnlyAuthority(&'a Line),
    /// Nothing is recorded about the host.
    Unknown,
}

/// What `lines` say about `key` of the host at `address` and `port`.
///
/// As OpenSSH does, a host on another port than 22 that has no line of its own is accepted with
/// a key that is recorded for the address without a port, and is otherwise unknown.
pub(crate) fn check<'a>(lines: &'a [Line], address: &str, port: u16, key: &PublicKey) -> Verdict<'a> {
    match check_name(lines, &name_of(address, port), key) {
        Verdict::Unknown if port != DEFAULT_PORT => {
            match check_name(lines, &name_of(address, DEFAULT_PORT), key) {
                verdict @ (Verdict::Known | Verdict::Revoked(_)) => verdict,
                _ => Verdict::Unknown,
            }
        }
        verdict => verdict,
    }
}

fn check_name<'a>(lines: &'a [Line], name: &str, key: &PublicKey) -> Verdict<'a> {
    let about: Vec<&Line> = lines.iter().filter(|line| matches(&line.names, name)).collect();
    let same = |line: &&&Line| line.key.key_data() == key.key_data();
    // A revoked key is refused whatever other lines say, wherever they stand.
    if let Some(line) = about.iter().filter(|line| line.marker == Marker::Revoked).find(same) {
        return Verdict::Revoked(line);
    }
    let plain: Vec<&Line> = about.iter().filter(|line| line.marker == Marker::None).copied().collect();
    if plain.iter().any(|line| same(&line)) {
        return Verdict::Known;
    }
    if !plain.is_empty() {
        return Verdict::Changed(plain);
    }
    match about.iter().find(|line| line.marker == Marker::CertAuthority) {
        Some(line) => Verdict::OnlyAuthority(line),
        None => Verdict::Unknown,
    }
}

/// The keys that are recorded for a host, so that their types can be asked for first.
pub(crate) fn recorded<'a>(lines: &'a [Line], address: &str, port: u16) -> Vec<&'a PublicKey> {
    let of = |name: String| -> Vec<&'a PublicKey> {
        let plain = lines.iter().filter(|line| line.marker == Marker::None);
        plain.filter(|line| matches(&line.names, &name)).map(|line| &line.key).collect()
    };
    let own = of(name_of(address, port));
    if own.is_empty() { of(name_of(address, DEFAULT_PORT)) } else { own }
}

/// Whether the first field of a line speaks of `name`.
fn matches(field: &str, name: &str) -> bool {
    if field.starts_with('|') { matches_hash(field, name) } else { matches_list(field, name) }
}

/// `|1|base64(salt)|base64(HMAC-SHA1(salt, name))`
fn matches_hash(field: &str, name: &str) -> bool {
    let parts: Vec<&str> = field.split('|').collect();
    let ["", "1", salt, hash] = parts.as_slice() else { return false };
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&salt) else { return false };
    mac.update(name.as_bytes());
    mac.verify_slice(&hash).is_ok()
}

/// A comma list of patterns: one has to match, and none that begins with `!` may.
fn matches_list(field: &str, name: &str) -> bool {
    let mut found = false;
    for pattern in field.split(',') {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        if glob(pattern.to_lowercase().as_bytes(), name.as_bytes()) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// `*` stands for any run of bytes and `?` for one; nothing else is special (not even `[`).
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    // Where to go on after a mismatch: the last `*`, and how much of the text it has eaten.
    let mut star: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    p = at + 1;
                    t = eaten + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
