//! Services that hold still while they are copied, and always go on.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use acceptance_tests::{Scratch, eventually, unique};
use lab::{Host, Lab, Variant};

use crate::Corpus;

/// What the services run, each of which writes all the time.
const WRITES: &str = "trap exit TERM; while :; do date +%s%N > /data/$NAME; sleep 0.1; done";

/// A stack whose services write into a directory.
struct Writers<'a> {
    lab: &'a Lab,
    place: &'a Scratch<'a>,
    name: String,
}

impl<'a> Writers<'a> {
    fn on(lab: &'a Lab, place: &'a Scratch<'a>, data: &str) -> Self {
        let (name, image) = (unique("windlass-writers"), lab.image("busybox").unwrap());
        let service = |service: &str, more: &str| {
            format!(
                "  {service}:\n    image: {image}\n    environment: {{ NAME: {service} }}\n    restart: unless-stopped\n    \
                 volumes: [\"{data}:/data\"]\n    command: [sh, -c, {WRITES:?}]\n{more}",
            )
            .replace("$NAME", "$$NAME")
        };
        let web = service("web", "    depends_on: [api]\n");
        place.write(&place.path("compose.yaml"), &format!("services:\n{}{web}", service("api", "")));
        let writers = Self { lab, place, name };
        writers.compose(&["up", "-d"]);
        writers
    }

    fn compose(&self, words: &[&str]) {
        let file = self.place.path("compose.yaml");
        self.place.root_runs(&[&["docker", "compose", "-p", &self.name, "-f", &file], words].concat());
    }

    fn host(&self) -> &Host {
        self.place.host()
    }

    /// The states of its containers, by their names: `api running, web paused`, with their restart policies.
    fn states(&self) -> String {
        let filter = format!("label=com.docker.compose.project={}", self.name);
        let ids = self.place.root_runs(&["docker", "ps", "-aq", "--filter", &filter]);
        let format = "{{index .Config.Labels \"com.docker.compose.service\"}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
        let words =
            [&["docker", "inspect", "--format", format][..], &ids.split_whitespace().collect::<Vec<_>>()];
        let mut lines: Vec<_> =
            self.place.root_runs(&words.concat()).trim().lines().map(str::to_owned).collect();
        lines.sort();
        lines.join(", ")
    }

    fn run_within(&self, limit: Duration) {
        let began = Instant::now();
        while self.states() != RUNNING {
            assert!(began.elapsed() < limit, "after {limit:?}: {}", self.states());
            sleep(Duration::from_millis(200));
        }
    }

    fn block(&self, more: &str) -> String {
        format!("quiesce {{\n    stack = \"{}\"\n    {more}\n  }}", self.name)
    }
}

const RUNNING: &str = "api running unless-stopped, web running unless-stopped";

impl Drop for Writers<'_> {
    fn drop(&mut self) {
        // Its file may be gone with the last start of the machine.
        let words = ["docker", "compose", "-p", &self.name, "down", "-v", "-t", "0"];
        let _ = self.lab.exec(self.host(), &words);
    }
}

/// What makes a copy last, as long as all of it passes the network.
const GROW: &str = "head -c 1500000000 /dev/zero >\"$1\"/zeros";
const SLOWLY: &str = "compress = \"local\"";

/// Applies until services hold still and the copy has begun, and kills the CLI with the provider then.
fn kill_in_the_middle(corpus: &Corpus<'_>, writers: &Writers<'_>, still: &str) {
    let before = corpus.snapshots().len();
    let mut running = corpus.workspace.start_apply();
    while writers.states() != still || corpus.snapshots().len() == before {
        assert!(running.is_running(), "nobody saw them hold still: {:?}", running.finish());
    }
    running.kill();
    drop(running.finish());
    fs::remove_file(corpus.workspace.path().join(".terraform.tfstate.lock.info")).ok();
}

const STOPPED: &str = "api exited always, web exited always";

#[test]
fn paused_services_go_on_whoever_dies() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::on(&lab, Variant::Sudo);
    let data = corpus.from.path("data");
    let writers = Writers::on(&lab, &corpus.from, &data);
    hold_still_and_go_on(
        &corpus,
        &writers,
        ("pause", "api paused unless-stopped, web paused unless-stopped"),
    );
}

