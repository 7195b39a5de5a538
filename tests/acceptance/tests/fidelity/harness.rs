//! Takes all projects through their steps at the same time: in each round, every project gets its
//! next step, and one plan, one apply and one more plan cover them all.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Instant,
};

use acceptance_tests::{Cli, Run, Workspace};
use lab::{Host, Lab};
use serde_json::Value;

use crate::{
    case::{Action, Attributes, Case, Compose, Step},
    fate::{self, Containers, Fates},
    project::{self, Images},
    verdict::{Finding, OverReport, compare},
};

/// The type of the resource, as it begins every address.
const TYPE: &str = "windlass_compose_stack.";
/// Waits are most of an apply: all stacks may wait at the same time.
const PARALLELISM: &str = "-parallelism=24";
/// Tells of every container of a project: its id, state, start, project, service, and whether it is a
/// one-off.
const LOOK: &str = "docker ps --all --quiet --no-trunc --filter label=com.docker.compose.project | xargs -r \
    docker inspect --format '{{.Id}} {{.State.Status}} {{.State.StartedAt}} \
    {{index .Config.Labels \"com.docker.compose.project\"}} {{index .Config.Labels \"com.docker.compose.service\"}} \
    {{index .Config.Labels \"com.docker.compose.oneoff\"}}'";

/// All projects on one host.
pub struct Harness<'l> {
    lab: &'l Lab,
    host: &'l Host,
    workspace: Workspace,
    images: Images,
    moving: String,
    projects: Vec<Project>,
    allowed: Vec<OverReport>,
    compose: Compose,
    findings: Vec<Finding>,
}

struct Project {
    case: Case,
    attributes: Attributes,
    /// Whether a plan or apply failed: it is taken out then, and its further steps are not done.
    broken: bool,
}

/// One resource's part of a plan.
struct Change {
    actions: Vec<String>,
    before: Value,
    after: Value,
    unknown: Value,
}

impl<'l> Harness<'l> {
    /// A workspace with the host, made known so that plans of stacks can ask it.
    pub fn new(
        cli: &Cli,
        (lab, host, compose): (&'l Lab, &'l Host, Compose),
        cases: Vec<Case>,
        allowed: Vec<OverReport>,
    ) -> Self {
        let moving = format!("fidelity-{}", std::process::id());
        let images = Images(vec![
            ("BUSYBOX_1", lab.image("busybox:1").unwrap().to_owned()),
            ("BUSYBOX_2", lab.image("busybox:2").unwrap().to_owned()),
            ("BUSYBOX_MOVING", format!("{}/busybox:{moving}", lab.state().registry)),
        ]);
        let workspace = Workspace::with(cli);
        workspace.write("host.tf", &host_block(host));
        workspace.apply().expect_success();
        let project = |case| Project { case, attributes: Attributes::default(), broken: false };
        let projects = cases.into_iter().map(project).collect();
        Self { lab, host, workspace, images, moving, projects, allowed, compose, findings: Vec::new() }
    }

    /// Makes all stacks, does all steps and tells what was not as it must be.
    pub fn run(mut self) -> Vec<Finding> {
        for index in 0..self.projects.len() {
            let name = self.projects[index].case.name;
            project::copy(name, &self.folder(name), &self.images);
            let actions = self.projects[index].case.first.clone();
            self.act(index, &actions);
        }
        self.round(None);
        let rounds = self.projects.iter().map(|project| project.case.steps.len()).max().unwrap_or(0);
        for round in 0..rounds {
            for index in 0..self.projects.len() {
                let project = &self.projects[index];
                let step = project.case.steps.get(round).filter(|_| !project.broken);
                if let Some(actions) = step.map(|step| step.actions.clone()) {
                    self.act(index, &actions);
                }
            }
            self.round(Some(round));
        }
        self.findings
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.workspace.path().join("stacks").join(name)
    }

    /// Does what a step does and writes the project's block anew.
    fn act(&mut self, index: usize, actions: &[Action]) {
        let folder = self.folder(self.projects[index].case.name);
        for action in actions {
            match action {
                Action::MoveTag(source) => {
                    self.lab.registry().set_tag("busybox", source, &self.moving).unwrap();
                }
                Action::OnHost(words) => {
                    let words: Vec<_> = words.iter().map(|word| self.images.fill(word)).collect();
                    let words: Vec<_> = words.iter().map(String::as_str).collect();
                    self.lab.exec_ok(self.host, &words).unwrap();
                }
                action => {
                    self.projects[index].attributes.apply(action);
                    project::edit(&folder, action, &self.images);
                }
            }
        }
        let Project { case, attributes, .. } = &self.projects[index];
        let block = attributes.block(case, &format!("stacks/{}", case.name));
        self.workspace.write(&block_file(case.name), &self.images.fill(&block));
    }

