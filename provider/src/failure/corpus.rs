//! Failures of backups and restores.

use backup::{ArchiveError, Error, ResticError, Subject, Why, store::StoreError};
use framework::{Diagnostic, error_chain};

use super::sentence;

/// The diagnostic of a failed operation on a corpus.
pub(super) fn corpus_error(title: &str, error: &Error, world: &str) -> Diagnostic {
    let (happened, next) = story(error);
    let diagnostic = Diagnostic::error(title).detail(happened).detail(world).detail(next);
    match attribute(error) {
        Some(attribute) => diagnostic.at(attribute),
        None => diagnostic,
    }
}

/// What to blame, where one attribute is.
fn attribute(error: &Error) -> Option<&'static str> {
    match error {
        Error::Store(_) | Error::NoSnapshot { .. } | Error::Corrupt { .. } => Some("store"),
        Error::Restic(error) => restic_attribute(error),
        Error::NotDirectory { .. } => Some("path"),
        Error::InUse { .. } | Error::NeedsRoot { .. } | Error::LeftOver { .. } => Some("volume"),
        Error::SourceMissing { subject, .. }
        | Error::Empty { subject, .. }
        | Error::NotEmpty { subject, .. } => Some(match subject {
            Subject::Path(_) => "path",
            Subject::Volume(_) => "volume",
            Subject::Database(_) => "postgres",
            Subject::Stream(_) => "exec",
        }),
        Error::Globals { .. } | Error::Uri { .. } | Error::NoImage { .. } => Some("postgres"),
        Error::Elsewhere { .. } | Error::Nowhere { .. } => Some("host"),
        Error::OwnSql { .. } => Some("sections"),
        Error::CannotExclude { .. } => Some("exclude"),
        Error::CannotCompress { .. } => Some("compress"),
        Error::SamePlace { .. } => Some("copies"),
        Error::NotProven { .. } => Some("verify"),
        Error::Transform { .. } | Error::CannotTransform { .. } => Some("transform"),
        Error::CannotOwn { .. } => Some("owner"),
        Error::Stack(_)
        | Error::NoService { .. }
        | Error::QuiescesItself { .. }
        | Error::QuiesceExpired { .. }
        | Error::NotResumed { .. }
        | Error::StillQuiesced { .. } => Some("quiesce"),
        _ => None,
    }
}

