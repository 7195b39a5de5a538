//! `windlass_tailnet_policy`.

use protocol_tests::{CAPABILITIES, Resource, Stored, values};
use tailnet_tests::TailscaleServer;
use tfvalue::Value;

use super::subject::{Subject, error, fine, is_unchanged, make, read, text};

const POLICY: &str = r#"// Who may reach what.
{
  "tagOwners": {"tag:prod": ["autogroup:admin"], "tag:ci": ["autogroup:admin"]},
  "acls": [{"action": "accept", "src": ["tag:ci"], "dst": ["tag:prod:22"]}],
}
"#;
/// The same, written by somebody else.
const REFORMATTED: &str = r#"{"acls":[{"src":["tag:ci"],"dst":["tag:prod:22"],"action":"accept"}],
"tagOwners":{"tag:ci":["autogroup:admin"],"tag:prod":["autogroup:admin"]}}"#;
const RULE: &str = r#"{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:prod:443"]}"#;

fn more() -> String {
    POLICY.replace("\"acls\": [", &format!("\"acls\": [{RULE}, "))
}

fn config(resource: &Resource, policy: &str, more: &[(&str, Value)]) -> Value {
    let given = [("policy", Value::from(policy))].into_iter().chain(more.iter().cloned());
    resource.config(given).unwrap()
}

fn deployer(resource: &Resource, users: &[&str]) -> (&'static str, Value) {
    let nested = resource.block.block_types.iter().find(|nested| nested.type_name == "deployer").unwrap();
    let given = [
        ("tag", Value::from("tag:ci")),
        ("to", Value::list_of(["tag:prod"])),
        ("users", if users.is_empty() { Value::Null } else { Value::list_of(users.iter().copied()) }),
    ];
    ("deployer", Value::list_of([values::config(nested.block.as_ref().unwrap(), given).unwrap()]))
}

#[tokio::test]
async fn a_policy_lives_and_stays_when_it_is_let_go() {
    let server = TailscaleServer::start();
    let subject = Subject::at(&server).await;
    let policy = subject.policy();
    let ours = config(&policy, POLICY, &[]);
    let stored = make(&policy, &Stored::default(), &ours).await;
    assert_eq!(server.policy(), POLICY, "it is sent word by word");
    let stored = read(&policy, &stored).await;
    assert!(is_unchanged(&policy, &stored, &ours).await);
    assert!(is_unchanged(&policy, &stored, &config(&policy, REFORMATTED, &[])).await, "it means the same");
    server.edit_policy(REFORMATTED);
    let stored = read(&policy, &stored).await;
    assert!(is_unchanged(&policy, &stored, &ours).await, "somebody has only formatted it");

    let planned = fine(policy.plan(&stored, &config(&policy, &more(), &[])).await.unwrap());
    let rules = planned.planned.value.attribute("rules").and_then(|rules| rules.attribute("acls")).cloned();
    let expected = ["accept autogroup:member -> tag:prod:443", "accept tag:ci -> tag:prod:22"];
    assert_eq!(rules, Some(Value::list_of(expected)));
    let reached = policy.apply(&planned).await.unwrap();
    assert_eq!((reached.problems.as_slice(), server.policy()), (&[][..], more()));

    let planned = fine(policy.plan(&reached.stored, &Value::Null).await.unwrap());
    assert!(planned.problems[0].says("The policy stays in force"), "{:?}", planned.problems);
    assert_eq!(policy.apply(&planned).await.unwrap().stored.value, Value::Null);
    assert_eq!(server.policy(), more());
    subject.end().await;
}

