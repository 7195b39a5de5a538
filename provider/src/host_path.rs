//! What resources at a path of a host have in common: how paths and modes are spelled, and whose what
//! is there is.

mod ownership;

use framework::{Diagnostic, Field};
use remote::files::{Facts, FileError};

pub(crate) use ownership::{Ownership, claims};

use crate::{
    failure::{Stop, as_warning, file_error},
    hosted::Host,
};

/// Checks the spelling of `path`.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err("must be an absolute path".to_owned());
    }
    let mut parts = path.split('/').skip(1);
    if path.contains('\0') || parts.any(|part| matches!(part, "" | "." | "..")) {
        return Err(
            "must be a path without `.` and `..` in it, and without empty parts (`//`, or a slash at its end)"
                .to_owned()
        );
    }
    // Limits of Linux: PATH_MAX with its NUL, NAME_MAX.
    if path.len() > 4095 || path.split('/').any(|part| part.len() > 255) {
        return Err(
            "must not be longer than Linux allows: 4095 bytes, and 255 for each name in it".to_owned()
        );
    }
    if ["/proc/", "/sys/"].iter().any(|place| path.starts_with(place)) {
        return Err("must not be below /proc or /sys, where the kernel keeps no files".to_owned());
    }
    Ok(())
}

/// Checks the spelling of a mode.
pub(crate) fn check_mode(mode: &str) -> Result<(), String> {
    bits(mode).map(|_| ()).ok_or_else(|| "must be permission bits in octal, such as 0644".to_owned())
}

/// Permission bits as people write them.
pub(crate) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// The permission bits that `text` means.
pub(crate) fn bits(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)
}

/// 644 and 0644 are the same.
pub(crate) fn keep_bits(planned: &mut Field<String>, prior: &Field<String>) {
    let known = |field: &Field<String>| field.known().and_then(|text| bits(text));
    if known(planned).is_some() && known(planned) == known(prior) {
        *planned = prior.clone();
    }
}

/// Who owns what the configuration does not say an owner of: whoever owned it when it was `written`. On
/// another machine, or for another user, only making it tells.
pub(crate) fn keep_owner(
    planned: &mut Field<String>,
    config: &Field<String>,
    written: &str,
    elsewhere: bool,
) {
    if !config.is_null() {
        return;
    }
    if elsewhere {
        *planned = Field::Unknown;
    } else if !written.is_empty() {
        *planned = Field::Known(written.to_owned());
    }
}

/// Who may do what with something at a path, as its attributes say it.
pub(crate) struct Access<'m> {
    pub(crate) mode: &'m mut Field<String>,
    pub(crate) owner: &'m mut Field<String>,
    pub(crate) group: &'m mut Field<String>,
}

impl Access<'_> {
    /// Takes over what was found, where it is not the same in another spelling: the same bits, or the
    /// number of the same user.
    pub(crate) fn set_observed(self, facts: &Facts) {
        if self.mode.known().and_then(|text| bits(text)) != Some(facts.mode) {
            *self.mode = Field::Known(octal(facts.mode));
        }
        if !self.owner.known().is_some_and(|owner| facts.is_owned_by(owner)) {
            *self.owner = Field::Known(facts.owner.clone());
        }
        if !self.group.known().is_some_and(|group| facts.is_of_group(group)) {
            *self.group = Field::Known(facts.group.clone());
        }
    }
}

/// Whether what was found has this mode, and this owner and group where they are known.
pub(crate) fn has_access(
    facts: &Facts,
    mode: &Field<String>,
    owner: &Field<String>,
    group: &Field<String>,
) -> bool {
    mode.known().and_then(|text| bits(text)) == Some(facts.mode)
        && owner.known().is_none_or(|owner| facts.is_owned_by(owner))
        && group.known().is_none_or(|group| facts.is_of_group(group))
}

/// Why something cannot be made at `path`: what is there was not made by this configuration, as
/// `happened` tells.
pub(crate) fn occupied(host: &Host, path: &str, happened: String) -> Stop {
    let next = format!(
        "Choose another `path`, move what is there out of the way, or adopt it: `import` it with the id {:?}.",
        format!("{}|{path}", host.connection)
    );
    Stop::new(happened, next).at("path")
}

/// The warning that nobody knows what became of something, because a directory on the way to it may not be
/// looked into. Not being allowed to look says nothing, so that the last known state stays.
pub(crate) fn out_of_sight(subject: &str, error: &FileError) -> Diagnostic {
    let world = "The last known state stands in; nothing is changed because of it.";
    as_warning(file_error(format!("Could not look at {subject}"), error, world))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_must_be_absolute_and_plain() {
        for path in ["/etc/a", "/a b", "/ü/-x"] {
            assert!(check_path(path).is_ok(), "{path}");
        }
        let (long, deep) = (format!("/{}", "x".repeat(256)), "/x".repeat(2048));
        for path in ["", "a", "/", "/a/", "/a/../b", "/./a", "/proc/sys/vm/swappiness", &long, &deep] {
            assert!(check_path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(
            (bits("0640"), bits("640"), bits("9"), bits("17777")),
            (Some(0o640), Some(0o640), None, None)
        );
        assert_eq!(octal(0o640), "0640");
    }
}
