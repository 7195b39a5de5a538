//! How far it is: a bar on a terminal, and nowhere else.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::world::World;

/// What stands before each drawing of a bar.
const ERASE: &str = "\r\u{1b}[2K";

/// Puts a pipe into the place of a part, which gives its second half when somebody has had time to draw a bar.
fn slow(part: &Path) {
    let bytes = fs::read(part).unwrap();
    fs::remove_file(part).unwrap();
    assert!(Command::new("mkfifo").arg(part).status().unwrap().success());
    let part = part.to_owned();
    std::thread::spawn(move || {
        let mut pipe = fs::File::options().write(true).open(part).unwrap();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        pipe.write_all(first).unwrap();
        std::thread::sleep(Duration::from_millis(600));
        let _ = pipe.write_all(second);
    });
}

/// What `verify` says of a part that comes slowly.
fn said(world: &World, id: &str, more: &[&str], on_terminal: bool, no_colour: &str) -> String {
    let part = world.path("store").join(id).join("snapshot.tar.zst");
    let bytes = fs::read(&part).unwrap();
    slow(&part);
    let words = [&["verify", "prod", "--store", "disk"], more].concat();
    let mut command = world.command(&words);
    if on_terminal {
        let line = format!("{} backup {}", env!("CARGO_BIN_EXE_windlass"), words.join(" "));
        command = Command::new("script");
        // A terminal of its own, of the size that it has by itself.
        command.args(["-qec", &line, "/dev/null"]).current_dir(world.path("")).stdin(Stdio::null());
    }
    let output = command.env("TERM", "xterm").env("NO_COLOR", no_colour).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::remove_file(&part).unwrap();
    fs::write(&part, bytes).unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_bar_is_on_a_terminal_alone_and_has_colours_unless_somebody_wants_none() {
    let world = World::new("");
    let id = world.take();
    let told = said(&world, &id, &[], true, "");
    assert!(told.contains(ERASE) && told.contains("prod from file://") && told.contains(" of "), "{told:?}");
    // Its last line is the answer, on a line of its own.
    assert!(told.trim_end().ends_with(": whole") && told.contains(&format!("{ERASE}{id} in ")), "{told:?}");
    let told = said(&world, &id, &[], true, "1");
    assert!(told.contains(ERASE) && !told.contains("\u{1b}[36m"), "{told:?}");
    for (more, on_terminal) in [(&["--json"][..], true), (&["--json"], false), (&[], false)] {
        let told = said(&world, &id, more, on_terminal, "");
        assert!(!told.contains('\u{1b}') && !told.contains("prod from"), "{more:?}: {told:?}");
    }
}
