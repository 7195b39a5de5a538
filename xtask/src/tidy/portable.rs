//! Options in the scripts for hosts that only the GNU programs know: Alpine has BusyBox's, and so have
//! many a NAS and router.
//!
//! What a script does under BusyBox, its tests see (`remote::conformance::Tools`). This sees a script
//! without such tests.

use super::rust::RustFile;
use super::{SourceFile, Violation};

/// The programs whose options are looked at; their long ones are GNU's alone.
const TOOLS: &[&str] = &[
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "cut",
    "date",
    "df",
    "du",
    "env",
    "find",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "sha256sum",
    "sort",
    "stat",
    "sync",
    "tail",
    "tar",
    "timeout",
    "touch",
    "tr",
    "uniq",
    "wc",
    "xargs",
];

/// Short ones that are, too.
const SHORT: &[(&str, &[&str])] = &[
    ("cp", &["-Z"]),
    ("cut", &["-z"]),
    ("env", &["-C", "-S"]),
    ("find", &["-printf", "-fprintf", "-regextype", "-daystart", "-newermt", "-fls", "-files0-from"]),
    ("grep", &["-P", "-z"]),
    ("head", &["-z"]),
    ("ln", &["-r"]),
    ("readlink", &["-e", "-m", "-z"]),
    ("sed", &["-s", "-z"]),
    ("sha256sum", &["-z"]),
    ("xargs", &["-a", "-d"]),
];

/// Words of the shell that a program may follow, and programs that run another.
const BEFORE: &[&str] =
    &["!", "do", "else", "exec", "if", "then", "until", "while", "xargs", "env", "command", "{"];

/// Words of lists, each a word of its own, that are an option of these programs and of nothing else.
const WORDS: &[&str] = &[
    "-printf",
    "--no-same-owner",
    "--one-file-system",
    "--parents",
    "--preserve=all",
    "--remove-destination",
];

/// One violation per option.
pub fn check(texts: &[SourceFile], files: &[RustFile]) -> Vec<Violation> {
    let scripts = texts.iter().filter(|file| is_sent(&file.path) && file.path.ends_with(".sh"));
    let scripts = scripts.flat_map(|file| problems(&file.text).map(|problem| (file.path.clone(), problem)));
    let strings = files.iter().filter(|file| is_sent(file.path)).flat_map(|file| {
        file.strings.iter().flat_map(move |found| {
            let word = WORDS.iter().find(|word| found.text == **word).map(|word| (*word).to_owned());
            let place = format!("{}:{}", file.path, found.line);
            problems(&found.text).chain(word).map(move |problem| (place.clone(), problem)).collect::<Vec<_>>()
        })
    });
    scripts
        .chain(strings)
        .map(|(place, problem)| Violation::new(place, format!("`{problem}` is not known to BusyBox")))
        .collect()
}

/// Whether what a file says may be sent to a host.
fn is_sent(path: &str) -> bool {
    (path.starts_with("crates/") || path.starts_with("provider/src/")) && path.contains("/src/")
}

/// The options in a script that only the GNU programs know.
fn problems(script: &str) -> impl Iterator<Item = String> {
    let commands =
        script.split(['\n', ';', '|', '&', '(', ')', '\'', '`']).flat_map(|part| part.split("-exec "));
    commands.flat_map(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let tools = (0..words.len()).filter(|at| TOOLS.contains(&words[*at]) && is_command(&words[..*at]));
        tools.filter_map(|at| odd_option(words[at], &words[at + 1..])).collect::<Vec<_>>()
    })
}

/// The first of the options behind `tool` that only the GNU program knows.
fn odd_option(tool: &str, behind: &[&str]) -> Option<String> {
    let short = SHORT.iter().find(|(name, _)| *name == tool).map_or(&[][..], |(_, options)| options);
    let is_long = |word: &str| {
        word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic) && name != "help")
    };
    // What another program is run with is that one's.
    let runs_another = matches!(tool, "env" | "xargs");
    let own = behind.iter().take_while(|word| {
        **word != "--"
            && !TOOLS.contains(word)
            && (!runs_another || word.starts_with('-') || word.contains('='))
    });
    let option = own.copied().find(|word| short.contains(word) || is_long(word))?;
    Some(format!("{tool} {option}"))
}

/// Whether the word behind these is a program that runs.
fn is_command(before: &[&str]) -> bool {
    before.iter().all(|word| BEFORE.contains(word) || word.starts_with('-') || word.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_gnu_are_found_and_others_are_not() {
        for (script, expected) in [
            ("a\nfind . -type f -printf x", "find -printf"),
            ("cd / && xargs -0 -a list rm -f", "xargs -a"),
            ("x | xargs -0 cp -a --parents -t y", "cp --parents"),
            ("find . -exec rm -r --one-file-system -- {} +", "rm --one-file-system"),
            ("sh -c 'exec env -C / ls'", "env -C"),
            ("LC_ALL=C sha256sum -z a", "sha256sum -z"),
        ] {
            assert_eq!(problems(script).next().as_deref(), Some(expected), "{script}");
        }
        for script in [
            "find . -name x -exec rm -r -f -- {} +",
            "docker rm --force x",
            "rm -- --parents",
            "Use `docker compose cp --archive` for it",
            "xargs -0 -r sha256sum --",
            "stat -L -c %g -- x",
            "env -i A=1 docker ps --filter x",
        ] {
            assert_eq!(problems(script).next(), None, "{script}");
        }
    }

    #[test]
    fn a_file_says_where() {
        let texts = [SourceFile { path: "crates/a/src/b.sh".into(), text: "mktemp --tmpdir\n".into() }];
        let found = check(&texts, &[]);
        assert_eq!(found, [Violation::new("crates/a/src/b.sh", "`mktemp --tmpdir` is not known to BusyBox")]);
    }
}
