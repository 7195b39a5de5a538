//! What is known about paths on a host.

use std::collections::BTreeMap;

use crate::{Command, Input, Output};

use super::{FACTS_TIMEOUT, FileError, Files, Kind, in_groups, path, records, sums};

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

/// Tells of the paths that follow, of which each begins with `//`, what `stat` says, and where links
/// lead. A NUL, and the hashes of the regular files, come behind that when `$1` is `hash`.
///
/// Every path after the first slash is plain, so that nothing but the beginning of one is `//`: names
/// may hold line breaks, and neither `stat` nor `sha256sum` ends a record by NUL everywhere.
const SCRIPT: &str = r#"
export LC_ALL=C
hash=$1
shift
stat -c '%f/%u/%g/%s/%U/%G%n' -- "$@"
status=$?
printf '\0'
for path; do
  [ -L "$path" ] || continue
  if to=$(readlink -n -- "$path" && printf .); then printf '%s\0%s\0' "$path" "${to%.}"; else status=1; fi
done
[ "$hash" = hash ] || exit "$status"
printf '\0'
find "$@" -maxdepth 0 -type f -exec sha256sum -- {} + || status=1
exit "$status"
"#;

/// What begins the complaints of the tools in [`SCRIPT`].
const TOOLS: [&str; 4] = ["stat: ", "readlink: ", "find: ", "sha256sum: "];

/// The command that tells about `paths`, which are absolute.
fn facts_command(paths: &[&str], hash: Hash) -> Command {
    let hash = if hash == Hash::Yes { "hash" } else { "" };
    Command::new(["sh", "-c", SCRIPT, "windlass-stat", hash])
        .args(paths.iter().map(|path| format!("/{path}")))
        .timeout(Some(FACTS_TIMEOUT))
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
    /// Facts about `paths` with hashes of the regular files among them; links are not followed, and
    /// what is absent is absent from the result. One command for up to some thousand paths.
    ///
    /// # Errors
    /// [`FileError::Denied`] when a path cannot be looked at or a file cannot be read.
    pub async fn stat<S: AsRef<str> + Sync>(
        &self,
        paths: &[S],
    ) -> Result<BTreeMap<String, Facts>, FileError> {
        self.facts(paths, Hash::Yes).await
    }

    /// Facts about `path`, if it is there: as [`Files::stat`], but a regular file that may not be read has no
    /// hash.
    ///
    /// # Errors
    /// [`FileError::Denied`] when it cannot be looked at.
    pub async fn look_at(&self, path: &str) -> Result<Option<Facts>, FileError> {
        let facts = match self.facts(&[path], Hash::Yes).await {
            Err(FileError::Denied { .. }) => self.facts(&[path], Hash::No).await,
            facts => facts,
        };
        Ok(facts?.remove(path))
    }

    /// What each of `paths` is, links not followed; what is absent is absent from the result.
    ///
    /// # Errors
    /// [`FileError::Denied`] when a path cannot be looked at.
    pub async fn kinds<S: AsRef<str> + Sync>(
        &self,
        paths: &[S],
    ) -> Result<BTreeMap<String, Kind>, FileError> {
        let facts = self.facts(paths, Hash::No).await?;
        Ok(facts.into_iter().map(|(path, facts)| (path, facts.kind)).collect())
    }

    pub(super) async fn facts<S: AsRef<str> + Sync>(
        &self,
        paths: &[S],
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
            let output = self.run(facts_command(group, hash), Input::Nothing).await?;
            all.extend(read(group, hash, &output, self.host())?);
        }
        Ok(all)
    }
}

/// Makes facts of what the command wrote.
fn read(
    paths: &[&str],
    hash: Hash,
    output: &Output,
    host: String,
) -> Result<BTreeMap<String, Facts>, FileError> {
    let mut all = parse(&output.stdout)
        .ok_or_else(|| FileError::from_output("read the facts of", paths[0], host.clone(), output))?;
    let is_hashed = |facts: &Facts| hash == Hash::No || facts.kind != Kind::File || facts.sha256.is_some();
    // The only failure that is none: paths that are not there. Each must have been named, or
    // else something before `stat` (sudo, a missing program) has failed.
    let stderr = output.stderr_text();
    let told = complaints(&stderr);
    let absent = paths.iter().filter(|path| all.get(**path).is_none_or(|facts| !is_hashed(facts))).count();
    if told.len() < absent || !told.iter().all(|complaint| is_absence(complaint)) {
        let said = Output { stderr: stderr.replace("//", "/").into_bytes(), ..output.clone() };
        return Err(FileError::from_output("read the facts of", failing(paths, &told), host, &said));
    }
    // What went away in between is as absent as the others.
    all.retain(|_, facts| is_hashed(facts));
    Ok(all)
}

