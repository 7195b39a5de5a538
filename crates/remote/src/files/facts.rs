//! What is known about paths on a host.

use std::collections::BTreeMap;

use crate::{Command, Input, Output};

use super::{FACTS_TIMEOUT, FileError, Files, Kind, english, in_groups, path};

/// What the last component of a path is when it is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symlinks {
    /// The link itself is reported.
    Report,
    /// What the link points to is reported; a link that points nowhere is still reported itself.
    Follow,
}

/// What is known about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// The permission bits with set-id and sticky: 0o644.
    pub mode: u32,
    /// The owner's name, or number where it has no name.
    pub owner: String,
    /// The group's name, or number where it has no name.
    pub group: String,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The size in bytes.
    pub size: u64,
    /// SHA-256 of the content in lower-case hex, for regular files if it was asked for.
    pub sha256: Option<String>,
    /// Where a symbolic link points to.
    pub link: Option<String>,
}

/// Whether content is hashed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Yes,
    No,
}

/// Marks the first field of a record of `find`; records of `sha256sum` begin with a hex digit.
const MARK: &str = "@";

/// The fields of a record after the mark: type, mode, owner and group by name and by number, size, link,
/// path.
const FORMAT: &str = r"@\0%y\0%m\0%u\0%g\0%U\0%G\0%s\0%l\0%p\0";

/// The command that tells about `paths`, which are absolute.
fn facts_command(paths: &[&str], symlinks: Symlinks, hash: Hash) -> Command {
    let follow = if symlinks == Symlinks::Follow { "-H" } else { "-P" };
    let command =
        english(["find", follow]).args(paths.iter().copied()).args(["-maxdepth", "0", "-printf", FORMAT]);
    let command = match hash {
        Hash::Yes => command.args(["-type", "f", "-exec", "sha256sum", "-z", "--", "{}", "+"]),
        Hash::No => command,
    };
    command.timeout(Some(FACTS_TIMEOUT))
}

impl Facts {
    /// Whether `wanted`, a name or a number, is the owner.
    pub fn is_owned_by(&self, wanted: &str) -> bool {
        wanted == self.owner || wanted.parse() == Ok(self.uid)
    }

    /// Whether `wanted`, a name or a number, is the group.
    pub fn is_of_group(&self, wanted: &str) -> bool {
        wanted == self.group || wanted.parse() == Ok(self.gid)
    }
}

impl Files<'_> {
    /// Facts about `paths` with hashes of the regular files among them; what is absent is absent
    /// from the result. One command for up to some thousand paths.
    ///
    /// # Errors
    /// [`FileError::Denied`] when a path cannot be looked at or a file cannot be read.
    pub async fn stat<S: AsRef<str> + Sync>(
        &self,
        paths: &[S],
        symlinks: Symlinks,
    ) -> Result<BTreeMap<String, Facts>, FileError> {
        self.facts(paths, symlinks, Hash::Yes).await
    }

    /// What each of `paths` is, links not followed; what is absent is absent from the result.
    ///
    /// # Errors
    /// [`FileError::Denied`] when a path cannot be looked at.
    pub async fn kinds<S: AsRef<str> + Sync>(
        &self,
        paths: &[S],
    ) -> Result<BTreeMap<String, Kind>, FileError> {
        let facts = self.facts(paths, Symlinks::Report, Hash::No).await?;
        Ok(facts.into_iter().map(|(path, facts)| (path, facts.kind)).collect())
    }

    pub(super) async fn facts<S: AsRef<str> + Sync>(
        &self,
        paths: &[S],
        symlinks: Symlinks,
        hash: Hash,
    ) -> Result<BTreeMap<String, Facts>, FileError> {
        let mut paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        paths.sort_unstable();
        paths.dedup();
        for path in &paths {
            path::absolute(path)?;
        }
        let mut all = BTreeMap::new();
        for group in in_groups(&paths) {
            let output = self.run(facts_command(group, symlinks, hash), Input::Nothing).await?;
            all.extend(read(group, &output, self.host())?);
        }
        Ok(all)
    }
}

/// Makes facts of what the command wrote.
fn read(paths: &[&str], output: &Output, host: String) -> Result<BTreeMap<String, Facts>, FileError> {
    let all = parse(&output.stdout)
        .ok_or_else(|| FileError::from_output("read the facts of", paths[0], host.clone(), output))?;
    if output.success() {
        return Ok(all);
    }
    // The only failure that is none: paths that are not there. Each must have been named, or
    // else something before `find` (sudo, a missing program) has failed.
    let stderr = output.stderr_text();
    let told: Vec<&str> = stderr.lines().filter(|line| is_from_tool(line)).collect();
    let absent = paths.iter().filter(|path| !all.contains_key(**path)).count();
    if output.status == 1 && told.len() >= absent && told.iter().all(|line| is_absence(line)) {
        return Ok(all);
    }
    Err(FileError::from_output("read the facts of", failing(paths, &told), host, output))
}

fn is_from_tool(line: &str) -> bool {
    line.starts_with("find: ") || line.starts_with("sha256sum: ")
}

