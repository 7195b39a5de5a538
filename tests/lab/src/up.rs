//! Bringing a lab up and taking it down.

use std::os::unix::fs::DirBuilderExt;

use crate::command::{check_interrupt, clear_interrupt, run, words};
use crate::engine::{Engine, EngineLock};
use crate::error::{Error, Result, join};
use crate::host::{Spec, container_of, fill_and_start, host_key, wait_ready};
use crate::network::{self, FIRST_HOST, Subnet};
use crate::recipe::Recipe;
use crate::removal::remove;
use crate::state::{DEFAULT_LAB, Host, Paths, State};
use crate::variant::Variant;
use crate::{apt, image, orphans, programs, recipe, registry};

/// What lab to bring up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name: letters, digits and dashes.
    pub name: String,
    /// One host per entry.
    pub variants: Vec<Variant>,
    /// Process that the lab shall not outlive: once it is gone, the next lab that comes up or goes
    /// down takes this one down as well.
    pub owner: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { name: DEFAULT_LAB.to_owned(), variants: vec![Variant::Root], owner: None }
    }
}

/// Names hosts: roots of a plain lab n1, n2, …; others by their variant, numbered from the second.
fn host_names(variants: &[Variant]) -> Vec<String> {
    let plain = variants.iter().all(|variant| *variant == Variant::Root);
    variants
        .iter()
        .enumerate()
        .map(|(index, variant)| {
            if plain {
                return format!("n{}", index + 1);
            }
            let before = variants[..index].iter().filter(|other| *other == variant).count();
            match before {
                0 => variant.name().to_owned(),
                _ => format!("{}{}", variant.name(), before + 1),
            }
        })
        .collect()
}

/// Index of the host that jump hosts answer to.
fn bastion_of(variants: &[Variant]) -> Option<usize> {
    let find = |wanted: &[Variant]| variants.iter().position(|variant| wanted.contains(variant));
    find(&[Variant::Deploy]).or_else(|| find(&[Variant::Root, Variant::Sudo, Variant::NoForward]))
}

fn check(options: &Options) -> Result<()> {
    let count = options.variants.len();
    if count == 0 || count > 60 {
        return Err(Error::Refused(format!("a lab has 1 to 60 hosts, not {count}")));
    }
    if options.variants.contains(&Variant::Jump) && bastion_of(&options.variants).is_none() {
        return Err(Error::Refused(
            "a jump host needs another host in the lab to be reached through".to_owned(),
        ));
    }
    Ok(())
}

/// Brings a lab up; one of the same name is replaced. Nothing is left when it fails.
pub(crate) fn up(options: &Options, report: &(dyn Fn(&str) + Sync)) -> Result<State> {
    check(options)?;
    let paths = Paths::of(&options.name)?;
    let engine = Engine::locate()?;
    let built = build(options, &paths, &engine, report);
    if built.is_err() {
        clear_interrupt();
        report("cleaning up");
        down(&options.name)?;
    }
    built
}

fn build(options: &Options, paths: &Paths, engine: &Engine, report: &(dyn Fn(&str) + Sync)) -> Result<State> {
    let lock = engine.lock()?;
    check_interrupt()?;
    apt::ensure_programs(report)?;
    engine.ensure_started(&lock, report)?;
    orphans::remove(engine, &lock)?;
    remove(engine, &lock, paths)?;
    // Made at the same time, because much of it is to wait for packages.
    let (host_image, registry_image) = std::thread::scope(|scope| {
        let host = scope.spawn(|| ensure_hosts(engine, &lock, &options.variants, report));
        let registry = registry::ensure_filled(engine, &lock, report);
        (join(host), registry)
    });
    let (host_image, registry_image) = (host_image?, registry_image?);
    let subnet = network::create(engine, &lock, paths, options.owner)?;
    // From here on the network keeps the engine alive.
    drop(lock);

    let public_key = make_key(paths)?;
    let private = registry::private(subnet, secret()?);
    let registries = vec![registry::open_address(subnet), private.address.clone()];
    let specs = specs(options, paths, subnet, &host_image, &public_key, &registries);
    report(&format!("starting {} host(s) and a registry", specs.len()));
    let (hosts, images) = std::thread::scope(|scope| {
        let registry = scope.spawn(|| registry::start(engine, paths, subnet, &registry_image, &private));
        let hosts: Vec<_> = specs
            .iter()
            .map(|spec| {
                scope.spawn(|| {
                    spec.create(engine)?;
                    finish(engine, spec)
                })
            })
            .collect();
        let hosts: Vec<_> = hosts.into_iter().map(join).collect();
        (hosts, join(registry))
    });
    check_interrupt()?;
    let mut hosts = hosts.into_iter().collect::<Result<Vec<Host>>>()?;
    set_jumps(&mut hosts, bastion_of(&options.variants));
    let state = State {
        name: options.name.clone(),
        hosts,
        registry: registry::open_address(subnet),
        private_registry: private,
        images: images?,
        known_hosts_file: paths.known_hosts_file(),
        host_image,
        engine_socket: engine.socket(),
    };
    let known_hosts = paths.known_hosts_file();
    std::fs::write(&known_hosts, state.known_hosts()).map_err(Error::file("write", &known_hosts))?;
    state.write(&paths.state_file())?;
    Ok(state)
}

/// Builds what hosts of these variants are made from; the image of most of them.
pub(crate) fn ensure_hosts(
    engine: &Engine,
    lock: &EngineLock,
    variants: &[Variant],
    report: &dyn Fn(&str),
) -> Result<String> {
    for recipe in variants.iter().filter_map(|variant| recipe_of(*variant)) {
        image::ensure(engine, lock, &recipe, report)?;
    }
    image::ensure(engine, lock, &recipe::host(), report)
}

