//! `windlass drill` with real CLIs: whatever comes of a drill, it is destroyed, and nothing else is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use companion_tests::{SECRET, both, clis};
use world::{GATED, STATE, World, ended, server, signal, signal_all};

#[test]
fn a_drill_is_built_looked_at_reported_and_destroyed() {
    for cli in clis() {
        let (good, port) = (server("200 OK", "all is well"), server("200 OK", ""));
        let here = World::new(
            &cli,
            &format!(
                "[[drill.monthly.probe]]\nname = \"health\"\nurl = \"http://{{output.address}}:{good}/health\"\nbody = \"well\"\n\
                 [[drill.monthly.probe]]\ntcp = \"{{output.address}}:{port}\"\n\
                 [[drill.monthly.command]]\nname = \"look\"\ncommand = [\"sh\", \"-c\", \"test $WINDLASS_OUTPUT_password = {SECRET} && test {{output.workspace}} = drill && pwd\"]\n"
            ),
        );
        let done = here.command(&["run"]).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", both(&done));
        assert_eq!((here.told().as_str(), here.left().as_str()), ("made gone ", ""));
        let (report, text) = here.report();
        assert_eq!(String::from_utf8(done.stdout).unwrap(), text, "stdout has the report and nothing else");
        assert!(text.starts_with("# Drill `monthly`: passed\n"), "{text}");
        assert_eq!((&report["passed"], &report["left"]), (&true.into(), &serde_json::json!([])));
        let steps: Vec<&str> =
            report["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
        assert_eq!(steps, ["init", "plan", "apply", "probe", "probe", "command", "destroy"]);
        assert!(report["recovery_seconds"].as_f64().unwrap() > 0.0);
        let core = report["versions"]["core"].as_str().unwrap();
        assert!(core.starts_with("OpenTofu v") || core.starts_with("Terraform v"), "{core}");
        // The state was encrypted all the time, and production's was not touched.
        assert!(
            here.0.files_with(SECRET).iter().all(|path| path.ends_with("windlass.toml")),
            "{:?}",
            here.0.files_with(SECRET)
        );
        assert!(here.0.path(STATE).exists() && !here.0.state().exists());
        // The next one begins with that file.
        assert_eq!(here.drill(&["run", "monthly", "--json"]).0, Some(0));
        assert_eq!(here.told(), "made gone made gone ");
    }
}

#[test]
fn what_fails_is_told_and_all_of_it_is_destroyed() {
    for cli in clis() {
        // The release itself.
        let here = World::new(&cli, "arguments = [\"-var=release=echo no such image >&2; exit 3\"]");
        let (status, said) = here.drill(&["run"]);
        assert_eq!(
            (status, here.told().as_str(), here.left().as_str()),
            (Some(2), "made gone ", ""),
            "{said}"
        );
        let (report, text) = here.report();
        assert!(text.contains("# Drill `monthly`: failed\n") && text.contains("exit status 3"), "{text}");
        assert!(report["failed"][0].as_str().unwrap().starts_with("apply: "), "{report}");
        assert!(report["recovery_seconds"].is_null());

        // What looks at it: all of it is asked, and told.
        let bad = server("503 Service Unavailable", "");
        here.settle(&format!(
            "[[drill.monthly.probe]]\nname = \"health\"\nurl = \"http://127.0.0.1:{bad}/\"\ntimeout = \"1s\"\n\
             [[drill.monthly.probe]]\nname = \"wrong\"\nurl = \"http://{{output.password}}/\"\n\
             [[drill.monthly.command]]\nname = \"look\"\ncommand = [\"sh\", \"-c\", \"echo it is $WINDLASS_OUTPUT_password; exit 7\"]\n\
             [[drill.monthly.command]]\nname = \"slow\"\ncommand = [\"sleep\", \"60\"]\ntimeout = \"1s\"\n"
        ));
        let (status, said) = here.drill(&["run"]);
        assert_eq!((status, here.left().as_str()), (Some(2), ""), "{said}");
        let (report, text) = here.report();
        assert_eq!(report["failed"].as_array().unwrap().len(), 4, "{report}");
        for expected in
            ["The status was 503", "is sensitive", "It ended with 7.", "It did not end within 1 s"]
        {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains(SECRET) && !report.to_string().contains(SECRET));
    }
}

#[test]
fn a_plan_that_fails_and_settings_that_mean_nothing_make_nothing() {
    let here = World::new(&clis().remove(0), "arguments = [\"-var=nobody=knows\"]");
    assert_eq!(here.drill(&["run"]).0, Some(2));
    assert!(here.report().1.contains("plan: Error: "), "{}", here.report().1);
    here.settle("max_recovery = \"soon\"");
    let (status, said) = here.drill(&["run"]);
    assert!(status == Some(1) && said.contains("`max_recovery`: \"soon\" is not a duration"), "{said}");
    let (status, said) = here.drill(&["run", "yearly"]);
    assert!(status == Some(1) && said.contains("does not have \"yearly\"; it has monthly"), "{said}");
    assert_eq!(here.told(), "");
}

#[test]
fn who_interrupts_a_drill_has_it_destroyed() {
    for cli in clis() {
        for name in ["INT", "TERM"] {
            let here = World::new(&cli, GATED);
            let drill = here.gated(&["run"]);
            signal(drill.id(), name);
            let (status, said) = ended(&drill.wait_with_output().unwrap());
            assert_eq!(
                (status, here.told().as_str(), here.left().as_str()),
                (Some(2), "made gone ", ""),
                "{said}"
            );
            let (report, text) = here.report();
            assert!(
                text.contains("It was interrupted.")
                    && report["failed"][0].as_str().unwrap().starts_with("apply: It was interrupted"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_drill_whose_time_is_up_is_destroyed() {
    let here = World::new(&clis().remove(0), &format!("timeout = \"10s\"\n{GATED}"));
    let (status, said) = here.drill(&["run"]);
    assert_eq!((status, here.told().as_str()), (Some(2), "made gone "), "{said}");
    assert!(here.report().1.contains("Its time was up (`timeout`)."));
}

#[test]
fn a_second_signal_stops_the_destruction_and_the_next_drill_makes_it_good() {
    for cli in clis() {
        let here = World::new(&cli, GATED);
        here.0.write("infra/hold", "");
        let drill = here.gated(&["run"]);
        signal(drill.id(), "INT");
        here.0.wait_for("infra/ending");
        // What comes at once is the same signal.
        std::thread::sleep(Duration::from_millis(1200));
        signal(drill.id(), "INT");
        let (status, said) = ended(&drill.wait_with_output().unwrap());
        assert_eq!(status, Some(3), "{said}");
        assert!(here.left().contains("terraform_data.server"), "{said}");
        assert!(here.report().1.contains("## What is left\n\n- `terraform_data.server`\n"));

        // A second drill, and one that only destroys.
        std::fs::remove_file(here.0.path("infra/hold")).unwrap();
        here.0.write("infra/go", "");
        let (status, said) = here.drill(&["run"]);
        assert_eq!((status, here.left().as_str()), (Some(0), ""), "{said}");
        assert_eq!(here.report().0["steps"][1]["step"], "leftovers", "{said}");
        assert!(here.told().ends_with("gone made gone "), "{}", here.told());
    }
}

#[test]
fn what_cannot_be_destroyed_is_told_and_destroyed_later() {
    let here = World::new(&clis().remove(0), "");
    here.0.write("infra/stuck", "");
    let (status, said) = here.drill(&["run"]);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.contains("failed, and not destroyed"), "{said}");
    let (status, said) = here.drill(&["destroy"]);
    assert!(status == Some(3) && said.contains("terraform_data.server is left"), "{said}");
    std::fs::remove_file(here.0.path("infra/stuck")).unwrap();
    let (status, said) = here.drill(&["destroy"]);
    assert!(status == Some(0) && said.contains("Nothing is left."), "{said}");
    assert_eq!((here.told().as_str(), here.left().as_str()), ("made gone ", ""));
}

#[test]
fn of_a_drill_that_was_killed_the_next_one_destroys_what_is_left() {
    for (number, cli) in clis().into_iter().enumerate() {
        let all = [&["run"][..], &["run", "--resume"], &["destroy"]];
        for words in all.into_iter().take(if number == 0 { all.len() } else { 1 }) {
            let here = World::new(&cli, GATED);
            let drill = here.gated(&["run"]);
            signal(drill.id(), "KILL");
            let _ = drill.wait_with_output().unwrap();
            here.0.write("infra/go", "");
            let (status, said) = here.drill(words);
            assert_eq!((status, here.left().as_str()), (Some(0), ""), "{words:?}: {said}");
            // What was made is destroyed, by whichever way.
            let expected = if words == ["run"] { "made gone made gone " } else { "made gone " };
            assert_eq!(here.told(), expected, "{words:?}: {said}");
            assert!(!here.0.path("infra/errored.tfstate").exists());
            if words.len() == 2 {
                assert_eq!(here.report().0["resumed"], true);
            }
        }
    }
}

/// A core tells its state of what it makes every now and then, and is not asked when it is killed.
#[test]
fn what_an_apply_was_making_when_all_of_it_was_killed_is_told() {
    for cli in clis() {
        let here = World::new(&cli, GATED);
        let drill = here.gated(&["run"]);
        signal_all(drill.id(), "KILL");
        let _ = drill.wait_with_output().unwrap();
        let (status, said) = here.drill(&["destroy"]);
        assert!(
            status == Some(3) && said.contains("Maybe left: what an apply was making that began at "),
            "{said}"
        );
        let (status, said) = here.drill(&["destroy"]);
        assert!(status == Some(0) && said.contains("Nothing is left."), "{said}");
    }
}

#[test]
fn two_drills_do_not_run_at_once() {
    let here = World::new(&clis().remove(0), GATED);
    let first = here.gated(&["run"]);
    let (status, said) = here.drill(&["run"]);
    assert!(
        status == Some(1) && said.contains(&format!("It runs already, as process {}", first.id())),
        "{said}"
    );
    here.0.write("infra/go", "");
    let (status, said) = ended(&first.wait_with_output().unwrap());
    assert_eq!((status, here.told().as_str()), (Some(0), "made gone "), "{said}");
}

/// That neither a drill nor a destruction begins.
fn never_begun(here: &World, expected: &str) {
    let before = here.told();
    for words in [["run"], ["destroy"]] {
        let (status, said) = here.drill(&words);
        assert!(status == Some(1) && said.contains(expected), "{words:?}: {said}");
    }
    assert_eq!(here.told(), before);
}

#[test]
fn a_state_that_no_drill_has_begun_is_refused() {
    for cli in clis() {
        let here = World::new(&cli, "");
        let production = |words: &[&str]| {
            let mut command = here.0.windlass(&["run", "--", here.0.cli(), "-chdir=infra"]);
            let done = command.args(words).env("TF_VAR_workspace", "default").output().unwrap();
            assert!(done.status.success(), "{}", both(&done));
        };
        production(&["init", "-input=false"]);
        production(&["apply", "-auto-approve", "-input=false"]);
        // It was copied into the place of the drill's.
        std::fs::copy(here.0.state(), here.0.path(STATE)).unwrap();
        never_begun(&here, "no drill has begun it");
        // It was pushed there, over one that a drill had begun.
        std::fs::remove_file(here.0.path(STATE)).unwrap();
        assert_eq!(here.drill(&["run"]).0, Some(0));
        here.0.write("production.json", here.0.told(&["pull"]));
        here.0.told(&["--workspace", "drill", "push", "--force", "production.json"]);
        never_begun(&here, "no drill has begun it");
        // What it has left in clear is not the drill's either.
        std::fs::remove_file(here.0.path(STATE)).unwrap();
        here.0.write("infra/errored.tfstate", here.0.told(&["pull"]));
        let (status, said) = here.drill(&["run"]);
        assert!(status == Some(1) && said.contains("errored.tfstate is there"), "{said}");
        assert!(here.0.path("infra/errored.tfstate").exists());
        assert_eq!(here.0.told(&["list"]).lines().count(), 2, "production is as it was");
    }
}

#[test]
fn a_configuration_with_a_state_of_its_own_is_refused() {
    for cli in clis() {
        let here = World::new(&cli, "");
        let text = std::fs::read_to_string(here.0.path("infra/main.tf")).unwrap();
        let local = "backend \"local\" { path = \"production.tfstate\" }";
        here.0.write("infra/main.tf", text.replace("backend \"http\" {}", local));
        for words in [&["init"][..], &["apply", "-auto-approve", "-var=workspace=default"]] {
            let mut command = std::process::Command::new(&cli);
            command.args(words).arg("-input=false").current_dir(here.0.path("infra"));
            let done = command.env("TF_VAR_secret", SECRET).output().unwrap();
            assert!(done.status.success(), "{}", both(&done));
        }
        let before = std::fs::read(here.0.path("infra/production.tfstate")).unwrap();
        never_begun(&here, "");
        let (_, said) = here.drill(&["run"]);
        assert!(said.contains("It has another state than that of the drill"), "{said}");
        assert_eq!(std::fs::read(here.0.path("infra/production.tfstate")).unwrap(), before);
    }
}

#[test]
fn a_guard_keeps_a_drill_from_beginning() {
    let guard = "[guard.workspace.drill]\nenvironment = { STAGE = \"drill\" }";
    let here = World::new(&clis().remove(0), guard);
    let (status, said) = here.drill(&["run"]);
    assert!(status == Some(1) && said.contains("The variable STAGE has to be `drill`."), "{said}");
    let done = here.command(&["run"]).env("STAGE", "drill").output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", both(&done));
}

#[test]
fn data_come_back_and_their_age_is_told() {
    let here = World::new(&clis().remove(0), "");
    here.0.write("data/a", "one");
    std::fs::create_dir(here.0.path("store")).unwrap();
    let [data, back, store] = ["data", "back", "store"].map(|name| here.0.path(name).display().to_string());
    let settings = |more: &str| {
        format!(
            "{more}\n[[drill.monthly.restore]]\ncorpus = \"uploads\"\nhost = \"local://\"\npath = \"{back}\"\n\
             overwrite = true\ntransform = [\"sh\", \"-c\", \"echo masked > a\"]\n\
             [[drill.monthly.command]]\ncommand = [\"grep\", \"-q\", \"masked\", \"{back}/a\"]\n\
             [backup.corpus.uploads]\npath = \"{data}\"\nstore = \"file://{store}\"\n"
        )
    };
    // There is nothing to come back, and all the same it is destroyed.
    here.settle(&settings(""));
    let (status, said) = here.drill(&["run"]);
    assert_eq!((status, here.told().as_str()), (Some(2), "made gone "), "{said}");
    let (_, text) = here.report();
    assert!(text.contains("restore \"uploads\": Could not restore the corpus"), "{text}");

    let taken = here.0.windlass(&["backup", "run"]).output().unwrap();
    assert!(taken.status.success(), "{}", both(&taken));
    here.settle(&settings("max_age = \"26h\"\nmax_recovery = \"10m\""));
    let (status, said) = here.drill(&["run"]);
    assert_eq!(status, Some(0), "{said}");
    let (report, text) = here.report();
    let id = report["data"][0]["snapshot"].as_str().unwrap();
    assert!(id.starts_with("snapshot-uploads-") && text.contains(&format!("| uploads | `{id}` |")), "{text}");
    assert_eq!(std::fs::read_to_string(here.0.path("data/a")).unwrap(), "one");

    // Too old, too slow, and none at all.
    std::thread::sleep(Duration::from_millis(2100));
    here.settle(&settings("max_age = \"1s\"\nmax_recovery = \"1ms\""));
    let (status, said) = here.drill(&["run"]);
    assert_eq!((status, here.left().as_str()), (Some(2), ""), "{said}");
    let failed = here.report().0["failed"].to_string();
    assert!(failed.contains("`max_age` allows 1") && failed.contains("`max_recovery` allows"), "{failed}");
    here.settle("max_age = \"26h\"");
    assert_eq!(here.drill(&["run"]).0, Some(2));
    assert!(here.report().1.contains("No data came back"), "{}", here.report().1);
}

#[test]
fn who_is_to_know_is_told_once() {
    let script = r#"echo "$WINDLASS_REPORT_KEY $WINDLASS_REPORT_STATUS $WINDLASS_REPORT_TITLE" >> sent"#;
    let report = format!("[report]\ncommand = [\"sh\", \"-c\", '{script}']\nmemory = \".reports\"\n");
    let failing = format!("arguments = [\"-var=release=exit 3\"]\n{report}");
    let here = World::new(&clis().remove(0), &failing);
    for _ in 0..2 {
        assert_eq!(here.drill(&["run", "--report"]).0, Some(2));
    }
    here.settle(&report);
    assert_eq!(here.drill(&["run", "--report"]).0, Some(0));
    let sent = || std::fs::read_to_string(here.0.path("sent")).unwrap();
    assert_eq!(
        sent(),
        "drill-monthly failed Drill monthly: failed\ndrill-monthly ok Drill monthly: passed\n"
    );
    // What was not begun is told as well.
    here.settle(&format!("[guard]\nenvironment = {{ STAGE = \"drill\" }}\n{report}"));
    assert_eq!(here.drill(&["run", "--report"]).0, Some(1));
    assert!(sent().ends_with("drill-monthly failed Drill monthly: not begun\n"), "{}", sent());
}
