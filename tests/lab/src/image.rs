//! Building the images of the lab in its engine.

use std::path::PathBuf;
use std::sync::PoisonError;

use crate::apt;
use crate::command::{check_interrupt, pipe, run, words};
use crate::engine::{Engine, EngineLock, unmount_below};
use crate::error::{Error, Result};
use crate::files::{archive, first_file};
use crate::recipe::{self, Recipe, SUITE};

/// Names of all images in the engine begin with this.
const PREFIX: &str = "windlass-lab/";

/// Full name of a recipe's image.
pub(crate) fn name_of(recipe: &Recipe) -> String {
    format!("{PREFIX}{}:{}", recipe.name, recipe.tag())
}

/// Builds a recipe when its image is not in the cache; the engine's lock must be held.
pub(crate) fn ensure(
    engine: &Engine,
    lock: &EngineLock,
    recipe: &Recipe,
    report: &dyn Fn(&str),
) -> Result<String> {
    let image = name_of(recipe);
    if exists(engine, &image) {
        return Ok(image);
    }
    let base = match &recipe.from {
        Some(from) => ensure(engine, lock, from, report)?,
        None => ensure_base(engine, lock, report)?,
    };
    check_interrupt()?;
    report(&format!("building the {} image", recipe.name));
    let builder = format!("windlass-lab-build-{}", recipe.name);
    let _ = engine.docker(&["rm", "-f", "-v", &builder]);
    let result = build(engine, lock, recipe, &base, &builder, &image);
    let _ = engine.docker(&["rm", "-f", "-v", &builder]);
    result?;
    remove_other_tags(engine, &image);
    Ok(image)
}

/// The machine's proxy for packages, which images are made through, in a file that is as long there as
/// the engine runs. It is written once: containers that read it have it mounted.
fn proxy_file(engine: &Engine, lock: &EngineLock) -> Result<PathBuf> {
    let _alone = lock.base.lock().unwrap_or_else(PoisonError::into_inner);
    let path = engine.run_dir().join("proxy.conf");
    let lines = apt::proxy_lines(&run(&words(&["apt-config", "dump"])).unwrap_or_default());
    if std::fs::read_to_string(&path).is_ok_and(|there| there == lines) {
        return Ok(path);
    }
    std::fs::write(&path, lines).map_err(Error::file("write", &path))?;
    Ok(path)
}

fn build(
    engine: &Engine,
    lock: &EngineLock,
    recipe: &Recipe,
    base: &str,
    builder: &str,
    image: &str,
) -> Result<()> {
    let proxy = proxy_file(engine, lock)?;
    // `--volume` would make a folder of a file that is missing.
    let mount = format!("type=bind,src={},dst=/etc/apt/apt.conf.d/90proxy,readonly", proxy.display());
    engine.docker(&builder_words(recipe, base, builder, &mount))?;
    if !recipe.files.is_empty() {
        let target = format!("{builder}:/");
        engine.docker_with_input(&["cp", "-", &target], &archive(&recipe.files)?)?;
    }
    engine.docker(&["start", "-a", builder])?;
    commit(engine, builder, image, recipe.changes)
}

/// The container in which an image is made. A commit takes over its signal, for which it has no
/// instruction, and its entry point, which is none for that reason: neither that of what it is made
/// from nor a shell of the build may stand before the command of the image.
fn builder_words(recipe: &Recipe, base: &str, builder: &str, mount: &str) -> Vec<String> {
    let mut line = words(&["create", "--name", builder, "--network", "host", "--mount", mount]);
    line.extend(words(&["--stop-signal", recipe.stop_signal, "--entrypoint", "", base]));
    line.extend(words(&["sh", "-c", &recipe.install_script()]));
    line
}

/// Makes an image of a container's file system with this configuration.
pub(crate) fn commit(engine: &Engine, container: &str, image: &str, changes: &[&str]) -> Result<()> {
    let mut line = vec!["commit", "--change", "CMD []"];
    for change in changes {
        line.extend(["--change", change]);
    }
    line.extend([container, image]);
    engine.docker(&line).map(drop)
}

/// Whether the engine has this image.
pub(crate) fn exists(engine: &Engine, image: &str) -> bool {
    engine.docker(&["image", "inspect", "--format", "{{.Id}}", image]).is_ok()
}

/// Keeps the cache from growing with every change of a recipe.
pub(crate) fn remove_other_tags(engine: &Engine, image: &str) {
    let Some((repository, _)) = image.rsplit_once(':') else {
        return;
    };
    let format = "{{.Repository}}:{{.Tag}}";
    let listed = engine.docker(&["images", "--format", format, repository]);
    for other in listed.unwrap_or_default().lines() {
        if other != image {
            let _ = engine.docker(&["rmi", other]);
        }
    }
}

