//! What a provider costs a core, as a table: `bench-protocol [binary] [starts]`.
//!
//! Times are wall clock as the core sees them. Without a binary, the real provider.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use protocol_tests::{Launch, Mode, provider_binary};
use tfplugin5::pb::{get_provider_schema, provider_client::ProviderClient};
use tonic::transport::Channel;

const STARTS: usize = 50;
const WARM_CALLS: usize = 20;

/// One measured quantity over all starts.
struct Row {
    name: &'static str,
    samples: Vec<f64>,
    unit: &'static str,
}

impl Row {
    fn new(name: &'static str, unit: &'static str) -> Self {
        Self { name, samples: Vec::new(), unit }
    }

    fn time(&mut self, elapsed: Duration) {
        self.samples.push(elapsed.as_secs_f64() * 1000.0);
    }

    /// The value below which `share` of the samples are.
    fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        // Rounding picks the nearest sample; the product is never negative or large.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = (last as f64 * share).round() as usize;
        sorted.get(index).copied().unwrap_or(f64::NAN)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let binary = match arguments.next() {
        Some(path) => PathBuf::from(path),
        None => provider_binary()?.to_owned(),
    };
    let starts = arguments.next().map_or(Ok(STARTS), |count| count.parse())?;
    let mut rows = [
        Row::new("start to handshake", "ms"),
        Row::new("connect with mutual TLS", "ms"),
        Row::new("first GetSchema", "ms"),
        Row::new("warm GetSchema", "ms"),
        Row::new("resident after the handshake", "MB"),
        Row::new("resident after the calls", "MB"),
        Row::new("Shutdown to exit", "ms"),
    ];
    for _ in 0..starts {
        measure(&binary, &mut rows).await?;
    }
    print(&binary, starts, &rows)
}

async fn measure(binary: &Path, rows: &mut [Row; 7]) -> Result<()> {
    let [start, connecting, first, warm, idle, used, end] = rows;
    let launch = Launch::new(binary, Mode::Tls)?;
    let begun = Instant::now();
    let started = launch.announce().await?;
    start.time(begun.elapsed());
    idle.samples.push(resident(started.pid()?)?);

    let begun = Instant::now();
    let mut core = started.connect().await?;
    connecting.time(begun.elapsed());
    first.time(get_schema(&mut core.client()).await?);
    let mut client = core.client();
    for _ in 0..WARM_CALLS {
        warm.time(get_schema(&mut client).await?);
    }
    used.samples.push(resident(core.pid()?)?);

    let begun = Instant::now();
    core.end().await?;
    end.time(begun.elapsed());
    Ok(())
}

async fn get_schema(client: &mut ProviderClient<Channel>) -> Result<Duration> {
    let begun = Instant::now();
    client.get_schema(get_provider_schema::Request {}).await?;
    Ok(begun.elapsed())
}

/// Resident memory of a process in megabytes, file pages included.
fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("read VmRSS")?.parse::<f64>()? / 1024.0)
}

fn print(binary: &Path, starts: usize, rows: &[Row]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let size = std::fs::metadata(binary)?.len();
    writeln!(out, "{} ({} KB), {starts} starts", binary.display(), size / 1024)?;
    writeln!(out, "{:<32}{:>9}{:>9}{:>9}", "", "min", "p50", "p90")?;
    for row in rows {
        let [least, middle, most] = [0.0, 0.5, 0.9].map(|share| row.percentile(share));
        writeln!(out, "{:<32}{least:>9.2}{middle:>9.2}{most:>9.2}  {}", row.name, row.unit)?;
    }
    Ok(())
}
