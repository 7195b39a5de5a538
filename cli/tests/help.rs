//! The help of every command is a file, so that a change of it is seen. `WINDLASS_BLESS=1` writes them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help")
}

fn texts(command: &mut clap::Command, name: &str, texts: &mut Vec<(String, String)>) {
    let text = command.render_long_help().to_string();
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    texts.push((format!("{name}.txt"), text.join("\n") + "\n"));
    for inner in
        command.get_subcommands_mut().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
    {
        let name = format!("{name}-{}", inner.get_name());
        self::texts(inner, &name, texts);
    }
}

#[test]
fn the_help_of_every_command_is_what_its_file_says() {
    let mut command = cli::command();
    command.build();
    let mut expected = Vec::new();
    texts(&mut command, "windlass", &mut expected);
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        let _ = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).unwrap();
        expected.iter().for_each(|(name, text)| fs::write(folder().join(name), text).unwrap());
    }
    for (name, text) in &expected {
        let file = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert_eq!(&file, text, "{name}; WINDLASS_BLESS=1 writes it");
    }
    assert_eq!(fs::read_dir(folder()).unwrap().count(), expected.len(), "there is a file of no command");
}
