//! What may be in a snapshot, decided alike when one is taken and when one is restored: what is stored
//! can be restored, and what somebody has put into an archive cannot leave the place that it is
//! restored to.

use std::collections::HashSet;

use crate::{
    manifest::{Entry, EntryKind},
    raw::RawPath,
};

/// The bits of a file's mode by which it runs as somebody else.
const SET_ID: u32 = 0o6000;

/// Which symbolic links a snapshot may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Those that lead to something in the corpus.
    #[default]
    Inside,
    /// All.
    Any,
}

/// Why something must not be in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{path}\" {why}")]
pub struct Refusal {
    /// What it is about.
    pub path: RawPath,
    /// Which rule it breaks.
    pub why: Why,
}

/// Which rule something breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It would be outside of the corpus.
    #[error("is a path that leaves the directory")]
    Traversal,
    /// It is below a symbolic link, or below a file.
    #[error("is below something that is not a directory")]
    BelowLink,
    /// There is one of this path already.
    #[error("is in the archive twice")]
    Twice,
    /// A symbolic link that leads out.
    #[error("is a symbolic link that leads out of the directory")]
    LinkOutside,
    /// A hard link to nothing that came before.
    #[error("is a hard link to nothing in the archive")]
    HardLink,
    /// A device, a pipe or something else.
    #[error("is a device, a named pipe or something else that is neither file nor directory nor link")]
    Kind,
    /// A file that runs as its owner or group.
    #[error("is a file with set-user-id or set-group-id")]
    SetId,
}

/// Looks at the entries of one archive, in their order.
#[derive(Debug, Default)]
pub(crate) struct Vetter {
    links: Links,
    directories: HashSet<Vec<u8>>,
    files: HashSet<Vec<u8>>,
    others: HashSet<Vec<u8>>,
}

impl Vetter {
    pub(crate) fn new(links: Links) -> Self {
        Self { links, ..Self::default() }
    }

    /// Decides about `entry`, which comes behind all that have been decided about.
    pub(crate) fn check(&mut self, entry: &Entry, mode: u32) -> Result<(), Refusal> {
        let refuse = |why| Err(Refusal { path: entry.path.clone(), why });
        let path = &entry.path.0;
        if [&self.directories, &self.files, &self.others].iter().any(|seen| seen.contains(path)) {
            return refuse(Why::Twice);
        }
        let ancestors = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at]);
        if ancestors.into_iter().any(|above| self.files.contains(above) || self.others.contains(above)) {
            return refuse(Why::BelowLink);
        }
        let target = entry.target.as_ref().map(|target| target.0.as_slice()).unwrap_or_default();
        match entry.kind {
            EntryKind::Directory => self.directories.insert(path.clone()),
            EntryKind::File if mode & SET_ID != 0 => return refuse(Why::SetId),
            EntryKind::File => self.files.insert(path.clone()),
            EntryKind::Hardlink if !self.files.contains(target) => return refuse(Why::HardLink),
            EntryKind::Hardlink => self.files.insert(path.clone()),
            EntryKind::Symlink if self.links == Links::Inside && leaves(path, target) => {
                return refuse(Why::LinkOutside);
            }
            EntryKind::Symlink => self.others.insert(path.clone()),
        };
        Ok(())
    }
}

/// Whether the link at `path` leads out of the corpus by its own text.
fn leaves(path: &[u8], target: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") {
        return true;
    }
    let mut depth = path.iter().filter(|byte| **byte == b'/').count();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// The path in the corpus that an archive spells `spelling`: without `./` before it and `/` behind it.
pub(crate) fn path_in_corpus(spelling: &[u8]) -> Result<RawPath, Refusal> {
    let refuse = || Refusal { path: RawPath(spelling.to_vec()), why: Why::Traversal };
    if spelling.starts_with(b"/") || spelling.contains(&0) {
        return Err(refuse());
    }
    let parts = spelling.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let parts: Vec<&[u8]> = parts.collect();
    if parts.contains(&&b".."[..]) {
        return Err(refuse());
    }
    if parts.is_empty() {
        return Ok(RawPath::from("."));
    }
    Ok(RawPath(parts.join(&b'/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind, target: Option<&str>) -> Entry {
        Entry {
            path: path.into(),
            kind,
            mode: "0644".to_owned(),
            uid: 0,
            gid: 0,
            mtime: 0,
            size: None,
            sha256: None,
            holes: Vec::new(),
            target: target.map(RawPath::from),
            attributes: None,
        }
    }

    #[test]
    fn paths_are_spelled_in_one_way_and_do_not_leave() {
        for (spelling, path) in
            [("./", "."), ("", "."), ("./a/b/", "a/b"), ("a//./b", "a/b"), ("..a/b..", "..a/b..")]
        {
            assert_eq!(path_in_corpus(spelling.as_bytes()).unwrap(), path.into());
        }
        for spelling in ["/etc/passwd", "../x", "a/../../x", "a/..", "a\0b"] {
            assert_eq!(path_in_corpus(spelling.as_bytes()).unwrap_err().why, Why::Traversal);
        }
    }

    #[test]
    fn each_rule_is_kept() {
        use EntryKind::{Directory, File, Hardlink, Symlink};
        let mut vetter = Vetter::new(Links::Inside);
        let mut check = |path: &str, kind, mode, target| {
            vetter.check(&entry(path, kind, target), mode).map_err(|refusal| refusal.why)
        };
        assert_eq!(check(".", Directory, 0o2755, None), Ok(()));
        assert_eq!(check("d", Directory, 0o2775, None), Ok(()));
        assert_eq!(check("d/f", File, 0o644, None), Ok(()));
        assert_eq!(check("d/f", File, 0o644, None), Err(Why::Twice));
        assert_eq!(check("d", Symlink, 0o777, Some("x")), Err(Why::Twice));
        assert_eq!(check("d/f/x", File, 0o644, None), Err(Why::BelowLink));
        assert_eq!(check("su", File, 0o4755, None), Err(Why::SetId));
        assert_eq!(check("sg", File, 0o2755, None), Err(Why::SetId));
        assert_eq!(check("h", Hardlink, 0o644, Some("d/f")), Ok(()));
        assert_eq!(check("h2", Hardlink, 0o644, Some("later")), Err(Why::HardLink));
        assert_eq!(check("h3", Hardlink, 0o644, Some("../etc/passwd")), Err(Why::HardLink));
        assert_eq!(check("d/l", Symlink, 0o777, Some("../h")), Ok(()));
        assert_eq!(check("d/l/x/y", File, 0o644, None), Err(Why::BelowLink));
        for target in ["/etc/passwd", "../../x", "..//../x", "a/../../../x", ""] {
            assert_eq!(check("d/out", Symlink, 0o777, Some(target)), Err(Why::LinkOutside), "{target}");
        }
        let mut any = Vetter::new(Links::Any);
        assert_eq!(any.check(&entry("out", Symlink, Some("/etc")), 0o777), Ok(()));
        let below = any.check(&entry("out/passwd", File, None), 0o644);
        assert_eq!(below.unwrap_err().why, Why::BelowLink);
    }
}
