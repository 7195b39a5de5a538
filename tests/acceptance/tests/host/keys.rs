//! Host keys: who is trusted, and that nothing is said to who is not.

use acceptance_tests::{Workspace, hcl};
use lab::{Lab, Variant};

use crate::{HOST, bare_host, lab_key, provider, sshd_log, talkative_sshd};

#[test]
fn a_key_is_pinned_however_it_is_given() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let workspace = Workspace::for_test();
    // The default file, not one that a setting names.
    workspace.write("home/.ssh/known_hosts", &format!("{} {}\n", host.address, host.host_key));
    let pin = |key: &str| format!("host_key = {}", hcl::quoted(key));
    let connection = hcl::connection(host);
    let fingerprint = connection.split("host_key=").nth(1).unwrap().to_owned();
    let ways = [
        ("public", pin(&host.host_key)),
        ("commented", pin(&format!("{} root@somewhere", host.host_key))),
        ("fingerprint", pin(&fingerprint)),
        ("listed", pin(&hcl::listed(&host.host_key))),
        ("message", pin(&format!("ssh-ed25519 {}", hcl::fingerprint(&host.host_key)))),
        ("known", String::new()),
        ("first", "trust_on_first_use = true".to_owned()),
    ];
    let mut text = provider(&[&lab_key(&lab)]);
    for (name, line) in &ways {
        text +=
            &bare_host(host, &[line, "port = 22", "user = \"root\""]).replace("\"it\"", &hcl::quoted(name));
    }
    workspace.write("main.tf", &text);
    workspace.converge();
    for (name, _) in &ways {
        let state = workspace.state(&format!("windlass_host.{name}"));
        assert_eq!(state["connection"], connection, "{name}");
        assert_eq!(state["host_public_key"], host.host_key, "{name}");
    }
    // What was pinned stays pinned when known_hosts forgets it.
    workspace.write("home/.ssh/known_hosts", "");
    workspace.expect_no_changes();
    // The same key in another spelling is no change.
    workspace.write("main.tf", &text.replace(&pin(&fingerprint), &pin(&host.host_key)));
    workspace.expect_no_changes();
}

#[test]
fn a_wrong_or_unknown_key_stops_before_any_authentication() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    talkative_sshd(&lab, &host);
    let stranger = &lab.host(Variant::Deploy).unwrap().host_key;
    let offered = hcl::fingerprint(&host.host_key);
    let workspace = Workspace::for_test();
    let wrong = format!("host_key = {}", hcl::quoted(stranger));
    let with_provider = |text: String| provider(&[&lab_key(&lab)]) + &text;
    workspace.write("main.tf", &with_provider(bare_host(&host, &["port = 2222", &wrong])));
    let error = workspace.apply().expect_error();
    error.says("Could not create host").says("no authentication was tried");
    error.says(&hcl::fingerprint(stranger)).says(&offered).says("host_key = \"ssh-ed25519:SHA256:");
    assert!(workspace.state(HOST).is_null());

    workspace.write("main.tf", &with_provider(bare_host(&host, &["port = 2222"])));
    let error = workspace.apply().expect_error();
    let line = format!("[{}]:2222 {}", host.address, host.host_key);
    error.says("is not known").says(&offered).says(&line).says("trust_on_first_use");

    // A data source has no first use.
    let data = format!("data \"windlass_host\" \"it\" {{\n  host = \"ssh://{}:2222\"\n}}\n", host.address);
    workspace.write("main.tf", &with_provider(data));
    workspace.plan().expect_error().says("Could not read host").says("is not known");
    let log = sshd_log(&lab, &host);
    assert!(log.contains("Connection from"), "{log}");
    assert!(!log.contains("userauth"), "something was said about who we are:\n{log}");
}
