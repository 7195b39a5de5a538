//! What was reviewed is what runs: real plans of real CLIs, and everything that may be different.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Output;

use companion_tests::{SECRET, Workspace, both, clis, has, keys};
use serde_json::Value;

const LOCK: &str = ".terraform.lock.hcl";
const PROVIDER: &str = ".terraform/providers/example.org/a/b/1.0.0/linux_amd64/terraform-provider-b";
const MODULE: &str = "module \"app\" {\n  source = \"./app\"\n}\n";

fn prepared(cli: &std::path::Path) -> Workspace {
    let here = Workspace::new(cli);
    here.write(
        "app/main.tf",
        "resource \"terraform_data\" \"app\" {\n  input = file(\"${path.module}/text\")\n}\n",
    );
    here.write("app/text", "one");
    here.write("more.tf", MODULE);
    let ready = here.run(&["init", "-input=false"]);
    assert!(ready.status.success(), "{}", both(&ready));
    here.apply(&[]);
    here
}

fn plan(here: &Workspace, out: &str, more: &[&str]) -> Output {
    let words = [&["plan", "--core", here.cli(), "--out", out, "--"], more].concat();
    here.windlass(&words).output().unwrap()
}

fn apply(here: &Workspace, words: &[&str]) -> Output {
    here.windlass(&[&["apply", "--core", here.cli()], words].concat()).output().unwrap()
}

