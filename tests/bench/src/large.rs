//! What a large `source_dir` costs: bytes on the wire, and time.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    Bench,
    many_files::{SETTLED, floor},
    plan::succeeded,
    samples::Samples,
    table::Row,
};

const FILES: usize = 200;
const FILE_BYTES: usize = 1 << 20;
const ROUNDS: usize = 3;
/// What a plan and an apply may say to the host beside the file: questions, the manifest, Compose's
/// own files, and the acknowledgements of what the host answers.
const TALK: f64 = 1.0;

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace()?;
    let source = workspace.path().join("source");
    fill(&source)?;
    let image = bench.place.image("busybox")?;
    let compose =
        format!("services:\n  app:\n    image: {image}\n    command: sleep infinity\n    init: true\n");
    fs::write(source.join("compose.yaml"), compose)?;
    workspace.write(
        "main.tf",
        &format!(
            "resource \"windlass_compose_stack\" \"large\" {{\n  host       = \"{}\"\n  name       = \"large\"\n  \
             source_dir = \"${{path.module}}/source\"\n}}\n",
            bench.place.connection()
        ),
    );
    let run = |words: &[&str]| {
        let run = workspace.run(&[words, &["-input=false", "-no-color"]].concat());
        succeeded(words[0], &run).map(|()| run.took)
    };
    let first = run(&["apply", "-auto-approve"])?;
    std::thread::sleep(SETTLED);
    run(&["plan", "-detailed-exitcode"])?;
    let floor = floor(bench)?;
    let mut over = Samples::default();
    for _ in 0..ROUNDS {
        over.add(run(&["plan", "-detailed-exitcode"])?.as_secs_f64() * 1000.0 - floor);
    }

    let [mut unchanged, mut changed, mut bytes, mut quiet] = std::array::from_fn(|_| Samples::default());
    for round in 0..ROUNDS {
        let before = bench.place.received()?;
        unchanged.time(run(&["plan", "-detailed-exitcode"])?);
        quiet.add(megabytes(bench.place.received()? - before));
        random_file(&source.join(part(round)))?;
        let before = bench.place.received()?;
        changed.time(run(&["apply", "-auto-approve"])?);
        bytes.add(megabytes(bench.place.received()? - before));
    }
    let beside = [copied(bench, &source, "scp", &["-r"]), copied(bench, &source, "rsync", &["-a"])];
    run(&["destroy", "-auto-approve"])?;
    let size = (FILES * FILE_BYTES) >> 20;
    let one = megabytes(FILE_BYTES as u64);
    Ok(vec![
        Row::median(format!("sent for 1 of {FILES} changed files, {size} MB in all"), &bytes, "MB")?
            .limit(one + TALK)
            .beside(format!("sent for a plan {:.2} MB", quiet.median()?)),
        Row::median(format!("`{} apply` of that", workspace.cli().name), &changed, "ms")?.beside(format!(
            "the first one {:.0} ms; {}",
            first.as_secs_f64() * 1000.0,
            beside.map(|line| line.unwrap_or_else(|why| format!("{why:#}"))).join("; ")
        )),
        Row::median(format!("plan of {size} MB unchanged, over the floor"), &over, "ms")?
            .limit(300.0)
            .beside(format!("right after an apply {:.0} ms in all", unchanged.median()?)),
    ])
}

fn fill(source: &Path) -> Result<()> {
    fs::create_dir_all(source.join("part")).context("make the large directory")?;
    (0..FILES).try_for_each(|number| random_file(&source.join(part(number))))
}

/// Named so that no Compose file seems to name it.
fn part(number: usize) -> String {
    format!("part/piece-{number}.bin")
}

/// Bytes that no connection can compress.
fn random_file(path: &Path) -> Result<()> {
    let mut bytes = vec![0; FILE_BYTES];
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut bytes)).context("read random")?;
    File::create(path).and_then(|mut file| file.write_all(&bytes)).context("write a large file")
}

/// What another program takes for a copy of everything, and for a second one.
fn copied(bench: &Bench, source: &Path, program: &str, options: &[&str]) -> Result<String> {
    let mut times = Vec::new();
    for _ in 0..2 {
        let (mut command, target) = bench.place.copying(program, "copied");
        command.args(options).arg(source).arg(target);
        let begun = std::time::Instant::now();
        let output = command.output().with_context(|| format!("{program} is not here"))?;
        ensure!(output.status.success(), "{program} failed ({})", output.status);
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(format!("{program} {:.0} ms, again {:.0} ms", times[0], times[1]))
}

/// Bytes as megabytes; no transfer is so long that this is wrong.
#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}
