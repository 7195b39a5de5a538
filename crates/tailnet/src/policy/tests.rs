use super::*;

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap()
}

const ALWAYS_ON: &str = r#"// Who may reach what.
{
  "tagOwners": {
    "tag:prod": ["autogroup:admin"],
    "tag:gha-deployer": ["autogroup:admin"],
  },
  "groups": {"group:ops": ["alice@example.org", "bob@example.org"]},
  "acls": [
    /* deploys */
    {"action": "accept", "src": ["tag:gha-deployer"], "dst": ["tag:prod:22"]},
    {"action": "accept", "src": ["group:ops"], "dst": ["tag:prod:443,22"]},
  ],
  "ssh": [{"action": "accept", "src": ["tag:gha-deployer"], "dst": ["tag:prod"], "users": ["deploy"]}],
  "tests": [{"src": "tag:gha-deployer", "accept": ["tag:prod:22"], "deny": ["tag:prod:5432"]}],
}
"#;

#[test]
fn the_rules_are_lines_by_section() {
    let rules = policy(ALWAYS_ON).rules();
    let lines: Vec<String> = rules
        .iter()
        .flat_map(|(name, lines)| lines.iter().map(move |line| format!("{name}: {line}")))
        .collect();
    assert_eq!(
        lines,
        [
            "acls: accept group:ops -> tag:prod:443,22",
            "acls: accept tag:gha-deployer -> tag:prod:22",
            "groups: group:ops: alice@example.org, bob@example.org",
            "ssh: accept tag:gha-deployer -> tag:prod users=deploy",
            "tagOwners: tag:gha-deployer: autogroup:admin",
            "tagOwners: tag:prod: autogroup:admin",
            "tests: tag:gha-deployer accept: tag:prod:22 deny: tag:prod:5432",
        ]
    );
}

#[test]
fn another_order_another_format_and_old_names_mean_the_same() {
    let other = r#"{"ssh":[{"users":["deploy"],"dst":["tag:prod"],"action":"accept","src":["tag:gha-deployer"]}],
      "Tests":[{"User":"tag:gha-deployer","Deny":["tag:prod:5432"],"Allow":["tag:prod:22"]}],
      "ACLs":[{"Users":["group:ops"],"Ports":["tag:prod:443,22"],"Action":"accept"},
        {"action":"accept","dst":["tag:prod:22"],"src":["tag:gha-deployer"]}],
      "groups":{"group:ops":["bob@example.org","alice@example.org"]}, "hosts": {},
      "TagOwners":{"tag:gha-deployer":["autogroup:admin"],"tag:prod":["autogroup:admin"]}}"#;
    assert_eq!(policy(other).rules(), policy(ALWAYS_ON).rules());
    assert_eq!(changes(&policy(ALWAYS_ON).rules(), &policy(other).rules()), []);
}

#[test]
fn what_is_different_is_named_rule_by_rule() {
    let new = ALWAYS_ON
        .replace("\"tag:prod:443,22\"", "\"tag:prod:443\"")
        .replace(", \"bob@example.org\"", "")
        .replace("\"tests\"", "\"hosts\": {\"db\": \"10.0.0.9\"},\n  \"tests\"");
    let told: Vec<String> =
        changes(&policy(ALWAYS_ON).rules(), &policy(&new).rules()).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "+ acls: accept group:ops -> tag:prod:443",
            "- acls: accept group:ops -> tag:prod:443,22",
            "- groups: group:ops: alice@example.org, bob@example.org\n+ groups: group:ops: alice@example.org",
            "+ hosts: db: 10.0.0.9",
        ]
    );
}

#[test]
fn no_rules_is_something_else_than_no_section() {
    let (none, empty) = (policy("{}").rules(), policy("{\"acls\": []}").rules());
    assert_eq!(changes(&none, &empty), [Change::Added("acls: no rule".into())]);
    assert_eq!(changes(&empty, &none), [Change::Removed("acls: no rule".into())]);
    assert_eq!(policy("{\"groups\": {}, \"tests\": []}").rules(), none);
}

