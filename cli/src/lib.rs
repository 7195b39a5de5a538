//! The companion of the provider: the command `windlass`.
//!
//! One module per command. Each has `Arguments` (what clap reads) and `run`, which returns how it
//! ended as an [`Exit`]; what a command does is in that module's own files. Output that a script may
//! read goes to stdout, everything else to stderr, both through [`terminal`].

mod adopt;
mod advice;
mod arguments;
mod backup;
mod check;
mod doctor;
mod drift;
mod drill;
mod encryption_method;
mod exit;
mod git;
mod github;
mod machine;
mod manual;
mod opening;
mod plan_summary;
mod progress;
mod report;
mod reviewed;
mod run;
mod server;
mod settings;
mod stack;
mod state;
mod store;
mod summary;
mod telling;
mod terminal;
mod units;
mod version;
mod web;
mod work;

use std::ffi::OsString;

use clap::Parser;

pub use arguments::command;
pub use exit::{Exit, Failure};

/// Does what the words of a command line ask for.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = match arguments::Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(told) => return answered(&told),
    };
    match arguments.run().and_then(|exit| terminal::complete().map(|()| exit)) {
        Ok(exit) => exit,
        Err(failure) => {
            terminal::error(&failure);
            Exit::FAILED
        }
    }
}

/// `--help` and `--version` are answers; anything else that clap says is about wrong words.
fn answered(told: &clap::Error) -> Exit {
    // Where the text cannot be written, there is nobody to tell.
    let _ = told.print();
    if told.use_stderr() { Exit::USAGE } else { Exit::DONE }
}
