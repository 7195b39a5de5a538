//! Writing a state of 2 MB, and encrypting one for OpenTofu's own encryption.

use std::{process::Stdio, time::Instant};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use companion_tests::{Workspace, both};
use sops::{File, Format, Rules, replace};

use super::{WRITER, sample, timed};
use crate::{samples::Samples, table::Row};

const ROUNDS: usize = 9;

pub(crate) fn rows(workspace: &Workspace) -> Result<Vec<Row>> {
    let mut rows = vec![encrypted(workspace)?, written(workspace)?];
    rows.extend(methods(workspace)?);
    Ok(rows)
}

/// Encrypting alone and having it on the disk, with the data key that is kept between writes.
fn encrypted(workspace: &Workspace) -> Result<Row> {
    let recipient = workspace.keys.recipient.parse().context("read the recipient")?;
    let mut file = File::new(Format::Json, &[recipient], Rules::EVERYTHING).context("begin a file")?;
    let (path, mut samples) = (workspace.path("alone.tfstate.sops.json"), Samples::default());
    for serial in 0..=ROUNDS {
        let tree = Format::Json.read_plain(&sample::state(serial)).context("read the state")?;
        let begun = Instant::now();
        let text = file.write(&tree).context("encrypt the state")?;
        replace(&path, text.as_bytes(), |_| true).context("write the state")?;
        // The first one has nothing to keep.
        if serial > 0 {
            samples.time(begun.elapsed());
        }
    }
    Ok(Row::median("a state of 2 MB encrypted and on the disk", &samples, "ms")?.limit(150.0))
}

/// What a core waits for when it writes: that, and reading, opening and comparing on the way.
fn written(workspace: &Workspace) -> Result<Row> {
    let us = std::env::current_exe().context("find this program")?;
    let mut command = workspace.windlass(&["run", "--"]);
    command.arg(us).arg(WRITER).arg((ROUNDS + 1).to_string()).stdin(Stdio::null());
    let told = command.output().context("start windlass")?;
    ensure!(told.status.success(), "windlass run: {}", both(&told));
    let text = String::from_utf8(told.stdout).context("read the times")?;
    let times = text.lines().map(|line| line.parse::<f64>().context("read a time"));
    let times = times.collect::<Result<Vec<f64>>>()?;
    let (first, others) = times.split_first().context("nothing was written")?;
    let mut samples = Samples::default();
    others.iter().for_each(|time| samples.add(*time));
    Ok(Row::median(
        "the same as a core waits for it: parsed, encrypted, on the disk, opened again",
        &samples,
        "ms",
    )?
    .beside(format!("the first one {first:.0} ms")))
}

/// `encryption-method`, as OpenTofu runs it: a process for each state that it reads or writes.
fn methods(workspace: &Workspace) -> Result<[Row; 2]> {
    let message = |payload: &str| format!("{{\"payload\":\"{payload}\"}}").into_bytes();
    let plain = message(&STANDARD.encode(sample::state(1)));
    let [mut encrypting, mut decrypting] = std::array::from_fn(|_| Samples::default());
    for _ in 0..ROUNDS {
        let told =
            timed(&mut encrypting, &mut workspace.windlass(&["encryption-method", "encrypt"]), &plain)?;
        let text = String::from_utf8(told.stdout).context("read what is encrypted")?;
        let answer = text.lines().nth(1).context("there is no answer")?;
        let told = timed(
            &mut decrypting,
            &mut workspace.windlass(&["encryption-method", "decrypt"]),
            answer.as_bytes(),
        )?;
        ensure!(told.stdout.ends_with(&plain), "it opens as something else");
    }
    Ok([
        Row::median("`encryption-method encrypt` of 2 MB", &encrypting, "ms")?.limit(100.0),
        Row::median("`encryption-method decrypt` of 2 MB", &decrypting, "ms")?.limit(100.0),
    ])
}