    /// Plan, apply, plan; `None` makes the stacks.
    fn round(&mut self, round: Option<usize>) {
        let start = Instant::now();
        let before = self.containers();
        self.plan(round);
        let plan = self.changes();
        let planned = start.elapsed();
        let apply = self.workspace.run(&["apply", "-input=false", "-json", PARALLELISM, "plan.bin"]);
        self.break_failed(round, "apply", &apply);
        let applied = start.elapsed();
        let after = self.containers();
        self.compare(round, &plan, &before, &after);
        // What a plan without changes shows in full need not be asked for.
        if self.plan(round).lines().any(|line| line["type"] == "planned_change") {
            let again = self.changes();
            self.expect_nothing(round, &again);
        }
        eprintln!(
            "round {}: plan {:.1} s, apply {:.1} s, second plan {:.1} s",
            round.map_or(0, |round| round + 1),
            planned.as_secs_f64(),
            (applied - planned).as_secs_f64(),
            (start.elapsed() - applied).as_secs_f64()
        );
    }

    /// Plans all; projects whose plan fails are taken out, and the others are planned again.
    fn plan(&mut self, round: Option<usize>) -> Run {
        loop {
            let plan = self.workspace.run(&["plan", "-input=false", "-json", PARALLELISM, "-out=plan.bin"]);
            if !self.break_failed(round, "plan", &plan) {
                return plan.expect_success();
            }
        }
    }

    /// What the last plan is about.
    fn changes(&self) -> BTreeMap<String, Change> {
        let shown = self.workspace.run(&["show", "-json", "plan.bin"]).expect_success();
        let json: Value = serde_json::from_str(&shown.stdout).unwrap();
        let changes = json["resource_changes"].as_array().cloned().unwrap_or_default();
        changes.iter().filter_map(|json| Some((name_of(json)?, Change::of(&json["change"])))).collect()
    }

    /// Takes out the projects that a run has an error for; whether there were any.
    fn break_failed(&mut self, round: Option<usize>, what: &str, run: &Run) -> bool {
        if run.code == Some(0) {
            return false;
        }
        let mut failed = BTreeMap::new();
        for line in run.lines().filter(|line| line["diagnostic"]["severity"] == "error") {
            let diagnostic = &line["diagnostic"];
            let text = format!("{}: {}", string(&diagnostic["summary"]), string(&diagnostic["detail"]));
            if let Some(name) = name_of(diagnostic) {
                failed.entry(name).or_insert_with(Vec::new).push(text);
            }
        }
        assert!(!failed.is_empty(), "{what} failed:\n{}\n{}", run.stdout, run.stderr);
        for (name, texts) in failed {
            let index = self.projects.iter().position(|project| project.case.name == name).unwrap();
            self.report(index, round, format!("{what} failed: {}", texts.join(" | ")));
            self.projects[index].broken = true;
            let _ = std::fs::remove_file(self.workspace.path().join(block_file(&name)));
        }
        true
    }

    fn report(&mut self, index: usize, round: Option<usize>, text: impl Into<String>) {
        let (name, title) = self.projects[index].at(round);
        self.findings.push(Finding::of_project(name, title, text));
    }

    fn compare(
        &mut self,
        round: Option<usize>,
        plan: &BTreeMap<String, Change>,
        before: &BTreeMap<String, Containers>,
        after: &BTreeMap<String, Containers>,
    ) {
        let none = Containers::new();
        for index in 0..self.projects.len() {
            let project = &self.projects[index];
            if project.broken {
                continue;
            }
            let name = project.case.name;
            let change = &plan[name];
            if let Some(problem) = project.wrong_action(round, &change.actions) {
                self.report(index, round, problem);
            }
            let Some(predicted) = change.predicted() else {
                self.report(index, round, "the plan knows nothing of the services");
                continue;
            };
            let project = &self.projects[index];
            let step = project.step(round);
            let expected = round.map(|_| step.map_or_else(Fates::new, |step| step.expected(self.compose)));
            let (before, after) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
            let real = fate::real(before, after);
            let found = compare(project.at(round), &predicted, &real, expected.as_ref(), &self.allowed);
            self.findings.extend(found);
        }
    }

