//! Programs of a host that are not those of Debian.

use crate::engine::Engine;
use crate::error::Result;
use crate::files::FileEntry;
use crate::variant::Variant;
use crate::{image, recipe};

/// What BusyBox takes over. (Debian builds it without `flock`, which Alpine's has: that stays. The
/// lab's own scripts need `setsid`, `sleep` and what is not here.)
const BUSYBOX: &[&str] = &[
    "[",
    "basename",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "fgrep",
    "find",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "nproc",
    "od",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sh",
    "sha256sum",
    "sort",
    "stat",
    "sync",
    "tail",
    "tar",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "truncate",
    "uname",
    "uniq",
    "wc",
    "whoami",
    "xargs",
    "zcat",
];

/// What is not there beside it: a link that leads nowhere stands in its place.
const ABSENT: &[&str] = &["getconf", "printenv"];

/// What the Rust coreutils take over.
const COREUTILS: &[&str] = &[
    "[",
    "basename",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "dirname",
    "du",
    "echo",
    "env",
    "expr",
    "false",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "nproc",
    "od",
    "printenv",
    "printf",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "seq",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "sync",
    "tail",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "truncate",
    "uname",
    "uniq",
    "wc",
    "whoami",
];

/// The programs that make a host this variant.
pub(crate) fn of(engine: &Engine, variant: Variant) -> Result<Vec<FileEntry>> {
    let source = |recipe| image::ensure(engine, &engine.lock()?, &recipe, &|_| {});
    match variant {
        Variant::Busybox => {
            let busybox = image::file_of(engine, &source(recipe::busybox_source())?, "/usr/bin/busybox")?;
            let mut files = in_place_of("busybox", busybox, BUSYBOX);
            files.extend(
                ABSENT.iter().map(|name| FileEntry::link(&format!("usr/bin/{name}"), "/nonexistent")),
            );
            Ok(files)
        }
        Variant::Uutils => {
            let image = source(recipe::rust_tools_source())?;
            let mut files =
                in_place_of("coreutils", image::file_of(engine, &image, "/usr/bin/coreutils")?, COREUTILS);
            let sudo = image::file_of(engine, &image, "/usr/bin/sudo-rs")?;
            files.push(FileEntry::file("usr/bin/sudo", 0o4755, sudo));
            Ok(files)
        }
        Variant::Root
        | Variant::Deploy
        | Variant::Sudo
        | Variant::SudoDocker
        | Variant::NoForward
        | Variant::Jump
        | Variant::Systemd
        | Variant::Shells => Ok(Vec::new()),
    }
}

/// The program `name`, and links to it.
fn in_place_of(name: &str, program: Vec<u8>, others: &[&str]) -> Vec<FileEntry> {
    let program = FileEntry::file(&format!("usr/bin/{name}"), 0o755, program);
    let links = others.iter().map(|other| FileEntry::link(&format!("usr/bin/{other}"), name));
    std::iter::once(program).chain(links).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_stands_in_for_many() {
        let files = in_place_of("busybox", vec![1], &["sh", "ls"]);
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["usr/bin/busybox", "usr/bin/sh", "usr/bin/ls"]);
        assert_eq!(files[1], FileEntry::link("usr/bin/sh", "busybox"));
    }
}
