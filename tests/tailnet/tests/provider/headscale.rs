//! A real Headscale on a host of ours, without a key anywhere.

use protocol_tests::Stored;
use tailnet_tests::HeadscaleServer;
use tfvalue::Value;

use super::subject::{Subject, is_unchanged, make, read, text};

#[tokio::test]
async fn a_headscale_on_a_host_needs_no_key() {
    let server = HeadscaleServer::start();
    let path = format!("{}:{}", server.program().display(), std::env::var("PATH").unwrap());
    let block = [
        ("control", Value::from("headscale")),
        ("host", "local://".into()),
        ("base_url", server.url().into()),
    ];
    let subject = Subject::start(&block, [("PATH", path)]).await;
    let policy = subject.policy();
    let ours = policy
        .config([(
            "policy",
            "// Ours.\n{\"acls\": [{\"action\": \"accept\", \"src\": [\"ops@\"], \"dst\": [\"*:*\"]}]}\n",
        )])
        .unwrap();
    let stored = make(&policy, &Stored::default(), &ours).await;
    let stored = read(&policy, &stored).await;
    assert!(is_unchanged(&policy, &stored, &ours).await);

    let key = subject.key();
    let stored =
        make(&key, &Stored::default(), &key.config([("user", "ops"), ("expiry", "1h")]).unwrap()).await;
    assert!(text(&stored.value, "key").starts_with("hskey-auth-"));
    let made = |keys: &serde_json::Value| keys.as_array().map_or(0, Vec::len);
    let keys = server.run(&["apikeys", "list"]);
    assert_eq!(made(&keys), 1, "one key of the interface is enough: {keys}");
    subject.end().await;
    let key = &server.run(&["apikeys", "list"])[0];
    let (created, expires) = (&key["created_at"]["seconds"], &key["expiration"]["seconds"]);
    let lifetime = expires.as_i64().unwrap() - created.as_i64().unwrap();
    assert!(lifetime < 120, "it was given back at the end: {key}");
}
