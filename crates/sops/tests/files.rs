//! Files as a whole: what is written opens again, what was changed does not, and what stays the same
//! keeps its ciphertext.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use secret::Secret;
use sops::{Error, File, Format, Identities, Recipient, Rules, Value, about, compact};

const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

struct Pair {
    identity: String,
    recipient: Recipient,
}

fn pair() -> Pair {
    use age::secrecy::ExposeSecret;
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string().parse().unwrap();
    Pair { identity: identity.to_string().expose_secret().to_owned(), recipient }
}

fn identities(text: &str) -> Identities {
    Identities::of_text(&Secret::new(text), "a test").unwrap()
}

fn open(text: &str, format: Format, pair: &Pair) -> Result<(File, Value), Error> {
    File::open(text, format, &mut identities(&pair.identity))
}

fn json(text: &str) -> Value {
    Format::Json.read_plain(text).unwrap()
}

const PLAIN: &str = r#"{"b":"x","empty":"","n":1,"f":0.5,"yes":true,"no":null,"l":[{"a":"1"},{"a":"1"}],"open_unencrypted":"seen"}"#;

#[test]
fn every_format_opens_again() {
    let pair = pair();
    let cases = [
        (Format::Json, "{\n\t\"a\": \"x\",\n\t\"n\": [\n\t\t1,\n\t\t2.5\n\t]\n}\n"),
        (Format::Yaml, "# a note\na: x\nl:\n    - 1\n    # inner\n    - b: true\n"),
        (Format::Dotenv, "# a note\nA=x\nB=two\\nlines\nC=\n"),
        (Format::Binary, "any\ntext \u{e4}"),
    ];
    for (format, plain) in cases {
        let mut file = File::new(format, std::slice::from_ref(&pair.recipient), Rules::default()).unwrap();
        let text = file.write(&format.read_plain(plain).unwrap()).unwrap();
        // Both have a character that no Base64 has: chance writes neither into a ciphertext.
        assert!(!text.contains("a note") && !text.contains("two\\n"), "{text}");
        let (_, tree) = open(&text, format, &pair).unwrap();
        assert_eq!(format.write_plain(&tree).unwrap().as_str(), plain);
    }
}

#[test]
fn names_and_what_a_rule_leaves_out_stay_readable() {
    let pair = pair();
    let mut file = File::new(Format::Json, std::slice::from_ref(&pair.recipient), Rules::default()).unwrap();
    let text = file.write(&json(PLAIN)).unwrap();
    assert!(text.contains("\"open_unencrypted\": \"seen\"") && text.contains("\"empty\": \"\""));
    assert!(text.contains("\"no\": null") && !text.contains("0.5"));
    let told = about(&text, Format::Json).unwrap();
    assert_eq!((told.recipients.len(), told.sha256.len(), told.last_modified.len()), (1, 64, 20));
}

#[test]
fn what_was_changed_does_not_open() {
    let pair = pair();
    let mut file = File::new(Format::Json, std::slice::from_ref(&pair.recipient), Rules::default()).unwrap();
    let text = file.write(&json(PLAIN)).unwrap();
    let renamed = text.replace("\"b\":", "\"c\":");
    assert_eq!(
        open(&renamed, Format::Json, &pair).err().unwrap().to_string(),
        "the value at `c` was changed after it was encrypted, or moved from another place"
    );
    let seen = text.replace("\"seen\"", "\"other\"");
    assert!(matches!(open(&seen, Format::Json, &pair).err(), Some(Error::Mac)));
    let plain = text.replacen("\"b\": \"ENC", "\"b\": \"NOT", 1);
    assert!(matches!(open(&plain, Format::Json, &pair).err(), Some(Error::Plain(place)) if place == "b"));
    let older = text.replace("\"lastmodified\": \"2", "\"lastmodified\": \"1");
    assert!(matches!(open(&older, Format::Json, &pair).err(), Some(Error::Mac)));
    let (head, rest) = text.split_once("\"f\": ").unwrap();
    let removed = format!("{head}{}", rest.split_once(",\n").unwrap().1.trim_start());
    assert!(matches!(open(&removed, Format::Json, &pair).err(), Some(Error::Mac)), "{removed}");
}

