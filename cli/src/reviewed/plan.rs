//! `windlass plan --out F`: a plan, encrypted with all that has to be the same when it is applied.

use std::path::{Path, PathBuf};

use sops::Recipient;

use super::artefact::{is_one, seal};
use super::core::{Core, Words};
use crate::exit::{Exit, Failure};
use crate::summary::{Format, Summary};
use crate::telling::{rendered, source};
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 the plan was made, 1 it was not.\n\nThe plan is in memory alone until it is encrypted. `windlass plan-summary FILE` tells it again, and `windlass apply FILE` applies it, where nothing has changed since."
)]
pub struct Arguments {
    #[command(flatten)]
    words: Words,
    /// The file that it goes into, encrypted
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Who can open it, an age recipient or SSH public key, in place of those of the settings; repeatable
    #[arg(long = "recipient", value_name = "KEY")]
    recipients: Vec<String>,
    /// More words for the core's `plan`, such as `-var-file=prod.tfvars`
    #[arg(last = true, value_name = "WORDS")]
    more: Vec<String>,
}

/// Plans.
///
/// # Errors
/// When there is no plan, or it cannot be written.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let core = Core::open(&arguments.words)?;
    let ended = planned(arguments, &core);
    core.session.close()?;
    ended?;
    terminal::note(format_args!("The plan is in {}. Apply it by `windlass apply`.", arguments.out.display()));
    Ok(Exit::DONE)
}

/// Plans, writes that, and tells it.
fn planned(arguments: &Arguments, core: &Core) -> Result<(), Failure> {
    let recipients = recipients(arguments, core)?;
    check_out(&arguments.out)?;
    let planned = core.plan(&arguments.more)?;
    // After the plan: a state that changes in between makes a plan that the core refuses as stale.
    let state = core.state()?;
    let facts = core.facts(Some(&state), std::slice::from_ref(&arguments.out))?;
    let mut told = source(planned.json.expose(), "the core")?;
    told.diagnostics.clone_from(&planned.warnings);
    let text = rendered(&Summary::of(&told), Format::Text, None)?;
    let failed = || Failure::new(format!("Could not write {}", arguments.out.display()));
    let sealed = seal(facts, &planned, &state, &recipients)
        .map_err(|error| failed().because(&error).with("Nothing was written."))?;
    sops::replace(&arguments.out, &sealed, |written| written == sealed)
        .map_err(|error| failed().because(&error))?;
    terminal::raw(&text);
    Ok(())
}

/// A plan takes the place of an older one, and of nothing else.
fn check_out(path: &Path) -> Result<(), Failure> {
    let failed = || Failure::new(format!("Could not write {}", path.display()));
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed().because(&error).with("Nothing was run.")),
        Ok(there) if there.is_empty() || is_one(&there) => Ok(()),
        Ok(_) => Err(failed()
            .with("There is a file of that name which is not a plan; nothing was run, and it is as it was.")
            .with("Choose another name, or remove it.")),
    }
}

fn recipients(arguments: &Arguments, core: &Core) -> Result<Vec<Recipient>, Failure> {
    let given: Result<Vec<Recipient>, _> = arguments.recipients.iter().map(|text| text.parse()).collect();
    let given =
        given.map_err(|error| Failure::new("Could not read the recipients of the plan").because(&error))?;
    let all = if given.is_empty() { core.session.settings().recipients()? } else { given };
    if all.is_empty() {
        return Err(Failure::new("Could not encrypt a plan")
            .with("Nobody is named that it would be encrypted for; nothing was run.")
            .with("Name age recipients by --recipient, in `[state] recipients` of windlass.toml, or in SOPS_AGE_RECIPIENTS."));
    }
    Ok(all)
}
