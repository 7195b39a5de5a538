//! `windlass run` with real CLIs: a state's life, and who may not begin.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Output, Stdio};

use companion_tests::{SECRET, Workspace, both, clis, has, keys};

#[test]
fn a_state_is_encrypted_from_its_first_write_and_sops_opens_it() {
    for cli in clis() {
        let here = Workspace::new(&cli);
        here.apply(&["-var", "count_of=3"]);
        assert_eq!(here.files_with(SECRET), Vec::<std::path::PathBuf>::new());
        assert!(here.of_sops().contains(SECRET));
        assert_eq!(here.told(&["list"]).lines().count(), 3);
        assert!(here.told(&["pull"]).contains(SECRET) && !here.told(&["show"]).contains(SECRET));
        let same = here.run(&["plan", "-detailed-exitcode", "-input=false", "-var", "count_of=3"]);
        assert_eq!(same.status.code(), Some(0), "{}", both(&same));
        let other = here.run(&["plan", "-detailed-exitcode", "-input=false", "-var", "count_of=4"]);
        assert_eq!(other.status.code(), Some(2), "{}", both(&other));
        let before = std::fs::read_to_string(here.state()).unwrap();
        here.apply(&["-var", "count_of=4"]);
        let after = std::fs::read_to_string(here.state()).unwrap();
        let gone = before.lines().filter(|line| !after.lines().any(|other| other == *line)).count();
        // Serial, digest, time and MAC.
        assert!(gone <= 4, "{gone} lines of the file have gone");
        here.git(&["add", "."]);
        here.git(&["-c", "user.name=t", "commit", "-qm", "x"]);
        here.apply(&["-var", "count_of=2"]);
        assert!(here.git(&["diff", "--stat"]).contains("default.tfstate.sops.json"));
    }
}

/// A secret that the processes of no other test have: they run at the same time.
const OWN_SECRET: &str = "known-to-one-test-alone-71c0";

