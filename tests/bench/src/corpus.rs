//! What a snapshot and a restore of a corpus cost, over the pipes that a person's script would type,
//! and how much memory they take.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use acceptance_tests::{is_full_run, restic_binary};
use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::{Bench, place::Place, samples::Samples, table::Row};

const ROUNDS: usize = 3;
/// How much memory a snapshot may take, however large it is, in MiB.
const MEMORY: f64 = 160.0;
/// The directory on the host, and what it is restored to.
const DATA: &str = "/srv/bench-corpus";
const BACK: &str = "/srv/bench-corpus-back";
const LARGE: &str = "/srv/bench-large";
const CHANGING: &str = "/srv/bench-changing";
/// The repository of restic for that, and the restic that makes it.
const REPOSITORY: &str = "/srv/bench-repository";
const RESTIC: &str = "/usr/local/bin/restic";
/// What a second snapshot by restic may take of the first one, where a hundredth has changed.
const SECOND: f64 = 0.1;
const POSTGRES: &str = "bench-postgres";
const PASSWORD: &str = "bench";
/// How often a process is asked how much memory it has.
const LOOK: Duration = Duration::from_millis(20);

/// A gibibyte: a quarter that nothing can compress, a half that can be, a quarter in small files.
const MIXED: &str = "
set -e
rm -rf \"$1\" && mkdir -p \"$1/random\" \"$1/text\" \"$1/small\" && cd \"$1\"
for n in 1 2 3 4 5 6 7 8; do head -c 33554432 /dev/urandom >random/$n.bin; done
for n in 1 2 3 4 5 6 7 8; do head -c 50331648 /dev/urandom | base64 | head -c 67108864 >text/$n.log; done
for n in 1 2 3 4; do
  mkdir small/$n
  head -c 67108864 /dev/urandom | base64 -w 0 | head -c 67108864 | split -b 8192 -a 5 - small/$n/part-
done
";

/// Ten gibibytes, of which a good part can be compressed.
const TEN: &str = "
set -e
rm -rf \"$1\" && mkdir -p \"$1\" && cd \"$1\"
head -c 805306368 /dev/urandom | base64 >first
for n in 1 2 3 4 5 6 7 8 9; do cp first \"copy-$n\"; done
";

/// Ten gibibytes in a hundred files, of which nothing can be compressed.
const HUNDRED: &str = "
set -e
rm -rf \"$1\" && mkdir -p \"$1\" && cd \"$1\"
for n in $(seq 100); do head -c 107374182 /dev/urandom >\"$n.bin\"; done
";

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // Programs are waited for without a pause.
    tokio::task::spawn_blocking(move || {
        let corpus = Corpus::new(bench)?;
        let measured = corpus.rows();
        corpus.clean_up();
        measured
    })
    .await?
}

