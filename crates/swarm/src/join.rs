//! A host becomes a member: what is looked at first, and what is said when it fails.

use std::time::Duration;

use docker::Engine;
use remote::{Command, Dial, Executor, Input, run};
use secret::Scrubber;
use tokio::time::timeout;

use crate::{
    Error, JoinRequest, Manager, Member, Node, Role,
    address::{candidates, parts},
    error::is_stale_token,
};

/// How long a manager may take to answer on its port.
const DIAL: Duration = Duration::from_secs(5);
/// How far two clocks may be apart.
const CLOCKS: u64 = 60;
/// How many lines of the engine's log an error shows.
const LOG_LINES: &str = "20";
/// Of lines that one takes, this much is kept.
const LOG_BYTES: usize = 8 << 10;
/// Where engines write their log that no journal has.
const LOG_FILES: [&str; 2] = ["/var/log/docker.log", "/var/log/dockerd.log"];
/// Engines that are older speak to no swarm of today.
const OLDEST: u32 = 19;

/// A host that shall join, and a manager that lets it in.
pub struct Join<'a> {
    /// The manager, and the host it is on.
    pub manager: &'a Manager,
    /// The manager's own host.
    pub at: &'a dyn Executor,
    /// The engine that joins.
    pub engine: &'a Engine,
    /// The host that it is on.
    pub host: &'a dyn Executor,
}

impl Join<'_> {
    /// Looks for what would make a join fail later, or half: clocks, versions, and a manager in reach.
    /// The address to join at.
    ///
    /// # Errors
    /// [`Error::Clocks`], [`Error::Versions`], [`Error::OutOfReach`], or that something could not be
    /// asked. Nothing was changed.
    pub async fn check(&self) -> Result<String, Error> {
        let (host, manager) = (self.host.name().to_owned(), self.at.name().to_owned());
        let (own, other) = (&self.engine.version().version, &self.manager.engine().version().version);
        if !can_meet(own, other) {
            return Err(Error::Versions { host, version: own.clone(), manager: other.clone() });
        }
        let (here, there) = tokio::join!(clock(self.host), clock(self.at));
        if let (Some(here), Some(there)) = (here?, there?) {
            let seconds = here.abs_diff(there);
            if seconds > CLOCKS {
                return Err(Error::Clocks { host, manager, seconds });
            }
        }
        let tried = candidates(&self.manager.nodes().await?);
        for address in &tried {
            if self.reaches(address).await? {
                return Ok(address.clone());
            }
        }
        Err(Error::OutOfReach { host, tried })
    }

    /// Whether a manager answers the host at `address`. A server that forwards nothing cannot tell:
    /// the join will.
    async fn reaches(&self, address: &str) -> Result<bool, Error> {
        let (ip, port) = parts(address);
        match timeout(DIAL, self.host.dial(&Dial::Tcp(ip, port))).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if error.may_be_forbidden() => Ok(true),
            Ok(Err(remote::Error::Dial { .. })) | Err(_) => Ok(false),
            Ok(Err(error)) => Err(error.into()),
        }
    }

    /// Joins as `role`. The token is read now, and once more where it was made anew in between. A
    /// join that failed is taken back, so that the next one begins anew.
    ///
    /// # Errors
    /// [`Error::Join`] with the end of the engine's log.
    pub async fn join(&self, request: &JoinRequest, role: Role) -> Result<(), Error> {
        let member = Member::of(self.engine.clone());
        let mut last = false;
        loop {
            let token = self.manager.token(role).await?;
            let Err(said) = member.join(request, &token).await else { return Ok(()) };
            if let Err(error) = member.leave(true).await {
                tracing::debug!(%error, "a join that failed could not be taken back");
            }
            if !last && is_stale_token(&said) {
                last = true;
                continue;
            }
            let log = Scrubber::new([token]).scrub(&engine_log(self.host).await);
            let (host, address) = (self.host.name().to_owned(), request.address.clone());
            return Err(Error::Join { host, address, said, log });
        }
    }
}

