//! `lab`: brings labs of real hosts up and down.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab::{Lab, Options, Result, Variant};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

#[derive(Parser)]
#[command(about = "Real hosts in containers: sshd, dockerd and docker compose on each")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring a lab up; one of the same name is replaced
    Up {
        /// Number of hosts where root logs in [default: 1 without --variants]
        #[arg(long)]
        hosts: Option<usize>,
        /// One more host of each of these
        #[arg(long, value_delimiter = ',')]
        variants: Vec<Variant>,
        /// Name of the lab
        #[arg(long, default_value = "default")]
        name: String,
    },
    /// Take a lab down and leave nothing of it
    Down {
        /// Name of the lab
        #[arg(long, default_value = "default")]
        name: String,
        /// Take every lab down
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
    /// Show the labs that run and how to reach their hosts
    Status,
    /// Run words on a host as root, past SSH
    Exec {
        /// Name of the lab
        #[arg(long, default_value = "default")]
        name: String,
        /// Name of the host
        host: String,
        /// What to run
        #[arg(last = true, required = true)]
        words: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    stop_on_signals();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("lab: {:#}", anyhow::Error::new(error)));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up { hosts, variants, name } => {
            let roots = hosts.unwrap_or(usize::from(variants.is_empty()));
            let mut all = vec![Variant::Root; roots];
            all.extend(variants);
            let started = std::time::Instant::now();
            let report = |text: &str| say(&format!("{:5.1}s {text}", started.elapsed().as_secs_f64()));
            let options = Options { name, variants: all, owner: None };
            let lab = Lab::up_with_report(&options, &report)?;
            report("ready");
            show(&lab.describe());
        }
        Command::Down { all: true, .. } => lab::down_all()?,
        Command::Down { name, .. } => lab::down(&name)?,
        Command::Status => {
            for lab in Lab::running()? {
                show(&lab.describe());
            }
        }
        Command::Exec { name, host, words } => {
            let lab = Lab::load_named(&name)?;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = lab.exec(lab.host_named(&host)?, &words)?;
            let _ = std::io::stdout().write_all(&output.stdout);
            let _ = std::io::stderr().write_all(&output.stderr);
            let code = output.status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(ExitCode::from(code.unwrap_or(1)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A signal makes the work in progress fail, and its failure cleans up.
fn stop_on_signals() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || signals.forever().for_each(|_| lab::interrupt()));
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn show(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