/// What our tools complain about; each begins with the name of one, and may hold line breaks of a path.
fn complaints(stderr: &str) -> Vec<String> {
    let mut complaints: Vec<String> = Vec::new();
    for line in stderr.split_inclusive('\n') {
        match complaints.last_mut() {
            _ if TOOLS.iter().any(|tool| line.starts_with(tool)) => complaints.push(line.to_owned()),
            Some(last) => last.push_str(line),
            None => {}
        }
    }
    complaints
}

fn is_absence(complaint: &str) -> bool {
    complaint.contains(": No such file or directory") || complaint.contains(": Not a directory")
}

/// The path that the first complaint is about.
fn failing<'a>(paths: &[&'a str], told: &[String]) -> &'a str {
    let complaint = told.iter().find(|complaint| !is_absence(complaint));
    let named = |path: &&&str| complaint.is_some_and(|complaint| complaint.contains(**path));
    // The longest, because a path also holds the names of its parents.
    paths.iter().filter(named).max_by_key(|path| path.len()).unwrap_or(&paths[0])
}

/// The parts of what the script prints; `None` when they make no sense.
fn parse(stdout: &[u8]) -> Option<BTreeMap<String, Facts>> {
    // Our paths are text; only the target of a link may be anything else.
    let text = String::from_utf8_lossy(stdout);
    let (facts, rest) = text.split_once('\0')?;
    let mut all = BTreeMap::new();
    for (about, path) in records(facts) {
        all.insert(format!("/{path}"), parse_facts(about)?);
    }
    let mut fields = rest.split('\0');
    while let Some(link) = fields.next().and_then(|field| field.strip_prefix('/')) {
        all.get_mut(link)?.link = Some(fields.next()?.to_owned());
    }
    for (path, sum) in sums(fields.next().unwrap_or_default()) {
        all.get_mut(path.strip_prefix('/')?)?.sha256 = Some(sum);
    }
    Some(all)
}