/// Whether `node` was a member of the swarm with these nodes and was taken off its list: one that
/// knows managers of it, and that none of them knows.
pub fn was_removed(managers: &[String], nodes: &[Node]) -> bool {
    let ours: Vec<_> = nodes.iter().filter_map(|node| node.manager.as_ref()).map(|m| &m.address).collect();
    managers.iter().any(|address| ours.contains(&address))
}

/// The last lines of what the engine on `host` logged; empty where nobody may look.
pub async fn engine_log(host: &dyn Executor) -> String {
    for command in log_commands() {
        if let Ok(output) = run(host, &command, Input::Nothing).await
            && output.status == 0
        {
            let text = output.stdout_text().trim().to_owned();
            if !text.is_empty() && !text.contains("-- No entries --") {
                return tail(&text, LOG_BYTES);
            }
        }
    }
    String::new()
}

fn log_commands() -> Vec<Command> {
    let journal =
        ["journalctl", "--unit", "docker.service", "--lines", LOG_LINES, "--no-pager", "--output", "cat"];
    let files = LOG_FILES.map(|file| Command::new(["tail", "-n", LOG_LINES, file]));
    let all = std::iter::once(Command::new(journal)).chain(files);
    all.map(|command| command.timeout(Some(Duration::from_secs(10))).privileged()).collect()
}

