//! What happens to a state when processes are killed, the disk is full, or two write at once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use companion_tests::{SECRET, Small, Workspace, both, clis, is_full_run};

fn signal(process: u32, name: &str) {
    let done = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(done.success());
}

/// The process that `windlass` has become the parent of.
fn core_of(run: &Child) -> u32 {
    let told = Command::new("pgrep").args(["-P", &run.id().to_string()]).output().unwrap();
    String::from_utf8(told.stdout).unwrap().lines().next().unwrap().parse().unwrap()
}

fn ended(run: Child) -> Output {
    run.wait_with_output().unwrap()
}

fn is_there(process: u32) -> bool {
    std::path::Path::new(&format!("/proc/{process}/exe")).exists()
}

#[test]
fn a_killed_core_leaves_a_whole_state_and_no_lock() {
    for cli in clis() {
        let here = Workspace::new(&cli);
        here.apply(&[]);
        let run = here.gated();
        signal(core_of(&run), "KILL");
        let told = ended(run);
        assert_eq!(told.status.code(), Some(137), "{}", both(&told));
        here.told(&["verify"]);
        here.open_gate();
        here.apply(&["-var", "gate=go"]);
    }
}

#[test]
fn a_killed_windlass_ends_its_core_and_the_next_run_knows_what_is_left() {
    for cli in clis() {
        let here = Workspace::new(&cli);
        here.apply(&[]);
        let run = here.gated();
        let core = core_of(&run);
        signal(run.id(), "KILL");
        ended(run);
        here.open_gate();
        while is_there(core) {
            std::thread::sleep(Duration::from_millis(20));
        }
        here.told(&["verify"]);
        let left = here.path("errored.tfstate");
        if left.exists() {
            let refused = here.run(&["plan", "-input=false"]);
            assert!(both(&refused).contains("errored.tfstate is there"), "{}", both(&refused));
            here.told(&["push", "errored.tfstate"]);
            std::fs::remove_file(left).unwrap();
        }
        here.apply(&["-var", "gate=go"]);
    }
}

#[test]
fn an_interrupt_is_the_cores_and_its_state_is_written() {
    for cli in clis() {
        for name in ["INT", "TERM"] {
            let here = Workspace::new(&cli);
            let run = here.gated();
            signal(run.id(), name);
            std::thread::sleep(Duration::from_millis(200));
            here.open_gate();
            let told = ended(run);
            assert!(!told.status.success(), "{}", both(&told));
            assert!(here.told(&["list"]).contains("terraform_data.one[0]"), "{}", both(&told));
            assert!(!here.path("errored.tfstate").exists());
            here.apply(&["-var", "gate=go"]);
        }
    }
}

#[test]
fn of_two_writers_the_second_is_told_who_the_first_is() {
    for cli in clis() {
        let here = Workspace::new(&cli);
        let first = here.gated();
        let second = here.run(&["apply", "-auto-approve", "-input=false", "-no-color"]);
        assert_eq!(second.status.code(), Some(1));
        assert!(both(&second).contains("OperationTypeApply"), "{}", both(&second));
        let unlock = here.windlass(&["state", "unlock"]).output().unwrap();
        assert!(both(&unlock).contains("The state is locked by"), "{}", both(&unlock));
        // One that waits gets what the first has written.
        let waiting = ["apply", "-auto-approve", "-input=false", "-lock-timeout=120s", "-var", "count_of=2"];
        let third = here.command(&waiting).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        here.open_gate();
        assert!(ended(first).status.success());
        let third = ended(third);
        assert!(third.status.success(), "{}", both(&third));
        here.told(&["unlock"]);
        here.apply(&["-var", "gate=go"]);
    }
}

#[test]
fn what_a_killed_holder_wrote_into_the_lock_locks_nobody_out() {
    let here = Workspace::new(&clis().remove(0));
    here.apply(&[]);
    let stale = r#"{"ID":"x","Operation":"OperationTypeApply","Who":"a dead one"}"#;
    std::fs::write(here.path(".default.tfstate.sops.json.lock"), stale).unwrap();
    here.apply(&["-var", "count_of=2"]);
}

