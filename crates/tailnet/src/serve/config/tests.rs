use serde_json::json;

use super::*;

fn names() -> Names {
    Names { machine: "web.tail.ts.net".into(), suffix: "tail.ts.net".into() }
}

fn handler(listen: u16, protocol: Protocol, path: &str, target: &str) -> Handler {
    let (path, target) = (path.to_owned(), target.to_owned());
    Handler { service: None, listen, protocol, path, target, proxy_protocol: 0 }
}

/// One of each kind.
fn all() -> BTreeSet<Handler> {
    BTreeSet::from([
        handler(443, Protocol::Https, "/", "http://127.0.0.1:3000"),
        handler(443, Protocol::Https, "/docs", "/srv/docs"),
        handler(80, Protocol::Http, "/", "redirect:301:https://${HOST}/"),
        Handler { proxy_protocol: 2, ..handler(5432, Protocol::Tcp, "", "127.0.0.1:5432") },
        handler(6379, Protocol::TlsTerminatedTcp, "", "127.0.0.1:6379"),
        Handler { service: Some("svc:api".into()), ..handler(443, Protocol::Https, "/", "text:hello") },
    ])
}

fn told() -> Value {
    json!({
        "TCP": {"443": {"HTTPS": true}, "80": {"HTTP": true}, "5432": {"TCPForward": "127.0.0.1:5432", "ProxyProtocol": 2},
            "6379": {"TCPForward": "127.0.0.1:6379", "TerminateTLS": "web.tail.ts.net"}},
        "Web": {
            "web.tail.ts.net:443": {"Handlers": {"/": {"Proxy": "http://127.0.0.1:3000"}, "/docs": {"Path": "/srv/docs"}}},
            "web.tail.ts.net:80": {"Handlers": {"/": {"Redirect": "301:https://${HOST}/"}}}},
        "Services": {"svc:api": {"TCP": {"443": {"HTTPS": true}},
            "Web": {"api.tail.ts.net:443": {"Handlers": {"/": {"Text": "hello"}}}}}},
    })
}

#[test]
fn handlers_become_what_the_daemon_keeps_and_come_back() {
    let steps = ServeConfig::default().steps(&all(), &names());
    assert_eq!(steps.iter().map(ServeConfig::to_value).collect::<Vec<_>>(), [told()]);
    assert_eq!(steps[0].handlers(&names()), all());
    assert_eq!(steps[0].steps(&all(), &names()), [], "nothing is to do then");
    let gone = steps[0].steps(&BTreeSet::new(), &names());
    assert!(gone.len() == 1 && gone[0].is_empty());
}

#[test]
fn what_somebody_serves_in_a_terminal_stays_and_is_in_the_way() {
    let mut config = told();
    config["Foreground"] = json!({"s1": {"TCP": {"8443": {"HTTPS": true}}, "Web": {}}});
    let (with, without) = (ServeConfig::new(config), ServeConfig::new(told()));
    assert_eq!(with.version(), without.version());
    let gone = with.steps(&BTreeSet::new(), &names()).pop().unwrap();
    assert!(gone.is_empty() && gone.to_value()["Foreground"]["s1"].is_object());
    assert_eq!(with.conflicts(&all()), [""; 0]);
    let hit = with.conflicts(&BTreeSet::from([handler(8443, Protocol::Https, "/", "http://127.0.0.1:1")]));
    assert!(hit.len() == 1 && hit[0].contains("port 8443") && hit[0].contains("terminal"), "{hit:?}");
}

#[test]
fn a_port_that_is_answered_in_another_way_is_let_go_of_first() {
    let config = ServeConfig::new(told());
    let mut wanted = all();
    wanted.retain(|handler| handler.listen != 5432);
    wanted.insert(handler(5432, Protocol::Https, "/", "http://127.0.0.1:1"));
    let steps = config.steps(&wanted, &names());
    assert_eq!(steps.len(), 2);
    assert!(steps[0].to_value()["TCP"].get("5432").is_none());
    assert_eq!(steps[0].to_value()["TCP"]["443"], json!({"HTTPS": true}), "the others stay");
    assert_eq!(steps[1].handlers(&names()), wanted);
}

#[test]
fn what_is_not_written_down_of_a_handler_stays() {
    let mut config = told();
    config["Web"]["web.tail.ts.net:443"]["Handlers"]["/"]["AcceptAppCaps"] = json!(["example.com/cap/a"]);
    config["AllowFunnel"] = json!({"web.tail.ts.net:443": true, "web.tail.ts.net:8443": true});
    let config = ServeConfig::new(config);
    let mut wanted = all();
    wanted.insert(handler(8080, Protocol::Http, "/", "http://127.0.0.1:8080"));
    let made = config.steps(&wanted, &names()).pop().unwrap().to_value();
    let kept = &made["Web"]["web.tail.ts.net:443"]["Handlers"]["/"];
    assert_eq!(kept["AcceptAppCaps"], json!(["example.com/cap/a"]));
    assert_eq!(made["AllowFunnel"], json!({"web.tail.ts.net:443": true}));
}

#[test]
fn what_is_there_for_another_name_is_no_handler_and_goes() {
    let renamed = Names { machine: "new.tail.ts.net".into(), ..names() };
    let config = ServeConfig::new(told());
    let found = config.handlers(&renamed);
    assert_eq!(found.len(), 2, "the port that is passed on, and the service: {found:?}");
    let made = config.steps(&all(), &renamed).pop().unwrap();
    assert_eq!(made.handlers(&renamed), all());
    assert_eq!(made.handlers(&names()).len(), 2);
}

#[test]
fn a_service_of_packets_is_seen_and_goes() {
    let config = ServeConfig::new(json!({"Services": {"svc:net": {"Tun": true}}}));
    assert_eq!(config.handlers(&names()).first().unwrap().protocol, Protocol::Tun);
    assert!(config.steps(&BTreeSet::new(), &names()).pop().unwrap().is_empty());
    assert!(ServeConfig::new(Value::Null).is_empty() && ServeConfig::new(json!({"TCP": null})).is_empty());
}

#[test]
fn people_type_these_addresses() {
    let urls: Vec<String> = all().iter().map(|handler| names().url(handler)).collect();
    assert_eq!(
        urls,
        [
            "http://web.tail.ts.net/",
            "https://web.tail.ts.net/",
            "https://web.tail.ts.net/docs",
            "tcp://web.tail.ts.net:5432",
            "tls://web.tail.ts.net:6379",
            "https://api.tail.ts.net/"
        ]
    );
}
