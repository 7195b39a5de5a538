//! OpenSSH's rules as a table, and against OpenSSH itself where it can be asked.

use std::{fs, process::Command};

use super::*;

/// Keys of nobody, made for these tests.
const KEYS: [&str; 4] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHEoR2XTfxm3QeSNIEs9wVdb+nFJci0KJYEDpW/1LGfM",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJIN6Hk7y7XmJHTPuywTzHVIg0fJWBbGDcfOWtqeztqs",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPZpYashhlckhmpBRab2fAVSGa3liQca6Zi1j65kr4qK",
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMudKRDgg6ZMUznsdNAqaekZaMdTPhuPHTz/GLZSknKe+94GPaZIzZzHrcyh+LbsQsgsfvBItUCkpBlBI4Po32c=",
];

/// `A` to `D` in a line stand for the keys.
fn lines(text: &str) -> Vec<Line> {
    let mut full = String::new();
    for line in text.lines() {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        if let Some(last) = words.last_mut()
            && let Some(key) = "ABCD".find(last.as_str()).filter(|_| last.len() == 1)
        {
            *last = KEYS[key].to_owned();
        }
        full += &(words.join(" ") + "\n");
    }
    parse(Path::new("known_hosts"), &full)
}

fn key(letter: char) -> PublicKey {
    PublicKey::from_openssh(KEYS["ABCD".find(letter).unwrap()]).unwrap()
}

fn verdict(text: &str, address: &str, port: u16, offered: char) -> String {
    match check(&lines(text), address, port, &key(offered)) {
        Verdict::Known => "known".to_owned(),
        Verdict::Revoked(line) => format!("revoked by {}", line.number),
        Verdict::Changed(lines) => {
            let numbers: Vec<String> = lines.iter().map(|line| line.number.to_string()).collect();
            format!("changed from {}", numbers.join(","))
        }
        Verdict::OnlyAuthority(line) => format!("authority in {}", line.number),
        Verdict::Unknown => "unknown".to_owned(),
    }
}

#[test]
fn rules() {
    let table = [
        // what is written, where we go, what is offered, what that means
        ("web A", "web", 22, 'A', "known"),
        ("web A", "WEB", 22, 'A', "known"),
        ("WEB A", "web", 22, 'A', "known"),
        ("web A", "web", 22, 'B', "changed from 1"),
        ("web A", "db", 22, 'A', "unknown"),
        ("", "web", 22, 'A', "unknown"),
        // Several keys, in any order: rotation.
        ("web A\nweb B", "web", 22, 'B', "known"),
        ("web A\nweb B", "web", 22, 'A', "known"),
        ("web A\nweb B", "web", 22, 'C', "changed from 1,2"),
        ("web D\nweb A", "web", 22, 'A', "known"),
        ("web D", "web", 22, 'A', "changed from 1"),
        // Markers.
        ("@revoked web A", "web", 22, 'A', "revoked by 1"),
        ("web A\n@revoked web A", "web", 22, 'A', "revoked by 2"),
        ("@revoked * A\nweb A", "web", 22, 'A', "revoked by 1"),
        ("@revoked web A\nweb B", "web", 22, 'B', "known"),
        ("@revoked web A", "web", 22, 'B', "unknown"),
        ("@revoked other A\nweb A", "web", 22, 'A', "known"),
        ("@cert-authority *.example.org A", "web.example.org", 22, 'B', "authority in 1"),
        // The key of an authority is no host's own key.
        ("@cert-authority *.example.org A", "web.example.org", 22, 'A', "authority in 1"),
        ("@cert-authority * A\nweb B", "web", 22, 'B', "known"),
        ("@unheard-of web A", "web", 22, 'A', "unknown"),
        // Lists, wildcards, negation.
        ("db,web,cache A", "web", 22, 'A', "known"),
        ("*.example.org A", "web.example.org", 22, 'A', "known"),
        ("*.example.org A", "example.org", 22, 'A', "unknown"),
        ("web? A", "web1", 22, 'A', "known"),
        ("web? A", "web", 22, 'A', "unknown"),
        ("*.example.org,!db.example.org A", "db.example.org", 22, 'A', "unknown"),
        ("*.example.org,!db.example.org A", "web.example.org", 22, 'A', "known"),
        ("!db.example.org A", "web.example.org", 22, 'A', "unknown"),
        ("*a*b*c* A", "xxaxxbxxcxx", 22, 'A', "known"),
        ("*a*b*c* A", "xxaxxcxxbxx", 22, 'A', "unknown"),
        // Ports.
        ("[web]:2222 A", "web", 2222, 'A', "known"),
        ("[web]:2222 A", "web", 22, 'A', "unknown"),
        ("[web]:2222 A", "web", 2223, 'A', "unknown"),
        ("[*]:2222 A", "web", 2222, 'A', "known"),
        ("web A", "web", 2222, 'A', "known"),
        ("web A", "web", 2222, 'B', "unknown"),
        ("web A\n[web]:2222 B", "web", 2222, 'A', "changed from 2"),
        ("@revoked web A", "web", 2222, 'A', "revoked by 1"),
        ("::1 A", "::1", 22, 'A', "known"),
        ("[::1]:2222 A", "::1", 2222, 'A', "known"),
        // What is not read.
        ("# web A", "web", 22, 'A', "unknown"),
        ("web ssh-ed25519", "web", 22, 'A', "unknown"),
        ("web ssh-ed25519 !!!!", "web", 22, 'A', "unknown"),
        ("|1|garbage A", "web", 22, 'A', "unknown"),
        ("|2|c2FsdA==|c2FsdA== A", "web", 22, 'A', "unknown"),
    ];
    for (text, address, port, offered, expected) in table {
        assert_eq!(
            verdict(text, address, port, offered),
            expected,
            "{text:?} for {address}:{port} offering {offered}"
        );
    }
}