fn is_absence(line: &str) -> bool {
    line.ends_with(": No such file or directory") || line.ends_with(": Not a directory")
}

/// The path that the first complaint is about.
fn failing<'a>(paths: &[&'a str], told: &[&str]) -> &'a str {
    let complaint = told.iter().find(|line| !is_absence(line));
    let named = |path: &&&str| complaint.is_some_and(|line| line.contains(**path));
    // The longest, because a path also holds the names of its parents.
    paths.iter().filter(named).max_by_key(|path| path.len()).unwrap_or(&paths[0])
}

/// The records of `find` and `sha256sum`, which stand in any order; `None` when they make no sense.
fn parse(stdout: &[u8]) -> Option<BTreeMap<String, Facts>> {
    // Our paths are text; only the target of a link may be anything else.
    let text = String::from_utf8_lossy(stdout);
    let mut fields = text.split_terminator('\0');
    let (mut all, mut hashes) = (BTreeMap::new(), Vec::new());
    while let Some(first) = fields.next() {
        if first == MARK {
            let (path, facts) = parse_record(&mut fields)?;
            all.insert(path, facts);
        } else {
            hashes.push((first.get(..64)?, first.get(66..)?));
        }
    }
    for (hash, path) in hashes {
        all.get_mut(path)?.sha256 = Some(hash.to_owned());
    }
    Some(all)
}

fn parse_record<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<(String, Facts)> {
    let kind = match fields.next()? {
        "f" => Kind::File,
        "d" => Kind::Directory,
        "l" | "N" | "L" => Kind::Symlink,
        _ => Kind::Special,
    };
    let mode = u32::from_str_radix(fields.next()?, 8).ok()?;
    let (owner, group) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let size = fields.next()?.parse().ok()?;
    let link = Some(fields.next()?.to_owned()).filter(|_| kind == Kind::Symlink);
    let path = fields.next()?.to_owned();
    Some((path, Facts { kind, mode, owner, group, uid, gid, size, sha256: None, link }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fake, fake::Reply};

    const STAT: [&str; 18] = [
        "env",
        "LC_ALL=C",
        "find",
        "-P",
        "/a b",
        "/x",
        "-maxdepth",
        "0",
        "-printf",
        FORMAT,
        "-type",
        "f",
        "-exec",
        "sha256sum",
        "-z",
        "--",
        "{}",
        "+",
    ];

    fn words() -> Vec<&'static str> {
        STAT.to_vec()
    }

    async fn stat_with(reply: Reply) -> Result<BTreeMap<String, Facts>, FileError> {
        let fake = Fake::new("web");
        fake.expect(words(), reply);
        Files::on(&fake).stat(&["/x", "/a b"], Symlinks::Report).await
    }

    fn record(fields: &str) -> String {
        format!("@ {fields} ").replace(' ', "\0").replace('_', " ")
    }

    #[tokio::test]
    async fn records_are_read_in_any_order() {
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let stdout = format!(
            "{}{}{hash}  /a b\0",
            record("f 640 root domain_users 0 1007 12  /a_b"),
            record("l 777 1000 1000 1000 1000 3 ../y /x")
        );
        let all = stat_with(Reply::ok(stdout)).await.unwrap();
        let file = &all["/a b"];
        assert_eq!((file.kind, file.mode, file.size), (Kind::File, 0o640, 12));
        assert_eq!((file.owner.as_str(), file.group.as_str()), ("root", "domain users"));
        assert_eq!((file.uid, file.gid), (0, 1007));
        assert_eq!((file.sha256.as_deref(), file.link.as_deref()), (Some(hash), None));
        let link = &all["/x"];
        assert_eq!((link.kind, link.link.as_deref(), &link.sha256), (Kind::Symlink, Some("../y"), &None));
    }

    #[tokio::test]
    async fn what_is_absent_is_no_error() {
        let stderr = "sudo: unable to resolve host web\nfind: '/x': No such file or directory\n";
        let reply = Reply::failure(1, stderr).stdout(record("d 755 root root 0 0 4096  /a_b"));
        let all = stat_with(reply).await.unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["/a b"]);
    }

    #[tokio::test]
    async fn what_cannot_be_looked_at_is_an_error() {
        let stderr = "find: '/x': No such file or directory\nsha256sum: /a b: Permission denied\n";
        let error = stat_with(Reply::failure(1, stderr)).await.unwrap_err();
        let FileError::Denied { path, host, .. } = &error else { panic!("{error:?}") };
        assert_eq!((path.as_str(), host.as_str()), ("/a b", "web"));
    }

    #[tokio::test]
    async fn a_failure_before_find_is_not_taken_for_absence() {
        for (status, stderr) in [(1, "sudo: a password is required\n"), (127, "sh: 1: find: not found\n")] {
            let error = stat_with(Reply::failure(status, stderr)).await.unwrap_err();
            assert!(matches!(error, FileError::Failed { .. }), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_path_that_is_an_expression_never_reaches_find() {
        let fake = Fake::default();
        let error = Files::on(&fake).stat(&["-delete"], Symlinks::Report).await.unwrap_err();
        assert!(matches!(error, FileError::Path { .. }));
        assert!(fake.calls().is_empty());
    }
}
