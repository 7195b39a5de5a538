//! Another Docker Compose than the one that the hosts of the lab come with.

use std::{env, fs, path::PathBuf};

use lab::{Host, Lab};

/// Where Docker looks before it looks at what packages bring.
const PLUGINS: &str = "/usr/local/lib/docker/cli-plugins";

/// The plugins of a current Compose.
#[derive(Clone, Debug)]
pub struct CurrentCompose {
    /// Compose itself.
    compose: PathBuf,
    /// What it builds images with: it takes none that is as old as the lab's own.
    buildx: PathBuf,
}

impl CurrentCompose {
    /// In runs with the long matrices: `WINDLASS_COMPOSE` and `WINDLASS_BUILDX`.
    ///
    /// # Panics
    /// When such a run was not told where they are: one that tested nothing must not pass.
    pub fn of_run() -> Option<Self> {
        env::var_os("WINDLASS_FULL")?;
        let environment =
            |variable| env::var_os(variable).unwrap_or_else(|| panic!("{variable} names the plugin"));
        Some(Self {
            compose: environment("WINDLASS_COMPOSE").into(),
            buildx: environment("WINDLASS_BUILDX").into(),
        })
    }

    /// Makes a host use it, and gives the version that it tells then.
    ///
    /// # Panics
    /// When it does not run there.
    pub fn install(&self, lab: &Lab, host: &Host) -> String {
        for (name, plugin) in [("docker-compose", &self.compose), ("docker-buildx", &self.buildx)] {
            let line = format!("mkdir -p {PLUGINS} && cat >{PLUGINS}/{name} && chmod 755 {PLUGINS}/{name}");
            let output = lab.exec_with_input(host, &["sh", "-c", &line], &fs::read(plugin).unwrap()).unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        lab.exec_ok(host, &["docker", "buildx", "version"]).unwrap();
        lab.exec_ok(host, &["docker", "compose", "version", "--short"]).unwrap()
    }
}
