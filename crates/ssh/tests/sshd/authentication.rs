//! Who is let in, and what is said to those who are not.

use std::{
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command as System, Stdio},
    time::Duration,
};

use remote::{
    Command, Error, Input,
    credentials::{Agent, Credentials, Key},
    run,
};
use secret::Secret;
use ssh::Pool;

use crate::server::{Sshd, keygen, me};

/// Logs in and runs something.
async fn log_in(sshd: &Sshd, credentials: &Credentials, agent: Option<PathBuf>) -> Result<(), Error> {
    let exec = Pool::with_agent(agent).executor(&sshd.connection(""), credentials);
    let output = run(&*exec, &Command::new(["true"]), Input::Nothing).await?;
    assert_eq!(output.status, 0);
    Ok(())
}

fn with_key(sshd: &Sshd, file: &str, passphrase: Option<&str>) -> Credentials {
    Credentials {
        key: Some(Key::File(sshd.path(file).display().to_string())),
        passphrase: passphrase.map(Secret::from),
        ..sshd.credentials()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_type_and_format_with_and_without_a_passphrase() {
    let sshd = Sshd::start(&[]);
    let types: [&[&str]; 5] = [
        &["-t", "ed25519"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ];
    let mut tried = 0;
    for kind in types {
        for format in ["RFC4716", "PEM", "PKCS8"] {
            // OpenSSH itself writes ed25519 keys in its own format only.
            if kind[1] == "ed25519" && format != "RFC4716" {
                continue;
            }
            for passphrase in [None, Some("correct horse")] {
                tried += 1;
                let mut file = format!("key{tried}");
                let mut arguments = kind.to_vec();
                if format == "RFC4716" {
                    // One round in place of 16: how long guessing takes is not what is tested.
                    arguments.extend(["-a", "1"]);
                } else {
                    arguments.extend(["-m", format]);
                }
                arguments.extend(["-N", passphrase.unwrap_or_default()]);
                keygen(&sshd.path(&file), &arguments);
                sshd.authorize(&sshd.path(&format!("{file}.pub")));
                let case = format!("{kind:?} {format} {passphrase:?}");
                let mut result = log_in(&sshd, &with_key(&sshd, &file, passphrase), None).await;
                if kind[1] == "ecdsa" && format == "RFC4716" && result.is_err() {
                    // The library does not read every ECDSA key in OpenSSH's format: now and then,
                    // most likely where the secret number begins with a zero byte, one is taken for
                    // damaged. A second one in a row would be something else.
                    file = format!("key{tried}-again");
                    keygen(&sshd.path(&file), &arguments);
                    sshd.authorize(&sshd.path(&format!("{file}.pub")));
                    result = log_in(&sshd, &with_key(&sshd, &file, passphrase), None).await;
                }
                if kind[1] == "ecdsa" && format == "PEM" && passphrase.is_some() {
                    let error = result.expect_err(&case).to_string();
                    assert!(error.contains("ssh-keygen -p"), "{case}: {error}");
                    continue;
                }
                result.unwrap_or_else(|error| panic!("{case}: {error:?}"));
                if passphrase.is_some() {
                    for (wrong, says) in [(None, "needs a passphrase"), (Some("battery"), "does not open it")]
                    {
                        let credentials = with_key(&sshd, &file, wrong);
                        let error = log_in(&sshd, &credentials, None).await.expect_err(&case).to_string();
                        assert!(
                            error.contains(says) && error.contains(&file),
                            "{case} with {wrong:?}: {error}"
                        );
                        assert!(!error.contains("battery"), "{error}");
                    }
                }
            }
        }
    }
    assert_eq!(tried, 26);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_given_as_text_may_be_indented_and_have_carriage_returns() {
    let sshd = Sshd::start(&[]);
    let text = std::fs::read_to_string(sshd.path("user")).unwrap().replace('\n', "\r\n    ");
    let credentials = Credentials { key: Some(Key::Text(Secret::new(text))), ..sshd.credentials() };
    log_in(&sshd, &credentials, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_cannot_be_used_is_named() {
    let sshd = Sshd::start(&[]);
    std::fs::write(sshd.path("nonsense"), "this is not a key").unwrap();
    for (file, says) in
        [("absent", "No such file"), ("nonsense", "is not an OpenSSH"), ("user.pub", "it is a public key")]
    {
        let error = log_in(&sshd, &with_key(&sshd, file, None), None).await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains(&sshd.path(file).display().to_string()), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_lists_what_was_tried_and_is_not_repeated() {
    let sshd = Sshd::start(&[]);
    keygen(&sshd.path("stranger"), &["-t", "ed25519"]);
    let error = log_in(&sshd, &with_key(&sshd, "stranger", None), None).await.unwrap_err();
    let Error::Authentication { user, tried, .. } = error else { panic!("{error:?}") };
    assert_eq!(user, me());
    assert_eq!(tried.len(), 2, "{tried:?}");
    assert_eq!(tried[0], "none");
    assert!(tried[1].contains("stranger") && tried[1].contains("ssh-ed25519 SHA256:"), "{tried:?}");
    let connections = sshd.log().matches("Connection from ").count();
    assert_eq!(connections, 1, "{}", sshd.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_has_enough_of_us_is_quoted() {
    let sshd = Sshd::start(&["MaxAuthTries 1"]);
    keygen(&sshd.path("stranger"), &["-t", "ed25519"]);
    let error = log_in(&sshd, &with_key(&sshd, "stranger", None), None).await.unwrap_err();
    let Error::Authentication { tried, .. } = error else { panic!("{error:?}") };
    assert!(tried[1].contains("Too many authentication failures"), "{tried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_wants_a_password_says_so() {
    let sshd = Sshd::start(&["PubkeyAuthentication no", "PasswordAuthentication yes"]);
    let error = log_in(&sshd, &sshd.credentials(), None).await.unwrap_err();
    let Error::Authentication { tried, .. } = error else { panic!("{error:?}") };
    assert!(tried[0].contains("only offers password"), "{tried:?}");
}

/// A real ssh-agent, ended when it is dropped.
struct AgentProcess {
    child: Child,
    socket: PathBuf,
}

impl AgentProcess {
    fn start(socket: PathBuf, keys: &[PathBuf]) -> Self {
        let child = System::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn();
        let mut agent = Self { child: child.expect("ssh-agent"), socket };
        // The socket is there a moment before anybody listens.
        while UnixStream::connect(&agent.socket).is_err() {
            assert!(matches!(agent.child.try_wait(), Ok(None)), "ssh-agent does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        for key in keys {
            let mut add = System::new("ssh-add");
            add.arg("-q").arg(key).env("SSH_AUTH_SOCK", &agent.socket);
            assert!(add.stderr(Stdio::null()).status().unwrap().success());
        }
        agent
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_asked_for_its_keys_one_after_the_other() {
    let sshd = Sshd::start(&[]);
    let mut keys = Vec::new();
    for (name, kind) in [("stranger", "ed25519"), ("rsa", "rsa"), ("ecdsa", "ecdsa")] {
        keygen(&sshd.path(name), &["-t", kind]);
        keys.push(sshd.path(name));
    }
    let agent = AgentProcess::start(sshd.path("agent"), &keys);
    let credentials = Credentials { key: None, agent: Agent::IfThere, ..sshd.credentials() };
    let error = log_in(&sshd, &credentials, Some(agent.socket.clone())).await.unwrap_err();
    let Error::Authentication { tried, .. } = error else { panic!("{error:?}") };
    assert_eq!(tried.len(), 4, "none and three keys: {tried:?}");

    for name in ["rsa", "ecdsa"] {
        sshd.authorize(&sshd.path(&format!("{name}.pub")));
        log_in(&sshd, &credentials, Some(agent.socket.clone())).await.unwrap();
        // The next round has to get in with the other key.
        std::fs::write(sshd.path("authorized"), "").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_not_there_is_told_where_it_matters() {
    let sshd = Sshd::start(&[]);
    let tried = |agent: Agent, socket: Option<PathBuf>| {
        let credentials = Credentials { key: None, agent, ..sshd.credentials() };
        let sshd = &sshd;
        async move {
            match log_in(sshd, &credentials, socket).await {
                Err(Error::Authentication { tried, .. }) => tried,
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(tried(Agent::IfThere, None).await, ["none"]);
    assert_eq!(tried(Agent::Never, Some(sshd.path("nowhere"))).await, ["none"]);
    assert_eq!(tried(Agent::Required, None).await[1], "agent (SSH_AUTH_SOCK is not set)");
    let gone = tried(Agent::IfThere, Some(sshd.path("nowhere"))).await;
    assert!(gone[1].contains("nowhere (not reached"), "{gone:?}");
}
