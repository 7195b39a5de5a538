//! A bucket whose server only a host sees.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStderr, Command, Stdio},
};

use acceptance_tests::hcl;
use backup::store::s3_server::{BUCKET, KEY, KEY_ID, S3Server};
use lab::{Host, Lab};

use crate::Corpus;

const BACKUP: &str = "windlass_corpus_backup.it";

/// A port of a host's loopback behind which a server is, and nowhere else.
struct OnHost {
    session: Child,
    port: u16,
    /// Who cannot be told something more ends.
    _said: BufReader<ChildStderr>,
}

impl OnHost {
    /// Has sshd on `host` listen for `server`.
    fn listen(lab: &Lab, host: &Host, server: &S3Server) -> Self {
        let mut session = Command::new("ssh")
            .args(["-F", "none", "-N", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", lab.state().known_hosts_file.display()))
            .arg("-i")
            .arg(&host.private_key_file)
            .args(["-p", &host.port.to_string(), "-R", &format!("127.0.0.1:0:127.0.0.1:{}", server.port())])
            .arg(format!("{}@{}", host.user, host.address))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(session.stderr.take().unwrap());
        let port = std::iter::from_fn(|| {
            let mut line = String::new();
            (said.read_line(&mut line).unwrap() > 0).then_some(line)
        })
        .find_map(|line| line.strip_prefix("Allocated port ")?.split_whitespace().next()?.parse().ok());
        Self { session, port: port.expect("sshd tells the port"), _said: said }
    }
}

impl Drop for OnHost {
    fn drop(&mut self) {
        let _ = self.session.kill();
        let _ = self.session.wait();
    }
}

#[test]
fn a_bucket_that_only_a_host_sees_is_reached_from_there_and_keeps_what_it_locks() {
    let (lab, server) = (Lab::current().unwrap(), S3Server::start_with_lock(None));
    let mut corpus = Corpus { name: "overlay", ..Corpus::new(&lab) };
    let path = corpus.from.path("data");
    // Larger than a part of an upload, and it does not get smaller.
    corpus.from.root_runs(&["sh", "-c", "head -c 40000000 /dev/urandom >\"$1\"/large", "x", &path]);
    let there = OnHost::listen(&lab, corpus.to.host(), &server);
    let provider = |via: &str, lock: &str| {
        let block = format!(
            "store {{\n    name = \"overlay\"\n    url = \"s3://{BUCKET}/prod\"\n    endpoint = \"http://127.0.0.1:{}\"\n    \
             access_key_id = \"{KEY_ID}\"\n    secret_access_key = \"{KEY}\"\n    {via}\n    {lock}\n  }}\n",
            there.port
        );
        corpus.workspace.write("provider.tf", &hcl::provider_block(&lab, &block));
    };
    corpus.elsewhere = Some("overlay".to_owned());
    let via = format!("via = {}", hcl::quoted(&hcl::connection(corpus.to.host())));
    let lock = "object_lock_mode = \"governance\"\n    object_lock_days = 7";
    provider(&via, lock);
    let release = |number: u32| {
        corpus.back_up(
            &path,
            &format!("retention {{\n    last = 1\n  }}\n  triggers = {{ release = \"{number}\" }}"),
        );
    };
    release(1);
    corpus.workspace.converge();
    corpus.restore("");
    corpus.workspace.converge();
    let target = corpus.to.path("restored/data");
    assert_eq!(Corpus::tree(&corpus.to, &target), Corpus::tree(&corpus.from, &path));
    let first = corpus.workspace.state(BACKUP)["snapshot"].as_str().unwrap().to_owned();
    let locked = server.locked();
    assert!(locked.len() == 2 && locked.values().all(|(mode, _)| mode == "GOVERNANCE"), "{locked:?}");

    // What is locked stays, is told, and is no failure; the plan does not say that it goes.
    release(2);
    let told = corpus.workspace.apply().expect_success();
    told.expect_warning("are locked").says(&first).says("locked until");
    assert_eq!(server.locked().len(), 4);
    assert!(told.diagnostics().iter().all(|one| !one.summary.contains("will go")));

    // Destroying says so too. Once the locks are over, all of it goes.
    corpus.back_up(&path, "triggers = { release = \"2\" }\n  on_destroy = \"delete\"");
    corpus.workspace.apply().expect_success();
    server.end_locks();
    corpus.workspace.destroy().expect_success();
    assert_eq!((server.versions(), server.keys()), (0, Vec::new()));
}
