//! What restic's ends mean, by a host that follows a script; and the script that starts it, by a real shell.

use std::fs;

use remote::{Command, Fake, Input, Local, collect::run, fake::Reply};
use secret::Secret;
use tokio_util::sync::CancellationToken;

use super::{
    commands,
    locks::ABOUT,
    run::{Restic, command},
};
use crate::{Repository, ResticError, error::Error};

const VERSION: &str = r#"{"message_type":"version","version":"0.18.1"}"#;
const LOCK: &str =
    r#"{"time":"2026-11-30T12:00:00Z","exclusive":true,"hostname":"web","username":"root","pid":21}"#;

fn repository() -> Repository {
    Repository::new("/srv/restic".parse().unwrap(), Secret::new("word"), "the test")
}

fn fatal(status: u32, said: &str) -> Reply {
    Reply::failure(status, format!(r#"{{"message_type":"exit_error","code":{status},"message":"{said}"}}"#))
}

fn expect(host: &Fake, words: Vec<String>, reply: Reply) {
    host.expect(command(words).words().to_vec(), reply);
}

async fn opened(replies: [Option<Reply>; 3], makes: bool) -> Result<(), Error> {
    let (host, cancel) = (Fake::new("web"), CancellationToken::new());
    for (words, reply) in [commands::version(), commands::config(), commands::init()].into_iter().zip(replies)
    {
        reply.into_iter().for_each(|reply| expect(&host, words.clone(), reply));
    }
    let done = Restic { exec: &host, repository: &repository(), cancel: &cancel }.open(makes).await;
    assert_eq!(host.unmet(), Vec::<Vec<String>>::new());
    done
}

#[tokio::test]
async fn every_exit_code_is_told() {
    let version = || Some(Reply::ok(VERSION));
    for (status, told) in [
        (1, "restic on web could not open the repository (/srv/restic, status 1): Fatal: no"),
        (2, "restic on web could not open the repository (/srv/restic, status 2): Fatal: no"),
        (10, "there is no repository of restic at /srv/restic, as web sees it"),
        (11, "the repository /srv/restic is locked: Fatal: no"),
        (12, "the password from the test does not open the repository /srv/restic"),
        (130, "restic on web was interrupted"),
    ] {
        let error = opened([version(), Some(fatal(status, "Fatal: no")), None], false).await.unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    let missing = opened([Some(Reply::failure(127, "sh: restic: not found")), None, None], false).await;
    assert_eq!(missing.unwrap_err().to_string(), "there is no restic on web");
    let old = opened([Some(Reply::ok("restic 0.14.0 compiled with go1.19.8")), None, None], false).await;
    assert_eq!(
        old.unwrap_err().to_string(),
        "restic on web is 0.14.0, and the oldest that tells what happened is 0.17.1"
    );
    // It is made only where that is said.
    opened([version(), Some(fatal(10, "none")), Some(Reply::ok("{}"))], true).await.unwrap();
    opened([version(), Some(Reply::ok("{}")), None], true).await.unwrap();
}

/// What comes of a check that finds a lock, whose owner was a process of a host of this name.
async fn locked(hostname: &str, is_stale: bool) -> Result<(), Error> {
    let (host, cancel, check) = (Fake::new("web"), CancellationToken::new(), commands::check("--read-data"));
    expect(&host, check.clone(), fatal(11, "locked by PID 21"));
    host.expect(["sh", "-c", ABOUT], Reply::ok("web\n1 20 self\n"));
    expect(&host, commands::locks(), Reply::ok("\"aa11\"\n"));
    expect(&host, commands::lock("aa11"), Reply::ok(LOCK.replace("web", hostname)));
    if is_stale {
        expect(&host, commands::unlock(), Reply::ok(""));
    }
    let again = [vec!["--retry-lock=60s".to_owned()], check.clone()].concat();
    expect(&host, again, if is_stale { Reply::ok("{}") } else { fatal(11, "locked by PID 21") });
    let restic = Restic { exec: &host, repository: &repository(), cancel: &cancel };
    let done = restic.done(check, "check the repository").await.map(drop);
    assert_eq!(host.unmet(), Vec::<Vec<String>>::new());
    done
}

#[tokio::test]
async fn a_lock_of_a_process_of_the_host_that_is_gone_goes_and_no_other() {
    locked("web", true).await.unwrap();
    let error = locked("db", false).await.unwrap_err();
    assert!(
        matches!(&error, Error::Restic(ResticError::Locked { by, .. }) if by == "locked by PID 21"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_could_not_be_read_is_an_error_and_names_what_was_stored() {
    let (host, cancel) = (Fake::new("web"), CancellationToken::new());
    let words = commands::backup("/srv/data", &["windlass:prod".to_owned()], &[]);
    let lines = [
        r#"{"message_type":"status","percent_done":0.7,"files_done":2,"bytes_done":5}"#,
        r#"{"message_type":"summary","snapshot_id":"ab12","total_files_processed":1}"#,
    ];
    let failed = r#"{"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/srv/data/a"}"#;
    expect(&host, words.clone(), Reply::failure(3, failed).stdout(lines.join("\n")));
    expect(&host, words.clone(), Reply::ok(lines.join("\n")));
    expect(&host, words.clone(), Reply::ok(lines[0]));
    let repository = repository();
    let restic = Restic { exec: &host, repository: &repository, cancel: &cancel };
    let (error, id) = restic.backup(words.clone(), "/srv/data").await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), id.as_deref()),
        ("restic on web could not read all of /srv/data: /srv/data/a: permission denied", Some("ab12"))
    );
    assert_eq!(restic.backup(words.clone(), "/srv/data").await.unwrap().snapshot_id, "ab12");
    // An end that is good and a summary that is missing contradict each other.
    let (error, _) = restic.backup(words, "/srv/data").await.unwrap_err();
    assert!(error.to_string().ends_with("there is no summary"), "{error}");
    // The password is in no word of a command.
    let calls = host.calls();
    assert!(
        calls.iter().all(|call| call.command.is_privileged() && call.stdin.starts_with(b"word\nRESTIC_"))
    );
    assert!(calls.iter().all(|call| !call.command.words().iter().any(|word| word == "word")));
}

#[tokio::test]
async fn the_script_hands_the_password_over_by_a_pipe() {
    let place = tempfile::tempdir().unwrap();
    let told = place.path().join("told");
    let told = told.to_str().unwrap();
    let look = r#"{ cat "$RESTIC_PASSWORD_FILE"; stat -L -c %F "$RESTIC_PASSWORD_FILE"; echo "$RESTIC_REPOSITORY"; cat; } >"$1"; \
                  exit 12"#;
    // What is started in restic's place looks at what it is given.
    let words = command(Vec::new()).words()[..4].to_vec();
    let script = Command::new(words).args(["sh", "-c", look, "look", told]);
    let ended = run(&Local::new(), &script, Input::bytes(repository().input())).await.unwrap();
    assert_eq!(ended.status, 12, "{ended:?}");
    let told = fs::read_to_string(told).unwrap();
    // Nothing is left on stdin, and nothing lies on a disk.
    assert_eq!(told, "word\nfifo\n/srv/restic\n");
}