/// Where everything of this section is.
struct Corpus<'a> {
    place: &'a Place,
    companion: &'a Path,
    environment: [(&'static str, String); 2],
    dir: TempDir,
}

/// What one program took.
struct Took {
    time: Duration,
    /// The most memory that it had, in MiB.
    memory: f64,
}

impl<'a> Corpus<'a> {
    fn new(bench: &'a Bench) -> Result<Self> {
        let (place, companion) = (&bench.place, bench.companion.as_path());
        let dir = TempDir::with_prefix("bench-corpus-")?;
        let (host, store) = (place.connection(), dir.path().join("store"));
        let key = &place.environment()[0].1;
        let settings = format!(
            "[[ssh]]\nprivate_key_file = {key:?}\n\n\
             [backup.store.here]\nurl = \"file://{store}\"\n\n\
             [backup.corpus.mixed]\nhost = \"{host}\"\npath = \"{DATA}\"\nstore = \"here\"\n\n\
             [backup.corpus.large]\nhost = \"{host}\"\npath = \"{LARGE}\"\nstore = \"here\"\n\n\
             [backup.store.repository]\nurl = \"restic:{REPOSITORY}\"\npassword_env = \"BENCH_PASSWORD\"\n\n\
             [backup.corpus.changing]\nhost = \"{host}\"\npath = \"{CHANGING}\"\nstore = \"repository\"\n\
             engine = \"restic\"\n\n\
             [backup.corpus.shop]\nhost = \"{host}\"\nstore = \"here\"\n\
             postgres = {{ container = \"{POSTGRES}\", database = \"shop\", globals = false }}\n",
            store = store.display(),
        );
        fs::create_dir(&store).context("make the store")?;
        fs::write(dir.path().join("windlass.toml"), settings).context("write windlass.toml")?;
        Ok(Self { place, companion, environment: place.environment(), dir })
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let mut rows = self.files()?;
        rows.extend(self.database()?);
        if is_full_run() {
            rows.push(self.large()?);
            rows.extend(self.changing()?);
        }
        Ok(rows)
    }

    /// A directory: there and back.
    fn files(&self) -> Result<Vec<Row>> {
        self.on_host(MIXED, DATA)?;
        let typed_archive = self.dir.path().join("typed.tar.zst");
        let [mut ours, mut typed, mut memory, mut back, mut typed_back] =
            std::array::from_fn(|_| Samples::default());
        for _ in 0..ROUNDS {
            let took = self.windlass(&["backup", "run", "mixed"])?;
            ours.time(took.time);
            memory.add(took.memory);
            typed.time(self.pipe_out(&format!("tar -C {DATA} -c . | zstd -3"), &typed_archive)?);
            self.place.asked(&format!("rm -rf {BACK}"))?;
            let host = self.place.connection();
            let restore = ["backup", "restore", "mixed", "--host", &host, "--to-path", BACK];
            back.time(self.windlass(&restore)?.time);
            let unpack = format!("rm -rf {BACK} && mkdir {BACK} && zstd -dc | tar -C {BACK} -x");
            typed_back.time(self.pipe_in(&typed_archive, &unpack)?);
            self.forget_snapshots()?;
        }
        Ok(vec![
            over("snapshot of 1 GiB over `ssh host 'tar -c | zstd -3' >file`", &ours, &typed)?,
            Row::median("memory of that", &memory, "MiB")?.limit(MEMORY),
            over("restore of 1 GiB over `ssh host 'zstd -dc | tar -x' <file`", &back, &typed_back)?,
        ])
    }

    /// A database.
    fn database(&self) -> Result<Vec<Row>> {
        let image = self.place.image("postgres")?;
        self.place.asked(&format!(
            "docker rm -f -v {POSTGRES} >/dev/null 2>&1; \
             docker run -d --name {POSTGRES} -e POSTGRES_PASSWORD={PASSWORD} {image} >/dev/null && \
             until docker exec {POSTGRES} pg_isready -q -h 127.0.0.1; do sleep 0.2; done"
        ))?;
        let psql = format!("docker exec {POSTGRES} psql -X -q -U postgres -v ON_ERROR_STOP=1");
        self.place.asked(&format!("{psql} -c 'CREATE DATABASE shop'"))?;
        let fill = "CREATE TABLE goods AS SELECT n AS id, md5(n::text) AS name, repeat(md5((n * 7)::text), 4) \
                    AS words FROM generate_series(1, 1000000) n";
        self.place.asked(&format!("{psql} -d shop -c '{fill}'"))?;
        let file = self.dir.path().join("typed.dump");
        let [mut ours, mut typed] = std::array::from_fn(|_| Samples::default());
        for _ in 0..ROUNDS {
            ours.time(self.windlass(&["backup", "run", "shop"])?.time);
            let dump = format!("docker exec {POSTGRES} pg_dump -U postgres -Fc shop");
            typed.time(self.pipe_out(&dump, &file)?);
            self.forget_snapshots()?;
        }
        let size = fs::metadata(&file)?.len() >> 20;
        let name =
            format!("snapshot of a database ({size} MiB) over `ssh host docker exec … pg_dump -Fc >file`");
        Ok(vec![over(&name, &ours, &typed)?])
    }

    /// Memory that does not grow with the corpus.
    fn large(&self) -> Result<Row> {
        self.on_host(TEN, LARGE)?;
        let took = self.windlass(&["backup", "run", "large"])?;
        self.forget_snapshots()?;
        let seconds = took.time.as_secs_f64();
        Ok(Row::new("memory of a snapshot of 10 GiB", took.memory, "MiB")
            .limit(MEMORY)
            .beside(format!("{seconds:.0} s")))
    }

    /// What restic takes when a hundredth has changed.
    fn changing(&self) -> Result<[Row; 2]> {
        self.place.asked(&format!("rm -rf {LARGE}"))?;
        self.place.put(RESTIC, &fs::read(restic_binary()).context("read restic")?)?;
        self.place.asked(&format!("chmod 755 {RESTIC}"))?;
        self.on_host(HUNDRED, CHANGING)?;
        let stored = || -> Result<f64> {
            let bytes = self.place.asked(&format!("du -sb {REPOSITORY} | cut -f 1"))?;
            bytes.trim().parse().context("read the size of the repository")
        };
        let first = self.windlass(&["backup", "run", "changing", "--init"])?.time.as_secs_f64();
        let first_bytes = stored()?;
        self.place.asked(&format!("head -c 107374182 /dev/urandom >{CHANGING}/50.bin"))?;
        let second = self.windlass(&["backup", "run", "changing"])?.time.as_secs_f64();
        let second_bytes = stored()? - first_bytes;
        let mebibytes = |bytes: f64| bytes / f64::from(1 << 20);
        Ok([
            Row::new("second snapshot of 10 GiB by restic, 1 % changed, over the first", second / first, "x")
                .limit(SECOND)
                .beside(format!("{second:.1} s over {first:.1} s")),
            Row::new("bytes of that over those of the first", second_bytes / first_bytes, "x")
                .limit(SECOND)
                .beside(format!("{:.0} MiB over {:.0} MiB", mebibytes(second_bytes), mebibytes(first_bytes))),
        ])
    }

    fn clean_up(&self) {
        // The lab goes down next anyway.
        let remove =
            format!("rm -rf {DATA} {BACK} {LARGE} {CHANGING} {REPOSITORY}; docker rm -f -v {POSTGRES}");
        let _ = self.place.asked(&remove);
    }

    fn on_host(&self, script: &str, directory: &str) -> Result<()> {
        let script = script.replace("\"$1", &format!("\"{directory}"));
        self.place.asked(&script).map(drop)
    }

    /// Makes room for the next round.
    fn forget_snapshots(&self) -> Result<()> {
        let store = self.dir.path().join("store");
        fs::remove_dir_all(&store).and_then(|()| fs::create_dir(&store)).context("empty the store")
    }

    fn windlass(&self, words: &[&str]) -> Result<Took> {
        let mut command = Command::new(self.companion);
        command.args(words).current_dir(self.dir.path()).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command.env("BENCH_PASSWORD", PASSWORD);
        let log = self.dir.path().join("log");
        command.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        let begun = Instant::now();
        let mut child = command.spawn().context("start windlass")?;
        let memory = watched(&mut child)?;
        let time = begun.elapsed();
        let status = child.wait()?;
        let said = fs::read_to_string(&log).unwrap_or_default();
        ensure!(status.success(), "`windlass {}` failed ({status}): {}", words.join(" "), said.trim());
        Ok(Took { time, memory })
    }

    /// What a line of shell on the host writes, in a file here; and how long that took.
    fn pipe_out(&self, line: &str, file: &Path) -> Result<Duration> {
        self.piped(line, Stdio::null(), File::create(file)?.into())
    }

    fn pipe_in(&self, file: &PathBuf, line: &str) -> Result<Duration> {
        self.piped(line, File::open(file)?.into(), Stdio::null())
    }

    fn piped(&self, line: &str, stdin: Stdio, stdout: Stdio) -> Result<Duration> {
        let mut ssh = self.place.connecting();
        ssh.arg(line).stdin(stdin).stdout(stdout);
        let begun = Instant::now();
        let status = ssh.status().context("start ssh")?;
        ensure!(status.success(), "`{line}` failed ({status})");
        Ok(begun.elapsed())
    }
}

/// The most memory that a process has until it ends, in MiB.
fn watched(child: &mut Child) -> Result<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0.0_f64;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u32>().ok());
        most = most.max(kibibytes.map_or(0.0, f64::from) / 1024.0);
        sleep(LOOK);
    }
    Ok(most)
}

/// Ours over what was typed; at least as fast is the goal.
fn over(name: &str, ours: &Samples, typed: &Samples) -> Result<Row> {
    let (ours, typed) = (ours.median()?, typed.median()?);
    let beside = format!("{:.1} s over {:.1} s", ours / 1000.0, typed / 1000.0);
    Ok(Row::new(name, ours / typed, "x").limit(1.0).beside(beside))
}
