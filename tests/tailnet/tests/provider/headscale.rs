//! A real Headscale on a host of ours, without a key anywhere.

use protocol_tests::Stored;
use tailnet_tests::HeadscaleServer;
use tfvalue::Value;

use super::subject::{Subject, is_unchanged, make, read, text};

/// A provider that makes its keys by the server's own command.
async fn on_host(server: &HeadscaleServer) -> Subject {
    let path = format!("{}:{}", server.program().display(), std::env::var("PATH").unwrap());
    let block = [
        ("control", Value::from("headscale")),
        ("host", "local://".into()),
        ("base_url", server.url().into()),
    ];
    Subject::start(&block, [("PATH", path)]).await
}

/// From when and until when a key of the interface is good, in seconds.
fn times(key: &serde_json::Value) -> (i64, i64) {
    let time = |name: &str| key[name]["seconds"].as_i64().unwrap();
    (time("created_at"), time("expiration"))
}

#[tokio::test]
async fn a_headscale_on_a_host_needs_no_key() {
    let server = HeadscaleServer::start();
    let subject = on_host(&server).await;
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
    let (created, expires) = times(key);
    assert!(expires - created < 120, "it was given back at the end: {key}");
}

/// Both releases: the older one shows its keys in another way.
#[tokio::test]
async fn a_killed_run_leaves_a_key_that_ends_by_itself_and_the_next_one_removes_it() {
    for mut server in [HeadscaleServer::start(), HeadscaleServer::start_older()] {
        let subject = on_host(&server).await;
        let key = subject.key();
        let config = key.config([("user", "ops"), ("expiry", "1h")]).unwrap();
        let stored = make(&key, &Stored::default(), &config).await;
        subject.kill().await;
        let left = server.run(&["apikeys", "list"])[0].clone();
        let (created, expires) = times(&left);
        assert!((599..=601).contains(&(expires - created)), "it ends by itself: {left}");

        // One that still counts is somebody's who runs now.
        let others = on_host(&server).await;
        read(&others.key(), &stored).await;
        others.end().await;
        let ids = |server: &HeadscaleServer| -> Vec<i64> {
            let keys = server.run(&["apikeys", "list"]);
            keys.as_array().unwrap().iter().map(|key| key["id"].as_i64().unwrap()).collect()
        };
        assert_eq!(ids(&server), [1, 2]);
        server.run(&["apikeys", "delete", "--id", "2"]);

        server.age_api_key();
        let next = on_host(&server).await;
        read(&next.key(), &stored).await;
        next.end().await;
        assert_eq!(ids(&server).len(), 1, "only the key of this run is left");
        assert!(!ids(&server).contains(&1));
    }
}