#[test]
fn only_recipients_read_it() {
    let (one, other) = (pair(), pair());
    let both = [one.recipient.as_str(), other.recipient.as_str()].map(|text| text.parse().unwrap());
    let mut file = File::new(Format::Json, &both, Rules::default()).unwrap();
    let first = file.write(&json(PLAIN)).unwrap();
    assert!(open(&first, Format::Json, &one).is_ok() && open(&first, Format::Json, &other).is_ok());
    file.rotate(&both[..1]).unwrap();
    let second = file.write(&json(PLAIN)).unwrap();
    assert!(open(&second, Format::Json, &one).is_ok());
    let error = open(&second, Format::Json, &other).err().unwrap().to_string();
    let expected = format!(
        "none of the 1 identities at hand opens the file, which is encrypted for {}",
        both[0].as_str()
    );
    assert_eq!(error, expected);
    assert!(matches!(File::new(Format::Json, &[], Rules::default()).err(), Some(Error::NoRecipients)));
}

#[test]
fn keys_that_are_none_are_told() {
    for (text, problem) in [
        (
            "age1pq1xyz",
            "cannot encrypt for `age1pq1xyz`: hybrid (post-quantum) recipients are not supported here",
        ),
        (
            "age1yubikey1qq",
            "cannot encrypt for `age1yubikey1qq`: it is mistyped, or a recipient of a plugin, which are not supported here",
        ),
        (
            "ssh-dss AAAA",
            "cannot encrypt for `ssh-dss AAAA`: it is not an SSH key of the kinds ed25519 and RSA",
        ),
        ("bob", "cannot encrypt for `bob`: it is neither an age recipient (age1…) nor an SSH public key"),
    ] {
        assert_eq!(text.parse::<Recipient>().err().unwrap().to_string(), problem);
    }
    let error = Identities::of_text(&Secret::new("AGE-PLUGIN-X-1"), "SOPS_AGE_KEY").err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot read an identity from SOPS_AGE_KEY: identities of plugins are not supported here"
    );
    assert!(
        !format!("{:?}", Identities::of_text(&Secret::new(&IDENTITY[..20]), "x").err()).contains("GFPYY")
    );
}

fn environment(home: &Path, pairs: &[(&str, &str)]) -> Result<Identities, Error> {
    let mut variables: HashMap<String, String> = HashMap::new();
    variables.insert("HOME".into(), home.display().to_string());
    variables.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Identities::of_environment(&|name| variables.get(name).map(Into::into))
}

