//! Machines whose first login makes the normal one.

use acceptance_tests::{Workspace, hcl};
use lab::{Host, Lab, Variant};

use crate::{HOST, bare_host, lab_key, provider};

/// What makes the user `ops`, as soon as somebody allows it.
const MAKE: &str = "test -e /root/allowed || exit 9; useradd --create-home ops; \
                    install -d -o ops -g ops -m 700 /home/ops/.ssh; \
                    install -o ops -g ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys";

/// A host whose normal login is `ops`, what makes that, and a file that it then writes.
fn configuration(lab: &Lab, host: &Host, first: &str, content: &str) -> String {
    let key = format!("host_key = {}", hcl::quoted(&host.host_key));
    let bootstrap = format!("bootstrap {{\n    user = \"{first}\"\n  }}");
    provider(&[&lab_key(lab)])
        + &bare_host(host, &["user = \"ops\"", &key, &bootstrap])
        + &format!(
            "resource \"windlass_command\" \"ops\" {{\n  host   = {HOST}.connection\n  create = [\"sh\", \"-c\", \
             {make}]\n}}\nresource \"windlass_file\" \"note\" {{\n  host       = {HOST}.connection\n  path       = \
             \"/home/ops/note.txt\"\n  content    = \"{content}\\n\"\n  depends_on = [windlass_command.ops]\n}}\n",
            make = hcl::quoted(MAKE),
        )
}

#[test]
fn the_first_login_makes_the_normal_one_and_may_then_disappear() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let workspace = Workspace::for_test();
    let configure = |first: &str, content: &str| {
        workspace.write("main.tf", &configuration(&lab, &host, first, content));
    };
    configure("root", "one");

    // Cut short: the host is there, by its first login, and what makes the normal one is not.
    workspace.apply().expect_error().says("status 9");
    let state = workspace.state(HOST);
    assert_eq!(state["login"], "bootstrap", "{state:#}");
    assert_eq!(state["connection"].as_str().unwrap().split('@').next(), Some("ssh://ops"), "{state:#}");

    // The next apply, another process, is let in by it as well.
    lab.exec_ok(&host, &["touch", "/root/allowed"]).unwrap();
    let change = workspace.expect_change(HOST, &["update"]);
    assert!(change.unknown["login"] == true && change.unknown["connection"] != true, "{change:#?}");
    workspace.apply_planned().expect_success();
    workspace.expect_no_changes();
    let owner = || lab.exec_ok(&host, &["stat", "-c", "%U", "/home/ops/note.txt"]).unwrap();
    assert_eq!(owner(), "ops", "the file was written by the login that had just been made");

    // Nothing needs the first one any more.
    lab.exec_ok(&host, &["mv", "/root/.ssh/authorized_keys", "/root/kept"]).unwrap();
    configure("root", "two");
    workspace.converge();
    assert_eq!(workspace.state(HOST)["login"], "normal");
    assert_eq!(lab.exec(&host, &["cat", "/home/ops/note.txt"]).unwrap().stdout, b"two\n");

    // It may even be another: that contacts nothing.
    configure("admin", "two");
    workspace.expect_change(HOST, &["update"]);
    workspace.converge_as_planned();

    // Where neither leads in, both are told.
    lab.exec_ok(&host, &["mv", "/home/ops/.ssh/authorized_keys", "/root/of-ops"]).unwrap();
    let fresh = Workspace::for_test();
    fresh.write("main.tf", &configuration(&lab, &host, "root", "two"));
    let error = fresh.apply().expect_error();
    error.says("refused user ops").says("The first login, of the block `bootstrap`").says("user root");
    lab.exec_ok(&host, &["mv", "/root/of-ops", "/home/ops/.ssh/authorized_keys"]).unwrap();
    workspace.expect_no_changes();
    workspace.destroy().expect_success();
}
