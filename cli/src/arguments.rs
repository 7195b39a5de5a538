//! The words of the command line, and which command they mean.

use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::{Exit, Failure};
use crate::{
    adopt, backup, check, doctor, drift, drill, encryption_method, manual, plan_summary, report, reviewed,
    run, stack, state, version,
};

/// The companion of the Windlass provider for OpenTofu and Terraform
///
/// It makes the daily loop around `tofu` safe and short.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, propagate_version = false, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a command of OpenTofu or Terraform with its state encrypted in a file
    Run(run::Arguments),
    /// Plan, into an encrypted file that can be reviewed and applied
    Plan(reviewed::PlanArguments),
    /// Apply what `windlass plan` has written, where nothing has changed since
    Apply(reviewed::ApplyArguments),
    /// Tell whether what is there is what the configuration says
    Drift(drift::Arguments),
    /// Report how something has ended, once: to an issue, a webhook or a command
    Report(report::Arguments),
    /// Tell a plan as people read it: what happens where and why, dangers first, secrets masked
    PlanSummary(plan_summary::Arguments),
    /// Check Compose projects without a host, a state or a credential
    Check(check::Arguments),
    /// Take snapshots of what a product cannot lose, prove them, and bring them back
    Backup(backup::Arguments),
    /// Build the product anew from its backups, look at it, and destroy it in any case
    Drill(drill::Arguments),
    /// Tell what is wrong with hosts, stores and certificates, and what to do next
    Doctor(doctor::Arguments),
    /// Write the configuration of what runs on a host already, with its imports
    Adopt(adopt::Arguments),
    /// See and mend stacks on a host in an emergency, without a configuration
    Stack(stack::Arguments),
    /// Look after encrypted states
    State(state::Arguments),
    /// Speak OpenTofu's external encryption method, with age
    EncryptionMethod(encryption_method::Arguments),
    /// Print a script by which a shell completes commands and options
    Completions(manual::CompletionsArguments),
    /// Write pages for `man`
    Manual(manual::ManualArguments),
    /// Print the version
    Version(version::Arguments),
    #[command(name = run::EXECUTE, hide = true)]
    Execute(run::Execute),
}

impl Arguments {
    /// Does what they ask for.
    ///
    /// # Errors
    /// What the command says went wrong.
    pub fn run(&self) -> Result<Exit, Failure> {
        match &self.command {
            Command::Run(arguments) => run::run(arguments),
            Command::Plan(arguments) => reviewed::plan(arguments),
            Command::Apply(arguments) => reviewed::apply(arguments),
            Command::Drift(arguments) => drift::run(arguments),
            Command::Report(arguments) => report::run(arguments),
            Command::PlanSummary(arguments) => plan_summary::run(arguments),
            Command::Check(arguments) => check::run(arguments),
            Command::Backup(arguments) => backup::run(arguments),
            Command::Drill(arguments) => drill::run(arguments),
            Command::Doctor(arguments) => doctor::run(arguments),
            Command::Adopt(arguments) => adopt::run(arguments),
            Command::Stack(arguments) => stack::run(arguments),
            Command::State(arguments) => state::run(arguments),
            Command::EncryptionMethod(arguments) => encryption_method::run(arguments),
            Command::Execute(arguments) => run::execute(arguments),
            Command::Completions(arguments) => manual::completions(arguments, command()),
            Command::Manual(arguments) => manual::manual(arguments, command()),
            Command::Version(arguments) => version::run(arguments),
        }
    }
}

/// The command line as clap knows it, for its help.
pub fn command() -> clap::Command {
    Arguments::command()
}