#[test]
fn a_reviewed_plan_is_applied_once_and_leaves_nothing_in_clear() {
    for cli in clis() {
        let here = prepared(&cli);
        let planned = plan(&here, "reviewed.plan", &["-var", "count_of=3"]);
        assert!(planned.status.success(), "{}", both(&planned));
        assert!(both(&planned).contains("Plan: 2 to create"), "{}", both(&planned));
        let told = here.windlass(&["plan-summary", "reviewed.plan"]).output().unwrap();
        assert!(
            both(&told).starts_with("Plan: 2 to create") && !both(&told).contains(SECRET),
            "{}",
            both(&told)
        );
        assert_eq!(here.files_with(SECRET), Vec::<PathBuf>::new());
        assert!(std::fs::read(here.path("reviewed.plan")).unwrap().starts_with(b"age-encryption.org/"));
        // What a review leaves beside the configuration is no part of it.
        here.write("comment.md", "reviewed");
        let done = apply(&here, &["reviewed.plan"]);
        assert!(done.status.success(), "{}", both(&done));
        assert_eq!(here.told(&["list"]).lines().count(), 4);
        let again = apply(&here, &["reviewed.plan"]);
        assert_eq!(again.status.code(), Some(1));
        assert!(both(&again).contains("The state's serial was"), "{}", both(&again));
        assert_eq!(here.files_with(SECRET), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_first_plan_of_a_state_that_does_not_exist_is_applied() {
    let here = Workspace::new(&clis().remove(0));
    assert!(plan(&here, "first.plan", &[]).status.success());
    let done = apply(&here, &["first.plan"]);
    assert!(done.status.success(), "{}", both(&done));
    let overwriting = plan(&here, "main.tf", &[]);
    assert!(
        both(&overwriting).contains("There is a file of that name which is not a plan"),
        "{}",
        both(&overwriting)
    );
    assert!(std::fs::read_to_string(here.path("main.tf")).unwrap().contains("terraform_data"));
    assert!(plan(&here, "first.plan", &[]).status.success(), "a plan takes the place of a plan");
    let refused = here.windlass(&["plan", "--out", "x", "--", "-out=clear"]).output().unwrap();
    assert!(both(&refused).contains("would write the plan in clear"), "{}", both(&refused));
    let refused = here.windlass(&["drift", "--", "-out=clear"]).output().unwrap();
    assert!(both(&refused).contains("would write the plan in clear"), "{}", both(&refused));
    assert!(!here.path("clear").exists());
}

#[test]
fn drift_has_an_exit_code_and_the_same_words_as_a_plan() {
    for cli in clis() {
        let here = prepared(&cli);
        let drift = |more: &[&str]| {
            let words = [&["drift", "--core", here.cli(), "--"], more].concat();
            here.windlass(&words).output().unwrap()
        };
        let none = drift(&[]);
        assert_eq!(none.status.code(), Some(0), "{}", both(&none));
        assert!(both(&none).contains("Plan: no changes"), "{}", both(&none));
        let some = drift(&["-var", "count_of=2"]);
        assert_eq!(some.status.code(), Some(2), "{}", both(&some));
        assert!(both(&some).contains("+ terraform_data.one[1] is created"), "{}", both(&some));
        // What the core warns of is told, with drift and without.
        here.write("check.tf", "check \"backup\" {\n  assert {\n    condition     = var.count_of > 5\n    error_message = \"The backup is old.\"\n  }\n}\n");
        let warned = drift(&[]);
        assert!(both(&warned).contains("The backup is old."), "{}", both(&warned));
        let out = here.windlass(&["plan", "--core", here.cli(), "--out", "warned.plan"]).output().unwrap();
        assert!(both(&out).contains("The backup is old."), "{}", both(&out));
        let again = here.windlass(&["plan-summary", "warned.plan"]).output().unwrap();
        assert!(both(&again).contains("The backup is old."), "{}", both(&again));
        std::fs::remove_file(here.path("check.tf")).unwrap();
        here.write("app/text", "two");
        let settings = std::fs::read_to_string(here.path("windlass.toml")).unwrap();
        assert_eq!(drift(&[]).status.code(), Some(2));
        here.write("windlass.toml", settings + "[drift]\nvolatile = [\"*.app.input\", \"*.app.output\"]\n");
        let volatile = drift(&[]);
        assert_eq!(volatile.status.code(), Some(0), "{}", both(&volatile));
        assert!(both(&volatile).contains("change by themselves: 1 changes"), "{}", both(&volatile));
        here.write("broken.tf", "nonsense {\n");
        let broken = drift(&[]);
        assert_eq!(broken.status.code(), Some(1));
        assert!(
            both(&broken).contains("Error: ") && both(&broken).contains("broken.tf"),
            "{}",
            both(&broken)
        );
    }
}

/// An artefact's text.
fn opened(here: &Workspace, bytes: &[u8]) -> Value {
    let identity: age::x25519::Identity = here.keys.identity.parse().unwrap();
    let mut plain = Vec::new();
    let decryptor = age::Decryptor::new(bytes).unwrap();
    decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .unwrap()
        .read_to_end(&mut plain)
        .unwrap();
    serde_json::from_slice(&plain).unwrap()
}

/// What anybody can make who knows the public key.
fn sealed(recipient: &str, plain: &[u8]) -> Vec<u8> {
    let recipient: age::x25519::Recipient = recipient.parse().unwrap();
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).unwrap();
    writer.write_all(plain).unwrap();
    writer.finish().unwrap();
    sealed
}

/// Each case changes the file or what is around it, and says what the refusal has to say.
struct Table<'a> {
    here: &'a Workspace,
    good: Vec<u8>,
    cases: usize,
}

impl Table<'_> {
    fn refused(&mut self, name: &str, words: &[&str], expected: &str) {
        let told = apply(self.here, &[words, &["r.plan"]].concat());
        assert_eq!(told.status.code(), Some(1), "{name}: {}", both(&told));
        assert!(both(&told).contains(expected), "{name}: {expected:?} is not in {}", both(&told));
        assert!(!both(&told).contains("Apply complete"), "{name}: {}", both(&told));
        self.cases += 1;
    }

    /// Another file in its place.
    fn file(&mut self, name: &str, bytes: impl AsRef<[u8]>, expected: &str) {
        self.here.write("r.plan", bytes);
        self.refused(name, &[], expected);
        self.here.write("r.plan", &self.good);
    }

    fn flipped(&mut self, name: &str, at: usize, expected: &str) {
        let mut bytes = self.good.clone();
        bytes[at] ^= 1;
        self.file(name, bytes, expected);
    }

    /// Forged by somebody who has only the public key, and knows everything else.
    fn forged(&mut self, name: &str, forge: impl FnOnce(&mut Value, &mut Value), expected: &str) {
        let mut outer = opened(self.here, &self.good);
        let mut content: Value = serde_json::from_str(outer["content"].as_str().unwrap()).unwrap();
        forge(&mut outer, &mut content);
        outer["content"] = Value::String(content.to_string());
        let bytes = sealed(&self.here.keys.recipient, outer.to_string().as_bytes());
        self.file(name, bytes, expected);
    }

    /// A file beside it that is another one, or gone.
    fn beside(&mut self, name: &str, file: &str, text: Option<&str>, expected: &str) {
        let before = std::fs::read(self.here.path(file)).ok();
        match text {
            Some(text) => drop(self.here.write(file, text)),
            None => std::fs::remove_file(self.here.path(file)).unwrap(),
        }
        self.refused(name, &[], expected);
        match before {
            Some(before) => drop(self.here.write(file, before)),
            None => std::fs::remove_file(self.here.path(file)).unwrap(),
        }
    }
}

