//! The deployment engine by itself, as the companion will call it: no provider, no CLI.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use acceptance_tests::{executor, unique};
use docker::{Cli, Engine};
use lab::{Lab, Variant};
use remote::facts::facts;
use ssh::Pool;
use stack::{
    Context, DeployOptions, Deployed, Deployment, DesiredStack, DestroyRequest, Destroyed, Error, Failed,
    Host, KEEP_IMAGES, KeptBecause, Outcome, Prior, StackSpec, Step, containers::by_service, destroy,
    observe,
};
use tree::Tree;

const SOCKET: &str = "/var/run/docker.sock";

/// A stack of one test; what is left of it on its host goes when it is dropped.
struct Subject<'a> {
    lab: &'a Lab,
    lab_host: lab::Host,
    host: Host,
    name: String,
}

impl<'a> Subject<'a> {
    async fn on(lab: &'a Lab, pool: &Pool) -> Self {
        let lab_host = lab.host(Variant::Root).unwrap().clone();
        let exec = executor(pool, lab, &lab_host);
        let facts = facts(exec.as_ref(), SOCKET).await.unwrap();
        let cli = Cli::new(SOCKET, &facts.home);
        let engine = Engine::connect(exec.clone(), &cli).await.unwrap();
        let host = Host::new(exec, engine, cli, &facts, Arc::default());
        Self { lab, lab_host, host, name: unique("engine") }
    }

    /// One service that runs this command.
    fn spec(&self, command: &str) -> StackSpec {
        self.spec_with(command, "")
    }

    /// The same, with more lines about the service.
    fn spec_with(&self, command: &str, more: &str) -> StackSpec {
        let image = self.lab.image("busybox").unwrap();
        let text = format!(
            "services:\n  app:\n    image: {image}\n    command: [sh, -c, {command:?}]\n    stop_grace_period: 0s\n{more}"
        );
        let (source, files) = Tree::texts(&[text]);
        StackSpec { name: self.name.clone(), files, source, ..StackSpec::default() }
    }

    fn directory(&self) -> String {
        self.host.default_directory(&self.name)
    }

    async fn deploy(&self, spec: &StackSpec, prior: Option<&Prior>) -> Result<Deployed, Box<Failed>> {
        let cx = Context::background();
        let options = DeployOptions { keep_images: KEEP_IMAGES, ..DeployOptions::default() };
        let lock = self.host.lock(&cx, &self.name).await.unwrap();
        let mut deployment =
            Deployment::new(&cx, (&self.host, &lock), spec, options, self.directory(), prior);
        if prior.is_none() {
            deployment = deployment.fresh();
        }
        let prepared = deployment.prepare(None).await.unwrap();
        deployment.fetch(&prepared).await.unwrap();
        let done = deployment.carry_out(prepared).await;
        lock.release().await;
        done.map_err(Box::new)
    }

    /// What is remembered of a good apply.
    fn prior(&self, spec: &StackSpec, desired: DesiredStack) -> Prior {
        Prior {
            directory: Some(self.directory()),
            files: spec.files.clone(),
            desired: Some(desired),
            source_hash: Some(spec.source_hash()),
            ..Prior::default()
        }
    }

    async fn status(&self) -> String {
        self.statuses().await["app"].clone()
    }

    /// The status of each service that has containers.
    async fn statuses(&self) -> BTreeMap<String, String> {
        let containers = self.host.engine.containers(&self.name).await.unwrap();
        let observed = observe(&containers, None, None, None);
        observed.into_iter().map(|(name, service)| (name, service.status)).collect()
    }

    fn shell(&self, line: &str) -> String {
        self.lab.exec_ok(&self.lab_host, &["sh", "-c", line]).unwrap()
    }
}

impl Drop for Subject<'_> {
    fn drop(&mut self) {
        let line = format!(
            "docker ps -aq --filter label=com.docker.compose.project={0} | xargs -r docker rm -f; \
             rm -rf /root/windlass/{0}",
            self.name
        );
        let _ = self.lab.exec(&self.lab_host, &["sh", "-c", &line]);
    }
}

