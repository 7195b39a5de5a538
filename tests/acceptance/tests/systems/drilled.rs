//! `terraform/roots/drill` by `windlass drill run`, as the workflow runs it.

use std::{fs, process};

use acceptance_tests::{Companion, Keys, copy_roots, hcl, test_cli};
use lab::{Lab, Variant};
use serde_json::Value;

/// What the roots say of the product's image.
const IMAGE: &str = "ghcr.io/example/always-on-viewer";

#[test]
fn the_product_comes_back_from_its_backup_answers_and_is_gone() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let connection = hcl::connection(&host);
    // Who logs in may make the data there; those of production are beside them.
    lab.exec_ok(&host, &["install", "-d", "-o", &host.user, "/srv/always-on", "/srv/production"]).unwrap();
    lab.exec_ok(&host, &["su", "-", &host.user, "-c", "echo pilot > /srv/production/episodes"]).unwrap();
    let tag = format!("drilled-{}", process::id());
    lab.registry().set_tag("nginx", "1.26", &tag).unwrap();

    let store = tempfile::tempdir().unwrap();
    let (keys, cli) = (Keys::generate(), test_cli());
    let settings = format!(
        "[state]\nrecipients = [{recipient}]\n\n\
         [backup.corpus.corpus]\nhost = {host}\npath = \"/srv/production\"\nstore = \"file://{store}\"\n\n\
         [drill.monthly]\ndirectory = \"terraform/roots/drill\"\nworkspace = \"drill\"\ncore = {core}\n\
         max_recovery = \"10m\"\nmax_age = \"1h\"\nreport = \"docs/drills/{{YYYY-MM}}.md\"\n\n\
         [[drill.monthly.probe]]\nurl = \"http://127.0.0.1:8080/\"\nhost = {host}\nbody = \"Always on\"\n\n\
         [[drill.monthly.command]]\nname = \"the episodes\"\n\
         command = [\"sh\", \"-c\", \"echo $WINDLASS_OUTPUT_restored | grep -q snapshot-corpus-\"]\n",
        recipient = hcl::quoted(&keys.recipient),
        host = hcl::quoted(&connection),
        store = store.path().display(),
        core = hcl::quoted(&cli.path.to_string_lossy()),
    );
    let mut companion = Companion::of(&lab, &settings);
    companion.with_provider().env("SOPS_AGE_KEY", &keys.identity);
    copy_roots(companion.path());
    let root = companion.path().join("terraform/roots");
    let compose = fs::read_to_string(root.join("app/compose.yaml")).unwrap();
    assert!(compose.contains(IMAGE));
    let image = format!("{}/nginx", lab.state().registry);
    fs::write(root.join("app/compose.yaml"), compose.replace(IMAGE, &image)).unwrap();
    let variables = [
        ("address", host.address.as_str()),
        ("host_key", &host.host_key),
        ("user", &host.user),
        ("private_key_file", &host.private_key_file.to_string_lossy()),
        ("release", &tag),
        ("restore_from", &format!("file://{}", store.path().display())),
    ];
    let lines = variables.map(|(name, value)| format!("{name} = {}\n", hcl::quoted(value)));
    fs::write(root.join("drill/terraform.tfvars"), lines.concat()).unwrap();

    // Without a backup there is nothing to come back, and nothing stays.
    let answer = companion.answer_to(&["drill", "run"], "");
    assert_eq!(answer.code, Some(2), "{answer:?}");
    assert!(answer.stdout.contains("| what is left | nothing |"), "{answer:?}");

    companion.told(&["backup", "run"]);
    let report = companion.json(&["drill", "run", "monthly", "--json"]);
    assert_eq!((&report["passed"], &report["left"]), (&Value::Bool(true), &Value::Array(vec![])), "{report}");
    let [data] = &report["data"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!(data["corpus"], "corpus", "{report}");
    assert!(
        report["data_age_seconds"].as_u64().unwrap() < 3600 && report["recovery_seconds"].as_f64().is_some()
    );
    assert_eq!(report["versions"]["providers"].as_object().unwrap().len(), 1, "{report}");
    // What was restored is what was backed up, and what ran on it is gone.
    let there = lab.exec_ok(&host, &["cat", "/srv/always-on/corpus/episodes"]).unwrap();
    assert_eq!(there.trim(), "pilot");
    assert_eq!(lab.exec_ok(&host, &["docker", "ps", "-aq"]).unwrap().trim(), "");
    assert!(companion.path().join("docs/drills").read_dir().unwrap().count() == 2);
    assert!(!companion.path().join("default.tfstate.sops.json").exists());
}
