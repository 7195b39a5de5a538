//! Logins whose shells are not Bash: fish, tcsh and zsh, each with a start-up file that prints.

use acceptance_tests::{Fixture, hcl};
use lab::{Lab, Variant};

/// A login shell, which its user is called by, and a start-up file of it that prints before every
/// command, on both streams, and after it.
struct Login {
    shell: &'static str,
    file: &'static str,
    text: &'static str,
}

const LOGINS: [Login; 3] = [
    Login {
        shell: "fish",
        file: ".config/fish/config.fish",
        text: "echo 'Welcome: disk=42%'; echo warning >&2\nfunction bye --on-event fish_exit; echo bye; end\n",
    },
    Login { shell: "tcsh", file: ".cshrc", text: "echo 'Welcome: disk=42%'; sh -c 'echo warning >&2'\n" },
    Login {
        shell: "zsh",
        file: ".zshenv",
        text: "echo 'Welcome: disk=42%'; echo warning >&2; zshexit() { echo bye }\n",
    },
];

/// What one of the shells has a use for: fish takes `\\` for one backslash within single quotes, csh
/// expands `!` there, and behind a backslash at the end of a word the next one may begin a command.
const WORDS: [&str; 5] = [
    "back\\\\slash\\n",
    "it's \"$HOME\" `touch pwned` !! ^a^b",
    "ends in \\",
    "; touch pwned; \\",
    "two\nlines\\\n",
];

/// A name of a file with all of that in it.
const NAME: &str = "back\\\\slash 'quote' \"$HOME\" `touch pwned` !! (a) new\nline \\; touch pwned; \\";

/// The same without what the name of a shipped file may not have.
fn shipped() -> String {
    NAME.replace('\n', " ")
}

/// Makes users of the host for the logins, all of whom the lab's key lets in.
fn make_users(fixture: &Fixture<'_>) {
    for Login { shell, file, text } in LOGINS {
        fixture.shell(&format!(
            "set -e; useradd --create-home --groups docker --shell /usr/bin/{shell} {shell}; cd /home/{shell}; \
             mkdir -p .ssh \"$(dirname {file})\"; cp /home/deploy/.ssh/authorized_keys .ssh/; chmod -R go= .ssh"
        ));
        fixture.write_on_host(&format!("/home/{shell}/{file}"), text);
        fixture.root_runs(&["chown", "-R", &format!("{shell}:"), &format!("/home/{shell}")]);
    }
}

/// A stack, a file and a command of each login; `level` is in all of them.
fn configure(fixture: &Fixture<'_>, level: &str) {
    let (quoted, name) = (hcl::quoted, hcl::quoted(NAME));
    let connection = |login: &Login| {
        let host = lab::Host { user: login.shell.to_owned(), ..fixture.host.clone() };
        format!("    {} = {}\n", login.shell, quoted(&hcl::connection(&host)))
    };
    let logins: String = LOGINS.iter().map(connection).collect();
    let words: Vec<String> = WORDS.iter().map(|word| quoted(word)).collect();
    let (words, stack) = (words.join(", "), &fixture.name);
    let (level, script) = (quoted(level), quoted("printf '%s|' \"$@\" >\"$1\""));
    fixture.workspace.write(&format!("app/conf/{}", shipped()), "shipped\n");
    fixture.workspace.write("app/compose.yaml", &fixture.compose_file("edge/logins.yaml", &[]));
    fixture.workspace.write(
        "main.tf",
        &format!(
            "locals {{\n  logins = {{\n{logins}  }}\n  words = [{words}]\n  name = {name}\n  level = {level}\n}}\n\
             resource \"windlass_compose_stack\" \"it\" {{\n  for_each = local.logins\n  host = each.value\n  \
             name = \"{stack}-${{each.key}}\"\n  source_dir = \"${{path.module}}/app\"\n  \
             environment = {{ WORD = join(\"\", concat(local.words, [local.level])) }}\n}}\n\
             resource \"windlass_file\" \"it\" {{\n  for_each = local.logins\n  host = each.value\n  \
             path = \"/home/${{each.key}}/files/${{local.name}}\"\n  content = join(\"\", concat(local.words, [local.level]))\n}}\n\
             resource \"windlass_command\" \"it\" {{\n  for_each = local.logins\n  host = each.value\n  \
             create = concat([\"sh\", \"-c\", {script}, \"sh\", local.name], local.words)\n  \
             update = concat([\"sh\", \"-c\", {script}, \"sh\", local.name, local.level], local.words)\n  \
             read = [\"cat\", local.name]\n  destroy = [\"rm\", local.name]\n  triggers = {{ level = local.level }}\n}}\n"
        ),
    );
}

/// Fails unless everything of `level` is there; commands were given `given` before the words.
#[track_caller]
fn expect_level(fixture: &Fixture<'_>, level: &str, given: &[&str]) {
    let (text, name) = (WORDS.concat() + level, NAME);
    for Login { shell, .. } in LOGINS {
        let container = format!("{}-{shell}-app-1", fixture.name);
        let shown = |words: &[&str]| fixture.root_runs(&[&["docker", "exec", &container], words].concat());
        assert_eq!(shown(&["sh", "-c", "printf %s \"$WORD\""]), text, "{shell}");
        assert_eq!(shown(&["cat", &format!("/conf/{}", shipped())]), "shipped", "{shell}");
        assert_eq!(fixture.root_runs(&["cat", &format!("/home/{shell}/files/{name}")]), text, "{shell}");
        let printed: String =
            [&[name][..], given, &WORDS].concat().iter().map(|word| format!("{word}|")).collect();
        assert_eq!(fixture.root_runs(&["cat", &format!("/home/{shell}/{name}")]), printed, "{shell}");
        let state = fixture.workspace.state(&format!("windlass_command.it[{shell:?}]"));
        assert_eq!(state["output"], printed, "{shell}");
    }
    assert_eq!(fixture.shell("find /home /tmp /root -name 'pwned*'"), "", "a word ran as a command");
}

#[test]
fn all_that_lives_on_a_host_lives_behind_logins_of_other_shells_that_print() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Shells).unwrap();
    let fixture = Fixture::on(&lab, &host, |_| "true".to_owned());
    make_users(&fixture);

    configure(&fixture, "one");
    let applied = fixture.workspace.apply().expect_success();
    for (shell, file) in [("fish", "config.fish"), ("tcsh", "~/.cshrc"), ("zsh", "~/.zshenv")] {
        applied.expect_warning(&format!("The login of {shell}@")).says("Welcome: disk=42%").says(file);
    }
    expect_level(&fixture, "one", &[]);
    fixture.workspace.expect_no_changes();

    configure(&fixture, "two");
    let changes = fixture.workspace.changes();
    assert_eq!(changes.len(), 9);
    assert!(changes.values().all(|change| change.actions == ["update"]), "{changes:#?}");
    fixture.workspace.converge_as_planned();
    expect_level(&fixture, "two", &["two"]);

    fixture.workspace.destroy().expect_success();
    assert_eq!(fixture.root_runs(&["docker", "ps", "--all", "--quiet"]), "");
    for Login { shell, .. } in LOGINS {
        let left =
            fixture.shell(&format!("cd /home/{shell} && find . -type f -name 'back*' -o -name compose.yaml"));
        assert_eq!(left, "", "{shell}");
    }
}
