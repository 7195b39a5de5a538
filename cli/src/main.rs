//! The process `windlass`: what a person or a CI job runs beside the provider.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os()).into()
}
