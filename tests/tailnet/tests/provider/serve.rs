//! `windlass_tailscale_serve`: a real daemon as far as it goes without Tailscale's own control server, and
//! a strict one in this process for certificates and services.

use protocol_tests::{CAPABILITIES, Planned, Resource, Stored, values};
use serde_json::json;
use tailnet_tests::{Daemon, HeadscaleServer, Machine, TailscaleServer};
use tfvalue::Value;

use super::subject::{Subject, error, fine, is_unchanged, make, read};

const TYPE: &str = "windlass_tailscale_serve";

type Handler<'a> = &'a [(&'static str, Value)];

fn config(resource: &Resource, socket: &std::path::Path, handlers: &[Handler<'_>]) -> Value {
    let nested = resource.block.block_types.iter().find(|nested| nested.type_name == "handler").unwrap();
    let shape = nested.block.as_ref().unwrap();
    let blocks: Vec<Value> =
        handlers.iter().map(|given| values::config(shape, given.iter().cloned()).unwrap()).collect();
    let given = [
        ("host", Value::from("local://")),
        ("socket", socket.to_str().unwrap().into()),
        ("handler", Value::list_of(blocks)),
    ];
    resource.config(given).unwrap()
}

fn web(listen: i64, protocol: &str, target: &str) -> [(&'static str, Value); 3] {
    [("listen", listen.into()), ("protocol", protocol.into()), ("target", target.into())]
}

async fn refused(resource: &Resource, prior: &Stored, config: &Value) -> String {
    let planned: Planned = fine(resource.plan(prior, config).await.unwrap());
    error(&resource.apply(&planned).await.unwrap().problems)
}

async fn destroy(resource: &Resource, stored: &Stored) {
    let planned = fine(resource.plan(stored, &Value::Null).await.unwrap());
    assert_eq!(resource.apply(&planned).await.unwrap().problems, []);
}

/// What a real daemon serves.
fn served(machine: &Machine) -> serde_json::Value {
    serde_json::from_str(&machine.tailscale(["serve", "status", "--json"])).unwrap()
}

#[tokio::test]
async fn a_real_daemon_serves_what_is_written_down_and_nothing_else() {
    let headscale = HeadscaleServer::start();
    headscale.set_policy(
        r#"{"tagOwners": {"tag:prod": ["ops@"]}, "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#,
    );
    let key = headscale.run(&["preauthkeys", "create", "--tags", "tag:prod", "--expiration", "1h"]);
    let machine = Machine::join(&headscale, key["key"].as_str().unwrap(), "web", &[]);
    // The tailnet's server is Tailscale, as far as the provider knows.
    let tailscale = TailscaleServer::start();
    let subject = Subject::at(&tailscale).await;
    let serve = subject.resource(TYPE).unwrap();
    let ours = |handlers: &[Handler<'_>]| config(&serve, &machine.socket(), handlers);

    let app = web(80, "http", "http://127.0.0.1:3000");
    let database = web(5432, "tcp", "127.0.0.1:5432");
    let first = ours(&[&app, &[&database[..], &[("proxy_protocol", 2.into())]].concat()]);
    let stored = make(&serve, &Stored::default(), &first).await;
    let told = served(&machine);
    assert_eq!(
        told["TCP"],
        json!({"80": {"HTTP": true}, "5432": {"TCPForward": "127.0.0.1:5432", "ProxyProtocol": 2}})
    );
    assert_eq!(
        told["Web"]["web.tailnet.test:80"]["Handlers"],
        json!({"/": {"Proxy": "http://127.0.0.1:3000"}})
    );
    assert_eq!(
        stored.value.attribute("urls"),
        Some(&Value::list_of(["http://web.tailnet.test/", "tcp://web.tailnet.test:5432"]))
    );
    let stored = read(&serve, &stored).await;
    assert!(is_unchanged(&serve, &stored, &first).await);

    // A port that is answered in another way, which the daemon takes in two steps; a path more.
    let docs = [&web(80, "http", "text:hello")[..], &[("path", "/docs".into())]].concat();
    let turned = web(5432, "http", "http://127.0.0.1:1");
    let second = ours(&[&app, &docs, &turned]);
    let stored = make(&serve, &stored, &second).await;
    assert_eq!(served(&machine)["TCP"], json!({"80": {"HTTP": true}, "5432": {"HTTP": true}}));
    assert!(is_unchanged(&serve, &read(&serve, &stored).await, &second).await);

    // By hand: one more. It is seen, and goes.
    machine.tailscale(["serve", "--bg", "--tcp=2222", "tcp://127.0.0.1:22"]);
    let conflict = ours(&[&app]);
    let told = refused(&serve, &stored, &conflict).await;
    assert!(
        told.contains("changed by somebody else meanwhile") && told.contains("tcp://web.tailnet.test:2222"),
        "{told}"
    );
    let drifted = read(&serve, &stored).await;
    assert!(!is_unchanged(&serve, &drifted, &second).await);
    let stored = make(&serve, &drifted, &second).await;
    assert!(served(&machine)["TCP"].get("2222").is_none());

    // The same, adopted.
    let id = format!("local://|-|{}", machine.socket().display());
    let imported = read(&serve, &serve.import(&id).await.unwrap().stored).await;
    assert!(is_unchanged(&serve, &imported, &second).await, "{imported:?}");

    // There are no certificates here: said before anything is changed.
    let secure = ours(&[&web(443, "https", "http://127.0.0.1:3000")]);
    let before = served(&machine);
    let told = refused(&serve, &stored, &secure).await;
    assert!(told.contains("HTTPS switched off") && told.contains("https_enabled"), "{told}");
    assert_eq!(served(&machine), before);

    destroy(&serve, &stored).await;
    assert!(served(&machine).as_object().is_none_or(|map| map.is_empty()));
    assert_eq!(serve.read(&stored).await.unwrap().stored.value, Value::Null);

    // Somebody else's is not overwritten.
    machine.tailscale(["serve", "--bg", "--tcp=2222", "tcp://127.0.0.1:22"]);
    let told = refused(&serve, &Stored::default(), &first).await;
    assert!(told.contains("tcp://web.tailnet.test:2222 to 127.0.0.1:22") && told.contains(&id), "{told}");

    // A host that has left serves nobody.
    machine.tailscale(["logout"]);
    let told = refused(&serve, &Stored::default(), &first).await;
    assert!(told.contains("is in no tailnet") && told.contains("windlass_tailnet_member"), "{told}");
    subject.end().await;
}

#[tokio::test]
async fn headscale_is_refused_when_it_is_planned() {
    let block = [
        ("control", Value::from("headscale")),
        ("base_url", "http://127.0.0.1:1".into()),
        ("api_key", "hskey-api-none".into()),
    ];
    let subject = Subject::start(&block, []).await;
    let serve = subject.resource(TYPE).unwrap();
    let wanted = config(&serve, "/run/none.sock".as_ref(), &[&web(80, "http", "text:hello")]);
    let told = error(&serve.plan(&Stored::default(), &wanted).await.unwrap().problems);
    assert!(told.contains("`tailscale serve` is not supported there") && told.contains("ipv4"), "{told}");
    subject.end().await;
}

const APPROVED: &str = r#"{"tagOwners": {"tag:prod": []}, "acls": [], "autoApprovers": {"services": {"svc:api": ["tag:prod"]}}}"#;

#[tokio::test]
async fn https_and_services_are_served_once_all_is_ready() {
    let tailscale = TailscaleServer::start();
    let daemon = Daemon::start();
    let subject = Subject::at(&tailscale).await;
    let serve = subject.resource(TYPE).unwrap();
    let own = web(443, "https", "http://127.0.0.1:3000");
    let api = [&web(443, "https", "http://127.0.0.1:4000")[..], &[("service", "svc:api".into())]].concat();
    let wanted = config(&serve, &daemon.socket(), &[&own, &api]);

    // Each thing that is missing is said, and nothing is changed by that.
    daemon.set("/CertDomains", json!(null));
    let told = refused(&serve, &Stored::default(), &wanted).await;
    assert!(told.contains("HTTPS switched off"), "{told}");
    daemon.set("/CertDomains", json!(["web.tail.ts.net"]));
    daemon.set("/Self/Tags", json!([]));
    let told = refused(&serve, &Stored::default(), &wanted).await;
    assert!(told.contains("has no tags"), "{told}");
    daemon.set("/Self/Tags", json!(["tag:prod"]));
    let told = refused(&serve, &Stored::default(), &wanted).await;
    assert!(
        told.contains("No approver of the policy") && told.contains("\"svc:api\": [\"tag:prod\"]"),
        "{told}"
    );
    assert_eq!((daemon.served(), daemon.offered()), (json!(null), json!(null)));

    tailscale.edit_policy(APPROVED);
    let stored = make(&serve, &Stored::default(), &wanted).await;
    assert_eq!(daemon.offered(), json!(["svc:api"]));
    let told = daemon.served();
    assert_eq!(
        told["Services"]["svc:api"],
        json!({"TCP": {"443": {"HTTPS": true}}, "Web": {"api.tail.ts.net:443": {"Handlers": {"/": {"Proxy": "http://127.0.0.1:4000"}}}}})
    );
    let urls = Value::list_of(["https://web.tail.ts.net/", "https://api.tail.ts.net/"]);
    assert_eq!(stored.value.attribute("urls"), Some(&urls));
    let stored = read(&serve, &stored).await;
    assert!(is_unchanged(&serve, &stored, &wanted).await);

    // Drained by hand: offered again.
    daemon.offer(json!(["svc:other"]));
    let drained = read(&serve, &stored).await;
    assert!(!is_unchanged(&serve, &drained, &wanted).await);
    let stored = make(&serve, &drained, &wanted).await;
    assert_eq!(daemon.offered(), json!(["svc:api", "svc:other"]));

    // What somebody serves in a terminal stays, and is in the way of the same port.
    let mut with_session = daemon.served();
    with_session["Foreground"] = json!({"s1": {"TCP": {"8443": {"HTTPS": true}}}});
    daemon.serve(with_session);
    let more = config(&serve, &daemon.socket(), &[&own, &web(8443, "https", "text:x")]);
    let told = refused(&serve, &stored, &more).await;
    assert!(told.contains("port 8443 is served by somebody in a terminal"), "{told}");
    let fewer = config(&serve, &daemon.socket(), &[&own]);
    let stored = make(&serve, &stored, &fewer).await;
    assert_eq!(daemon.offered(), json!(["svc:other"]), "it is no longer offered");
    assert!(daemon.served()["Foreground"]["s1"].is_object() && daemon.served().get("Services").is_none());

    // Who changes it between the look and the change is not overwritten.
    let theirs = json!({"TCP": {"22": {"TCPForward": "127.0.0.1:22"}}});
    let another = config(&serve, &daemon.socket(), &[&own, &web(9443, "https", "text:x")]);
    let planned = fine(serve.plan(&stored, &another).await.unwrap());
    daemon.intrude(theirs.clone());
    let told = error(&serve.apply(&planned).await.unwrap().problems);
    assert!(told.contains("was changed by somebody else just now"), "{told}");
    assert_eq!(daemon.served(), theirs);

    let stored = read(&serve, &stored).await;
    destroy(&serve, &stored).await;
    assert_eq!(daemon.served(), json!({}));
    subject.end().await;
}

#[tokio::test]
async fn mistakes_are_told_before_any_plan() {
    let tailscale = TailscaleServer::start();
    let subject = Subject::at(&tailscale).await;
    let serve = subject.resource(TYPE).unwrap();
    for (handlers, part) in [
        (vec![web(443, "https", "127.0.0.1:1").to_vec()], "is none of https"),
        (
            vec![web(443, "https", "text:a").to_vec(), web(443, "http", "text:b").to_vec()],
            "not as https and http",
        ),
        (vec![[&web(22, "tcp", "a:1")[..], &[("path", "/x".into())]].concat()], "has no `path`"),
        (vec![[&web(22, "tcp", "a:1")[..], &[("service", "api".into())]].concat()], "svc:api"),
    ] {
        let handlers: Vec<Handler<'_>> = handlers.iter().map(Vec::as_slice).collect();
        let wanted = config(&serve, "/run/none.sock".as_ref(), &handlers);
        let told = error(&serve.validate(&wanted, CAPABILITIES).await.unwrap());
        assert!(told.contains(part), "{told}");
    }
    subject.end().await;
}
