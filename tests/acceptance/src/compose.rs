//! Another Docker Compose than the one that the hosts of the lab come with.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use lab::{Host, Lab};

/// Where Docker looks before it looks at what packages bring.
const PLUGINS: &str = "/usr/local/lib/docker/cli-plugins";

/// The plugin of a current Compose, in runs with the long matrices: `WINDLASS_COMPOSE`.
///
/// # Panics
/// When such a run was not told where it is: one that tested nothing must not pass.
pub fn current_compose() -> Option<PathBuf> {
    env::var_os("WINDLASS_FULL")?;
    let path = env::var_os("WINDLASS_COMPOSE").expect("WINDLASS_COMPOSE names the plugin");
    Some(path.into())
}

/// Makes a host use this plugin, and gives the version that it tells then.
///
/// # Panics
/// When it does not run there.
pub fn install_compose(lab: &Lab, host: &Host, plugin: &Path) -> String {
    let line =
        format!("mkdir -p {PLUGINS} && cat >{PLUGINS}/docker-compose && chmod 755 {PLUGINS}/docker-compose");
    let output = lab.exec_with_input(host, &["sh", "-c", &line], &fs::read(plugin).unwrap()).unwrap();
    assert!(output.status.success(), "{output:?}");
    lab.exec_ok(host, &["docker", "compose", "version", "--short"]).unwrap()
}
