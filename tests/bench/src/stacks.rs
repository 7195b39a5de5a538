//! What a dozen small stacks on one host cost, at several degrees of parallelism, over the same
//! commands as a person's script would type them: all at once.

use acceptance_tests::Workspace;
use anyhow::Result;

use crate::{Bench, plan::succeeded, samples::Samples, table::Row};

const STACKS: usize = 12;
const PARALLELISM: [usize; 4] = [1, 4, 8, 10];
const ROUNDS: usize = 3;
/// How much slower a run with more parallelism may be than one with less: machines have moods.
const MOOD: f64 = 1.1;

/// A kind of small stack.
struct Kind {
    what: &'static str,
    compose: String,
    /// How long the apply may take over the typed command.
    limit: f64,
}

/// How long a destroy may take over the typed command.
const DESTROY_LIMIT: f64 = 1.3;

/// What was measured of one kind.
#[derive(Default)]
struct Times {
    apply: [Samples; PARALLELISM.len()],
    destroy: [Samples; PARALLELISM.len()],
    plan: Samples,
    up: Samples,
    down: Samples,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let image = bench.place.image("busybox")?;
    bench.place.typed(&format!("docker pull --quiet {image}")).await?;
    let service =
        format!("services:\n  app:\n    image: {image}\n    command: sleep infinity\n    init: true\n");
    let health = "    healthcheck:\n      test: [\"CMD\", \"true\"]\n      interval: 1s\n";
    let kinds = [
        Kind { what: "with health checks", compose: format!("{service}{health}"), limit: 1.25 },
        // Windlass watches for two seconds that it stays up; `--wait` does not.
        Kind { what: "without health checks", compose: service, limit: 1.8 },
    ];
    let mut rows = Vec::new();
    for kind in &kinds {
        rows.extend(kind.rows(&kind.times(bench).await?)?);
    }
    Ok(rows)
}

impl Kind {
    /// Everything in turns.
    async fn times(&self, bench: &Bench) -> Result<Times> {
        let workspace = self.workspace(bench)?;
        let write: String = (0..STACKS)
            .map(|number| {
                format!(
                    "mkdir -p dozen/t{number} && cat > dozen/t{number}/compose.yaml <<'END'\n{}END\n",
                    self.compose
                )
            })
            .collect();
        bench.place.typed(&write).await?;
        let mut times = Times::default();
        let run = |words: &[&str], parallelism: usize| {
            let parallelism = format!("-parallelism={parallelism}");
            let run = workspace.run(&[words, &["-input=false", "-no-color", &parallelism]].concat());
            succeeded(words[0], &run).map(|()| run.took)
        };
        for _ in 0..ROUNDS {
            for (index, parallelism) in PARALLELISM.into_iter().enumerate() {
                // Every round is as dear as the first: what Compose said in the last one is forgotten.
                bench.place.asked("rm -rf ~/.windlass/resolved")?;
                times.apply[index].time(run(&["apply", "-auto-approve"], parallelism)?);
                times.plan.time(run(&["plan", "-detailed-exitcode"], parallelism)?);
                times.destroy[index].time(run(&["destroy", "-auto-approve"], parallelism)?);
            }
            times.up.of(bench.place.typed(&all_at_once("docker compose up -d --wait"))).await?;
            times.down.of(bench.place.typed(&all_at_once("docker compose down"))).await?;
        }
        Ok(times)
    }

    fn workspace(&self, bench: &Bench) -> Result<Workspace> {
        let workspace = bench.workspace()?;
        workspace.write(
            "main.tf",
            &format!(
                "resource \"windlass_compose_stack\" \"dozen\" {{\n  count  = {STACKS}\n  host   = \"{}\"\n  \
                 name   = \"dozen-${{count.index}}\"\n  config = [<<-END\n{}END\n  ]\n}}\n",
                bench.place.connection(),
                self.compose
            ),
        );
        Ok(workspace)
    }

    fn rows(&self, times: &Times) -> Result<Vec<Row>> {
        let mut rows = over("apply", self.what, &times.apply, (&times.up, "up -d --wait"), self.limit)?;
        rows.extend(over("destroy", self.what, &times.destroy, (&times.down, "down"), DESTROY_LIMIT)?);
        rows.push(Row::median(
            format!("plan of {STACKS} stacks {} unchanged", self.what),
            &times.plan,
            "ms",
        )?);
        Ok(rows)
    }
}

/// The rows of one operation: over the typed command, and over less parallelism.
fn over(
    operation: &str,
    kind: &str,
    ours: &[Samples],
    (typed, command): (&Samples, &str),
    limit: f64,
) -> Result<Vec<Row>> {
    let beside = typed.median()?;
    let mut rows = Vec::new();
    let mut best = f64::INFINITY;
    let mut last = f64::INFINITY;
    for (parallelism, samples) in PARALLELISM.into_iter().zip(ours) {
        let name = format!("{operation} of {STACKS} stacks {kind} at parallelism {parallelism}");
        let row = Row::median(name, samples, "ms")?;
        rows.push(if best.is_finite() { row.limit(best * MOOD) } else { row });
        last = samples.median()?;
        best = best.min(last);
    }
    let name =
        format!("{operation} of {STACKS} stacks {kind} over `docker compose {command}` of all at once");
    rows.push(
        Row::new(name, last / beside, "x").limit(limit).beside(format!("{last:.0} ms over {beside:.0} ms")),
    );
    Ok(rows)
}

/// The command in the directory of each stack, all of them at once; fails when one of them does.
fn all_at_once(command: &str) -> String {
    format!(
        "cd dozen; for t in t*; do (cd $t && {command} >/dev/null 2>log || {{ cat log >&2; touch failed; }}) & done; \
         wait; ! ls t*/failed 2>/dev/null"
    )
}