/// A lock is lost with the connection that holds it. What the others do meanwhile must not be met by
/// somebody who goes on as if it were still there.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_loses_its_lock_stops_before_its_next_step() {
    let lab = Lab::current().unwrap();
    let pool = Pool::with_agent(None);
    let subject = Subject::on(&lab, &pool).await;
    let check = "    healthcheck: { test: [CMD, test, -e, /open], interval: 300ms, start_period: 200s }\n";
    let spec = subject.spec_with("exec sleep infinity", check);
    let (failed, ()) = tokio::join!(subject.deploy(&spec, None), async {
        while subject.statuses().await.is_empty() || subject.status().await == "created" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        subject.shell(&format!("pkill -f '[w]indlass-lock compose-{}'", subject.name));
        subject.shell(&format!("docker exec {}-app-1 touch /open", subject.name));
    });
    let failed = failed.unwrap_err();
    let Error::LockLost { next, done, .. } = &failed.error else { panic!("{:?}", failed.error) };
    // Compose may not have ended yet when the container runs.
    assert!(matches!(next, Step::Restart | Step::Record), "{next:?}");
    assert!(done.ends_with(&[Step::Start]) || done.ends_with(&[Step::Start, Step::Restart]), "{done:?}");
    assert!(matches!(failed.outcome, Outcome::Kept(KeptBecause::Unlocked)), "{:?}", failed.outcome);
    let record = format!("{}/.windlass/record.json", subject.directory());
    assert_eq!(subject.shell(&format!("ls {record} 2>/dev/null | wc -l")).trim(), "0");

    // The next one has the lock, and takes up what is there.
    let cx = Context::background();
    subject.host.lock(&cx, &subject.name).await.unwrap().release().await;
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_deployed_broken_rolled_back_stopped_started_and_destroyed() {
    let lab = Lab::current().unwrap();
    let pool = Pool::with_agent(None);
    let subject = Subject::on(&lab, &pool).await;

    let good = subject.spec("exec sleep infinity");
    let deployed = subject.deploy(&good, None).await.unwrap();
    assert_eq!(subject.status().await, "running");
    let (first, release) = (by_service(&deployed.containers)["app"][0].id.clone(), deployed.host_state);
    assert!(release.is_ours() && release.source_hash() == Some(good.source_hash()));
    let prior = subject.prior(&good, deployed.desired);

    // What cannot run is taken back to what did.
    let failed = subject.deploy(&subject.spec("exit 3"), Some(&prior)).await.unwrap_err();
    assert!(failed.error.to_string().contains("exited with status 3"), "{:?}", failed.error);
    let Outcome::RolledBack(state, containers) = &failed.outcome else { panic!("{:?}", failed.outcome) };
    assert_eq!(state.source_hash(), Some(good.source_hash()));
    assert_eq!(subject.status().await, "running");
    let second = by_service(containers)["app"][0].id.clone();
    assert_ne!(first, second);

    // What was stopped by hand is started again, and is not made anew.
    subject.shell(&format!("docker stop --time 0 {second}"));
    // The engine's list follows a moment after it has stopped.
    while subject.status().await == "running" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let again = subject.deploy(&good, Some(&prior)).await.unwrap();
    assert_eq!(subject.status().await, "running");
    assert_eq!(by_service(&again.containers)["app"][0].id, second);

    let (cx, directory) = (Context::background(), subject.directory());
    let request = DestroyRequest {
        name: &subject.name,
        directory: Some(&directory),
        instance: "another",
        volumes: false,
    };
    assert_eq!(destroy(&cx, &subject.host, request).await.unwrap(), Destroyed::Another);
    assert_eq!(subject.status().await, "running");
    let request = DestroyRequest { instance: release.instance.as_deref().unwrap(), ..request };
    assert_eq!(destroy(&cx, &subject.host, request).await.unwrap(), Destroyed::Gone(BTreeSet::new()));
    assert!(subject.host.engine.containers(&subject.name).await.unwrap().is_empty());
    assert_eq!(subject.shell(&format!("find {directory} -type f | wc -l")).trim(), "0");
    pool.close().await;
}
