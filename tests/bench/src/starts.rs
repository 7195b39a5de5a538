//! What starting the provider costs a core.

use std::{fs, time::Instant};

use anyhow::{Context as _, Result};
use protocol_tests::{Launch, Mode};
use tfplugin5::pb::get_provider_schema;

use crate::{Bench, samples::Samples, table::Row};

const STARTS: usize = 60;
const WARM_CALLS: usize = 10;

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let [mut start, mut connecting, mut first, mut warm, mut idle, mut end] =
        std::array::from_fn(|_| Samples::default());
    for _ in 0..STARTS {
        let launch = Launch::new(&bench.provider, Mode::Tls)?;
        let announced = start.of(launch.announce()).await?;
        let mut core = connecting.of(announced.connect()).await?;
        let request = get_provider_schema::Request {};
        first.of(core.client().get_schema(request)).await?;
        idle.add(resident(core.pid()?)?);
        for _ in 0..WARM_CALLS {
            warm.of(core.client().get_schema(request)).await?;
        }
        let begun = Instant::now();
        core.end().await?;
        end.time(begun.elapsed());
    }
    let size = fs::metadata(&bench.provider).context("look at the provider's binary")?.len();
    Ok(vec![
        Row::median("start to handshake", &start, "ms")?.limit(3.0),
        Row::median("connect with mutual TLS", &connecting, "ms")?.beside("both ends"),
        Row::median("first GetProviderSchema", &first, "ms")?
            .limit(2.0)
            .beside(format!("warm {:.2} ms", warm.median()?)),
        Row::median("resident when idle", &idle, "MB")?.limit(15.0),
        Row::median("Shutdown to exit", &end, "ms")?,
        Row::new("release binary", megabytes(size), "MB").limit(20.0),
    ])
}

/// Resident memory of a process in megabytes, file pages included.
fn resident(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("read VmRSS")?.parse::<f64>()? / 1024.0)
}

/// Bytes as megabytes; no file is so long that this is wrong.
#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}
