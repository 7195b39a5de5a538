//! `cargo xtask tools`: programs that tests use and the distribution does not have in a current
//! version.
//!
//! Each is pinned by a Go module of its own under tests/tools, so that no tool's dependencies move
//! another's. It is built when it is first needed, into the cache, in a folder named after
//! everything that decides what comes out: another pin never meets an old binary. Building changes
//! no lock file.

use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that a Go module of ours pins: its `tool` line names the package to build.
struct Tool {
    /// The folder of the module under tests/tools, and what the tool is called there.
    name: &'static str,
    /// What the program is called.
    program: &'static str,
    /// What makes the program tell its version, as one word of its answer.
    asked: &'static [&'static str],
    /// What the compiler is to build in besides.
    tags: &'static [&'static str],
    /// What the linker writes into it; `{version}` is the one that is pinned.
    linker_flags: &'static str,
}

/// All of them. Another one is another folder, with go.mod and go.sum, and another line.
///
/// OpenTofu calls itself a development build without its flag, and a constraint such as
/// `required_version >= 1.12.0` does not count pre-releases.
const TOOLS: &[Tool] = &[
    tool("opentofu", "tofu", &["version"], "-X github.com/opentofu/opentofu/version.dev=no"),
    tool(
        COMPOSE,
        "docker-compose",
        &["version"],
        "-X github.com/docker/compose/v5/internal.Version={version}",
    ),
    tool(BUILDX, "docker-buildx", &["version"], "-X github.com/docker/buildx/version.Version=v{version}"),
    tool(ACTIONLINT, "actionlint", &["-version"], "-X github.com/rhysd/actionlint.version={version}"),
    tool(SOPS, "sops", &["--version", "--disable-version-check"], ""),
    tool(RESTIC, "restic", &["version"], ""),
    // It tells the version of the module that it was built from.
    tool(HEADSCALE, "headscale", &["version"], ""),
    tool(OLDER_HEADSCALE, "headscale", &["version"], ""),
    // One program is the daemon, and under the name `tailscale` the command.
    Tool {
        tags: &["ts_include_cli"],
        ..tool(
            TAILSCALE,
            "tailscaled",
            &["--version"],
            "-X tailscale.com/version.longStamp={version} -X tailscale.com/version.shortStamp={version}",
        )
    },
];

/// A current Docker Compose.
pub const COMPOSE: &str = "compose";
/// The buildx that it builds with: 2.40.2 and later ask for 0.17 or later, and the lab's
/// distribution has an older one.
pub const BUILDX: &str = "buildx";
/// The linter of workflows.
pub const ACTIONLINT: &str = "actionlint";
/// What the companion exchanges files with.
pub const SOPS: &str = "sops";
/// What takes snapshots of corpora beside our own archives; the distribution of this machine may have an older one.
pub const RESTIC: &str = "restic";
/// The control server that the tests of tailnets start.
pub const HEADSCALE: &str = "headscale";
/// The same of the release before, which is supported as well.
pub const OLDER_HEADSCALE: &str = "headscale-0.28";

/// What joins the tailnets of tests.
pub const TAILSCALE: &str = "tailscale";

const fn tool(
    name: &'static str,
    program: &'static str,
    asked: &'static [&'static str],
    linker_flags: &'static str,
) -> Tool {
    Tool { name, program, asked, tags: &[], linker_flags }
}

/// The OpenTofu that tests use where the machine has none.
const OPENTOFU: &Tool = &TOOLS[0];

#[derive(clap::Args)]
pub struct ToolsArguments {
    /// Which one: the name of a folder under tests/tools
    #[arg(default_value = OPENTOFU.name, value_parser = clap::builder::PossibleValuesParser::new(TOOLS.iter().map(|tool| tool.name)))]
    name: String,
    /// Use the pinned version even when a `tofu` is on PATH
    #[arg(long)]
    pinned: bool,
    /// How many packages to compile at once (default: as many as processors)
    #[arg(long)]
    jobs: Option<u32>,
}

pub fn run(arguments: &ToolsArguments) -> Result<()> {
    let tool = find(&arguments.name)?;
    let may_be_there = tool.name == OPENTOFU.name && !arguments.pinned;
    let found = paths::on_path(tool.program).filter(|_| may_be_there);
    println!("{}", found.map_or_else(|| tool.built(arguments.jobs), Ok)?.display());
    Ok(())
}

