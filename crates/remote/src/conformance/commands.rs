//! Commands and how they end.

use crate::{Command, Executor, Input, collect, run};

/// Exit statuses come back as they are, and so does that of a shell that finds no program.
pub async fn statuses(exec: &dyn Executor) {
    for status in [0_u32, 1, 3, 77, 255] {
        let command = Command::new(["sh", "-c", &format!("exit {status}")]);
        let output = run(exec, &command, Input::Nothing).await.expect("sh runs");
        assert_eq!(output.status, status);
    }
    let missing = Command::new(["windlass-has-no-such-program"]);
    let output = run(exec, &missing, Input::Nothing).await.expect("a missing program is a status");
    assert_eq!(output.status, 127, "{}", output.stderr_text());
    assert!(!output.stderr.is_empty(), "a missing program is named on stderr");
}

/// Words arrive as they are, whatever they contain.
pub(super) async fn words(exec: &dyn Executor) {
    let words = [
        "",
        " ",
        "a  b",
        "'",
        "\"",
        "\\",
        "$HOME",
        "$(id)",
        "`id`",
        ";",
        "&",
        "|",
        ">x",
        "#",
        "!",
        "a\nb",
        "\n",
        "\t",
        "-n",
        "--",
        "~",
        "*",
        "?",
        "{a,b}",
        "Ünïcödé",
        "日本",
        "\u{1}",
        "a=b",
        "if",
        "%s",
    ];
    let command = Command::new(["printf", "%s\\0"]).args(words);
    let output = run(exec, &command, Input::Nothing).await.expect("printf runs");
    let text = output.stdout_text();
    assert_eq!(text.split_terminator('\0').collect::<Vec<_>>(), words);

    let nul = Command::new(["printf", "a\0b"]);
    run(exec, &nul, Input::Nothing).await.expect_err("a word with NUL is refused");
}

/// A command ended by signal N has status 128+N.
pub(super) async fn signals(exec: &dyn Executor) {
    for (signal, status) in [("TERM", 143), ("KILL", 137)] {
        let command = Command::new(["sh", "-c", &format!("kill -{signal} $$; sleep 5")]);
        let output = run(exec, &command, Input::Nothing).await.expect("sh runs");
        assert_eq!(output.status, status, "signal {signal}");
    }
}

/// A privileged command runs as root where the connection can, and runs in any case.
pub(super) async fn privileged(exec: &dyn Executor) {
    let command = Command::new(["id", "-u"]).privileged();
    collect::run_checked(exec, &command, Input::Nothing).await.expect("a privileged command runs");
}
