//! What is inside a plan file, which is a zip archive.

use std::io::Read;

use flate2::read::DeflateDecoder;

/// The contents of a zip archive, one after the other. Only what Go's `archive/zip` writes is read:
/// stored and deflated members, without ZIP64.
///
/// # Panics
/// When it is no such archive: a hunt that looked into nothing must not pass.
pub(crate) fn unzipped(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    // APPNOTE.TXT 4.3.16, the end of the central directory; 22 bytes without a comment.
    let end = (0..=archive.len() - 22).rev().find(|at| archive[*at..].starts_with(b"PK\x05\x06")).unwrap();
    let count = number(archive, end + 10, 2);
    let mut at = number(archive, end + 16, 4);
    let mut members = Vec::new();
    for _ in 0..count {
        // 4.3.12, one file header of the central directory.
        assert!(archive[at..].starts_with(b"PK\x01\x02"), "no zip archive");
        let (method, packed) = (number(archive, at + 10, 2), number(archive, at + 20, 4));
        let [name, extra, comment] = [28, 30, 32].map(|field| number(archive, at + field, 2));
        let local = number(archive, at + 42, 4);
        let title = String::from_utf8_lossy(&archive[at + 46..at + 46 + name]).into_owned();
        // 4.3.7, the local header has fields of its own length.
        let start = local + 30 + number(archive, local + 26, 2) + number(archive, local + 28, 2);
        members.push((title, unpacked(&archive[start..start + packed], method)));
        at += 46 + name + extra + comment;
    }
    members
}

fn unpacked(data: &[u8], method: usize) -> Vec<u8> {
    match method {
        0 => data.to_vec(),
        8 => {
            let mut bytes = Vec::new();
            DeflateDecoder::new(data).read_to_end(&mut bytes).unwrap();
            bytes
        }
        method => panic!("zip method {method} is not known"),
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