#[test]
fn the_order_of_rules_counts_where_the_first_one_decides() {
    let ssh = |first: &str, second: &str| {
        let rule = |user: &str| {
            format!(r#"{{"action":"accept","src":["tag:a"],"dst":["tag:a"],"users":["{user}"]}}"#)
        };
        policy(&format!(r#"{{"ssh": [{}, {}]}}"#, rule(first), rule(second))).rules()
    };
    let told = changes(&ssh("a", "b"), &ssh("b", "a"));
    assert_eq!(told, [Change::Changed { from: "ssh: its order".into(), to: "ssh: another order".into() }]);
}

fn findings(text: &str, kind: Kind) -> Vec<String> {
    policy(text).check(kind).iter().map(|one| format!("{:?} {one}", one.level)).collect()
}

#[test]
fn a_good_policy_has_no_findings() {
    for kind in [Kind::Tailscale, Kind::Headscale] {
        assert_eq!(findings(ALWAYS_ON, kind), Vec::<String>::new());
    }
}

#[test]
fn each_mistake_is_found_where_it_is() {
    let acl = |src: &str, dst: &str| {
        format!(
            "{{\"tagOwners\": {{\"tag:a\": []}},\n\"acls\": [{{\"action\": \"accept\", \"src\": [\"{src}\"], \"dst\": [\"{dst}\"]}}]}}"
        )
    };
    let ssh =
        |rule: &str| format!("{{\"tagOwners\": {{\"tag:a\": []}}, \"acls\": [], \"ssh\": [{{{rule}}}]}}");
    for (text, part) in [
        (acl("tag:b", "tag:a:22"), "Error line 2, column 39: tag:b is used and not in \"tagOwners\""),
        (acl("tag:a", "tag:b:22"), "tag:b is used"),
        (acl("tag:a", "tag:a"), "\"tag:a\" has no ports: write \"tag:a:22\""),
        (acl("tag:a", "tag:a:ssh"), "\"ssh\" in \"tag:a:ssh\" is not a list of ports"),
        (acl("tag:a", "db.example.org:22"), "\"db.example.org\" is not an address, and not in \"hosts\""),
        (acl("autogroup:self", "tag:a:22"), "autogroup:self can only stand in \"dst\""),
        (acl("autogroup:what", "tag:a:22"), "Warning line 2"),
        ("{\"acls\": [], \"acls\": []}".to_owned(), "\"acls\" is there twice, first on line 1"),
        ("{\"acls\": [{\"action\": \"deny\", \"src\": [], \"dst\": []}]}".to_owned(), "is \"accept\""),
        ("{\"acls\": {}}".to_owned(), "\"acls\" must be a list"),
        ("{\"grants\": [{\"src\": [\"*\"], \"dst\": [\"*\"]}]}".to_owned(), "a grant needs"),
        ("{\"acls\": [], \"hosts\": {\"a\": \"b\"}}".to_owned(), "must be an address or a range"),
        ("{\"acls\": [], \"groups\": {\"group:a\": [\"group:b\"]}}".to_owned(), "a group cannot have groups"),
        ("{\"acls\": [], \"tagOwners\": {\"tag:1\": []}}".to_owned(), "begins with a letter"),
        ("{\"acls\": [], \"tests\": [{\"src\": \"a@b\"}]}".to_owned(), "a test needs \"accept\" or"),
        (ssh(r#""action":"check","src":["tag:a"],"dst":["tag:a"],"users":["x"]"#), "use \"accept\""),
        (
            ssh(r#""action":"accept","src":["tag:a"],"dst":["autogroup:self"],"users":["x"]"#),
            "machines of users",
        ),
        (ssh(r#""action":"accept","src":["a@b"],"dst":["*"],"users":["x"]"#), "cannot be the \"dst\""),
        (ssh(r#""action":"accept","src":["a@b"],"dst":["tag:a"]"#), "names the users"),
    ] {
        let found = findings(&text, Kind::Tailscale);
        assert!(found.len() == 1 && found[0].contains(part), "{text}\n{part:?} is not in {found:#?}");
    }
}

#[test]
fn each_server_has_its_own_rules() {
    let postures = r#"{"acls": [], "postures": {}}"#;
    assert_eq!(findings(postures, Kind::Tailscale), Vec::<String>::new());
    assert!(findings(postures, Kind::Headscale)[0].starts_with("Error"), "Headscale has no postures");
    let new = r#"{"acls": [], "somethingNew": {}}"#;
    assert!(findings(new, Kind::Tailscale)[0].starts_with("Warning"), "the server may know it");
    let scim = r#"{"acls": [{"action": "accept", "src": ["group:scim"], "dst": ["*:*"]}]}"#;
    assert!(findings(scim, Kind::Tailscale)[0].starts_with("Warning"));
    assert!(findings(scim, Kind::Headscale)[0].starts_with("Error"));
    assert!(findings("{}", Kind::Headscale)[0].contains("everybody may reach everything"));
}

#[test]
fn a_large_policy_is_read_quickly() {
    let rules: Vec<String> = (0..5_000)
        .map(|n| format!(r#"    // rule {n}
    {{"action": "accept", "src": ["user{n}@example.org", "tag:prod"], "dst": ["tag:prod:{}", "10.0.{}.0/24:443"]}},"#, n % 60_000 + 1, n % 256))
        .collect();
    let text = format!("{{\"tagOwners\": {{\"tag:prod\": []}}, \"acls\": [\n{}\n]}}", rules.join("\n"));
    let read = policy(&text);
    assert_eq!(read.rules()["acls"].len(), 5_000);
    assert_eq!(read.check(Kind::Tailscale), []);
    assert_eq!(changes(&read.rules(), &policy("{}").rules()).len(), 5_001);
}