/// The end of a text, from the beginning of a line.
fn tail(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let from = (text.len() - bytes..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = &text[from..];
    end.split_once('\n').map_or(end, |(_, lines)| lines).to_owned()
}

/// The seconds that the clock of a host shows; `None` where it says nothing we know.
async fn clock(host: &dyn Executor) -> Result<Option<u64>, Error> {
    let output = run(host, &clock_command(), Input::Nothing).await?;
    Ok(output.stdout_text().trim().parse().ok())
}

fn clock_command() -> Command {
    Command::new(["date", "+%s"])
}

/// Whether two engines can be in one swarm. What cannot be read is given the chance.
fn can_meet(one: &str, other: &str) -> bool {
    let is_known = |version: &str| major(version).is_none_or(|major| major >= OLDEST);
    is_known(one) && is_known(other)
}

/// The first number of a version.
pub fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::Scripted;
    use remote::{Fake, fake::Reply};

    const NODES: &str = r#"[{"ID":"n1","Spec":{"Role":"manager"},"Status":{"State":"ready"},
        "ManagerStatus":{"Leader":true,"Reachability":"reachable","Addr":"10.0.0.1:2377"}}]"#;

    fn tokens(worker: &str) -> &'static str {
        format!(r#"{{"ID":"c1","JoinTokens":{{"Worker":"{worker}","Manager":"SWMTKN-1-m"}}}}"#).leak()
    }

    /// A manager with these answers, and an engine that shall join it with those.
    async fn two(
        manager: &[(&'static str, u16, &'static str)],
        engine: &[(&'static str, u16, &'static str)],
    ) -> (Scripted, Scripted) {
        (Scripted::new("m1", manager).await, Scripted::new("w1", engine).await)
    }

    async fn joined(by: &Scripted, who: &Scripted) -> Result<(), Error> {
        let manager = Manager::of(by.engine.clone());
        let join = Join { manager: &manager, at: &by.host, engine: &who.engine, host: &who.host };
        let request = JoinRequest { address: "10.0.0.1:2377".into(), ..JoinRequest::default() };
        join.join(&request, Role::Worker).await
    }

    async fn checked(by: &Scripted, who: &Scripted) -> Result<String, Error> {
        let manager = Manager::of(by.engine.clone());
        Join { manager: &manager, at: &by.host, engine: &who.engine, host: &who.host }.check().await
    }

    const STALE: &str = r#"{"message":"remote CA does not match fingerprint. Expected: 4f1a"}"#;
    const LEFT: (&str, u16, &str) =
        ("POST /swarm/leave?force=true", 503, r#"{"message":"This node is not part of a swarm"}"#);

    #[tokio::test]
    async fn a_token_that_was_made_anew_in_between_is_read_again() {
        let manager =
            [("GET /swarm", 200, tokens("SWMTKN-1-old")), ("GET /swarm", 200, tokens("SWMTKN-1-new"))];
        let engine = [("POST /swarm/join", 500, STALE), LEFT, ("POST /swarm/join", 200, "")];
        let (by, who) = two(&manager, &engine).await;
        joined(&by, &who).await.unwrap();
        assert_eq!(by.asked().len(), 2);
        let asked = who.asked();
        assert!(asked[0].contains("SWMTKN-1-old") && asked[2].contains("SWMTKN-1-new"), "{asked:?}");
    }

    #[tokio::test]
    async fn a_join_that_fails_is_taken_back_and_shows_the_end_of_the_log_without_the_token() {
        let manager = [("GET /swarm", 200, tokens("SWMTKN-1-w"))];
        let engine =
            [("POST /swarm/join", 503, r#"{"message":"Timeout was reached before node joined."}"#), LEFT];
        let (by, who) = two(&manager, &engine).await;
        let log = Reply::ok("level=error msg=\"no way in\" token=SWMTKN-1-w\n");
        who.host.expect(log_commands()[0].words().to_vec(), log);
        let Error::Join { host, said, log, .. } = joined(&by, &who).await.unwrap_err() else {
            panic!("it is another error")
        };
        assert_eq!((host.as_str(), said.as_str()), ("w1", "Timeout was reached before node joined."));
        assert!(log.contains("no way in") && !log.contains("SWMTKN"), "{log}");
        assert_eq!(who.asked().len(), 2);
    }

    #[tokio::test]
    async fn clocks_and_the_port_of_a_manager_are_looked_at_first() {
        let clock = |host: &Fake, seconds: &str| {
            host.always(clock_command().words().to_vec(), Reply::ok(format!("{seconds}\n")));
        };
        let (by, who) = two(&[], &[]).await;
        clock(&by.host, "1000");
        clock(&who.host, "1061");
        let error = checked(&by, &who).await.unwrap_err();
        assert_eq!(error.to_string(), "the clocks of w1 and m1 differ by 61 s");

        let nodes = ("GET /nodes", 200, NODES);
        let (by, who) = two(&[nodes, nodes], &[]).await;
        clock(&by.host, "1000");
        clock(&who.host, "1060");
        let error = checked(&by, &who).await.unwrap_err();
        assert_eq!(error.to_string(), "no manager of the swarm answers w1; tried were 10.0.0.1:2377");
        let _listener = who.host.listen(&Dial::Tcp("10.0.0.1".into(), 2377));
        assert_eq!(checked(&by, &who).await.unwrap(), "10.0.0.1:2377");
        assert!(who.asked().is_empty(), "nothing was changed");
    }

    #[test]
    fn the_log_is_asked_for_by_words() {
        let words: Vec<Vec<String>> = log_commands().iter().map(|command| command.words().to_vec()).collect();
        assert_eq!(
            words[0],
            ["journalctl", "--unit", "docker.service", "--lines", "20", "--no-pager", "--output", "cat"]
        );
        assert_eq!(words[1], ["tail", "-n", "20", "/var/log/docker.log"]);
        assert_eq!(clock_command().words(), ["date", "+%s"]);
    }

    #[test]
    fn engines_of_another_age_do_not_meet() {
        assert!(can_meet("26.1.5+dfsg1", "29.0.1"));
        assert!(can_meet("dev", "26.1.5"));
        assert!(!can_meet("18.09.1", "26.1.5"));
        assert!(!can_meet("26.1.5", "1.13.1"));
    }

    #[test]
    fn a_log_is_cut_at_a_line() {
        assert_eq!(tail("one\ntwo\nthree", 100), "one\ntwo\nthree");
        assert_eq!(tail("one\ntwo\nthree", 9), "three");
    }

    #[test]
    fn a_node_that_was_taken_off_the_list_is_known_by_its_managers() {
        let nodes = [crate::node::tests::node()];
        assert!(was_removed(&["10.0.0.1:2377".into()], &nodes));
        assert!(!was_removed(&["10.0.0.2:2377".into()], &nodes));
        assert!(!was_removed(&[], &nodes));
    }
}
