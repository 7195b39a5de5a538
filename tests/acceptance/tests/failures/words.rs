//! Names and values that a shell, YAML or Compose would take for something else.

use std::{collections::BTreeMap, fs};

use acceptance_tests::hcl::quoted;
use lab::{Lab, Variant};

use acceptance_tests::Stack;

const VALUES: [(&str, &str); 14] = [
    ("QUOTES", "it's \"quoted\" \\ and `ticked`"),
    ("DOLLARS", "$HOME ${PATH} $$ ${ $5 $(id)"),
    ("LINES", "one\ntwo\n\nfour\n"),
    ("TABS", "a\tb\r\nc"),
    ("BLANKS", "  both ends  "),
    ("UNICODE", "žluťoučký 🐎 \u{202e}"),
    ("SHELL", "; rm -rf / & | > x < y * ? [a-z] ! ~"),
    ("COMMENT", "# not a comment"),
    ("EQUALS", "a=b==c"),
    ("YAML", "- [a: {b}]: 'c' &x *x !!int 08 yes null"),
    ("BACKSLASH", "ends with \\"),
    ("PERCENT", "%s %{if true}x%{endif}"),
    ("APOSTROPHE", "'"),
    ("BOTH", "'\"'\"\\'"),
];

const FILES: [&str; 8] = [
    "-rf",
    "with space",
    "it's \"quoted\"",
    "$HOME and $(id)",
    "back\\slash",
    "ünïcode 🐎",
    "semi;colon&amp",
    "deep/ -dir /* ?",
];

#[test]
fn containers_see_the_exact_values() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Sudo).unwrap());
    let environment: String = VALUES
        .iter()
        .map(|(name, _)| format!("      P_{name}: \"${{P_{name}}}\"\n      S_{name}: ${{S_{name}}}\n"))
        .collect();
    let text = format!(
        "{}    volumes: [\"./files:/files:ro\"]\n    environment:\n{environment}",
        stack.one_service()
    );
    stack.workspace.write("app/compose.yaml", &text);
    for name in FILES {
        stack.workspace.write(&format!("app/files/{name}"), &format!("content of {name}"));
    }
    let map = |prefix: &str| {
        let lines = VALUES.map(|(name, value)| format!("    {prefix}_{name} = {}\n", quoted(value)));
        format!("{{\n{}  }}", lines.concat())
    };
    let directory = format!("/srv/{} with 'odd' $HOME \"näme\"", stack.name);
    stack.configure(&format!(
        "source_dir = \"${{path.module}}/app\"\n  directory = {}\n  environment = {}\n  secrets_wo = {}\n  secrets_wo_version = \"1\"",
        quoted(&directory),
        map("P"),
        map("S")
    ));
    stack.workspace.converge();

    let container = format!("{}-app-1", stack.name);
    let environ = lab.exec(&stack.host, &["docker", "exec", &container, "cat", "/proc/1/environ"]).unwrap();
    let environ = String::from_utf8(environ.stdout).unwrap();
    let seen: BTreeMap<&str, &str> = environ.split('\0').filter_map(|one| one.split_once('=')).collect();
    for (name, value) in VALUES {
        assert_eq!(seen.get(format!("P_{name}").as_str()), Some(&value), "P_{name}");
        assert_eq!(seen.get(format!("S_{name}").as_str()), Some(&value), "S_{name}");
    }
    for name in FILES {
        let path = format!("/files/{name}");
        assert_eq!(
            stack.root_runs(&["docker", "exec", &container, "cat", "--", &path]),
            format!("content of {name}")
        );
        assert!(stack.exists(&format!("{directory}{path}")), "{path}");
    }

    // One of them goes, and nothing else with it.
    fs::remove_file(stack.workspace.path().join("app/files/-rf")).unwrap();
    stack.workspace.apply().expect_success();
    assert!(!stack.exists(&format!("{directory}/files/-rf")));
    assert!(stack.exists(&format!("{directory}/files/with space")));
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert!(!stack.exists(&directory), "the directory is still there");
}