/// A tool from the cache, built when it is not there yet.
///
/// # Errors
/// When it cannot be built.
pub fn built(name: &str) -> Result<PathBuf> {
    find(name)?.built(None)
}

/// The pinned OpenTofu, as [`built`].
pub fn opentofu() -> Result<PathBuf> {
    OPENTOFU.built(None)
}

/// As [`opentofu`]; `None` where it is not built yet and there is no Go to build it.
pub fn opentofu_if_possible() -> Result<Option<PathBuf>> {
    if OPENTOFU.in_cache(&OPENTOFU.pin()?).exists() || paths::on_path("go").is_some() {
        return opentofu().map(Some);
    }
    Ok(None)
}

fn find(name: &str) -> Result<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name).with_context(|| format!("there is no tool named {name}"))
}

/// What decides which binary comes out.
#[derive(Debug, PartialEq)]
struct Pin {
    package: String,
    version: String,
    digest: String,
}

impl Tool {
    fn built(&self, jobs: Option<u32>) -> Result<PathBuf> {
        let pin = self.pin()?;
        let program = self.in_cache(&pin);
        once(&program, |folder| self.build(&pin, &program, folder, jobs))?;
        Ok(program)
    }

    fn directory(&self) -> PathBuf {
        paths::root().join("tests/tools").join(self.name)
    }

    fn in_cache(&self, pin: &Pin) -> PathBuf {
        let folder = format!("{}-{}-{}", self.program, pin.version, pin.digest);
        ::lab::cache_dir().join("tools").join(folder).join(self.program)
    }