    fn expect_nothing(&mut self, round: Option<usize>, plan: &BTreeMap<String, Change>) {
        for index in 0..self.projects.len() {
            let project = &self.projects[index];
            let change = &plan.get(project.case.name);
            if let Some(change) = change.filter(|change| !project.broken && change.actions != ["no-op"]) {
                let text = format!("second plan: {} {}", change.actions.join("+"), change.differences());
                self.report(index, round, text);
            }
        }
    }

    /// All containers: project, then service.
    fn containers(&self) -> BTreeMap<String, Containers> {
        let mut all: BTreeMap<String, Containers> = BTreeMap::new();
        for line in self.lab.exec_ok(self.host, &["sh", "-c", LOOK]).unwrap().lines() {
            if let [id, state, start, project, service, one_off] = line.split(' ').collect::<Vec<_>>()[..]
                && one_off != "True"
            {
                let runs_since = (state == "running").then(|| start.to_owned());
                let services = all.entry(project.to_owned()).or_default();
                services.entry(service.to_owned()).or_default().insert(id.to_owned(), runs_since);
            }
        }
        all
    }
}

impl Project {
    fn step(&self, round: Option<usize>) -> Option<&Step> {
        self.case.steps.get(round?)
    }

    /// The project and the step, for people.
    fn at(&self, round: Option<usize>) -> (&'static str, &'static str) {
        let title = match (round, self.step(round)) {
            (None, _) => "(made)",
            (Some(_), None) => "(nothing done)",
            (Some(_), Some(step)) => step.title,
        };
        (self.case.name, title)
    }

    /// What is wrong with what the plan does to the resource.
    fn wrong_action(&self, round: Option<usize>, actions: &[String]) -> Option<String> {
        let (fits, wanted) = match (round, self.step(round)) {
            (None, _) => (actions == ["create"], "create"),
            (Some(_), None) => (actions == ["no-op"], "no-op"),
            (Some(_), Some(_)) => (actions == ["update"] || actions == ["no-op"], "update or no-op"),
        };
        (!fits).then(|| format!("the plan is to {}, not to {wanted}", actions.join("+")))
    }
}

impl Change {
    fn of(json: &Value) -> Self {
        let actions = json["actions"].as_array().unwrap().iter().map(string).collect();
        Self {
            actions,
            before: json["before"].clone(),
            after: json["after"].clone(),
            unknown: json["after_unknown"].clone(),
        }
    }

    fn predicted(&self) -> Option<Fates> {
        fate::predicted(&self.before["services"], &self.after["services"], &self.unknown["services"])
    }

    /// Every attribute, and every field of a service, that differs.
    fn differences(&self) -> String {
        let mut differences = Vec::new();
        walk("", &self.before, &self.after, &self.unknown, &mut differences);
        differences.join(", ")
    }
}

fn walk(path: &str, before: &Value, after: &Value, unknown: &Value, differences: &mut Vec<String>) {
    if unknown == &Value::Bool(true) {
        differences.push(format!("{path}: {before} -> (known after apply)"));
        return;
    }
    match (before.as_object(), after.as_object()) {
        (Some(old), Some(new)) => {
            let unknowns = unknown.as_object().into_iter().flat_map(|fields| fields.keys());
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).chain(unknowns).collect();
            for name in names {
                walk(&format!("{path}.{name}"), &before[name], &after[name], &unknown[name], differences);
            }
        }
        _ if before != after => differences.push(format!("{path}: {before} -> {after}")),
        _ => {}
    }
}

fn block_file(name: &str) -> String {
    format!("stack-{name}.tf")
}

/// The name of the stack that a part of the CLI's output is about.
fn name_of(json: &Value) -> Option<String> {
    json["address"].as_str()?.strip_prefix(TYPE).map(str::to_owned)
}

fn string(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn host_block(host: &Host) -> String {
    format!(
        "provider \"windlass\" {{\n  ssh {{\n    user = {:?}\n    private_key_file = {:?}\n  }}\n}}\n\
         resource \"windlass_host\" \"this\" {{\n  address = {:?}\n  port = {}\n  host_key = {:?}\n}}\n",
        host.user, host.private_key_file, host.address, host.port, host.host_key
    )
}
