//! A server that another one has taken the place of, and one that is gone for good.

use acceptance_tests::{Workspace, hcl};
use lab::{Host, Lab, Variant};

use crate::{HOST, bare_host, lab_key, provider};

const FILE: &str = "windlass_file.it";
const PATH: &str = "/srv/file";

/// A host and a file on it.
fn configure(workspace: &Workspace, lab: &Lab, more: &str, host: &Host, lines: &[&str]) {
    let provider =
        provider(&[&lab_key(lab), "connect_timeout = \"3s\""]).replacen('{', &format!("{{\n  {more}"), 1);
    let file = format!(
        "resource \"windlass_file\" \"it\" {{\n  host = windlass_host.it.connection\n  path = {}\n  content = \"x\"\n}}\n",
        hcl::quoted(PATH)
    );
    workspace.write("main.tf", &(provider + &bare_host(host, lines) + &file));
}

#[test]
fn a_server_replaced_behind_its_address_makes_everything_on_it_plan_again() {
    let lab = Lab::current().unwrap();
    let mut host = lab.add_host(Variant::Root).unwrap();
    let workspace = Workspace::for_test();
    let pin = |host: &Host| format!("host_key = {}", hcl::quoted(&host.host_key));
    configure(&workspace, &lab, "", &host, &[&pin(&host)]);
    workspace.apply().expect_success();
    let old = workspace.state(HOST);
    let old_key = host.host_key.clone();

    host.replace().unwrap();
    let error = workspace.plan().expect_error();
    let accept = hcl::connection(&host).split("host_key=").nth(1).unwrap().to_owned();
    error.says("has changed").says(&hcl::fingerprint(&old_key)).says(&hcl::fingerprint(&host.host_key));
    error.says(&format!("host_key = \"{accept}\""));

    // The step that the message names.
    configure(&workspace, &lab, "", &host, &[&format!("host_key = {}", hcl::quoted(&accept))]);
    let changes = workspace.changes();
    assert_eq!(changes[HOST].actions, ["update"], "{:#?}", changes[HOST]);
    assert_eq!(changes[HOST].unknown["machine_id"], true, "{:#?}", changes[HOST]);
    assert_eq!(changes[FILE].actions, ["update"], "{:#?}", changes[FILE]);
    workspace.apply().expect_success().expect_warning("Could not remove file");
    workspace.expect_no_changes();
    assert_eq!(lab.exec_ok(&host, &["cat", PATH]).unwrap(), "x");
    assert_ne!(workspace.state(HOST)["machine_id"], old["machine_id"]);
    assert_eq!(workspace.state(HOST)["machine_id"], lab.exec_ok(&host, &["cat", "/etc/machine-id"]).unwrap());

    // The other way: whoever replaces the machine says so by `instance`, in the same apply.
    host.replace().unwrap();
    configure(&workspace, &lab, "", &host, &["trust_on_first_use = true", "instance = \"2\""]);
    let changes = workspace.changes();
    assert!(changes[HOST].is_replace(), "{:#?}", changes[HOST]);
    assert_eq!(changes[FILE].actions, ["update"], "{:#?}", changes[FILE]);
    workspace.converge();
    assert_eq!(lab.exec_ok(&host, &["cat", PATH]).unwrap(), "x");
    workspace.destroy().expect_success();
}

#[test]
fn a_server_that_is_gone_is_an_error_kept_or_forgotten() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let mut workspace = Workspace::for_test();
    let key = format!("host_key = {}", hcl::quoted(&host.host_key));
    configure(&workspace, &lab, "", &host, &[&key]);
    workspace.apply().expect_success();
    host.destroy().unwrap();

    let error = workspace.plan().expect_error();
    error.says("Could not read").says("did not answer").says("on_unreachable");

    configure(&workspace, &lab, "on_unreachable = \"keep\"", &host, &[&key]);
    workspace.expect_no_changes();
    workspace.plan().expect_success().expect_warning("last known state");
    // What is kept is not destroyed: nobody can say that the file is gone.
    workspace.destroy().expect_error().says("Could not delete file").says("did not answer");
    assert!(!workspace.state(FILE).is_null());

    configure(&workspace, &lab, "", &host, &[&key]);
    workspace.env("WINDLASS_ON_UNREACHABLE", "forget");
    workspace.plan().expect_success().expect_warning("dropped from the state");
    workspace.destroy().expect_success();
    assert!(workspace.state(FILE).is_null() && workspace.state(HOST).is_null());
    workspace.env("WINDLASS_ON_UNREACHABLE", "ignore");
    workspace.plan().expect_error().says("WINDLASS_ON_UNREACHABLE").says("forget");
}