#[test]
fn whatever_is_not_as_it_was_is_refused() {
    let cli = clis().remove(0);
    let here = prepared(&cli);
    here.write(LOCK, "# a lock file\n");
    here.write(PROVIDER, "a program");
    let other = prepared(&cli);
    assert!(plan(&other, "r.plan", &["-var", "count_of=2"]).status.success());
    let planned = plan(&here, "r.plan", &["-var", "count_of=2"]);
    assert!(planned.status.success(), "{}", both(&planned));
    let good = std::fs::read(here.path("r.plan")).unwrap();
    let mut table = Table { here: &here, good, cases: 0 };
    files(&mut table);
    forgeries(&mut table, &other);
    surroundings(&mut table);
    states(&mut table);
    assert!(table.cases >= 30, "{} cases", table.cases);
    // Nothing of all that has changed anything: the good one is still good.
    let done = apply(&here, &["r.plan"]);
    assert!(done.status.success(), "{}", both(&done));
    assert_eq!(here.told(&["list"]).lines().count(), 3);
}

fn files(table: &mut Table) {
    let changed = "None of the 1 identities at hand opens it, or it was changed.";
    let good = table.good.clone();
    let header = good.windows(4).position(|window| window == b"\n---").unwrap();
    table.flipped("its first byte", 0, "It is not an age file.");
    table.flipped("whom it is for", header - 20, changed);
    table.flipped("the MAC of its header", header + 10, changed);
    table.flipped("its beginning", header + 80, changed);
    table.flipped("its middle", good.len() / 2, changed);
    table.flipped("its last byte", good.len() - 1, changed);
    table.file("cut off", &good[..good.len() - 1], changed);
    table.file("longer", [&good[..], b"x"].concat(), changed);
    table.file("empty", b"", "It is not an age file.");
    table.file("a plan in clear", b"PK\x03\x04", "It is not an age file.");
    let outer = opened(table.here, &good).to_string();
    table.file("for somebody else", sealed(&keys().recipient, outer.as_bytes()), changed);
    let recipient = table.here.keys.recipient.clone();
    table.file("another text", sealed(&recipient, b"{}"), "not of a plan that `windlass plan` has made");
    let newer = outer.replacen("\"format\":1", "\"format\":9", 1);
    table.file(
        "another format",
        sealed(&recipient, newer.as_bytes()),
        "Its format is 9, and 1 is known here",
    );
}

fn forgeries(table: &mut Table, other: &Workspace) {
    let forged = "It was not made from this state";
    let theirs = opened(other, &std::fs::read(other.path("r.plan")).unwrap());
    let their_content: Value = serde_json::from_str(theirs["content"].as_str().unwrap()).unwrap();
    let plan = their_content["plan"].clone();
    table.forged("another plan", |_, content| content["plan"] = plan, forged);
    table.forged("another JSON", |_, content| content["plan_json"] = "{}".into(), forged);
    table.forged("no proof", |outer, _| outer["proof"] = "".into(), forged);
    table.forged("a proof of something else", |outer, _| outer["proof"] = theirs["proof"].clone(), forged);
    table.forged("another time", |_, content| content["made_at"] = 1.into(), forged);
    table.forged(
        "another version",
        |_, content| content["facts"]["windlass"] = "9.9.9".into(),
        "The version of windlass was 9.9.9",
    );
    table.forged(
        "another platform",
        |_, content| content["facts"]["platform"] = "plan9_mips".into(),
        "The platform was plan9_mips",
    );
    let theirs = sealed(&table.here.keys.recipient, theirs.to_string().as_bytes());
    table.file("that of another state", theirs, "Of the configuration, windlass.toml is another one.");
    // Whoever changes the configuration as well still does not know the state.
    table.here.write("more.tf", format!("{MODULE}# x\n"));
    table.forged(
        "a configuration that fits",
        |_, content| {
            let files = content["facts"]["configuration"].as_object_mut().unwrap();
            let digest = sha256(&format!("{MODULE}# x\n"));
            assert!(files.insert("more.tf".into(), digest.into()).is_some());
        },
        forged,
    );
    table.here.write("more.tf", MODULE);
}