fn story(error: &Error) -> (String, String) {
    let told = || match error.said_by_host() {
        Some(said) => format!("{}:\n{said}", sentence(&error_chain(error)).trim_end_matches('.')),
        None => sentence(&error_chain(error)),
    };
    let next = match error {
        Error::Archive(ArchiveError::Refused(refusal)) => return (told(), refused(refusal.why)),
        Error::Archive(
            ArchiveError::Differs { .. } | ArchiveError::Absent { .. } | ArchiveError::Unknown { .. },
        ) => {
            "Somebody has changed the archive, and its parts in the manifest with it. Restore another snapshot."
        }
        Error::Changed { subject, host, said } => {
            return (
                format!("Files in {subject} on {host} changed while they were read, so that a copy of them may be half \
                         old and half new:\n{said}"),
                "Leave them out (`exclude`), or stop what writes to them for the time of the copy, then apply again."
                    .to_owned(),
            );
        }
        Error::SourceMissing { .. } => {
            "Check the name. With `if_missing = \"skip\"`, what is not there (yet) is nothing to back up."
        }
        Error::Elsewhere { .. } => {
            "Let `host` be that node, and have a placement constraint keep the service there: its container is worked on \
             where it runs."
        }
        Error::Nowhere { .. } => {
            "Let `host` be the node that the service runs on; `docker service ps` on a manager says which one that is."
        }
        Error::Uri { .. } => "Correct `uri_wo`.",
        Error::NoImage { .. } => {
            "Pull it there, or correct `image`: nothing is pulled for a backup or a restore."
        }
        Error::OwnSql { .. } => "Correct the SQL; what was restored until then is gone again.",
        Error::NotDirectory { .. } => "Name a directory, and not a link to one.",
        Error::Empty { .. } => "A disk that is not mounted looks like this. Check the name, and `exclude`.",
        Error::CannotExclude { .. } => {
            "Install GNU tar there, or take `exclude` out. In a volume it takes root as well: a connection of root, or \
             `sudo = true` on the host."
        }
        Error::CannotCompress { .. } => "Install it there, or leave `compress` at \"auto\".",
        Error::Clock { .. } => {
            "Set the clock of this machine. If it is right, the one that the snapshot was taken by was wrong: remove that \
             snapshot's folder from the store, or rename it to one of the right time after restoring it once."
        }
        Error::Corrupt { .. } => {
            "The store does not have what was stored there. Look after its disk; another snapshot may be whole."
        }
        Error::NoSnapshot { .. } => "Check `store` and `name`.",
        Error::NotEmpty { .. } => {
            "Restore to another place, or set `overwrite = true` and `confirm` to the name of this one: what is there goes \
             then."
        }
        Error::Archive(ArchiveError::NoDump { .. }) => {
            "Look at what `pg_dump` is in that container: it ended well, and wrote no dump."
        }
        Error::WrongKind { .. } => "Restore it to what it is of, or restore another snapshot.",
        Error::Globals { .. } => {
            "The role that logs in has to be a superuser, and a directory of a tablespace has to be there. With \
             `globals = false`, all that is restored belongs to the role that logs in."
        }
        Error::InUse { .. } => {
            "They would go on with the data that they have open. Stop them, restore, and start them again."
        }
        Error::NeedsRoot { .. } => {
            "Connect as root or with `sudo = true` on the host, or restore to a volume that is new or empty: Docker alone \
             cannot put new data into the place of old ones at once."
        }
        Error::LeftOver { .. } => "Remove what is in the volume, or the volume itself, then apply again.",
        Error::Swap { .. } => {
            "A directory that something is mounted on cannot change places: restore to one below it. The host says the \
             rest."
        }
        Error::Store(StoreError::NoSnapshot { .. } | StoreError::NoManifest { .. }) => {
            "`windlass_corpus_snapshots` lists the snapshots that there are."
        }
        Error::Store(StoreError::Denied { .. }) => {
            "Check that key, `access_key_id` and `secret_access_key` of the `store` block or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY in the environment, and what it may do: list the bucket, and read, write and delete \
             objects."
        }
        Error::Store(StoreError::NoBucket { .. }) => {
            "Make the bucket, or correct its name (`store`, or `url` of the `store` block) or the server's address \
             (`endpoint`)."
        }
        Error::Store(StoreError::Held { .. }) => {
            "Wait until then, or have somebody end the lock who may. Nothing of it was removed."
        }
        Error::Store(_) => {
            "Check the store: that it is there, that there is room, and that we may write to it."
        }
        Error::Locked { .. } => {
            "Give the private key of one of them, by the provider's `sops` block or SOPS_AGE_KEY_FILE."
        }
        Error::Restic(error) => restic_next(error),
        Error::Unfinished { .. } => {
            "Look at what the command has left; when the cause is gone, apply again, which restores from the beginning."
        }
        Error::NoOutput { .. } => {
            "Look at the command: it has to write to stdout, and to fail when it cannot (`pipefail`, where it is a pipe)."
        }
        Error::Unconfirmed { .. } => {
            "Set `overwrite = true` and `confirm` to the name of the container if what is there may go."
        }
        Error::Stack(_) => "Wait until whoever works on the stack is done, then apply again.",
        Error::Lock(_) => "Wait until the other restore to this place is done, then apply again.",
        Error::CannotOwn { .. } => {
            "Connect as root or with `sudo = true` on the host, or name the login's own numbers in `owner`."
        }
        Error::Transform { .. } => {
            "Correct the command; it runs on the host, before anything takes its place."
        }
        Error::CannotTransform { .. } => {
            "Connect as root or with `sudo = true` on the host, or take `transform` out."
        }
        Error::NotProven { .. } => {
            "Look at what a dump leaves out there: data in tables of extensions, roles, and what the server needs \
             (`server_args`)."
        }
        Error::NoService { .. } => "Correct `services`.",
        Error::QuiescesItself { .. } => {
            "Name the services that write into it, in `services`, and not the one that the copy is made in."
        }
        Error::QuiesceExpired { .. } => "Set `timeout` to more than it takes, then apply again.",
        Error::NotResumed { .. } => "Look at their logs, and start them.",
        Error::StillQuiesced { .. } => "When the cause is gone, apply again.",
        Error::Recipients(_) => "Correct `encrypt_to`.",
        Error::SamePlace { .. } => "Correct `copies`.",
        Error::NotEncrypted { .. }
        | Error::Foreign { .. }
        | Error::Host(_)
        | Error::Docker(_)
        | Error::File(_)
        | Error::Archive(_)
        | Error::Manifest(_)
        | Error::Pack { .. }
        | Error::Thread(_) => "Run the same command again.",
    };
    (told(), next.to_owned())
}

fn restic_attribute(error: &ResticError) -> Option<&'static str> {
    match error {
        ResticError::NoRepository { .. }
        | ResticError::WrongPassword { .. }
        | ResticError::Locked { .. }
        | ResticError::NoSnapshot { .. } => Some("store"),
        ResticError::SeveralPaths { .. } => Some("snapshot"),
        ResticError::Incomplete { .. } => Some("exclude"),
        _ => None,
    }
}

