//! What restic is asked, as words. Pure.

use crate::{moment::Moment, name::Name};

/// What the tag of a corpus' snapshots begins with; the name follows.
const TAG: &str = "windlass:";
/// What the tag of a hold begins with; the moment follows.
const KEEP: &str = "windlass-keep-until:";
/// What the tag of a volume begins with; its name follows.
const VOLUME: &str = "windlass-volume:";

/// How many snapshots one command lets go.
pub(super) const AT_ONCE: usize = 200;

/// The tag that the snapshots of `name` have, and no others.
pub(super) fn tag(name: &Name) -> String {
    format!("{TAG}{name}")
}

/// The tag of a hold.
pub(super) fn keep_tag(until: Moment) -> String {
    format!("{KEEP}{}", until.compact())
}

/// The tag that names a volume.
pub(super) fn volume_tag(volume: &str) -> String {
    format!("{VOLUME}{volume}")
}

/// Until when the tags hold a snapshot.
pub(super) fn kept_until(tags: &[String]) -> Option<Moment> {
    tags.iter().filter_map(|tag| Moment::from_compact(tag.strip_prefix(KEEP)?)).max()
}

/// The volume that the tags name.
pub(super) fn volume_of(tags: &[String]) -> Option<String> {
    tags.iter().find_map(|tag| tag.strip_prefix(VOLUME)).map(str::to_owned)
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

/// Which version it is.
pub(super) fn version() -> Vec<String> {
    words(["version"])
}

/// Whether there is a repository that the password opens.
pub(super) fn config() -> Vec<String> {
    words(["cat", "--no-lock", "config"])
}

/// Makes the repository.
pub(super) fn init() -> Vec<String> {
    words(["init"])
}

/// Takes a snapshot of `path`.
pub(super) fn backup(path: &str, tags: &[String], exclude: &[String]) -> Vec<String> {
    let mut command = words(["backup"]);
    command.extend(tags.iter().map(|tag| format!("--tag={tag}")));
    command.extend(exclude.iter().map(|pattern| format!("--exclude={}", excluded(path, pattern))));
    command.extend(["--".to_owned(), path.to_owned()]);
    command
}

/// A pattern as restic has it, which means all of them from the root of the host on, or anywhere.
fn excluded(path: &str, pattern: &str) -> String {
    match pattern.starts_with('/') {
        true => format!("{}{pattern}", plain(path.trim_end_matches('/'))),
        false => pattern.to_owned(),
    }
}

/// A path that is no pattern.
fn plain(path: &str) -> String {
    let escaped = |c: char| if "*?[]\\".contains(c) { vec!['\\', c] } else { vec![c] };
    path.chars().flat_map(escaped).collect()
}

/// Checks the repository: how it hangs together, and that much of its data.
pub(super) fn check(reads: &str) -> Vec<String> {
    words(["check", reads])
}

/// Lists the snapshots with a tag, or those that are named.
pub(super) fn snapshots(tag: Option<&str>, ids: &[String]) -> Vec<String> {
    let mut command = words(["snapshots", "--no-lock"]);
    command.extend(tag.map(|tag| format!("--tag={tag}")));
    command.extend(ids.iter().cloned());
    command
}

/// Lets snapshots go; with `prunes`, what only they had goes too.
pub(super) fn forget(ids: &[String], prunes: bool) -> Vec<String> {
    let mut command = words(["forget"]);
    command.extend(prunes.then(|| "--prune".to_owned()));
    command.extend(ids.iter().cloned());
    command
}

/// Extracts `path` of a snapshot below `target`.
pub(super) fn restore(id: &str, path: &str, target: &str) -> Vec<String> {
    let mut command = words(["restore", "--verify"]);
    command.extend([format!("--target={target}"), format!("--include={}", plain(path)), id.to_owned()]);
    command
}

/// Lists the locks.
pub(super) fn locks() -> Vec<String> {
    words(["list", "--no-lock", "locks"])
}

/// What a lock says of itself.
pub(super) fn lock(id: &str) -> Vec<String> {
    words(["cat", "--no-lock", "lock", id])
}

/// Removes locks whose owners are gone.
pub(super) fn unlock() -> Vec<String> {
    words(["unlock"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_words() {
        let name: Name = "prod".parse().unwrap();
        let until = Moment::parse("2026-12-30T12:00:00Z").unwrap();
        let tags = [tag(&name), keep_tag(until), volume_tag("shop_data")];
        let exclude = ["/cache".to_owned(), "*.tmp".to_owned()];
        assert_eq!(
            backup("/srv/d[1]/", &tags, &exclude),
            [
                "backup",
                "--tag=windlass:prod",
                "--tag=windlass-keep-until:20261230T120000Z",
                "--tag=windlass-volume:shop_data",
                "--exclude=/srv/d\\[1\\]/cache",
                "--exclude=*.tmp",
                "--",
                "/srv/d[1]/",
            ]
        );
        assert_eq!((kept_until(&tags), volume_of(&tags)), (Some(until), Some("shop_data".to_owned())));
        assert_eq!((kept_until(&tags[..1]), volume_of(&tags[..1])), (None, None));
        assert_eq!(snapshots(Some("windlass:prod"), &[]), ["snapshots", "--no-lock", "--tag=windlass:prod"]);
        let ids = ["aa".to_owned(), "bb".to_owned()];
        assert_eq!(forget(&ids, true), ["forget", "--prune", "aa", "bb"]);
        assert_eq!(forget(&ids, false), ["forget", "aa", "bb"]);
        assert_eq!(
            restore("aa", "/srv/d*", "/srv/.stage/new"),
            ["restore", "--verify", "--target=/srv/.stage/new", "--include=/srv/d\\*", "aa"]
        );
        assert_eq!(check("--read-data"), ["check", "--read-data"]);
    }
}