fn parse_facts(about: &str) -> Option<Facts> {
    let mut fields = about.split('/');
    let raw = u32::from_str_radix(fields.next()?, 16).ok()?;
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let size = fields.next()?.parse().ok()?;
    // What has no name is called by its number.
    let mut name = |number: u32| {
        let name = fields.next()?;
        Some(if name == "UNKNOWN" { number.to_string() } else { name.to_owned() })
    };
    let (owner, group) = (name(uid)?, name(gid)?);
    Some(Facts {
        kind: Kind::of_mode(raw),
        mode: raw & 0o7777,
        owner,
        group,
        uid,
        gid,
        size,
        sha256: None,
        link: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fake, fake::Reply};

    fn words() -> [&'static str; 7] {
        ["sh", "-c", SCRIPT, "windlass-stat", "hash", "//a b", "//x"]
    }

    async fn stat_with(reply: Reply) -> Result<BTreeMap<String, Facts>, FileError> {
        let fake = Fake::new("web");
        fake.expect(words(), reply);
        Files::on(&fake).stat(&["/x", "/a b"]).await
    }

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[tokio::test]
    async fn facts_links_and_hashes_are_brought_together() {
        let stdout = format!(
            "81a0/0/1007/12/root/domain users//a b\na1ff/1000/1000/4/UNKNOWN/UNKNOWN//x\n\0//x\0../y\0\0{HASH}  //a b\n"
        );
        let all = stat_with(Reply::ok(stdout)).await.unwrap();
        let file = &all["/a b"];
        assert_eq!((file.kind, file.mode, file.size), (Kind::File, 0o640, 12));
        assert_eq!((file.owner.as_str(), file.group.as_str()), ("root", "domain users"));
        assert_eq!((file.uid, file.gid), (0, 1007));
        assert_eq!((file.sha256.as_deref(), file.link.as_deref()), (Some(HASH), None));
        let link = &all["/x"];
        assert_eq!((link.kind, link.link.as_deref(), &link.sha256), (Kind::Symlink, Some("../y"), &None));
        assert_eq!((link.owner.as_str(), link.group.as_str()), ("1000", "1000"));
    }

    #[test]
    fn names_with_line_breaks_are_told_apart() {
        let odd = "/a\n/b\\c";
        for sums in [
            // GNU's escapes them, BusyBox does not.
            format!("\\{HASH}  //a\\n/b\\\\c\n{HASH}  //x\n"),
            format!("{HASH}  /{odd}\n{HASH}  //x\n"),
        ] {
            let stdout = format!("81a4/0/0/0/root/root//a\n/b\\c\n81a4/0/0/0/root/root//x\n\0\0{sums}");
            let all = parse(stdout.as_bytes()).unwrap();
            assert_eq!(all.keys().collect::<Vec<_>>(), [odd, "/x"]);
            assert!(all.values().all(|facts| facts.sha256.as_deref() == Some(HASH)), "{all:?}");
        }
    }

    #[tokio::test]
    async fn what_is_absent_is_no_error() {
        for said in ["stat: cannot statx '//x'", "stat: can't stat '//x\n'", "find: //x"] {
            let stderr = format!("sudo: unable to resolve host web\n{said}: No such file or directory\n");
            let reply = Reply::failure(1, stderr).stdout("41ed/0/0/4096/root/root//a b\n\0\0");
            let all = stat_with(reply).await.unwrap();
            assert_eq!(all.keys().collect::<Vec<_>>(), ["/a b"]);
        }
    }

    #[tokio::test]
    async fn a_file_that_goes_before_it_is_hashed_is_absent() {
        let stdout = "81a4/0/0/0/root/root//a b\n81a4/0/0/0/root/root//x\n\0\0";
        let reply =
            |stderr: &str| Reply::failure(1, stderr.to_owned()).stdout(format!("{stdout}{HASH}  //a b\n"));
        let all = stat_with(reply("find: //x: No such file or directory\n")).await.unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["/a b"]);
        let error = stat_with(reply("sh: sha256sum: not found\n")).await.unwrap_err();
        assert!(matches!(error, FileError::Failed { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_looked_at_is_an_error() {
        let stderr = "find: '//x': No such file or directory\nsha256sum: //a b: Permission denied\n";
        let reply = Reply::failure(1, stderr).stdout("81a4/0/0/0/root/root//a b\n\0\0");
        let error = stat_with(reply).await.unwrap_err();
        let FileError::Denied { path, host, .. } = &error else { panic!("{error:?}") };
        assert_eq!((path.as_str(), host.as_str()), ("/a b", "web"));
    }

    #[tokio::test]
    async fn what_may_not_be_read_is_there_all_the_same() {
        let fake = Fake::new("web");
        let [hashing, looking] = ["hash", ""].map(|hash| ["sh", "-c", SCRIPT, "windlass-stat", hash, "//x"]);
        let facts = "8100/0/0/4/root/root//x\n\0";
        let denied = "sha256sum: //x: Permission denied\n";
        fake.expect(hashing, Reply::failure(1, denied).stdout(format!("{facts}\0")));
        fake.expect(looking, Reply::ok(facts));
        let found = Files::on(&fake).look_at("/x").await.unwrap().unwrap();
        assert_eq!((found.mode, found.size, found.sha256), (0o400, 4, None));

        let denied = "stat: cannot statx '//x': Permission denied\n";
        fake.expect(hashing, Reply::failure(1, denied).stdout("\0\0"));
        fake.expect(looking, Reply::failure(1, denied).stdout("\0"));
        let error = Files::on(&fake).look_at("/x").await.unwrap_err();
        assert!(matches!(error, FileError::Denied { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_failure_before_stat_is_not_taken_for_absence() {
        for (status, stderr, stdout) in
            [(1, "sudo: a password is required\n", ""), (127, "sh: stat: not found\n", "\0\0")]
        {
            let error = stat_with(Reply::failure(status, stderr).stdout(stdout)).await.unwrap_err();
            assert!(matches!(error, FileError::Failed { .. }), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_path_that_is_an_expression_never_reaches_the_host() {
        let fake = Fake::default();
        let error = Files::on(&fake).stat(&["-delete"]).await.unwrap_err();
        assert!(matches!(error, FileError::Path { .. }));
        assert!(fake.calls().is_empty());
    }
}