    fn pin(&self) -> Result<Pin> {
        let read = |name: &str| {
            let path = self.directory().join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        self.pin_of(&read("go.mod")?, &read("go.sum")?)
    }

    fn pin_of(&self, go_mod: &str, go_sum: &str) -> Result<Pin> {
        let (package, version) = tool_line(go_mod)
            .with_context(|| format!("tests/tools/{}/go.mod does not pin a tool", self.name))?;
        let mut hash = Sha256::new();
        for part in [go_mod, go_sum, self.linker_flags].iter().chain(self.tags) {
            hash.update(part);
            hash.update([0]);
        }
        let digest = hash.finalize();
        Ok(Pin {
            package: package.to_owned(),
            version: version.to_owned(),
            digest: secret::hex(&digest[..6]),
        })
    }

    fn build(&self, pin: &Pin, place: &Path, folder: &Path, jobs: Option<u32>) -> Result<()> {
        let (program, version) = (self.program, &pin.version);
        if paths::on_path("go").is_none() {
            bail!(
                "there is no `{program}` and no `go` to build version {version} of it with; install either"
            );
        }
        eprintln!(
            "building {program} {version} once, which takes minutes; it is kept in {}",
            place.display()
        );
        // Beside the final place, so that the rename is atomic.
        let scratch = tempfile::tempdir_in(folder)
            .with_context(|| format!("cannot create a folder in {}", folder.display()))?;
        let built = scratch.path().join(program);
        shell::run(self.command(pin, jobs).arg("-o").arg(&built).arg(&pin.package))?;
        self.check_version(&built, version)?;
        fs::rename(&built, place).with_context(|| format!("cannot move it to {}", place.display()))
    }

    /// What builds it, without the names of the result and the package. It must not write into
    /// go.mod and go.sum, and a workspace around the checkout has no say in it.
    fn command(&self, pin: &Pin, jobs: Option<u32>) -> Command {
        let mut command = Command::new("nice");
        command
            .args(["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false"])
            .args(jobs.map(|jobs| format!("-p={jobs}")))
            .args((!self.tags.is_empty()).then(|| format!("-tags={}", self.tags.join(","))))
            .arg("-ldflags")
            .arg(format!("-s -w {}", self.linker_flags.replace("{version}", &pin.version)))
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .current_dir(self.directory());
        command
    }

    /// A flag that names what is not there any more is not an error of the linker's.
    fn check_version(&self, built: &Path, expected: &str) -> Result<()> {
        let answer =
            shell::output(Command::new(built).args(self.asked).env("TF_CLI_CONFIG_FILE", "/dev/null"))?;
        if !tells(&answer, expected) {
            bail!("the {} built from tests/tools/{} is not {expected}:\n{answer}", self.program, self.name);
        }
        Ok(())
    }
}

/// Makes the program at `place` unless it is there. Whoever comes while another process makes it
/// waits for that: several builds of the same thing at once take many times as long as one.
fn once(place: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if place.exists() {
        return Ok(());
    }
    let folder = place.parent().context("a program is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(".lock");
    let lock = fs::File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    lock.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    if place.exists() { Ok(()) } else { make(folder) }
}

/// The package of a module's `tool` line, and the version of the module that it is in.
fn tool_line(go_mod: &str) -> Option<(&str, &str)> {
    let package = go_mod.lines().find_map(|line| line.strip_prefix("tool "))?.trim();
    let required = go_mod.lines().filter_map(|line| {
        let (module, version) =
            line.trim().strip_prefix("require ").unwrap_or(line.trim()).split_once(" v")?;
        let inside = package.strip_prefix(module)?;
        (inside.is_empty() || inside.starts_with('/')).then_some((module, version.split_whitespace().next()?))
    });
    // Of modules within modules, a package is in the innermost.
    let (_, version) = required.max_by_key(|(module, _)| module.len())?;
    Some((package, version))
}

fn tells(answer: &str, version: &str) -> bool {
    answer.split_whitespace().any(|word| word.trim_start_matches('v') == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GO_MOD: &str = "module m\n\ntool github.com/opentofu/opentofu/cmd/tofu\n\n\
        require (\n\tgithub.com/opentofu v0.0.1 // indirect\n\tgithub.com/opentofu/opentofu v1.12.6 // indirect\n\
        \tgithub.com/opentofu/opentofu/cmd/tof v0.0.2\n)\n";

    #[test]
    fn the_folder_names_the_version_and_every_input() {
        let pin = OPENTOFU.pin_of(GO_MOD, "sums").unwrap();
        assert_eq!(
            (pin.package.as_str(), pin.version.as_str()),
            ("github.com/opentofu/opentofu/cmd/tofu", "1.12.6")
        );
        let place = OPENTOFU.in_cache(&pin).display().to_string();
        assert!(place.contains("/tools/tofu-1.12.6-") && place.ends_with("/tofu"), "{place}");
        for (go_mod, go_sum) in [(GO_MOD, "other sums"), (&*format!("{GO_MOD}// x\n"), "sums")] {
            let other = OPENTOFU.in_cache(&OPENTOFU.pin_of(go_mod, go_sum).unwrap());
            assert_ne!(place, other.display().to_string());
        }
    }

    #[test]
    fn who_comes_while_a_tool_is_built_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("tool-1/tool");
        let made = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let make = |folder: &Path| {
                        made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        // The others are at the lock by now, or come later and find it made.
                        std::thread::sleep(std::time::Duration::from_millis(50));
                        Ok(fs::write(folder.join("tool"), "")?)
                    };
                    once(&place, make).unwrap();
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn a_go_mod_without_the_pin_is_refused() {
        let error = OPENTOFU.pin_of("module m\n", "").unwrap_err().to_string();
        assert_eq!(error, "tests/tools/opentofu/go.mod does not pin a tool");
    }

    #[test]
    fn every_checked_in_module_is_a_tool_and_pins_a_version() {
        let mut folders: Vec<String> = fs::read_dir(paths::root().join("tests/tools"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let mut names: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
        names.sort_unstable();
        assert_eq!(folders, names);
        for (name, start) in [
            ("opentofu", "1."),
            (COMPOSE, "5."),
            (BUILDX, "0."),
            (HEADSCALE, "0.29."),
            (OLDER_HEADSCALE, "0.28."),
            (TAILSCALE, "1."),
            (ACTIONLINT, "1."),
            (SOPS, "3.13.3"),
            (RESTIC, "0."),
        ] {
            let pin = find(name).unwrap().pin().unwrap();
            assert!(pin.version.starts_with(start), "{name} {}", pin.version);
        }
    }

    #[test]
    fn building_writes_no_lock_file() {
        let pin = OPENTOFU.pin_of(GO_MOD, "").unwrap();
        let command = OPENTOFU.command(&pin, Some(1));
        assert!(command.get_args().any(|word| word == "-mod=readonly"));
        assert!(command.get_envs().any(|(name, value)| name == "GOWORK" && value == Some("off".as_ref())));
    }

    #[test]
    fn a_development_build_is_not_the_version() {
        assert!(tells("OpenTofu v1.12.6\non linux_amd64\n", "1.12.6"));
        assert!(!tells("OpenTofu v1.12.6-dev\non linux_amd64\n", "1.12.6"));
        assert!(tells("github.com/docker/buildx v0.33.0 \n", "0.33.0"));
    }
}