#[test]
fn identities_come_from_everywhere_that_sops_looks() {
    let pair = pair();
    let mut file = File::new(Format::Json, std::slice::from_ref(&pair.recipient), Rules::default()).unwrap();
    let text = file.write(&json("{\"a\":\"b\"}")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let key_file = home.path().join("key.txt");
    std::fs::write(&key_file, format!("# created\n# public key\n{}\r\n", pair.identity)).unwrap();
    let key_file = key_file.display().to_string();
    let opens = |mut identities: Identities| File::open(&text, Format::Json, &mut identities).map(|_| ());
    let none = opens(environment(home.path(), &[]).unwrap()).unwrap_err();
    assert!(matches!(none, Error::NoIdentity { .. }), "{none}");
    opens(environment(home.path(), &[("SOPS_AGE_KEY", &pair.identity)]).unwrap()).unwrap();
    opens(environment(home.path(), &[("SOPS_AGE_KEY_FILE", &key_file)]).unwrap()).unwrap();
    opens(environment(home.path(), &[("SOPS_AGE_KEY_CMD", &format!("cat '{key_file}'"))]).unwrap()).unwrap();
    let failed = environment(home.path(), &[("SOPS_AGE_KEY_CMD", "false")]).err().unwrap().to_string();
    assert_eq!(failed, "cannot read an identity from SOPS_AGE_KEY_CMD: `false` failed (exit status: 1)");
    let missing = environment(home.path(), &[("SOPS_AGE_KEY_FILE", "/nowhere")]).err().unwrap().to_string();
    assert!(missing.starts_with("cannot read an identity from /nowhere: "), "{missing}");
    let default = home.path().join(".config/sops/age");
    std::fs::create_dir_all(&default).unwrap();
    std::fs::copy(&key_file, default.join("keys.txt")).unwrap();
    opens(environment(home.path(), &[]).unwrap()).unwrap();
    let elsewhere = home.path().join("xdg");
    std::fs::rename(home.path().join(".config"), &elsewhere).unwrap();
    opens(environment(home.path(), &[("XDG_CONFIG_HOME", &elsewhere.display().to_string())]).unwrap())
        .unwrap();
}

#[test]
fn ssh_keys_are_recipients_and_identities() {
    for kind in ["ed25519", "rsa"] {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join(".ssh");
        std::fs::create_dir(&place).unwrap();
        let key = place.join(format!("id_{kind}"));
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "words", "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let mut file = File::new(Format::Json, &[public.parse().unwrap()], Rules::default()).unwrap();
        let text = file.write(&json("{\"a\":\"b\"}")).unwrap();
        let locked =
            File::open(&text, Format::Json, &mut environment(home.path(), &[]).unwrap()).err().unwrap();
        assert!(locked.to_string().contains("SOPS_AGE_KEY_PASSPHRASE is not set"), "{locked}");
        let mut opened = environment(home.path(), &[("SOPS_AGE_KEY_PASSPHRASE", "words")]).unwrap();
        File::open(&text, Format::Json, &mut opened).unwrap();
        let removed =
            Command::new("ssh-keygen").args(["-q", "-p", "-P", "words", "-N", "", "-f"]).arg(&key).output();
        assert!(removed.unwrap().status.success());
        File::open(&text, Format::Json, &mut environment(home.path(), &[]).unwrap()).unwrap();
    }
}

fn by_name(_: &[&str], at: usize, value: &Value) -> String {
    value.get("name").and_then(Value::as_text).map_or_else(|| at.to_string(), str::to_owned)
}

#[test]
fn a_change_of_one_value_changes_its_line_the_time_and_the_mac() {
    let pair = pair();
    let mut file = File::new(Format::Json, std::slice::from_ref(&pair.recipient), Rules::default())
        .unwrap()
        .identified(by_name);
    let first = file.write(&json(r#"{"l":[{"name":"a","v":"1"},{"name":"b","v":"1"}],"o":"x"}"#)).unwrap();
    let mut identities = identities(&pair.identity);
    let (mut again, _) = File::open_identified(&first, Format::Json, &mut identities, by_name).unwrap();
    // The elements change places and one gets another neighbour.
    let second = again
        .write(&json(r#"{"l":[{"name":"new","v":"1"},{"name":"b","v":"1"},{"name":"a","v":"2"}],"o":"x"}"#))
        .unwrap();
    let sealed = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.contains("ENC[") && !line.contains("\"mac\""))
            .map(|line| line.trim().trim_end_matches(',').to_owned())
            .collect()
    };
    let (before, after) = (sealed(&first), sealed(&second));
    let fresh = after.iter().filter(|line| !before.contains(line)).count();
    assert_eq!((before.len(), after.len(), fresh), (5, 7, 3), "{first}\n{second}");
}

/// Every nonce that a text has, with what it was used for.
fn nonces(text: &str) -> Vec<(String, String)> {
    let of_line = |line: &str| {
        let (data, rest) = line.split_once("ENC[AES256_GCM,data:")?.1.split_once(",iv:")?;
        Some((
            rest.split_once(",tag:")?.0.to_owned(),
            format!("{data} {}", rest.split_once("tag:")?.1.trim_end_matches(',')),
        ))
    };
    text.lines().filter_map(of_line).collect()
}

fn any_version() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    prop::collection::btree_map("[ab]", prop::collection::vec("[xy]{1,2}", 0..4), 1..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// A nonce stands for one place, one kind and one plaintext, over all that a file ever was.
    #[test]
    fn no_nonce_is_used_for_two_things(versions in prop::collection::vec(any_version(), 2..6), reopen in any::<bool>()) {
        let pair = pair();
        let mut file = File::new(Format::Json, std::slice::from_ref(&pair.recipient), Rules::default()).unwrap();
        let mut used: HashMap<String, String> = HashMap::new();
        let mut last: Option<(Value, String)> = None;
        for version in versions {
            let lists = version.into_iter().map(|(name, texts)| (name, Value::List(texts.into_iter().map(Value::text).collect())));
            let tree = Value::Map(lists.collect());
            let text = file.write(&tree).unwrap();
            for (nonce, purpose) in nonces(&text) {
                prop_assert_eq!(used.entry(nonce).or_insert_with(|| purpose.clone()), &purpose);
            }
            let (opened, again) = open(&text, Format::Json, &pair).unwrap();
            prop_assert!(again == tree, "{}", compact(&again).as_str());
            if let Some((before, sealed)) = last.filter(|(before, _)| *before == tree) {
                prop_assert!(before == tree);
                let of_values = |text: &str| nonces(text).len() - 1;
                prop_assert_eq!(&nonces(&sealed)[..of_values(&sealed)], &nonces(&text)[..of_values(&text)]);
            }
            last = Some((tree, text));
            if reopen {
                file = opened;
            }
        }
    }
}