/// As the system's own program has it.
fn sha256(text: &str) -> String {
    let mut child = std::process::Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn surroundings(table: &mut Table) {
    let main = std::fs::read_to_string(table.here.path("main.tf")).unwrap() + "\n";
    table.beside("a changed file", "main.tf", Some(&main), "Of the configuration, main.tf is another one.");
    table.beside("a new file", "new.tf", Some(""), "Of the configuration, new.tf is new.");
    table.beside("new values", "x.auto.tfvars", Some(""), "Of the configuration, x.auto.tfvars is new.");
    table.beside(
        "a changed module",
        "app/main.tf",
        Some("# nothing\n"),
        "Of the configuration, app/main.tf is another one.",
    );
    table.beside(
        "a file that is read",
        "app/text",
        Some("two"),
        "Of the configuration, app/text is another one.",
    );
    table.beside("a file that is gone", "app/text", None, "Of the configuration, app/text is gone.");
    table.beside(
        "the lock file",
        LOCK,
        Some("# another\n"),
        "The lock file (.terraform.lock.hcl) is another one.",
    );
    table.beside("no lock file", LOCK, None, "The lock file (.terraform.lock.hcl) is gone.");
    table.beside("the provider", PROVIDER, Some("another program"), "terraform-provider-b is another one.");
    table.beside("no provider", PROVIDER, None, "terraform-provider-b is gone.");
    table.refused(
        "another workspace",
        &["--workspace", "drill"],
        "The workspace of `--workspace` was none, and is `drill`.",
    );
    if let Some(other) = clis().into_iter().find(|cli| cli.to_str() != Some(table.here.cli())) {
        let told =
            table.here.windlass(&["apply", "r.plan", "--core", other.to_str().unwrap()]).output().unwrap();
        assert_eq!(told.status.code(), Some(1), "{}", both(&told));
        assert!(both(&told).contains("The core was "), "{}", both(&told));
        table.cases += 1;
    }
}

fn states(table: &mut Table) {
    let here = table.here;
    let file = here.state().file_name().unwrap().to_str().unwrap().to_owned();
    let (sealed, plain) = (std::fs::read(here.state()).unwrap(), here.told(&["pull"]));
    let mut replaced = |name: &str, text: &str, expected: &str| {
        here.write("home/other.json", text);
        here.told(&["push", "--force", "home/other.json"]);
        // It is no part of the configuration's directory that somebody would look at.
        std::fs::remove_file(here.path("home/other.json")).unwrap();
        table.refused(name, &[], expected);
        here.write(&file, &sealed);
    };
    let state: Value = serde_json::from_str(&plain).unwrap();
    let with = |name: &str, value: Value| {
        let mut state = state.clone();
        state[name] = value;
        state.to_string()
    };
    let serial = state["serial"].as_i64().unwrap();
    replaced("a newer state", &with("serial", (serial + 1).into()), "something has changed it");
    replaced("an older state", &with("serial", (serial - 1).into()), "something has changed it");
    replaced(
        "another lineage",
        &with("lineage", "of-another".into()),
        "The state is of another infrastructure",
    );
    let contents = plain.replacen("\"number\":0", "\"number\":7", 1);
    assert_ne!(contents, plain);
    replaced("other contents with the same serial", &contents, "It was not made from this state");
    std::fs::remove_file(here.state()).unwrap();
    table.refused("no state", &[], "There was a state, and now there is none.");
    here.write(&file, &sealed);
    assert!(!has(&sealed, SECRET));
}

/// What a core that could not hand its state over leaves in clear is encrypted also where there is no plan.
#[test]
fn a_plan_that_fails_leaves_no_state_in_clear() {
    let here = prepared(&clis()[0]);
    here.write("state.json", here.told(&["pull"]));
    let script = "#!/bin/sh\ncase $1 in plan) cp state.json errored.tfstate; rm state.json; exit 1 ;; esac\n";
    here.write("core", script);
    let runs = std::process::Command::new("chmod").arg("755").arg(here.path("core")).status().unwrap();
    assert!(runs.success());
    let core = here.path("core");
    let planned =
        here.windlass(&["plan", "--core", core.to_str().unwrap(), "--out", "x.plan"]).output().unwrap();
    assert_eq!(planned.status.code(), Some(1), "{}", both(&planned));
    assert!(both(&planned).contains("It is kept, encrypted"), "{}", both(&planned));
    assert!(here.path("errored.tfstate.sops.json").exists());
    assert_eq!(here.files_with(SECRET), Vec::<PathBuf>::new());
}
