//! Nobody learns who we are before the host has shown the right key.

use std::{fs, process::Command as System, time::Duration};

use remote::{Command, Error, Input, connection::SshConnection, credentials::Credentials, run};
use ssh::{OfferedKey, Pool};
use tokio::time::Instant;

use crate::server::{Sshd, keygen};

async fn visit(sshd: &Sshd, connection: &SshConnection) -> Result<(), Error> {
    let exec = Pool::with_agent(None).executor(connection, &sshd.credentials());
    run(&*exec, &Command::new(["true"]), Input::Nothing).await.map(|_| ())
}

/// `SHA256:…` of one of the server's keys, as ssh-keygen tells it.
fn fingerprint(sshd: &Sshd, key: &str) -> String {
    let output = System::new("ssh-keygen").arg("-lf").arg(sshd.path(&format!("{key}.pub"))).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

fn pinned(sshd: &Sshd, kind: &str, fingerprint: &str) -> SshConnection {
    let base64url = fingerprint.replace('+', "-").replace('/', "_");
    sshd.connection(&format!("?host_key={kind}:{base64url}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_key_is_enough_and_a_wrong_one_is_the_end() {
    let sshd = Sshd::start(&[]);
    fs::write(sshd.path("known_hosts"), "").unwrap();
    let right = fingerprint(&sshd, "host");
    visit(&sshd, &pinned(&sshd, "ssh-ed25519", &right)).await.unwrap();

    let before = sshd.authentications();
    assert!(before > 0, "the log must show what we look for:\n{}", sshd.log());
    keygen(&sshd.path("other"), &["-t", "ed25519"]);
    let wrong = fingerprint(&sshd, "other");
    let error = visit(&sshd, &pinned(&sshd, "ssh-ed25519", &wrong)).await.unwrap_err();
    let Error::HostKeyMismatch { expected, offered, .. } = error else { panic!("{error:?}") };
    assert_eq!(expected, [format!("ssh-ed25519 {wrong}")]);
    assert_eq!(offered, format!("ssh-ed25519 {right}"));
    assert_eq!(sshd.authentications(), before, "nothing was sent for authentication");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_that_is_shown_for_an_unknown_host_makes_it_known() {
    let sshd = Sshd::start(&[]);
    fs::write(sshd.path("known_hosts"), "").unwrap();
    let error = visit(&sshd, &sshd.connection("")).await.unwrap_err();
    let Error::HostKeyUnknown { offered, known_hosts_line, .. } = error else { panic!("{error:?}") };
    assert_eq!(offered, format!("ssh-ed25519 {}", fingerprint(&sshd, "host")));
    assert_eq!(sshd.authentications(), 0);
    fs::write(sshd.path("known_hosts"), known_hosts_line).unwrap();
    visit(&sshd, &sshd.connection("")).await.unwrap();
}

/// What real ssh says about the same file: whether it goes on to authenticate.
fn openssh_accepts(sshd: &Sshd) -> bool {
    let known_hosts = format!("UserKnownHostsFile={}", sshd.path("known_hosts").display());
    let output = System::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", &known_hosts])
        .args(["-o", "GlobalKnownHostsFile=none", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"])
        .arg("-i")
        .arg(sshd.path("user"))
        .args(["-p", &sshd.port.to_string(), "127.0.0.1", "true"])
        .output()
        .expect("ssh");
    output.status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn known_hosts_files_mean_what_they_mean_to_openssh() {
    let sshd = Sshd::start(&[]);
    keygen(&sshd.path("other"), &["-t", "ed25519"]);
    keygen(&sshd.path("ecdsa"), &["-t", "ecdsa"]);
    let (right, other, ecdsa) =
        (sshd.known_hosts_line("host"), sshd.known_hosts_line("other"), sshd.known_hosts_line("ecdsa"));
    let bare = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    let port = sshd.port;
    let cases = [
        ("right", right.clone(), true),
        ("none", String::new(), false),
        ("wrong", other.clone(), false),
        ("rotated", format!("{other}{right}"), true),
        ("of another type", ecdsa.clone(), false),
        ("also of another type", format!("{ecdsa}{right}"), true),
        ("revoked", format!("{right}@revoked {right}"), false),
        ("another one revoked", format!("{right}@revoked {other}"), true),
        ("revoked everywhere", format!("@revoked * {}{right}", bare(&right)), false),
        ("wildcard", format!("[127.0.*]:{port} {}", bare(&right)), true),
        ("negated", format!("[127.0.*]:{port},![127.0.0.1]:{port} {}", bare(&right)), false),
        ("without its port", format!("127.0.0.1 {}", bare(&right)), true),
        ("only an authority", format!("@cert-authority {right}"), false),
        ("in a list", format!("db,[127.0.0.1]:{port},web {}", bare(&right)), true),
        ("with tabs", right.replace(' ', "\t"), true),
        ("garbage before it", format!("hello\n\n# comment\nx ssh-ed25519 AAAA\n{right}"), true),
    ];
    for (name, text, accepted) in cases {
        fs::write(sshd.path("known_hosts"), &text).unwrap();
        let ours = visit(&sshd, &sshd.connection("")).await;
        assert_eq!(ours.is_ok(), accepted, "{name}: {ours:?}\n{text}");
        assert_eq!(openssh_accepts(&sshd), accepted, "{name}: OpenSSH differs\n{text}");
    }
    fs::write(sshd.path("known_hosts"), &right).unwrap();
    let hash = System::new("ssh-keygen").arg("-Hf").arg(sshd.path("known_hosts")).output().unwrap();
    assert!(hash.status.success());
    visit(&sshd, &sshd.connection("")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_authority_alone_is_said_to_be_unsupported() {
    let sshd = Sshd::start(&[]);
    fs::write(sshd.path("known_hosts"), format!("@cert-authority {}", sshd.known_hosts_line("host")))
        .unwrap();
    let error = visit(&sshd, &sshd.connection("")).await.unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("certificates are not supported") && text.contains("known_hosts line 1"), "{text}");
    assert_eq!(sshd.authentications(), 0);
}

/// A server with several keys shows the one that is recorded, whatever we would like best.
#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_type_is_asked_for_first() {
    let mut sshd = Sshd::prepare(&[]);
    let mut keys = vec!["host"];
    for (name, kind) in [("rsa", "rsa"), ("ecdsa", "ecdsa")] {
        keygen(&sshd.path(name), &["-t", kind]);
        keys.push(name);
    }
    sshd.configure(&[], &keys);
    sshd.run();
    for key in ["rsa", "ecdsa", "host"] {
        fs::write(sshd.path("known_hosts"), sshd.known_hosts_line(key)).unwrap();
        visit(&sshd, &sshd.connection("")).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
    }
    fs::write(sshd.path("known_hosts"), "").unwrap();
    for (key, kind) in [("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")] {
        let connection = pinned(&sshd, kind, &fingerprint(&sshd, key));
        visit(&sshd, &connection).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_shows_the_key_and_says_nothing_about_us() {
    let sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    let connection = sshd.connection("");
    let until = Instant::now() + Duration::from_secs(24 * 3600);
    let OfferedKey { fingerprint: offered, openssh } =
        pool.probe_host_key(&connection, &sshd.credentials(), until).await.unwrap();
    assert_eq!(offered.fingerprint(), fingerprint(&sshd, "host"));
    let public = fs::read_to_string(sshd.path("host.pub")).unwrap();
    assert!(public.starts_with(&format!("{openssh} ")), "{openssh}\n{public}");
    assert_eq!(sshd.authentications(), 0);
    assert_eq!(pool.handshakes(), 0);
    // And what it shows can be pinned.
    visit(&sshd, &SshConnection { host_keys: vec![offered], ..connection }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_hosts_file_that_was_asked_for_has_to_be_there() {
    let sshd = Sshd::start(&[]);
    let missing = sshd.path("nowhere").display().to_string();
    let credentials = Credentials { known_hosts_file: Some(missing.clone()), ..sshd.credentials() };
    let exec = Pool::with_agent(None).executor(&sshd.connection(""), &credentials);
    let error = run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap_err();
    assert!(
        matches!(error, Error::Configuration { .. }) && error.to_string().contains(&missing),
        "{error:?}"
    );
}