#[test]
fn tabs_comments_and_the_wrong_type_before_a_key() {
    let tabs = format!("\tweb\t{}\tsome comment here", KEYS[0].replace(' ', "\t"));
    assert!(matches!(check(&parse(Path::new("f"), &tabs), "web", 22, &key('A')), Verdict::Known));
    let wrong = format!("web {}", KEYS[0].replace("ssh-ed25519", "ssh-rsa"));
    assert!(matches!(check(&parse(Path::new("f"), &wrong), "web", 22, &key('A')), Verdict::Unknown));
}

#[test]
fn recorded_types_are_those_of_the_hosts_own_keys() {
    let types = |text: &str, port: u16| -> Vec<String> {
        let lines = lines(text);
        recorded(&lines, "web", port).iter().map(|key| key.algorithm().as_str().to_owned()).collect()
    };
    assert_eq!(types("web D\n@revoked web A\n@cert-authority web B\ndb A", 22), ["ecdsa-sha2-nistp256"]);
    assert_eq!(types("web D", 2222), ["ecdsa-sha2-nistp256"]);
    assert_eq!(types("web D\n[web]:2222 A", 2222), ["ssh-ed25519"]);
}

/// `ssh-keygen -H` hashes names, `ssh-keygen -F` finds them: ours has to agree with both.
#[test]
fn hashed_names_as_ssh_keygen_makes_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    fs::write(&file, format!("web.example.org {}\n[db.example.org]:2222 {}\n", KEYS[0], KEYS[1])).unwrap();
    let keygen = |arguments: &[&str]| {
        Command::new("ssh-keygen").args(arguments).arg("-f").arg(&file).output().expect("ssh-keygen")
    };
    assert!(keygen(&["-H"]).status.success());
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("example.org"), "{text}");
    let lines = parse(&file, &text);
    for (name, address, port, offered) in [
        ("web.example.org", "web.example.org", 22, 'A'),
        ("[db.example.org]:2222", "db.example.org", 2222, 'B'),
    ] {
        assert!(keygen(&["-F", name]).status.success(), "{name}");
        assert!(matches!(check(&lines, address, port, &key(offered)), Verdict::Known), "{name}");
    }
    assert!(!keygen(&["-F", "cache.example.org"]).status.success());
    assert!(matches!(check(&lines, "cache.example.org", 22, &key('A')), Verdict::Unknown));
}

/// Every names field of the table means the same to `ssh-keygen -F`.
#[test]
fn patterns_as_ssh_keygen_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    let fields = [
        "web",
        "WEB",
        "db,web",
        "*.example.org",
        "web?",
        "*.example.org,!db.example.org",
        "!db.example.org",
        "*",
        "[web]:2222",
        "[*]:2222",
        "*a*b*c*",
        "!*,web",
        "web,!web",
        "?eb",
        "w*b",
    ];
    let names = [
        "web",
        "web1",
        "example.org",
        "web.example.org",
        "db.example.org",
        "[web]:2222",
        "[db]:2222",
        "xxaxxbxxc",
    ];
    for field in fields {
        fs::write(&file, format!("{field} {}\n", KEYS[0])).unwrap();
        for name in names {
            let theirs = Command::new("ssh-keygen").args(["-F", name, "-f"]).arg(&file).output().unwrap();
            assert_eq!(matches(field, name), theirs.status.success(), "{field:?} for {name:?}");
        }
    }
}