#[test]
fn a_full_disk_keeps_the_old_state_and_the_new_one_is_kept_encrypted() {
    for cli in clis() {
        let here = Workspace::new(&cli);
        let small = Small::at(&here.path("small"), 64 * 1024);
        let settings = std::fs::read_to_string(here.path("windlass.toml")).unwrap();
        let settings = settings.replace("\"{workspace}", "\"small/{workspace}");
        std::fs::write(here.path("windlass.toml"), settings).unwrap();
        here.apply(&[]);
        let before = std::fs::read(here.path("small/default.tfstate.sops.json")).unwrap();
        let words = ["apply", "-auto-approve", "-input=false", "-no-color", "-var", "count_of=200"];
        let told = here.command(&words).env("TF_HTTP_RETRY_MAX", "0").output().unwrap();
        assert!(!told.status.success());
        assert!(both(&told).contains("the state of before is still there, and whole"), "{}", both(&told));
        assert_eq!(std::fs::read(here.path("small/default.tfstate.sops.json")).unwrap(), before);
        assert_eq!(here.files_with(SECRET), Vec::<std::path::PathBuf>::new());
        drop(small);
        std::fs::write(here.path("small/default.tfstate.sops.json"), before).unwrap();
        here.told(&["push", "errored.tfstate.sops.json"]);
        assert_eq!(here.told(&["list"]).lines().count(), 200);
    }
}

/// The write is killed at whatever moment, many times: there is always one of the two states.
#[test]
fn a_write_that_is_killed_leaves_one_state_or_the_other() {
    let here = Workspace::new(&clis().remove(0));
    here.apply(&["-var", "count_of=100"]);
    let text = here.told(&["pull"]);
    let started = Instant::now();
    here.told(&["verify"]);
    let took = started.elapsed();
    let serial = |text: &str| -> i64 {
        text.split_once("\"serial\":").unwrap().1.split(',').next().unwrap().trim().parse().unwrap()
    };
    let mut last = serial(&text);
    for round in 0..40_u32 {
        let next =
            text.replacen(&format!("\"serial\":{}", serial(&text)), &format!("\"serial\":{}", last + 1), 1);
        std::fs::write(here.path("next.json"), next).unwrap();
        let mut push = here.windlass(&["state", "push", "next.json"]).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(took * (round % 20) / 10);
        let _ = push.kill();
        push.wait().unwrap();
        let now = serial(&here.told(&["pull"]));
        assert!(now == last || now == last + 1, "{now} after {last}");
        last = now;
    }
    here.apply(&["-var", "count_of=100"]);
}

#[test]
fn while_it_runs_no_file_has_a_secret_and_no_core_is_dumped() {
    for cli in clis() {
        let here = Workspace::new(&cli);
        let run = here.gated();
        assert_eq!(here.files_with(SECRET), Vec::<std::path::PathBuf>::new());
        for process in [run.id(), core_of(&run)] {
            let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
            let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            assert_eq!(cores.split_whitespace().nth(4), Some("0"), "{cores}");
            let words = std::fs::read(format!("/proc/{process}/cmdline")).unwrap();
            assert!(!companion_tests::has(&words, SECRET));
        }
        here.open_gate();
        assert!(ended(run).status.success());
    }
}

/// Values of each resource of a large state; a core writes them twice.
const VALUES: usize = 400;
/// What each of them takes there, about: `"value-0123": "…"`.
const BYTES: usize = 50;

/// A state is as many values as it has bytes: what takes a moment for one must not take hours for all.
#[test]
fn a_large_state_is_written_and_read_in_time() {
    // In megabytes. A development build does not get far in seconds.
    let size: usize = if is_full_run() { 50 } else { 5 };
    let here = Workspace::new(&clis().remove(0));
    let values: Vec<String> = (0..VALUES).map(|at| format!("\"value-{at:04}\": \"{at:032}\"")).collect();
    here.write("values.json", format!("{{{}}}", values.join(",")));
    here.write(
        "main.tf",
        "terraform {\n  backend \"http\" {}\n}\nvariable \"count_of\" {}\n\
         resource \"terraform_data\" \"large\" {\n  count = var.count_of\n  input = jsondecode(file(\"values.json\"))\n}\n",
    );
    let count = (size << 20).div_ceil(2 * VALUES * BYTES);
    let one = format!("count_of={count}");
    let begun = Instant::now();
    here.apply(&["-var", &one, "-parallelism=50"]);
    let applied = begun.elapsed();
    assert!(here.state().metadata().unwrap().len() > (size << 20) as u64);
    let first = std::fs::read_to_string(here.state()).unwrap();
    let begun = Instant::now();
    let other = format!("count_of={}", count - 1);
    here.apply(&["-var", &other, "-parallelism=50"]);
    let changed = begun.elapsed();
    // What has not changed keeps its ciphertext, also in a large one.
    let second = std::fs::read_to_string(here.state()).unwrap();
    let before: std::collections::HashSet<&str> = first.lines().collect();
    let new = second.lines().filter(|line| !before.contains(line)).count();
    assert!(new < 20, "{new} lines are new");
    // Most of it is the core's own time. What is quadratic takes hours.
    let limit = Duration::from_secs(24 * size as u64);
    assert!(applied < limit && changed < limit, "{applied:?} and {changed:?} of {limit:?}");
}
