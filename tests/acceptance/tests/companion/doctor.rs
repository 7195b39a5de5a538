//! `windlass doctor`: hosts that are well, and hosts that are not.

use acceptance_tests::{Companion, hcl};
use lab::{Lab, Variant};
use serde_json::Value;

/// What is said of a subject: `error docker`, and what is seen and done next. The disk of the whole lab, which may
/// be as full as it likes, is no matter of a test.
fn ills(reports: &Value, subject: &str) -> Vec<(String, String)> {
    let report = reports.as_array().unwrap().iter().find(|report| report["subject"] == subject);
    let findings =
        report.unwrap_or_else(|| panic!("nothing of {subject}: {reports}"))["findings"].as_array().unwrap();
    let ill = findings.iter().filter(|finding| finding["level"] != "ok" && !is_of_lab(finding));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    ill.map(|one| {
        let text = format!("{} > {}", word(one, "seen"), word(one, "next"));
        (format!("{} {}", word(one, "level"), word(one, "about")), text)
    })
    .collect()
}

fn is_of_lab(finding: &Value) -> bool {
    finding["about"] == "disk" && !finding["seen"].as_str().unwrap().contains(" 0 B free")
}

#[track_caller]
fn expect(reports: &Value, subject: &str, is: &str, part: &str) {
    let ills = ills(reports, subject);
    let found = ills.iter().any(|(kind, text)| kind == is && text.contains(part));
    assert!(found, "{subject} should have {is} ({part}): {ills:?}");
}

#[test]
fn what_is_ill_is_found_with_what_to_do_and_nothing_is_said_of_the_others() {
    let lab = Lab::current().unwrap();
    let well = hcl::connection(lab.host(Variant::Deploy).unwrap());
    // Docker does not run, and its disk is full.
    let stopped = lab.add_host(Variant::Root).unwrap();
    lab.stop_docker(&stopped).unwrap();
    let disk = lab.small_disk(&stopped, "/var/lib/docker", 4 << 20).unwrap();
    disk.fill().unwrap();
    let stopped = hcl::connection(&stopped);
    // The user may use Docker by sudo only, which the connection does not say.
    let locked = lab.add_host(Variant::Sudo).unwrap();
    let locked = hcl::connection(&locked).replace("&sudo=1", "");
    // The SSH server opens no streams.
    let closed = lab.add_host(Variant::NoForward).unwrap();
    let closed = hcl::connection(&closed);
    let other = lab.host(Variant::Root).unwrap();
    // Another machine than the one whose key is pinned, a machine that is not there, and no connection.
    let (_, key) = well.split_once("host_key=").unwrap();
    let replaced = format!("ssh://{}@{}?host_key={key}", other.user, other.address);
    let absent = format!("ssh://root@{}:1?host_key={key}", other.address);
    let nonsense = "ssh://".to_owned();

    let hosts = [&well, &stopped, &locked, &closed, &replaced, &absent, &nonsense];
    let listed: Vec<String> = hosts.iter().map(|host| hcl::quoted(host)).collect();
    let store = tempfile::tempdir().unwrap();
    let more = format!(
        "[doctor]\nhosts = [{}]\n[backup.store.here]\nurl = \"file://{}\"\n[backup.store.gone]\nurl = \"file:///nowhere/at/all\"\n",
        listed.join(", "),
        store.path().display()
    );
    let companion = Companion::of(&lab, &more);
    let answer = companion.answer_to(&["doctor", "--json"], "");
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(2), ""), "{answer:?}");
    let reports: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), hosts.len() + 2);
    expect(&reports, &stopped, "error docker", "systemctl start docker");
    expect(&reports, &stopped, "error disk", "/var/lib/docker has 0 B free (0 %)");
    expect(&reports, &locked, "error permissions", "usermod -aG docker");
    expect(&reports, &closed, "warning forwarding", "AllowTcpForwarding");
    assert_eq!(ills(&reports, &closed).len(), 1, "{reports}");
    expect(&reports, &replaced, "error host key", "ssh-keygen -lf");
    expect(&reports, &absent, "error connection", "Check the address");
    expect(&reports, &nonsense, "error connection", "Correct `[[ssh]]`");
    expect(&reports, "store gone", "error store", "[backup.store]");
    for subject in [well.as_str(), "store here"] {
        assert!(ills(&reports, subject).is_empty(), "{subject}: {reports}");
    }

    // One that is well is told as such, and that is no failure.
    let told = companion.told(&["doctor", &well]);
    for part in
        ["ok       docker: Docker ", "ok       compose: ", "ok       clock: ", "ok       forwarding: "]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}
