//! Generators, checks and installation for developers: `cargo xtask <command>`.
//!
//! One file per command. Progress goes to stderr; stdout carries only what a
//! command answers (a path, a list), so that it can be used in scripts.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks on the terminal")]

mod bench;
mod clis;
mod demo;
mod docs;
mod install;
mod interrupt;
mod mirror;
mod paths;
mod provider_binary;
mod shell;
mod test;
mod tidy;
mod tools;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure what the provider costs, with a lab of one host, and print a table
    Bench,
    /// Format, lints, tidy, documents and dependencies: all checks that need no host
    Check,
    /// Bring up a real host, deploy a real stack to it, show the second plan
    Demo,
    /// Write docs/ from the provider's schema and examples/
    Docs(docs::DocsArguments),
    /// Build the provider and the companion, and write target/dev.tfrc, for TF_CLI_CONFIG_FILE
    Install(provider_binary::BuildArguments),
    /// Build the provider as a filesystem mirror, for a real `init`
    Mirror(provider_binary::BuildArguments),
    /// Everything: checks, builds, and all tests with a lab of real hosts
    Test(test::TestArguments),
    /// Check what ARCHITECTURE.md promises and a machine can check
    Tidy,
    /// Print the path of a tool that tests use; builds the pinned one when it is not there
    Tools(tools::ToolsArguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Bench => bench::run(),
        Command::Check => test::check(),
        Command::Demo => demo::run(),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::Mirror(arguments) => mirror::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Tidy => tidy::run(),
        Command::Tools(arguments) => tools::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
