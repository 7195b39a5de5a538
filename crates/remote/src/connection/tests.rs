use proptest::prelude::*;

use super::*;

const FINGERPRINT: &str = "uNiVztksCsDhcc0u9e8BgrJXVGDMGkWdK3q3mO2xFSc";

fn parse(text: &str) -> Result<Connection, ConnectionError> {
    text.parse()
}

fn normal(text: &str) -> String {
    parse(text).unwrap().to_string()
}

fn ssh(text: &str) -> SshConnection {
    match parse(text).unwrap() {
        Connection::Ssh(ssh) => *ssh,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_part_is_read() {
    let text = format!(
        "ssh://deploy@web.example.org:2222?host_key=ssh-ed25519:SHA256:{FINGERPRINT}\
         &jump=ops@bastion:2200,inner&docker=/run/user/1000/docker.sock&sudo=1&identity=prod"
    );
    let ssh = ssh(&text);
    assert_eq!(
        ssh.target,
        Hop { user: Some("deploy".into()), host: "web.example.org".into(), port: Some(2222) }
    );
    assert_eq!(ssh.host_keys[0].algorithm(), "ssh-ed25519");
    assert_eq!(ssh.host_keys[0].fingerprint(), format!("SHA256:{FINGERPRINT}"));
    assert_eq!(
        ssh.jump,
        [
            Hop { user: Some("ops".into()), host: "bastion".into(), port: Some(2200) },
            Hop { user: None, host: "inner".into(), port: None },
        ]
    );
    assert_eq!(ssh.docker.as_deref(), Some("/run/user/1000/docker.sock"));
    assert_eq!(ssh.sudo, Sudo::All);
    assert_eq!(ssh.identity.as_deref(), Some("prod"));
}

#[test]
fn normalising_is_exact() {
    let key = format!("ssh-ed25519:SHA256:{FINGERPRINT}");
    for (given, expected) in [
        ("ssh://Web.Example.ORG", "ssh://web.example.org".to_owned()),
        ("SSH://web/", "ssh://web".to_owned()),
        ("ssh://web:22", "ssh://web".to_owned()),
        ("ssh://web:0022", "ssh://web".to_owned()),
        ("ssh://web?", "ssh://web".to_owned()),
        ("ssh://web?sudo=0&docker=/var/run/docker.sock", "ssh://web".to_owned()),
        ("ssh://web?sudo=true&identity=a%20b", "ssh://web?identity=a%20b&sudo=1".to_owned()),
        ("ssh://web?sudo=docker&docker=/run/d.sock", "ssh://web?docker=/run/d.sock&sudo=docker".to_owned()),
        ("ssh://[2001:DB8:0:0::1]:22", "ssh://[2001:db8::1]".to_owned()),
        ("ssh://[fe80::1%eth0]:23", "ssh://[fe80::1%25eth0]:23".to_owned()),
        ("ssh://[fe80::1%25eth0]:23", "ssh://[fe80::1%25eth0]:23".to_owned()),
        ("ssh://d%65ploy@web", "ssh://deploy@web".to_owned()),
        ("ssh://a%40b%3Ac@web", "ssh://a%40b%3Ac@web".to_owned()),
        ("ssh://web?jump=A:22,[::1]:5", "ssh://web?jump=a,[::1]:5".to_owned()),
        ("ssh://web?jump=ops%40Bastion%3A22%2Cb", "ssh://web?jump=ops@bastion,b".to_owned()),
        ("ssh://web?jump=a%252Cb@c", "ssh://web?jump=a%252Cb@c".to_owned()),
        (&*format!("ssh://web?host_key=Ed25519:SHA256:{FINGERPRINT}="), format!("ssh://web?host_key={key}")),
        (&*format!("ssh://web?host_key={key}&host_key={key}"), format!("ssh://web?host_key={key}")),
        ("local://", "local://".to_owned()),
        ("local:///", "local://".to_owned()),
        ("LOCAL:///var/run/docker.sock", "local://".to_owned()),
        ("local:///run/my docker.sock", "local:///run/my%20docker.sock".to_owned()),
    ] {
        assert_eq!(normal(given), expected, "{given}");
    }
}

#[test]
fn both_base64_alphabets_name_the_same_key() {
    // 0xfb 0xff… holds the two characters in which the alphabets differ.
    let key = HostKey::new("rsa", [0xfb; 32]);
    let standard = format!("ssh://web?host_key=ssh-rsa:{}", key.fingerprint());
    assert!(standard.contains('+'), "{standard}");
    assert_eq!(parse(&standard), parse(&format!("ssh://web?host_key={key}")));
    assert!(normal(&standard).contains('-'));
}

#[test]
fn two_spellings_are_equal() {
    let a = "ssh://deploy@Web:22?sudo=1&docker=/run/d.sock";
    let b = "ssh://deploy@web/?docker=%2Frun%2Fd.sock&sudo=true";
    assert_eq!(parse(a).unwrap(), parse(b).unwrap());
    assert_ne!(parse("ssh://web").unwrap(), parse("ssh://root@web").unwrap());
}

#[test]
fn a_proxy_has_one_spelling() {
    for text in ["ssh://web?proxy=socks5://LocalHost:1080", "ssh://web?proxy=socks5h%3A%2F%2Flocalhost"] {
        assert_eq!(parse(text).unwrap().to_string(), "ssh://web?proxy=socks5://localhost");
    }
    let v6 = "ssh://web?proxy=socks5://[::1]:1055&sudo=1";
    assert_eq!(parse(v6).unwrap().to_string(), v6);
}

#[test]
fn what_is_wrong_is_named() {
    for (given, expected) in [
        ("web.example.org", "a connection starts with ssh:// or local://"),
        ("https://web", "a connection starts with ssh:// or local://"),
        ("ssh://", "the host is empty"),
        ("ssh://user@", "the host is empty"),
        ("ssh://@web", "the user is empty"),
        ("ssh://web:", "the port is not a valid port, because \"\" is not a number from 1 to 65535"),
        ("ssh://web:0", "the port is not a valid port, because \"0\" is not a number from 1 to 65535"),
        (
            "ssh://web:65536",
            "the port is not a valid port, because \"65536\" is not a number from 1 to 65535",
        ),
        ("ssh://web:+5", "the port is not a valid port, because \"+5\" is not a number from 1 to 65535"),
        (
            "ssh://2001:db8::1",
            "the port is not a valid port, because \"db8::1\" is not a number from 1 to 65535",
        ),
        (
            "ssh://-oProxyCommand=x",
            "the host is not a valid host name or address, because \"-oProxyCommand=x\" is neither a name nor an IPv4 address nor an IPv6 address in brackets",
        ),
        (
            "ssh://[::1",
            "the host is not a valid host name or address, because \"[\" is neither a name nor an IPv4 address nor an IPv6 address in brackets",
        ),
        (
            "ssh://[::1]x",
            "the host is not a valid host name or address, because \"[::1]x\" is neither a name nor an IPv4 address nor an IPv6 address in brackets",
        ),
        ("ssh://web/path", "a path after the host has no place in a connection"),
        ("ssh://web#x", "a \"#\" has no place in a connection"),
        ("ssh://%zz@web", "the user is not percent-encoded text"),
        ("ssh://a%00@web", "the user is not percent-encoded text"),
        ("ssh://web?sudo=yes", "parameter sudo is none of 1, 0 and docker: \"yes\""),
        ("ssh://web?sudo=0&sudo=1", "parameter sudo is given twice"),
        (
            "ssh://web?docker=docker.sock",
            "parameter docker is not the absolute path of a socket: \"docker.sock\"",
        ),
        ("ssh://web?identity=", "parameter identity is empty"),
        (
            "ssh://web?jump=a:x",
            "the port of parameter jump is not a valid port, because \"x\" is not a number from 1 to 65535",
        ),
        ("ssh://web?jump=", "the host of parameter jump is empty"),
        (
            "ssh://web?host_key=SHA256:abc",
            "parameter host_key is not of the form <type>:SHA256:<fingerprint>",
        ),
        (
            "ssh://web?host_key=ed25519:SHA256:abc",
            "parameter host_key has a fingerprint that is not 43 characters of base64",
        ),
        ("ssh://web?proxy=web:1080", "parameter proxy is not of the form socks5://host:port"),
        (
            "ssh://web?proxy=socks5://me@web",
            "parameter proxy has a user, and a proxy that asks who comes cannot be used",
        ),
        ("ssh://web?proxy=socks5://a&proxy=socks5://b", "parameter proxy is given twice"),
        ("local://web", "a host after local:// has no place in a connection"),
    ] {
        assert_eq!(parse(given).unwrap_err().to_string(), expected, "{given}");
    }
    let unknown = parse("ssh://web?known_hosts=x").unwrap_err();
    assert_eq!(unknown, ConnectionError::UnknownParameter { name: "known_hosts".into() });
    assert!(matches!(parse("local://?sudo=1"), Err(ConnectionError::UnknownParameter { .. })));
}

#[test]
fn a_password_is_refused_and_not_repeated() {
    for text in [
        "ssh://root:hunter2@web",
        "ssh://web?jump=ops:hunter2@bastion",
        "ssh://:hunter2@web",
        "ssh://web?proxy=socks5://me:hunter2@p",
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error, ConnectionError::Password, "{text}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

fn hops() -> impl Strategy<Value = Hop> {
    let host = prop_oneof![
        "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<Ipv6Addr>().prop_map(|address| address.to_string()),
    ];
    let user = proptest::option::of("[^\\p{Cc}]{1,10}");
    (user, host, proptest::option::of(1_u16..)).prop_map(|(user, host, port)| Hop { user, host, port })
}

fn sudo() -> impl Strategy<Value = Sudo> {
    prop_oneof![Just(Sudo::Nothing), Just(Sudo::Docker), Just(Sudo::All)]
}

fn connections() -> impl Strategy<Value = Connection> {
    let keys = proptest::collection::vec(
        ("[a-z0-9@.-]{1,20}", any::<[u8; 32]>()).prop_map(|(name, sha256)| HostKey::new(&name, sha256)),
        0..3,
    );
    let socket = || proptest::option::of("/[^\\p{Cc}]{1,20}");
    let text = proptest::option::of("[^\\p{Cc}]{1,10}");
    let proxy = proptest::option::of(hops().prop_map(|Hop { host, port, .. }| Proxy { host, port }));
    let ssh = (hops(), keys, proptest::collection::vec(hops(), 0..3), socket(), sudo(), text, proxy)
        .prop_map(|(target, host_keys, jump, docker, sudo, identity, proxy)| {
            SshConnection { target, host_keys, jump, docker, sudo, identity, proxy }.into()
        });
    prop_oneof![8 => ssh, 1 => socket().prop_map(|docker| LocalConnection { docker }.into())]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_is_written_is_read_back(connection in connections()) {
        let text = connection.to_string();
        let read: Connection = text.parse().map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(&read, &connection);
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(ssh|local)://\\PC{0,40}|(ssh|local)://[@:/?&=%a-z0-9,.\\[\\]-]{0,40}") {
        if let Ok(connection) = text.parse::<Connection>() {
            prop_assert_eq!(connection.to_string().parse::<Connection>().unwrap(), connection);
        }
    }
}
