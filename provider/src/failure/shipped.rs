//! Shipped files that are not on a host as they were sent, or of which nobody knows.

use framework::Diagnostic;
use stack::KEPT_TIMES;

use super::place::first;

/// How many paths a warning lists.
const LISTED: usize = 10;

/// Files were changed on the host.
pub(crate) fn changed(stack: &str, host: &str, directory: &str, paths: &[String]) -> Diagnostic {
    Diagnostic::warning(format!("Files of compose stack {stack:?} were changed on the host"))
        .detail(format!("In {directory} on {host} these are not as they were shipped: {}.", first(paths, LISTED)))
        .detail(
            "The next apply puts back what is shipped, and keeps what it replaces in `.windlass/replaced` in that directory.",
        )
        .detail("If the product writes a file itself, name it in `seed_files`: then it is the host's.")
        .at("source_hash")
}

/// The server's own `.env`, whose values count, is not what it was.
pub(crate) fn host_env_changed(stack: &str, host: &str, path: &str, gone: bool) -> Diagnostic {
    let (title, happened) = if gone {
        ("is gone", "is not there any more; its values no longer count")
    } else {
        ("was changed", "is not what it was at the last apply; its values of now count")
    };
    Diagnostic::warning(format!("The server's own .env of compose stack {stack:?} {title}"))
        .detail(format!("{path} on {host} {happened}."))
        .detail("The next apply takes that over. Windlass never writes that file.")
        .at("host_env")
}

/// The directory of a stack has become a link.
pub(crate) fn linked(stack: &str, host: &str, directory: &str, target: &str) -> Diagnostic {
    Diagnostic::warning(format!("The directory of compose stack {stack:?} is a symbolic link"))
        .detail(format!("{directory} on {host} leads to {target}."))
        .detail("What runs stays as it is, but no apply can change the stack: Windlass writes no files through a link.")
        .detail(format!("Set `directory = {target:?}`, or put the directory back in the place of the link."))
        .at("directory")
}

/// Files may not be read on the host.
pub(crate) fn unreadable(stack: &str, host: &str, directory: &str, paths: &[String]) -> Diagnostic {
    Diagnostic::warning(format!("Files of compose stack {stack:?} may not be read on the host"))
        .detail(format!(
            "In {directory} on {host} the SSH user may not look at these: {}. A container may have made a directory its own.",
            first(paths, LISTED)
        ))
        .detail("They are taken to be as they were shipped; nothing is changed because of them.")
        .detail(
            "This is fine where only the container needs them. To have them compared again, use sudo (`sudo = true` on the \
             windlass_host) or log in as a user who may read them; to be rid of the warning, name what is no more needed \
             than to make the directory in `.windlassignore` and let Docker make it.",
        )
        .at("source_hash")
}

/// What files held was kept before they were overwritten.
pub(super) fn set_aside(stack: &str, kept: &str, paths: &[String]) -> Diagnostic {
    Diagnostic::warning(format!("Overwrote files of compose stack {stack:?} that had changed on the host"))
        .detail(format!("They were not as they had been shipped, or may not be looked at: {}.", first(paths, LISTED)))
        .detail(format!(
            "What they held is kept in {kept}, with that of the last {KEPT_TIMES} times, until the stack is destroyed."
        ))
        .detail("If the product writes a file itself, name it in `seed_files`: then it is the host's.")
}

/// Files could not be removed.
pub(super) fn left(stack: &str, directory: &str, paths: &[String]) -> Diagnostic {
    Diagnostic::warning(format!("Left files of compose stack {stack:?} on the host"))
        .detail(format!(
            "In {directory} the SSH user may not remove these, because the directory is a link, or they or their directory belong to somebody else: {}.",
            first(paths, LISTED)
        ))
        .detail("Everything else is as it should be, and they are no longer recorded.")
        .detail("If nobody needs them, remove them there as root.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ten_files_are_named() {
        let paths: Vec<String> = (0..12).map(|index| format!("f{index}")).collect();
        let text = changed("web", "root@web", "/srv/web", &paths).to_string();
        assert!(text.contains("f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, and 2 more."), "{text}");
        assert!(unreadable("web", "h", "/srv/web", &paths[..1]).to_string().contains("at these: f0."));
    }

    #[test]
    fn a_changed_env_of_the_server_is_told_from_one_that_is_gone() {
        assert_eq!(
            host_env_changed("web", "root@web", "/srv/web/.env", false).to_string(),
            "The server's own .env of compose stack \"web\" was changed (at host_env)\n\
             /srv/web/.env on root@web is not what it was at the last apply; its values of now count.\n\n\
             The next apply takes that over. Windlass never writes that file."
        );
        let gone = host_env_changed("web", "root@web", "/srv/web/.env", true).to_string();
        assert!(gone.contains("is gone") && gone.contains("is not there any more"), "{gone}");
    }

    #[test]
    fn what_was_kept_and_what_is_left_is_told() {
        let paths = ["acme/acme.json".to_owned()];
        assert_eq!(
            set_aside("web", "/srv/web/.windlass/replaced/t", &paths).to_string(),
            "Overwrote files of compose stack \"web\" that had changed on the host\n\
             They were not as they had been shipped, or may not be looked at: acme/acme.json.\n\n\
             What they held is kept in /srv/web/.windlass/replaced/t, with that of the last 10 times, until the stack is \
             destroyed.\n\n\
             If the product writes a file itself, name it in `seed_files`: then it is the host's."
        );
        assert!(
            left("web", "/srv/web", &paths).to_string().contains("belong to somebody else: acme/acme.json.")
        );
    }
}