/// A minimal Debian without documentation, made once from the machine's own mirror.
fn ensure_base(engine: &Engine, lock: &EngineLock, report: &dyn Fn(&str)) -> Result<String> {
    let _alone = lock.base.lock().unwrap_or_else(PoisonError::into_inner);
    let image = format!("{PREFIX}base:{}", recipe::base_tag());
    if exists(engine, &image) {
        return Ok(image);
    }
    check_interrupt()?;
    report(&format!("making a Debian {SUITE} base from packages"));
    let build_dir = engine.build_dir();
    let remove = || {
        unmount_below(&build_dir);
        std::fs::remove_dir_all(&build_dir)
    };
    let _ = remove();
    let root = build_dir.join("base");
    std::fs::create_dir_all(&root).map_err(Error::file("create", &root))?;
    let result = make_base(engine, &root.to_string_lossy(), &image);
    remove().map_err(Error::file("remove", &build_dir))?;
    result?;
    Ok(image)
}

/// Nobody reads manuals in a test host; without syncing, dpkg is several times as fast.
const DPKG_SETTINGS: &str = "force-unsafe-io\npath-exclude=/usr/share/doc/*\n\
     path-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n";

fn make_base(engine: &Engine, root: &str, image: &str) -> Result<()> {
    run(&debootstrap_words(root, apt::debian_mirror().as_deref()))?;
    for directory in [
        "var/cache/apt/archives",
        "var/lib/apt/lists",
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "var/log",
    ] {
        let path = format!("{root}/{directory}");
        std::fs::remove_dir_all(&path).map_err(Error::file("remove", &path))?;
        std::fs::create_dir_all(&path).map_err(Error::file("create", &path))?;
    }
    for (path, content) in
        [("etc/dpkg/dpkg.cfg.d/lab", DPKG_SETTINGS), ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")]
    {
        let path = format!("{root}/{path}");
        std::fs::write(&path, content).map_err(Error::file("write", &path))?;
    }
    run(&words(&["chmod", "0755", &format!("{root}/usr/sbin/policy-rc.d")]))?;
    check_interrupt()?;
    pipe(&words(&["tar", "-C", root, "-c", "."]), &engine.words(&["import", "-", image])).map(drop)
}

fn debootstrap_words(root: &str, mirror: Option<&str>) -> Vec<String> {
    let mut line = words(&["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, root]);
    line.extend(mirror.map(str::to_owned));
    line
}

/// Builds one busybox image per tag; returns their names in the order of the tags.
pub(crate) fn ensure_busybox(
    engine: &Engine,
    lock: &EngineLock,
    report: &dyn Fn(&str),
) -> Result<Vec<(&'static str, String)>> {
    let source = recipe::busybox_source();
    let images = recipe::BUSYBOX_TAGS.map(|tag| {
        let image = format!("{PREFIX}busybox-{tag}:{}", recipe::busybox_tag());
        (tag, image)
    });
    if images.iter().all(|(_, image)| exists(engine, image)) {
        return Ok(images.into());
    }
    let source_image = ensure(engine, lock, &source, report)?;
    let applets = engine.docker(&["run", "--rm", "--network", "none", &source_image, "busybox", "--list"])?;
    let busybox = file_of(engine, &source_image, "/usr/bin/busybox")?;
    for (tag, image) in &images {
        let files = recipe::busybox_files(busybox.clone(), &applets, tag);
        engine.docker_with_input(
            &["import", "--change", "CMD [\"sh\"]", "--change", "ENV PATH=/bin", "-", image],
            &archive(&files)?,
        )?;
        remove_other_tags(engine, image);
    }
    Ok(images.into())
}

/// What the file at `path` of an image holds.
pub(crate) fn file_of(engine: &Engine, image: &str, path: &str) -> Result<Vec<u8>> {
    let holder = engine.docker(&["create", image, "true"])?;
    let copied = engine.docker_output(&["cp", "-L", &format!("{holder}:{path}"), "-"], &[]);
    engine.docker(&["rm", "-v", &holder])?;
    first_file(&copied?.stdout).ok_or_else(|| Error::Refused(format!("the image {image} has no {path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_by_its_recipe() {
        let recipe = recipe::host();
        assert_eq!(name_of(&recipe), format!("windlass-lab/host:{}", recipe.tag()));
    }

    #[test]
    fn no_entry_point_of_a_build_gets_into_the_image() {
        let recipe = recipe::busybox_source();
        let line = builder_words(&recipe, "base:1", "builder", "type=bind");
        let options =
            ["create", "--name", "builder", "--network", "host", "--mount", "type=bind", "--stop-signal"];
        assert_eq!(line[..8], options);
        assert_eq!(
            line[8..],
            ["SIGTERM", "--entrypoint", "", "base:1", "sh", "-c", &recipe.install_script()]
        );
    }

    #[test]
    fn debootstrap_takes_its_default_without_a_mirror() {
        let line = debootstrap_words("/r", None);
        assert_eq!(line, ["debootstrap", "--variant=minbase", "--include=ca-certificates", "trixie", "/r"]);
        let line = debootstrap_words("/r", Some("http://a.example/debian"));
        assert_eq!(line.last().unwrap(), "http://a.example/debian");
    }
}