fn restic_next(error: &ResticError) -> &'static str {
    match error {
        ResticError::Missing { .. } => {
            "Install restic there (Debian 13 and Ubuntu 25.04 have a version that is new enough)."
        }
        ResticError::TooOld { .. } => "Install a newer one; Debian 13 has 0.18.",
        ResticError::NoRepository { .. } => {
            "It is made when the resource is created, and not later: a disk that is not mounted looks like this. Check the \
             place, or make it with `restic init`."
        }
        ResticError::WrongPassword { .. } => "Correct `password` of the `store` block, or RESTIC_PASSWORD.",
        ResticError::Locked { .. } => {
            "Wait until whoever works with it is done. What a restic of that very host has left is taken away by itself; a \
             lock of another machine that is gone goes with `restic unlock` there or, once nobody works with the \
             repository, with `restic unlock --remove-all`."
        }
        ResticError::Incomplete { .. } => {
            "What was stored all the same was taken back. Connect as root or with `sudo = true` on the host, or leave out what \
             cannot be read (`exclude`)."
        }
        ResticError::NoSnapshot { .. } => "`windlass_corpus_snapshots` lists the snapshots that there are.",
        ResticError::SeveralPaths { .. } => {
            "Restore it with restic itself, and name a snapshot of one directory here."
        }
        ResticError::NotFiles { .. } => {
            "Connect as root or with `sudo = true` on the host, for a volume. For anything else, leave `engine` out and name \
             another store."
        }
        ResticError::Interrupted { .. } | ResticError::Answer { .. } => "Run the same command again.",
        ResticError::Failed { .. } => "restic says the rest: look after the repository and the way there.",
    }
}

fn refused(why: Why) -> String {
    match why {
        Why::LinkOutside => {
            "Leave the link out (`exclude`), or allow such links with `links = \"any\"`, here and where it is restored."
        }
        Why::SetId => "Take the bit away, or leave the file out (`exclude`): what is restored must not bring rights with it.",
        Why::Kind => "Leave it out (`exclude`).",
        Why::Traversal | Why::BelowLink | Why::Twice | Why::HardLink => {
            "No tar of ours makes such an archive: somebody has made it to write elsewhere. Restore another snapshot, and \
             look who can write to the store."
        }
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use backup::{RawPath, Refusal};

    use super::*;

    #[test]
    fn what_happened_and_what_to_do_is_told() {
        let error = Error::Empty { subject: Subject::Path("/srv/data".into()), host: "deploy@web:22".into() };
        assert_eq!(
            corpus_error("Could not back up corpus \"prod\"", &error, "There is no new snapshot.")
                .to_string(),
            "Could not back up corpus \"prod\" (at path)\nThere is no file in /srv/data on deploy@web:22.\n\n\
             There is no new snapshot.\n\nA disk that is not mounted looks like this. Check the name, and `exclude`."
        );
        let error = Error::Elsewhere {
            service: "shop_db".into(),
            host: "deploy@web:22".into(),
            nodes: "\"db-1\", \"db-2\"".into(),
        };
        assert_eq!(
            corpus_error("T", &error, "W.").to_string(),
            "T (at host)\nService \"shop_db\" does not run on deploy@web:22, but on node \"db-1\", \"db-2\".\n\nW.\n\n\
             Let `host` be that node, and have a placement constraint keep the service there: its container is worked on \
             where it runs."
        );
        let failed = || {
            Box::new(Error::Host(remote::Error::Failed {
                program: "psql".into(),
                host: "web".into(),
                status: 3,
                stderr: "ERROR: no such table\n".into(),
            }))
        };
        let (host, stack, volume) = (|| "web".to_owned(), "shop".to_owned(), "data".to_owned());
        let subject = Subject::Database("shop".into());
        for error in [
            Error::OwnSql { place: "at the end", subject, host: host(), source: failed() },
            Error::Unfinished { container: "db".into(), host: host(), source: failed() },
            Error::LeftOver { volume, host: host(), source: failed() },
            Error::StillQuiesced { stack, host: host(), seconds: 9, source: failed() },
        ] {
            let told = corpus_error("T", &error, "W.").to_string();
            assert!(told.contains("ended with status 3:\nERROR: no such table\n\nW."), "{told}");
        }
        let uri = backup::ServerUri::parse(&secret::Secret::new("mysql://a:pw@b/c")).unwrap_err();
        let error = Error::Uri { subject: Subject::Database("shop".into()), source: uri };
        assert_eq!(
            corpus_error("T", &error, "W.").to_string(),
            "T (at postgres)\nThe URI of the server of database \"shop\" does not say where that is: it has to begin with \
             postgresql:// or postgres://.\n\nW.\n\nCorrect `uri_wo`."
        );
        let refusal = Refusal { path: RawPath::from("a/out"), why: Why::LinkOutside };
        let error = Error::Archive(ArchiveError::Refused(refusal));
        assert_eq!(
            corpus_error("T", &error, "W.").to_string(),
            "T\n\"a/out\" is a symbolic link that leads out of the directory.\n\nW.\n\nLeave the link out (`exclude`), or \
             allow such links with `links = \"any\"`, here and where it is restored."
        );
    }
}
