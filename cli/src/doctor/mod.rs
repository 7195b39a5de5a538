//! `windlass doctor`: whether hosts, stores and certificates are fit for what is asked of them.

mod ask;
mod certificates;
mod finding;
mod judge;
mod seen;

use std::collections::BTreeSet;

use futures_util::future::join_all;

use backup::store::StoreError;

use crate::backup::{in_repository, open_store};
use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::{terminal, work};
use finding::{Finding, Level, Report};

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Of each host: that it lets us in and is the machine that it was, what it lacks, Docker and Compose and whether we may use them, its disks, its clock, streams to its ports, and its tailnet, where it has one. Of each store: that it answers, and, of a bucket, whether its credentials can remove snapshots. Nothing is changed anywhere.

Exit codes: 0 all is well (warnings may have been told), 1 nothing could be looked at, 2 something is to be done."
)]
pub struct Arguments {
    /// Hosts, as connections; default: those of `[doctor]` and `[backup.corpus]` of windlass.toml, and then its stores and certificates, too
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Look at the certificate of this server (`name` or `name:port`), too
    #[arg(long, value_name = "SERVER")]
    certificate: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What an interrupted question leaves.
const NOTHING: &str = "Nothing was changed by it.";
/// Something is to be done.
const FOUND: Exit = Exit(2);

/// Looks.
///
/// # Errors
/// When there is nothing to look at.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    work::finish(None, NOTHING, look(arguments, &settings))
}

async fn look(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let (hosts, stores, servers) = subjects(arguments, settings);
    if hosts.is_empty() && stores.is_empty() && servers.is_empty() {
        return Err(Failure::new("Could not find anything to look at")
            .with("Name a host, such as ssh://root@web.example.org, or list `hosts` in `[doctor]` of windlass.toml."));
    }
    let (hosts, stores, servers) = tokio::join!(
        join_all(hosts.iter().map(|host| ask::host(settings, host))),
        join_all(stores.iter().map(|store| look_at_store(settings, store))),
        join_all(servers.iter().map(|server| certificates::certificate(server)))
    );
    let reports: Vec<Report> = [hosts, stores, servers].concat();
    if arguments.json {
        terminal::json(&reports)?;
    } else {
        reports.iter().for_each(|report| terminal::answer(report.told()));
    }
    let worst = reports.iter().map(Report::level).max();
    Ok(if worst == Some(Level::Error) { FOUND } else { Exit::DONE })
}

/// The hosts, stores and servers that are meant.
fn subjects(
    arguments: &Arguments,
    settings: &Settings,
) -> (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>) {
    let asked: BTreeSet<String> = arguments.hosts.iter().cloned().collect();
    let mut servers: BTreeSet<String> = arguments.certificate.iter().cloned().collect();
    if !asked.is_empty() || !servers.is_empty() {
        return (asked, BTreeSet::new(), servers);
    }
    let of_corpora = settings.backup.corpus.values().filter_map(|corpus| corpus.host.clone());
    let hosts = settings.doctor.hosts.iter().cloned().chain(of_corpora).collect();
    servers.extend(settings.doctor.certificates.iter().cloned());
    (hosts, settings.backup.store.keys().cloned().collect(), servers)
}

async fn look_at_store(settings: &Settings, name: &str) -> Report {
    let error = |seen: String| Finding::error("store", seen, crate::advice::STORE);
    let subject = format!("store {name}");
    let mut findings = Vec::new();
    match in_repository(settings, name).await {
        Ok(None) => {}
        Ok(Some(found)) => return Report { subject, findings: vec![repository(&found)] },
        Err(failure) => return Report { subject, findings: vec![error(failure.to_string())] },
    }
    match open_store(settings, name) {
        Ok(store) => {
            findings.push(match store.folders().await {
                Ok(folders) => {
                    let sealed = folders.iter().filter(|folder| folder.is_sealed).count();
                    Finding::ok("store", format!("{} answers, with {sealed} snapshots", store.url()))
                }
                Err(why) => error(remote::chain(&why)),
            });
            findings.extend(removal(store.can_remove().await));
        }
        Err(failure) => findings.push(error(failure.to_string())),
    }
    Report { subject, findings }
}

/// What the hosts of its corpora say of a repository of restic.
fn repository(found: &[(String, usize)]) -> Finding {
    if found.is_empty() {
        return Finding::ok("store", "a repository of restic, which no corpus here is in: nobody was asked");
    }
    let each = found.iter().map(|(corpus, count)| format!("{count} snapshots of {corpus}"));
    Finding::ok("store", format!("restic opens it, with {}", each.collect::<Vec<_>>().join(", ")))
}

/// What it means whether our credentials can remove snapshots; what cannot be asked is told by what can.
fn removal(can_remove: Result<Option<bool>, StoreError>) -> Option<Finding> {
    let finding = if can_remove.ok().flatten()? {
        Finding::warning("rights", "these credentials can remove snapshots", crate::advice::REMOVAL)
    } else {
        Finding::ok("rights", "these credentials can add snapshots and remove none")
    };
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_looked_at_and_else_all_that_windlass_toml_has() {
        let settings: Settings = toml::from_str(
            "[doctor]\nhosts = ['ssh://a', 'ssh://b']\ncertificates = ['shop.example.org']\n[backup.store.away]\nurl = 'file:///x'\n\
             [backup.corpus.db]\nhost = 'ssh://a'\npath = '/x'\nstore = 'away'\n[backup.corpus.web]\nhost = 'ssh://c'\npath = '/x'\nstore = 'away'\n",
        )
        .unwrap();
        let ask = |hosts: &[&str], certificate: &[&str]| {
            let all = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
            let arguments = Arguments { hosts: all(hosts), certificate: all(certificate), json: false };
            let (hosts, stores, servers) = subjects(&arguments, &settings);
            let words = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(" ");
            (words(hosts), words(stores), words(servers))
        };
        let told = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(ask(&["ssh://x"], &[]), told("ssh://x", "", ""));
        assert_eq!(ask(&[], &["x:1"]), told("", "", "x:1"));
        assert_eq!(ask(&[], &[]), told("ssh://a ssh://b ssh://c", "away", "shop.example.org"));
    }
}
