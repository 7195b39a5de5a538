use super::*;
use crate::Connection;

fn connection(text: &str) -> SshConnection {
    match text.parse().unwrap() {
        Connection::Ssh(ssh) => *ssh,
        other => panic!("{other:?}"),
    }
}

fn choose_with(
    text: &str,
    blocks: &[SshSettings],
    environment: &[(&str, &str)],
) -> Result<Credentials, CredentialsError> {
    choose(&connection(text), blocks, |name| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

fn unnamed() -> SshSettings {
    SshSettings { user: Some("block".into()), port: Some(2222), ..SshSettings::default() }
}

fn named_block(name: &str) -> SshSettings {
    SshSettings { name: Some(name.into()), ..SshSettings::default() }
}

#[test]
fn user_and_port_come_from_the_first_who_says_so() {
    let environment = [("WINDLASS_SSH_USER", "env"), ("WINDLASS_SSH_PORT", "2200")];
    for (text, blocks, environment, user, port) in [
        ("ssh://string@h:2022", vec![unnamed()], &environment[..], "string", 2022),
        ("ssh://h", vec![unnamed()], &environment[..], "block", 2222),
        ("ssh://h", vec![], &environment[..], "env", 2200),
        ("ssh://h", vec![], &[][..], "root", 22),
        ("ssh://h?identity=n", vec![unnamed(), named_block("n")], &environment[..], "root", 22),
    ] {
        let chosen = choose_with(text, &blocks, environment).unwrap().target;
        assert_eq!(chosen, Login { user: user.into(), host: "h".into(), port }, "{text} {environment:?}");
    }
}

#[test]
fn a_jump_host_has_the_same_user_and_its_own_port() {
    let chosen = choose_with("ssh://string@h?jump=b,ops@c:2022", &[unnamed()], &[]).unwrap();
    let login = |user: &str, host: &str, port| Login { user: user.into(), host: host.into(), port };
    assert_eq!(chosen.jump, [login("block", "b", 22), login("ops", "c", 2022)]);
}

#[test]
fn the_environment_fills_what_the_unnamed_block_leaves_out() {
    let environment = [
        ("HOME", "/home/me"),
        ("WINDLASS_SSH_PRIVATE_KEY_FILE", "~/.ssh/id"),
        ("WINDLASS_SSH_PASSPHRASE", "hunter2"),
        ("WINDLASS_SSH_KNOWN_HOSTS_FILE", "/etc/known"),
        ("WINDLASS_SSH_CONNECT_TIMEOUT", "2m"),
        ("WINDLASS_SSH_AGENT", "true"),
    ];
    let chosen = choose_with("ssh://h", &[unnamed()], &environment).unwrap();
    let expected = Credentials {
        target: Login { user: "block".into(), host: "h".into(), port: 2222 },
        jump: vec![],
        key: Some(Key::File("/home/me/.ssh/id".into())),
        passphrase: Some("hunter2".into()),
        agent: Agent::Required,
        known_hosts_file: Some("/etc/known".into()),
        connect_timeout: Duration::from_secs(120),
    };
    assert_eq!(chosen, expected);
    assert!(!format!("{chosen:?}").contains("hunter2"));
}

#[test]
fn a_key_in_the_block_hides_every_key_of_the_environment() {
    let block = SshSettings { private_key: Some("in block".into()), ..SshSettings::default() };
    let environment = [("WINDLASS_SSH_PRIVATE_KEY_FILE", "/env/id")];
    let chosen = choose_with("ssh://h", &[block], &environment).unwrap();
    assert_eq!(chosen.key, Some(Key::Text("in block".into())));
}

#[test]
fn a_named_block_stands_for_itself() {
    let environment =
        [("WINDLASS_SSH_PRIVATE_KEY_FILE", "/env/id"), ("WINDLASS_SSH_AGENT", "nonsense is not looked at")];
    let chosen = choose_with("ssh://h?identity=n", &[named_block("n")], &environment).unwrap();
    assert_eq!((chosen.key, chosen.agent), (None, Agent::IfThere));
}

#[test]
fn the_agent_is_asked_unless_there_is_a_key_or_a_word_against_it() {
    let key = || Some("/id".to_owned());
    for (key, setting, expected) in [
        (None, None, Agent::IfThere),
        (key(), None, Agent::Never),
        (key(), Some(true), Agent::Required),
        (None, Some(true), Agent::Required),
        (None, Some(false), Agent::Never),
    ] {
        let block = SshSettings { private_key_file: key, agent: setting, ..SshSettings::default() };
        assert_eq!(choose_with("ssh://h", &[block], &[]).unwrap().agent, expected, "{setting:?}");
    }
}

#[test]
fn what_cannot_be_chosen_is_explained() {
    let two_keys = SshSettings {
        private_key: Some("hunter2".into()),
        private_key_file: Some("/id".into()),
        ..SshSettings::default()
    };
    let key_twice = [("WINDLASS_SSH_PRIVATE_KEY", "hunter2"), ("WINDLASS_SSH_PRIVATE_KEY_FILE", "/id")];
    type Case<'a> = (&'a str, Vec<SshSettings>, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 9] = [
        (
            "ssh://h?identity=x",
            vec![],
            &[],
            "the connection asks for identity \"x\", and no SSH settings have a name",
        ),
        (
            "ssh://h?identity=x",
            vec![unnamed(), named_block("a"), named_block("b")],
            &[],
            "the connection asks for identity \"x\", and the SSH settings are named \"a\", \"b\"",
        ),
        ("ssh://h", vec![unnamed(), unnamed()], &[], "SSH settings without a name are given twice"),
        (
            "ssh://h",
            vec![named_block("a"), named_block("a")],
            &[],
            "the SSH settings named \"a\" are given twice",
        ),
        (
            "ssh://h",
            vec![two_keys],
            &[],
            "the SSH settings without a name give both a private key and a private key file; one of them must go",
        ),
        (
            "ssh://h",
            vec![],
            &key_twice,
            "the environment variables give both a private key and a private key file; one of them must go",
        ),
        (
            "ssh://h",
            vec![],
            &[("WINDLASS_SSH_PORT", "0")],
            "environment variable WINDLASS_SSH_PORT is not a port number",
        ),
        (
            "ssh://h",
            vec![],
            &[("WINDLASS_SSH_AGENT", "maybe")],
            "environment variable WINDLASS_SSH_AGENT is neither true nor false",
        ),
        (
            "ssh://h",
            vec![],
            &[("WINDLASS_SSH_CONNECT_TIMEOUT", "soon")],
            "environment variable WINDLASS_SSH_CONNECT_TIMEOUT is not a duration such as 30s or 2m",
        ),
    ];
    for (text, blocks, environment, expected) in cases {
        let error = choose_with(text, &blocks, environment).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let environment = [("WINDLASS_SSH_USER", ""), ("WINDLASS_SSH_PORT", "")];
    let chosen = choose_with("ssh://h", &[], &environment).unwrap();
    assert_eq!((chosen.target.user.as_str(), chosen.target.port), ("root", 22));
}
