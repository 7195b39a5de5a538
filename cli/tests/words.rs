//! The command line as its users meet it: what is printed where, and exit codes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn windlass(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_windlass")).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_version_is_an_answer() {
    for words in [["version"], ["--version"]] {
        let told = windlass(&words);
        assert_eq!(text(&told.stdout), concat!("windlass ", env!("CARGO_PKG_VERSION"), "\n"));
        assert_eq!((text(&told.stderr), told.status.code()), ("", Some(0)));
    }
}

#[test]
fn wrong_words_are_told_on_stderr_with_an_exit_code_of_their_own() {
    for words in [&["wind"][..], &["version", "--loud"], &[]] {
        let told = windlass(words);
        assert_eq!((text(&told.stdout), told.status.code()), ("", Some(64)), "{words:?}");
        assert!(text(&told.stderr).contains("Usage: windlass"), "{}", text(&told.stderr));
    }
}

#[test]
fn help_is_an_answer() {
    let told = windlass(&["--help"]);
    assert_eq!((text(&told.stderr), told.status.code()), ("", Some(0)));
    assert!(text(&told.stdout).contains("Usage: windlass <COMMAND>"), "{}", text(&told.stdout));
}

#[test]
fn shells_and_man_know_every_command() {
    for (shell, sign) in
        [("bash", "complete -F _windlass"), ("zsh", "#compdef windlass"), ("fish", "complete -c windlass")]
    {
        let script = windlass(&["completions", shell]);
        let script = text(&script.stdout);
        assert!(
            script.contains(sign) && script.contains("plan-summary") && script.contains("comment-file"),
            "{shell}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let done = windlass(&["manual", folder.path().to_str().unwrap()]);
    assert_eq!((text(&done.stderr), done.status.code()), ("", Some(0)));
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(page("windlass.1").contains("plan\\-summary"));
    assert!(page("windlass-state-rotate.1").contains("Encrypt with a new key"));
    let helps = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/help")).unwrap().count();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), helps, "a page for each command");
}

#[test]
fn a_script_for_bash_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("windlass");
    std::fs::write(&path, windlass(&["completions", "bash"]).stdout).unwrap();
    let ask = format!(
        "source {}; COMP_WORDS=(windlass plan-s); COMP_CWORD=1; _windlass windlass plan-s windlass; echo ${{COMPREPLY[@]}}",
        path.display()
    );
    let told = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(text(&told.stdout).trim(), "plan-summary", "{}", text(&told.stderr));
}