#[test]
fn no_process_but_the_command_has_anything_of_the_state_in_its_environment() {
    let here = Workspace::new(&clis().remove(0));
    let values = tempfile::tempdir().unwrap();
    std::fs::write(values.path().join("secret.tfvars"), format!("secret = \"{OWN_SECRET}\"\n")).unwrap();
    let file = format!("-var-file={}", values.path().join("secret.tfvars").display());
    let words = ["apply", "-auto-approve", "-input=false", "-no-color", &file];
    // What it knows comes by a file, and by nobody's environment.
    let first = here.command(&words).env_remove("TF_VAR_secret").output().unwrap();
    assert!(first.status.success() && here.of_sops().contains(OWN_SECRET), "{}", both(&first));
    let gated = [&words[..], &["-var", "gate=go"]].concat();
    let child = here.command(&gated).env_remove("TF_VAR_secret").spawn().unwrap();
    here.wait_for("begun");
    let ours = child.id();
    let mut with_password = 0;
    for process in processes() {
        let read = |name: &str| std::fs::read(format!("/proc/{process}/{name}")).unwrap_or_default();
        let (environment, line) = (read("environ"), read("cmdline"));
        assert!(!has(&environment, OWN_SECRET) && !has(&line, OWN_SECRET), "process {process}");
        assert!(!has(&line, "TF_HTTP_PASSWORD"), "process {process}");
        if has(&environment, &format!("{}\0", here.path("home").display()))
            && has(&environment, "TF_HTTP_PASSWORD=")
        {
            assert!(process != ours && is_below(process, ours), "process {process}");
            with_password += 1;
        }
    }
    assert!(with_password > 0, "the command itself has it");
    let limits = std::fs::read_to_string(format!("/proc/{ours}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "no core dumps");
    here.open_gate();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", both(&done));
    assert_eq!(here.files_with(OWN_SECRET), Vec::<std::path::PathBuf>::new());
}

fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether one process has come from another one.
fn is_below(process: u32, above: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
    match parent {
        Some(parent) if parent == above => true,
        Some(0) | None => false,
        Some(parent) => is_below(parent, above),
    }
}

#[test]
fn a_workspace_is_a_file_and_a_variable_and_another_state_can_be_read() {
    for cli in clis() {
        let here = Workspace::new(&cli);
        here.apply(&[]);
        let file = here.state();
        let mut command =
            here.windlass(&["run", "--workspace", "drill", "--with", "main=default.tfstate.sops.json", "--"]);
        let text = "variable \"workspace\" {}\nvariable \"remote_state_main\" {}\n\
            output \"seen\" { value = \"in ${var.workspace}\" }\n\
            data \"terraform_remote_state\" \"main\" {\n  backend = \"http\"\n  config = { address = var.remote_state_main }\n}\n";
        std::fs::write(here.path("more.tf"), text).unwrap();
        let done =
            command.arg(&cli).args(["apply", "-auto-approve", "-input=false", "-no-color"]).output().unwrap();
        assert!(both(&done).contains("in drill"), "{}", both(&done));
        assert!(here.path("drill.tfstate.sops.json").exists() && file.exists());
        std::fs::write(here.path("w.tf"), "output \"w\" { value = terraform.workspace }\n").unwrap();
        let warned = here.run(&["version"]);
        assert!(
            both(&warned).contains("w.tf uses `terraform.workspace`, which is always `default` here"),
            "{}",
            both(&warned)
        );
    }
}

#[test]
fn plan_files_are_encrypted_where_the_cli_can() {
    for cli in clis().into_iter().filter(|cli| cli.ends_with("tofu")) {
        let here = Workspace::new(&cli);
        let planned = here.run(&["plan", "-input=false", "-out=x.tfplan"]);
        assert!(planned.status.success(), "{}", both(&planned));
        assert!(std::fs::read_to_string(here.path("x.tfplan")).unwrap().contains("encrypted_data"));
        let shown = here.run(&["show", "-json", "x.tfplan"]);
        assert!(both(&shown).contains(SECRET), "{}", both(&shown));
        let applied = here.run(&["apply", "-input=false", "x.tfplan"]);
        assert!(applied.status.success(), "{}", both(&applied));
        assert_eq!(here.files_with(SECRET), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn the_encryption_method_speaks_as_opentofu_does() {
    let here = Workspace::new(&clis().remove(0));
    let speak = |way: &str, message: &str| -> Output {
        let mut command = here.windlass(&["encryption-method", way]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that has failed does not read.
        let _ = child.stdin.take().unwrap().write_all(message.as_bytes());
        child.wait_with_output().unwrap()
    };
    let payload = |told: &Output| -> String {
        let text = String::from_utf8(told.stdout.clone()).unwrap();
        let (header, message) = text.split_once('\n').unwrap();
        assert_eq!(header, r#"{"magic":"OpenTofu-External-Encryption-Method","version":1}"#);
        message.strip_prefix("{\"payload\":\"").unwrap().strip_suffix("\"}").unwrap().to_owned()
    };
    // "state" in base64.
    let sealed = payload(&speak("encrypt", r#"{"payload":"c3RhdGU="}"#));
    assert!(sealed.starts_with("YWdlLWVuY3J5cHRpb24ub3Jn"), "an age file: {sealed}");
    let opened = payload(&speak("decrypt", &format!("{{\"key\":null,\"payload\":\"{sealed}\"}}")));
    assert_eq!(opened, "c3RhdGU=");
    let changed = sealed.replacen("YWdl", "YWdm", 1);
    let refused = speak("decrypt", &format!("{{\"payload\":\"{changed}\"}}"));
    assert!(
        both(&refused).contains("None of the 1 identities at hand opens it, or it was changed."),
        "{}",
        both(&refused)
    );
    let nonsense = speak("encrypt", "{}");
    assert_eq!(nonsense.status.code(), Some(1));
    assert!(both(&nonsense).contains("What it sent is not a message of its encryption method."));
}

/// Says that the CLI would have run.
fn never_ran(here: &Workspace, expected: &str) {
    let told = here.run(&["apply", "-auto-approve", "-input=false", "-var", "gate=go"]);
    assert_eq!(told.status.code(), Some(1));
    assert!(both(&told).contains(expected), "{}", both(&told));
    assert!(!here.path("begun").exists() && !both(&told).contains(SECRET));
}

#[test]
fn who_cannot_read_the_state_or_does_not_trust_it_does_not_begin() {
    let cli = clis().remove(0);
    let mut here = Workspace::new(&cli);
    here.apply(&[]);
    let good = std::fs::read_to_string(here.state()).unwrap();

    let broken = good.replacen("data:", "data:AAAA", 1);
    std::fs::write(here.state(), broken).unwrap();
    never_ran(&here, "was changed after it was encrypted, or moved from another place");

    let shorter = good.split_at(good.len() / 2).0;
    std::fs::write(here.state(), shorter).unwrap();
    never_ran(&here, "the file is not JSON");

    // What the MAC of sops does not see.
    let grown = good.replacen("\"outputs\": {}", "\"outputs\": {\"x\": null}", 1);
    assert_ne!(grown, good);
    std::fs::write(here.state(), grown).unwrap();
    never_ran(&here, "was edited with another tool: its digest does not fit");
    here.told(&["verify", "--accept"]);
    here.told(&["verify"]);

    std::fs::write(here.state(), &good).unwrap();
    here.git(&["add", "."]);
    here.git(&["commit", "-qm", "older"]);
    here.apply(&["-var", "count_of=2"]);
    here.git(&["commit", "-qam", "newer"]);
    std::fs::write(here.state(), &good).unwrap();
    never_ran(&here, "it is an older state");
    std::fs::remove_file(here.state()).unwrap();
    never_ran(&here, "it is gone");
    here.git(&["checkout", "-q", "."]);

    let other = keys();
    let mine = std::mem::replace(&mut here.keys, other);
    never_ran(&here, "none of the 1 identities at hand opens the file");

    // The key goes to somebody else, and the one of before opens nothing any more.
    let other = std::mem::replace(&mut here.keys, mine);
    let settings = std::fs::read_to_string(here.path("windlass.toml")).unwrap();
    std::fs::write(here.path("windlass.toml"), settings.replace(&here.keys.recipient, &other.recipient))
        .unwrap();
    let rotated = here.windlass(&["state", "rotate"]).output().unwrap();
    assert!(both(&rotated).contains("no private key at hand opens that"), "{}", both(&rotated));
    assert!(!rotated.status.success());
    // Nor is anything run whose state nobody here could open again.
    never_ran(&here, "nobody here could open it again");
    here.told(&["verify"]);
}

#[test]
fn a_guard_and_a_newer_upstream_keep_a_run_from_beginning() {
    let cli = clis().remove(0);
    let here = Workspace::new(&cli);
    here.apply(&[]);
    let settings = std::fs::read_to_string(here.path("windlass.toml")).unwrap();
    let told = here.windlass(&["state", "guard", "TF_VAR_secret"]).output().unwrap();
    let bound = String::from_utf8(told.stdout).unwrap();
    std::fs::write(here.path("windlass.toml"), format!("{settings}[guard]\nbranch = \"main\"\n{bound}"))
        .unwrap();
    here.apply(&[]);
    let refused = here.command(&["version"]).env("TF_VAR_secret", "of another account").output().unwrap();
    assert!(both(&refused).contains("The value of TF_VAR_secret is not the one that this state belongs to."));
    here.git(&["add", "."]);
    here.git(&["commit", "-qm", "one"]);
    here.git(&["checkout", "-qb", "feature"]);
    never_ran(&here, "The branch is `feature`, and has to be `main`.");
    for words in [&["state", "pull"][..], &["state", "list"], &["state", "verify"], &["state", "rotate"]] {
        let refused = here.windlass(words).output().unwrap();
        assert!(both(&refused).contains("has to be `main`"), "{words:?}: {}", both(&refused));
    }
    assert!(here.windlass(&["state", "show"]).output().unwrap().status.success(), "it opens nothing");

    std::fs::write(here.path("windlass.toml"), settings).unwrap();
    here.git(&["commit", "-qam", "two"]);
    here.git(&["init", "-q", "--bare", "../upstream"]);
    let upstream = tempfile::tempdir().unwrap();
    let upstream = upstream.path().join("up").display().to_string();
    here.git(&["clone", "-q", "--bare", ".", &upstream]);
    here.git(&["remote", "add", "origin", &upstream]);
    here.git(&["push", "-qu", "origin", "feature"]);
    here.apply(&["-var", "count_of=2"]);
    here.git(&["commit", "-qam", "theirs"]);
    here.git(&["push", "-q"]);
    here.git(&["reset", "-q", "--hard", "HEAD~1"]);
    never_ran(&here, "origin/feature has another one");
    here.git(&["pull", "-q", "--ff-only"]);
    here.apply(&["-var", "count_of=3"]);
}

#[test]
fn a_state_is_imported_from_a_plain_one_and_from_one_that_sops_has_encrypted() {
    let cli = clis().remove(0);
    let here = Workspace::new(&cli);
    here.apply(&[]);
    let plain = here.told(&["pull"]);
    std::fs::write(here.path("old.json"), &plain).unwrap();
    std::fs::rename(here.state(), here.path("old.tfstate.enc")).unwrap();
    for file in ["old.json", "old.tfstate.enc"] {
        here.told(&["import", file]);
        assert_eq!(here.told(&["pull"]), plain);
        let twice = here.windlass(&["state", "import", file]).output().unwrap();
        assert!(both(&twice).contains("There is a state already"), "{}", both(&twice));
        std::fs::remove_file(here.state()).unwrap();
    }
    here.told(&["import", "old.json"]);
    here.apply(&[]);
    let older = here.windlass(&["state", "push", "old.json"]).output().unwrap();
    let is_same = here.told(&["pull"]) == plain;
    assert!(is_same || both(&older).contains("--force"), "{}", both(&older));
}

/// OpenTofu's own envelope around an age file, which is what tofu-age-encryption leaves in a state as well.
#[test]
fn a_state_that_opentofu_has_encrypted_with_age_is_imported() {
    for cli in clis().into_iter().filter(|cli| cli.ends_with("tofu")) {
        let here = Workspace::new(&cli);
        let folder = here.path("native");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(
            folder.join("main.tf"),
            "output \"a\" {\n  value = var.secret\n  sensitive = true\n}\nvariable \"secret\" {}\n",
        )
        .unwrap();
        let method = |way: &str| {
            format!("[\"{}\", \"encryption-method\", \"{way}\"]", companion_tests::windlass().display())
        };
        let encryption = format!(
            r#"method "external" "age" {{
              encrypt_command = {}
              decrypt_command = {}
            }}
            state {{
              method   = method.external.age
              enforced = true
            }}"#,
            method("encrypt"),
            method("decrypt")
        );
        for words in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"]] {
            let mut native = here.alone(words);
            let done = native.current_dir(&folder).env("TF_ENCRYPTION", &encryption).output().unwrap();
            assert!(done.status.success(), "{}", both(&done));
        }
        let text = std::fs::read_to_string(folder.join("terraform.tfstate")).unwrap();
        assert!(text.contains("encrypted_data") && !text.contains(SECRET), "{text}");
        here.told(&["import", "native/terraform.tfstate"]);
        assert!(here.told(&["pull"]).contains(SECRET) && here.of_sops().contains(SECRET));
        let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
        changed["serial"] = 71.into();
        std::fs::write(here.path("changed.tfstate"), changed.to_string()).unwrap();
        let refused = here.windlass(&["state", "push", "changed.tfstate"]).output().unwrap();
        assert!(both(&refused).contains("It was changed after it was encrypted"), "{}", both(&refused));
    }
}
