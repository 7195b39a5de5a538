//! A content that nobody may see.

use acceptance_tests::{Scratch, SecretHunt, Workspace, hcl, test_cli_since};
use lab::{Lab, Variant};

use crate::file_block;

const FIRST: &str = "hunter2-first-of-the-secrets";
const SECOND: &str = "hunter2-second-of-the-secrets";

#[test]
fn a_write_only_content_is_nowhere_but_in_its_file() {
    let lab = Lab::current().unwrap();
    let places = [Variant::Deploy, Variant::Sudo].map(|v| Scratch::on(&lab, lab.host(v).unwrap()));
    let mut workspace = Workspace::with(&test_cli_since((1, 11)));
    let hunt = SecretHunt::new(&[FIRST, SECOND]);
    hunt.log_everything(&mut workspace);
    let configure = |workspace: &Workspace, version: &str| {
        let mut text = hcl::provider_block(&lab, "");
        text += "variable \"secret\" {\n  type = string\n  ephemeral = true\n}\n";
        for place in &places {
            let host = hcl::quoted(&hcl::connection(place.host()));
            let version = format!("content_wo_version = {}", hcl::quoted(version));
            let lines = ["content_wo = var.secret", &version, "mode = \"0600\""];
            text += &file_block(&place.host().name, &host, &place.path("secret"), &lines);
        }
        workspace.write("main.tf", &text);
    };
    let hunt_everywhere = |workspace: &Workspace| {
        hunt.in_workspace(workspace);
        for place in &places {
            hunt.on_host(&lab, place.host(), &[&place.path("secret")]);
        }
    };

    let watch = hunt.watch_arguments();
    workspace.env("TF_VAR_secret", FIRST);
    configure(&workspace, "1");
    hunt.in_run(&workspace.plan().expect_success());
    hunt.in_run(&workspace.run(&["apply", "-input=false", "-json", "plan.bin"]).expect_success());
    workspace.expect_no_changes();
    hunt_everywhere(&workspace);
    for place in &places {
        assert_eq!(place.read(&place.path("secret")).as_deref(), Some(FIRST));
    }

    // The version decides: another value alone changes nothing.
    workspace.env("TF_VAR_secret", SECOND);
    workspace.expect_no_changes();
    configure(&workspace, "2");
    let change = workspace.expect_change("windlass_file.deploy", &["update"]);
    assert_eq!(change.after["content_hash"], "version:2");
    assert_eq!(change.after["content_wo"], serde_json::Value::Null);
    hunt.in_run(&workspace.apply().expect_success());
    workspace.expect_no_changes();

    // Edited by hand: seen without anybody keeping its hash, and repaired.
    for place in &places {
        assert_eq!(place.read(&place.path("secret")).as_deref(), Some(SECOND));
        place.write(&place.path("secret"), "edited");
    }
    let change = workspace.expect_change("windlass_file.deploy", &["update"]);
    assert_eq!(change.before["content_hash"], "changed");
    hunt.in_run(&workspace.apply().expect_success());
    workspace.expect_no_changes();
    for place in &places {
        assert_eq!(place.read(&place.path("secret")).as_deref(), Some(SECOND));
    }
    watch.finish();
    hunt_everywhere(&workspace);

    hunt.in_run(&workspace.destroy().expect_success());
    for place in &places {
        assert_eq!(place.read(&place.path("secret")), None);
        hunt.on_host(&lab, place.host(), &[]);
    }
}

#[test]
fn many_secrets_written_at_once_share_one_key() {
    // The key of the proofs is made by whichever file comes first.
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let place = Scratch::on(&lab, &host);
    let workspace = Workspace::for_test();
    let connection = hcl::quoted(&hcl::connection(&host));
    let mut text = hcl::provider_block(&lab, "");
    for number in 0..10 {
        let lines = ["content_wo = \"one of many secrets\"", "content_wo_version = \"1\""];
        text += &file_block(&format!("f{number}"), &connection, &place.path(&number.to_string()), &lines);
    }
    workspace.write("main.tf", &text);
    workspace.converge();
    let left = place.root_runs(&["ls", "-A", "/home/deploy/.windlass"]);
    // The files of locks stay: removed, another process could hold a lock on one that nobody finds.
    assert_eq!(left, "files\nkey\nlocks\nowners", "nothing temporary is left");
    assert_eq!(place.stat("/home/deploy/.windlass", "%a"), "700");
}