#[test]
fn stopped_services_go_on_whoever_dies_and_with_the_machine() {
    let lab = Lab::current().unwrap();
    // It is started anew, and other tests have the others.
    let host = lab.add_host(Variant::Systemd).unwrap();
    let corpus = Corpus::at(&lab, &host);
    let data = corpus.from.path("data");
    let writers = Writers::on(&lab, &corpus.from, &data);
    hold_still_and_go_on(&corpus, &writers, ("stop", STOPPED));

    // The machine is started anew in the middle, and its timer is gone.
    corpus.from.root_runs(&["sh", "-c", GROW, "x", &data]);
    let release = |number: u32| format!("{SLOWLY}\n  triggers = {{ release = \"{number}\" }}");
    let block = writers.block("mode = \"stop\"\n    timeout = \"1h\"");
    corpus.back_up(&data, &format!("{}\n  {block}", release(3)));
    kill_in_the_middle(&corpus, &writers, STOPPED);
    lab.reboot(writers.host()).unwrap();
    let running = RUNNING.replace("unless-stopped", "always");
    eventually("they run after the reboot", || writers.states() == running);
    // The next one tidies up.
    corpus.from.root_runs(&["rm", "-f", &format!("{data}/zeros")]);
    corpus.workspace.converge();
    assert_eq!(writers.states(), RUNNING);
}

fn hold_still_and_go_on(corpus: &Corpus<'_>, writers: &Writers<'_>, (mode, still): (&str, &str)) {
    let data = corpus.from.path("data");
    writers.run_within(Duration::from_secs(20));

    // Files that change all the time are no hindrance.
    let block = |more: &str| writers.block(&format!("mode = \"{mode}\"\n    {more}"));
    corpus.back_up(&data, &block(""));
    corpus.workspace.converge();
    assert_eq!(writers.states(), RUNNING);

    // Whoever copies is killed: they go on by themselves.
    corpus.from.root_runs(&["sh", "-c", GROW, "x", &data]);
    let release = |number: u32| format!("{SLOWLY}\n  triggers = {{ release = \"{number}\" }}");
    corpus.back_up(&data, &format!("{}\n  {}", release(1), block("timeout = \"25s\"")));
    kill_in_the_middle(corpus, writers, still);
    assert_eq!(writers.states(), still, "the timer was not needed");
    writers.run_within(Duration::from_secs(60));

    // What takes longer than they may hold still is no snapshot.
    corpus.from.root_runs(&["sh", "-c", "truncate -s 40G \"$1\"/zeros", "x", &data]);
    corpus.back_up(&data, &format!("{}\n  {}", release(2), block("timeout = \"10s\"")));
    let failed = corpus.workspace.apply();
    failed.expect_error().says("went on before it was done").says("no new snapshot");
    assert_eq!(writers.states(), RUNNING);
    corpus.from.root_runs(&["rm", &format!("{data}/zeros")]);
}

#[test]
fn what_cannot_hold_still_is_told() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::on(&lab, Variant::Root);
    let data = corpus.from.path("data");
    let writers = Writers::on(&lab, &corpus.from, &data);
    corpus.back_up(&data, &writers.block("services = [\"wbe\"]"));
    corpus.workspace.apply().expect_error().says("no service \"wbe\"");
    let exec = format!(
        "exec {{\n    stack = \"{}\"\n    service = \"api\"\n    command = [\"cat\", \"/data/a.txt\"]\n    extension = \"txt\"\n  }}",
        writers.name
    );
    corpus.back_up_from(writers.host(), &format!("{exec}\n  {}", writers.block("")));
    corpus.workspace.apply().expect_error().says("cannot hold still");
    assert_eq!(writers.states(), RUNNING);
    // The other one can.
    corpus.back_up_from(writers.host(), &format!("{exec}\n  {}", writers.block("services = [\"web\"]")));
    corpus.workspace.converge();
    assert_eq!(writers.states(), RUNNING);
}

#[test]
fn services_see_what_was_restored() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::on(&lab, Variant::Sudo);
    corpus.back_up(&corpus.from.path("data"), "");
    corpus.workspace.converge();
    let target = corpus.to.path("restored/data");
    corpus.to.root_runs(&["mkdir", "-p", &target]);
    let writers = Writers::on(&lab, &corpus.to, &target);
    writers.run_within(Duration::from_secs(20));
    let over = format!("overwrite = true\n  confirm = {target:?}");
    corpus.restore(&format!("{over}\n  {}", writers.block("mode = \"pause\"")));
    corpus.workspace.plan().expect_error().says("old ones");
    corpus.restore(&format!("{over}\n  {}", writers.block("")));
    corpus.workspace.converge();
    assert_eq!(writers.states(), RUNNING);
    let seen = ["docker", "exec", &format!("{}-web-1", writers.name), "cat", "/data/a.txt"];
    assert_eq!(corpus.to.root_runs(&seen), "one");
}