/// What a variant is made by that has an image of its own.
fn recipe_of(variant: Variant) -> Option<Recipe> {
    match variant {
        Variant::Systemd => Some(recipe::systemd_host()),
        Variant::Shells => Some(recipe::shells_host()),
        _ => None,
    }
}

/// The image of a host of this variant, where that of most of them is `host`.
pub(crate) fn image_of(variant: Variant, host: &str) -> String {
    recipe_of(variant).map_or_else(|| host.to_owned(), |recipe| image::name_of(&recipe))
}

fn specs(
    options: &Options,
    paths: &Paths,
    subnet: Subnet,
    image: &str,
    public_key: &str,
    registries: &[String],
) -> Vec<Spec> {
    let address = |index: usize| subnet.address(FIRST_HOST + u8::try_from(index).unwrap_or(u8::MAX));
    let bastion = bastion_of(&options.variants).map(address);
    host_names(&options.variants)
        .into_iter()
        .zip(&options.variants)
        .enumerate()
        .map(|(index, (name, variant))| Spec {
            lab: paths.clone(),
            name,
            address: address(index),
            variant: *variant,
            image: image_of(*variant, image),
            public_key: public_key.to_owned(),
            registries: registries.to_vec(),
            bastion: bastion.clone().filter(|_| *variant == Variant::Jump),
            owner: None,
        })
        .collect()
}

fn set_jumps(hosts: &mut [Host], bastion: Option<usize>) {
    let Some(bastion) = bastion.and_then(|index| hosts.get(index)) else {
        return;
    };
    let jump = bastion.as_jump();
    for host in hosts {
        if host.variant == Variant::Jump {
            host.jump = Some(jump.clone());
        }
    }
}

/// Starts a created host and waits until it can be used; `jump` is not filled in.
pub(crate) fn finish(engine: &Engine, spec: &Spec) -> Result<Host> {
    let container = container_of(&spec.lab, &spec.name);
    let programs = programs::of(engine, spec.variant)?;
    fill_and_start(engine, &container, &[spec.files(), programs].concat())?;
    wait_ready(engine, &container)?;
    Ok(Host {
        name: spec.name.clone(),
        address: spec.address.clone(),
        port: 22,
        user: spec.variant.user().to_owned(),
        private_key_file: spec.lab.key_file(),
        host_key: host_key(engine, &container)?,
        variant: spec.variant,
        jump: None,
        container,
    })
}

/// Makes the lab's key pair; returns the public line.
fn make_key(paths: &Paths) -> Result<String> {
    let directory = paths.directory();
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(Error::file("create", &directory))?;
    let key = paths.key_file();
    run(&words(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", &key.to_string_lossy()]))?;
    read_public_key(paths)
}

/// The public line of the lab's key.
pub(crate) fn read_public_key(paths: &Paths) -> Result<String> {
    let path = paths.key_file().with_extension("pub");
    let line = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    Ok(line.trim().to_owned())
}

/// 32 hexadecimal digits that nobody can guess.
fn secret() -> Result<String> {
    let path = "/proc/sys/kernel/random/uuid";
    let uuid = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    Ok(uuid.trim().replace('-', ""))
}

/// Takes a lab down, whatever is left of it, and the engine with the last one.
pub(crate) fn down(lab: &str) -> Result<()> {
    let paths = Paths::of(lab)?;
    let engine = Engine::locate()?;
    let lock = engine.lock()?;
    if engine.has_crashed() {
        // Only an engine can remove what is left in its data.
        engine.ensure_started(&lock, &|_| {})?;
    }
    if engine.is_running() {
        orphans::remove(&engine, &lock)?;
        remove(&engine, &lock, &paths)?;
        engine.stop_if_unused(&lock)?;
    }
    paths.remove()
}

/// Takes every lab of the engine down.
pub(crate) fn down_all() -> Result<()> {
    let engine = Engine::locate()?;
    let lock = engine.lock()?;
    if engine.has_crashed() {
        engine.ensure_started(&lock, &|_| {})?;
    }
    if engine.is_running() {
        engine.labs()?.iter().try_for_each(|lab| remove(&engine, &lock, lab))?;
    }
    engine.stop_if_unused(&lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_by_what_they_are() {
        assert_eq!(host_names(&[Variant::Root; 3]), ["n1", "n2", "n3"]);
        assert_eq!(
            host_names(&[Variant::Root, Variant::Deploy, Variant::Deploy, Variant::NoForward]),
            ["root", "deploy", "deploy2", "no-forward"]
        );
    }

    #[test]
    fn a_jump_host_answers_to_the_deploy_host_or_to_another_one() {
        assert_eq!(bastion_of(&[Variant::Root, Variant::Deploy, Variant::Jump]), Some(1));
        assert_eq!(bastion_of(&[Variant::Jump, Variant::Root]), Some(1));
        assert_eq!(bastion_of(&[Variant::Jump]), None);
        let alone = Options { variants: vec![Variant::Jump], ..Options::default() };
        assert!(check(&alone).is_err());
    }

    #[test]
    fn only_jump_hosts_know_the_bastion() {
        let options =
            Options { name: "x".to_owned(), variants: vec![Variant::Deploy, Variant::Jump], owner: None };
        let Some(subnet) = Subnet::of("10.213.7.0") else {
            panic!("an address");
        };
        let paths = Paths::of("x").unwrap();
        let specs = specs(&options, &paths, subnet, "i", "k", &[]);
        assert_eq!(specs[0].address, "10.213.7.11");
        assert_eq!(specs[0].bastion, None);
        assert_eq!(specs[1].address, "10.213.7.12");
        assert_eq!(specs[1].bastion.as_deref(), Some("10.213.7.11"));
    }
}
