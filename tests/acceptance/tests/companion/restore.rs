//! `windlass backup restore --quiesce`: what uses the data holds still while they take their place, and goes on with them.

use acceptance_tests::{Companion, hcl, unique};
use lab::{Lab, Variant};

#[test]
fn what_uses_the_data_holds_still_while_they_change_places() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let (name, store) = (unique("quiesce"), tempfile::tempdir().unwrap());
    let folder = format!("/srv/{name}");
    let shell = |line: &str| lab.exec_ok(host, &["sh", "-c", line]).unwrap().trim().to_owned();
    let compose = format!(
        "docker compose --project-directory {folder} --file {folder}/compose.yaml --project-name {name}"
    );
    let text = format!(
        "services:\n  app:\n    image: {}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n    \
         volumes: [\"{folder}/data:/data\"]\n",
        lab.image("busybox").unwrap()
    );
    shell(&format!(
        "mkdir -p {folder}/data && echo one > {folder}/data/a && printf '%s' '{text}' > {folder}/compose.yaml"
    ));
    shell(&format!("{compose} up --detach"));
    let connection = hcl::connection(host);
    let companion = Companion::of(
        &lab,
        &format!(
            "[backup.corpus.{name}]\nhost = {}\npath = \"{folder}/data\"\nstore = \"file://{}\"\n",
            hcl::quoted(&connection),
            store.path().display()
        ),
    );
    companion.told(&["backup", "run"]);
    let began = || shell(&format!("docker inspect --format '{{{{.State.StartedAt}}}}' {name}-app-1"));
    let before = began();
    shell(&format!("echo two > {folder}/data/a"));
    let place = format!("{folder}/data");
    let words =
        ["backup", "restore", &name, "--host", &connection, "--to-path", &place, "--overwrite", &place];
    // Who is no service of it is told before anything is replaced.
    let wrong =
        companion.answer_to(&[&words[..], &["--quiesce", &name, "--quiesce-service", "web"]].concat(), "");
    assert_eq!((wrong.code, shell(&format!("cat {place}/a")).as_str()), (Some(1), "two"), "{wrong:?}");
    companion.told(&[&words[..], &["--quiesce", &name, "--quiesce-timeout", "2m"]].concat());
    assert_ne!(began(), before, "it was stopped and started");
    assert_eq!(
        shell(&format!("docker exec {name}-app-1 cat /data/a")),
        "one",
        "it has the data that came back"
    );
    shell(&format!("{compose} down --timeout 0 && rm -rf {folder}"));
}