#[tokio::test]
async fn a_policy_that_somebody_has_edited_meanwhile_is_a_conflict() {
    let server = TailscaleServer::start();
    let subject = Subject::at(&server).await;
    let policy = subject.policy();
    let stored = make(&policy, &Stored::default(), &config(&policy, POLICY, &[])).await;
    let planned = fine(policy.plan(&stored, &config(&policy, &more(), &[])).await.unwrap());
    let theirs = POLICY.replace("tag:prod:22", "tag:prod:22,2222");
    server.edit_policy(&theirs);
    let reached = policy.apply(&planned).await.unwrap();
    let told = error(&reached.problems);
    for part in [
        "Could not update the tailnet's policy (at policy)",
        "Somebody else has changed the policy",
        "+ acls: accept tag:ci -> tag:prod:22,2222\n- acls: accept tag:ci -> tag:prod:22",
        "Nothing was changed.",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert_eq!(server.policy(), theirs);
    // What they did is seen, and can be taken back or taken over.
    let seen = read(&policy, &reached.stored).await;
    assert_eq!(text(&seen.value, "policy"), theirs);
    make(&policy, &seen, &config(&policy, &more(), &[])).await;
    assert_eq!(server.policy(), more());

    // Flags are taken from the state, and change nothing at the server.
    let asked = server.requests().len();
    let seen = read(&policy, &seen).await;
    let resets = config(&policy, &more(), &[("reset_on_destroy", true.into())]);
    let stored = make(&policy, &seen, &resets).await;
    server.edit_policy(&theirs);
    let planned = fine(policy.plan(&stored, &Value::Null).await.unwrap());
    assert!(planned.problems[0].says("Everybody will be able to reach everything"), "{:?}", planned.problems);
    assert!(error(&policy.apply(&planned).await.unwrap().problems).contains("What they changed"));
    assert_eq!(server.policy(), theirs);
    let seen = read(&policy, &stored).await;
    let planned = fine(policy.plan(&seen, &Value::Null).await.unwrap());
    assert_eq!(policy.apply(&planned).await.unwrap().problems, []);
    assert!(server.policy().contains("Everybody reaches everything"));
    assert!(server.requests().len() > asked);
    subject.end().await;
}

#[tokio::test]
async fn a_policy_that_is_there_already_is_only_replaced_when_that_is_asked() {
    let server = TailscaleServer::start();
    server.edit_policy(&more());
    let subject = Subject::at(&server).await;
    let policy = subject.policy();
    let planned = fine(policy.plan(&Stored::default(), &config(&policy, POLICY, &[])).await.unwrap());
    let reached = policy.apply(&planned).await.unwrap();
    let told = error(&reached.problems);
    for part in [
        "already that this configuration did not make",
        "- acls: accept autogroup:member",
        "adopt_existing = true",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert_eq!((server.policy(), reached.stored.value), (more(), Value::Null));

    let imported = policy.import("-").await.unwrap().stored;
    let imported = read(&policy, &imported).await;
    assert!(is_unchanged(&policy, &imported, &config(&policy, &more(), &[])).await);
    let adopting = config(&policy, POLICY, &[("adopt_existing", true.into())]);
    make(&policy, &Stored::default(), &adopting).await;
    assert_eq!(server.policy(), POLICY);
    subject.end().await;
}

#[tokio::test]
async fn a_plan_says_what_is_wrong_with_a_policy() {
    let server = TailscaleServer::start();
    server.miss("group:directory", false);
    server.miss("posture:new", true);
    let subject = Subject::at(&server).await;
    let policy = subject.policy();
    let broken = config(&policy, "{\n  \"acls\": []\n  \"ssh\": []\n}\n", &[]);
    let told = error(&policy.validate(&broken, CAPABILITIES).await.unwrap());
    assert!(
        told.starts_with(
            "Invalid policy (at policy)\nIt is not valid HuJSON. At line 2, column 13: expected comma."
        ),
        "{told}"
    );

    let plan = async |text: &str, more: &[(&str, Value)]| {
        policy.plan(&Stored::default(), &config(&policy, text, more)).await.unwrap().problems
    };
    let told = error(&plan(&POLICY.replace("\"tag:ci\": [\"autogroup:admin\"]", ""), &[]).await);
    assert!(told.contains("line 4, column 41: tag:ci is used and not in \"tagOwners\""), "{told}");
    let failing = POLICY
        .replace("\"acls\"", "\"tests\": [{\"src\": \"tag:ci\", \"deny\": [\"tag:prod:22\"]}], \"acls\"");
    let told = error(&plan(&failing, &[]).await);
    assert!(told.contains("Tailscale would not take the policy:\ntag:gha-deployer: address"), "{told}");

    let warned =
        plan(&POLICY.replace("\"acls\"", "\"groups\": {\"group:directory\": []}, \"acls\""), &[]).await;
    assert!(warned.iter().all(|problem| !problem.is_error), "{warned:?}");
    assert!(warned.iter().any(|problem| problem.says("group:directory: user not found")), "{warned:?}");
    let later =
        plan(&POLICY.replace("\"acls\"", "\"defaultSrcPosture\": [\"posture:new\"], \"acls\""), &[]).await;
    assert!(later.iter().any(|problem| !problem.is_error && problem.says("not there yet")), "{later:?}");

    assert_eq!(plan(POLICY, &[deployer(&policy, &[])]).await, []);
    let told = error(&plan(POLICY, &[deployer(&policy, &["deploy"])]).await);
    assert!(
        told.contains("(at deployer[0].tag)\nThis policy would lock the deployer out: no rule in \"ssh\""),
        "{told}"
    );
    let told = error(&plan(&POLICY.replace("tag:prod:22", "tag:prod:2222"), &[deployer(&policy, &[])]).await);
    assert!(told.contains("no rule certainly lets tag:ci reach tag:prod at port 22"), "{told}");
    assert_eq!(server.asked("POST /api/v2/tailnet/-/acl "), 0, "a plan changes nothing");
    subject.end().await;
}

#[tokio::test]
async fn a_control_server_that_is_made_in_the_same_run_plans() {
    let block =
        [("control", Value::from("headscale")), ("host", Value::Unknown), ("container", "headscale".into())];
    let subject = Subject::start(&block, []).await;
    let policy = subject.policy();
    let planned = policy.plan(&Stored::default(), &config(&policy, POLICY, &[])).await.unwrap();
    assert_eq!(planned.problems, []);
    assert_eq!(text(&planned.planned.value, "policy"), POLICY);
    subject.end().await;
}
