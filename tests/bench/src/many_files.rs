//! What a `source_dir` of many small files costs: a plan that finds no change, and one that Compose
//! refuses.

use std::{fs, path::Path, thread, time::Duration};

use acceptance_tests::{Run, Workspace};
use anyhow::{Context as _, Result, ensure};

use crate::{Bench, plan::succeeded, samples::Samples, table::Row};

const FILES: usize = 50_000;
const FOLDERS: usize = 100;
const ROUNDS: usize = 3;
/// After this time hashes are remembered, where they are at all.
pub(crate) const SETTLED: Duration = Duration::from_secs(5);
/// How long a plan may take over one that needs no provider.
const LIMIT: f64 = 2000.0;
/// How much slower a plan that ends in an error may be than one that does not: machines have moods.
const MOOD: f64 = 1.1;

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // CLIs are waited for without a pause.
    tokio::task::spawn_blocking(move || {
        let workspace = bench.workspace()?;
        let source = workspace.path().join("source");
        fill(&source)?;
        let image = bench.place.image("busybox")?;
        let compose = |more: &str| {
            let text =
                format!("services:\n  app:\n    image: {image}\n    command: sleep infinity\n    init: true\n{more}");
            fs::write(source.join("compose.yaml"), text).context("write the Compose file")
        };
        compose("")?;
        workspace.write(
            "main.tf",
            &format!(
                "resource \"windlass_compose_stack\" \"files\" {{\n  host       = \"{}\"\n  name       = \"files\"\n  \
                 source_dir = \"${{path.module}}/source\"\n}}\n",
                bench.place.connection()
            ),
        );
        let applied = run(&workspace, &["apply", "-auto-approve"]);
        succeeded("apply", &applied)?;
        thread::sleep(SETTLED);
        let floor = floor(bench)?;
        let [mut over, mut changed, mut refused] = std::array::from_fn(|_| Samples::default());
        for round in 0..ROUNDS {
            compose("")?;
            let unchanged = run(&workspace, &["plan", "-detailed-exitcode"]);
            succeeded("plan", &unchanged)?;
            over.add(unchanged.took.as_secs_f64() * 1000.0 - floor);
            compose(&format!("    environment: {{ ROUND: \"{round}\" }}\n"))?;
            let plan = run(&workspace, &["plan"]);
            succeeded("plan", &plan)?;
            changed.time(plan.took);
            compose(&format!("    no_such_word: {round}\n"))?;
            let plan = run(&workspace, &["plan"]);
            ensure!(plan.code == Some(1), "a plan that Compose refuses ended with {:?}", plan.code);
            refused.time(plan.took);
        }
        // The core plans before it destroys, and no plan is made of what Compose refuses.
        compose("")?;
        succeeded("destroy", &run(&workspace, &["destroy", "-auto-approve"]))?;
        let other = changed.median()?;
        Ok(vec![
            Row::median(format!("plan of {FILES} files unchanged, over the floor"), &over, "ms")?
                .limit(LIMIT)
                .beside(format!("the first apply {:.0} ms", applied.took.as_secs_f64() * 1000.0)),
            Row::median(format!("plan of {FILES} files that Compose refuses"), &refused, "ms")?
                .limit(other * MOOD)
                .beside(format!("with a change instead {other:.0} ms")),
        ])
    })
    .await?
}

/// The milliseconds of a plan that needs no provider.
pub(crate) fn floor(bench: &Bench) -> Result<f64> {
    let workspace = bench.workspace()?;
    workspace.write("versions.tf", "");
    workspace.write("main.tf", "resource \"terraform_data\" \"nothing\" {}\n");
    succeeded("apply", &run(&workspace, &["apply", "-auto-approve"]))?;
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let plan = run(&workspace, &["plan"]);
        succeeded("plan", &plan)?;
        samples.time(plan.took);
    }
    samples.median()
}

fn run(workspace: &Workspace, words: &[&str]) -> Run {
    workspace.run(&[words, &["-input=false", "-no-color"]].concat())
}

fn fill(source: &Path) -> Result<()> {
    for folder in 0..FOLDERS {
        fs::create_dir_all(source.join(format!("part/{folder}"))).context("make a folder")?;
    }
    // Named so that no Compose file seems to name it.
    (0..FILES).try_for_each(|number| {
        let path = source.join(format!("part/{}/piece-{number}.txt", number % FOLDERS));
        fs::write(path, format!("{number}\n").repeat(20)).context("write a small file")
    })
}
