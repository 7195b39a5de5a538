//! The lab itself, for real: one lab with a host of every variant, what it promises, and that
//! nothing is left of it.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lab::{Host, Lab, Options, Variant};

/// Runs words on a host the way a person would, over SSH; nothing but the lab's files is used.
fn ssh(lab: &Lab, host: &Host, words: &str) -> Output {
    let options = |command: &mut Command| {
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]);
        command.args(["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]);
        command.arg("-i").arg(&host.private_key_file);
        let known_hosts = lab.state().known_hosts_file.display();
        command.arg("-o").arg(format!("UserKnownHostsFile={known_hosts}"));
    };
    let mut command = Command::new("ssh");
    options(&mut command);
    if let Some(jump) = &host.jump {
        let known_hosts = lab.state().known_hosts_file.display();
        let key = host.private_key_file.display();
        let (target, port) = jump.rsplit_once(':').unwrap();
        let proxy = format!(
            "ssh -F none -o BatchMode=yes -o UserKnownHostsFile={known_hosts} -i {key} -p {port} -W %h:%p {target}"
        );
        command.arg("-o").arg(format!("ProxyCommand={proxy}"));
    }
    command.arg("-p").arg(host.port.to_string());
    command.arg(format!("{}@{}", host.user, host.address)).arg(words);
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn users_and_docker(lab: &Lab) {
    for host in lab.hosts() {
        let name = &host.name;
        let docker = ssh(lab, host, "docker info --format '{{.Driver}}'");
        let by_sudo = host.variant.sudo().is_some();
        let expected = if by_sudo { "" } else { "overlay2" };
        assert_eq!(text(&docker), expected, "docker of {name}: {docker:?}");
        let sudo = ssh(lab, host, "sudo -n docker compose version --short");
        let allowed = by_sudo || host.user == "root";
        assert_eq!(sudo.status.success(), allowed, "sudo on {name}: {sudo:?}");
    }
}

fn every_host_is_its_own_machine(lab: &Lab) {
    let mut ids: Vec<String> = lab
        .hosts()
        .iter()
        .flat_map(|host| [host.host_key.clone(), lab.exec_ok(host, &["cat", "/etc/machine-id"]).unwrap()])
        .collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

fn only_the_bastion_reaches_the_jump_host(lab: &Lab) {
    let host = lab.host(Variant::Jump).unwrap();
    let address = format!("{}:22", host.address).parse().unwrap();
    let direct = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(2));
    assert!(direct.is_err(), "the jump host answers to everybody");
}

fn sockets_are_not_forwarded_where_forbidden(lab: &Lab) {
    for (variant, forwarded) in [(Variant::Deploy, true), (Variant::NoForward, false)] {
        let host = lab.host(variant).unwrap();
        let settings = lab.exec_ok(host, &["/usr/sbin/sshd", "-T"]).unwrap();
        let expected = if forwarded { "yes" } else { "no" };
        assert!(settings.contains(&format!("allowstreamlocalforwarding {expected}\n")), "{variant:?}");
        assert!(settings.contains("maxstartups 10:30:100\n"));
    }
}

fn images_come_from_the_registry(lab: &Lab) {
    let host = lab.host(Variant::Root).unwrap();
    let one = lab.image("busybox").unwrap();
    assert_eq!(lab.exec_ok(host, &["docker", "run", "--rm", one, "cat", "/version"]).unwrap(), "1");

    let registry = lab.registry();
    let two = registry.digest("busybox", "2").unwrap();
    assert_ne!(registry.digest("busybox", "1").unwrap(), two);
    assert_eq!(registry.set_tag("busybox", "1", "moving").unwrap(), registry.digest("busybox", "1").unwrap());
    assert_eq!(registry.set_tag("busybox", "2", "moving").unwrap(), two);
    assert!(registry.digest("busybox", "no-such-tag").is_err());

    let private = &lab.state().private_registry;
    let image = format!("{}/busybox:1", private.address);
    assert!(!lab.exec(host, &["docker", "pull", &image]).unwrap().status.success());
    let login = ["docker", "login", "--username", &private.username, "--password-stdin", &private.address];
    let logged_in = lab.exec_with_input(host, &login, private.password.as_bytes()).unwrap();
    assert!(logged_in.status.success(), "{logged_in:?}");
    lab.exec_ok(host, &["docker", "pull", "-q", &image]).unwrap();
}

/// Polls a command on a host until it succeeds.
fn eventually(lab: &Lab, host: &Host, words: &[&str]) {
    // Tries are counted, not seconds: on a slow machine they take longer as well.
    for _ in 0..300 {
        if lab.exec(host, words).unwrap().status.success() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        &lab.exec(host, &["docker", "compose", "-f", "/srv/compose.yaml", "logs"]).unwrap().stdout,
    );
    panic!("{words:?} did not succeed");
}

fn services_run(lab: &Lab) {
    let host = lab.host(Variant::Root).unwrap();
    let image = |name| lab.image(name).unwrap();
    let compose = format!(
        "services:\n  web:\n    image: {}\n    ports: [\"8080:80\"]\n  cache:\n    image: {}\n  \
         db:\n    image: {}\n    environment:\n      POSTGRES_USER: app\n      POSTGRES_PASSWORD: p w\n",
        image("nginx"),
        image("redis"),
        image("postgres"),
    );
    lab.exec_with_input(host, &["tee", "/srv/compose.yaml"], compose.as_bytes()).unwrap();
    lab.exec_ok(host, &["docker", "compose", "-f", "/srv/compose.yaml", "up", "-d"]).unwrap();
    eventually(lab, host, &["curl", "-fsS", "http://127.0.0.1:8080/"]);
    let run = ["docker", "compose", "-f", "/srv/compose.yaml", "exec", "-T"];
    let inside = |words: &[&'static str]| [run.as_slice(), words].concat();
    eventually(lab, host, &inside(&["cache", "redis-cli", "ping"]));
    let query = "PGPASSWORD='p w' psql -h db -U app app -tAc 'select 40 + 2'";
    eventually(lab, host, &inside(&["db", "sh", "-c", query]));
    // What ignores its stop signal is killed, which is status 137.
    let compose = "docker compose -f /srv/compose.yaml";
    let statuses =
        format!("{compose} stop && docker inspect -f '{{{{.State.ExitCode}}}}' $({compose} ps -aq)");
    let statuses = lab.exec_ok(host, &["sh", "-c", &statuses]).unwrap();
    assert!(statuses.lines().count() == 3 && !statuses.contains("137"), "{statuses}");
    lab.exec_ok(host, &["docker", "compose", "-f", "/srv/compose.yaml", "down", "-v"]).unwrap();
}

fn names_outside_fail_at_once(lab: &Lab) {
    let host = lab.host(Variant::Root).unwrap();
    let pull = lab.exec(host, &["docker", "pull", "registry.example/x:1"]).unwrap();
    assert!(!pull.status.success());
    let said = String::from_utf8_lossy(&pull.stderr).to_lowercase();
    assert!(!said.contains("timeout") && !said.contains("deadline"), "{said}");
}

fn mischief(lab: &Lab) {
    let host = lab.host(Variant::Deploy).unwrap();
    let key = &host.private_key_file;
    let mut session = Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-i"])
        .arg(key)
        .arg(format!("{}@{}", host.user, host.address))
        .arg("touch /tmp/here; sleep 60")
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    eventually(lab, host, &["test", "-e", "/tmp/here"]);
    lab.stop_sshd(host).unwrap();
    assert!(session.try_wait().unwrap().is_none(), "stopping the listener ended a session");
    assert!(lab.kill_connections(host).unwrap() > 0);
    assert!(!session.wait().unwrap().success());
    assert!(!ssh(lab, host, "true").status.success());
    lab.start_sshd(host).unwrap();
    assert!(ssh(lab, host, "true").status.success());

    lab.cut(host).unwrap();
    assert!(!ssh(lab, host, "true").status.success());
    lab.restore(host).unwrap();
    assert!(ssh(lab, host, "true").status.success());

    lab.stop_docker(host).unwrap();
    assert!(!ssh(lab, host, "docker info").status.success());
    lab.start_docker(host).unwrap();
    lab.reboot(host).unwrap();
    assert!(ssh(lab, host, "docker info").status.success());

    let disk = lab.small_disk(host, "/srv/small", 64 * 1024).unwrap();
    disk.fill().unwrap();
    assert!(!ssh(lab, host, "echo x > /srv/small/x && test -s /srv/small/x").status.success());
    disk.empty().unwrap();
    assert!(ssh(lab, host, "echo x > /srv/small/x && test -s /srv/small/x").status.success());
    drop(disk);
    assert!(!lab.exec(host, &["mountpoint", "-q", "/srv/small"]).unwrap().status.success());
}

fn systemd_runs_timers_and_services(lab: &Lab) {
    let host = lab.host(Variant::Systemd).unwrap();
    let timer = "systemd-run --quiet --on-active=1s --timer-property=AccuracySec=100ms touch /root/fired";
    assert!(ssh(lab, host, timer).status.success());
    eventually(lab, host, &["test", "-e", "/root/fired"]);
    assert_eq!(text(&ssh(lab, host, "systemctl is-active ssh docker")), "active\nactive");
    lab.stop_docker(host).unwrap();
    assert!(!ssh(lab, host, "docker info").status.success());
    lab.start_docker(host).unwrap();
    let one = lab.image("busybox").unwrap();
    assert_eq!(lab.exec_ok(host, &["docker", "run", "--rm", one, "cat", "/version"]).unwrap(), "1");
    assert!(ssh(lab, host, "nft list ruleset").status.success());
    lab.reboot(host).unwrap();
    assert!(ssh(lab, host, "test ! -e /run/fired && docker info").status.success());
}

fn throwaway_hosts(lab: &Lab) {
    let mut host = lab.add_host(Variant::Jump).unwrap();
    assert!(host.jump.is_some());
    let before = (*host).clone();
    let machine = |host: &Host| lab.exec_ok(host, &["cat", "/etc/machine-id"]).unwrap();
    let old_machine = machine(&host);
    host.replace().unwrap();
    assert_eq!((&host.address, &host.name), (&before.address, &before.name));
    assert_ne!(host.host_key, before.host_key);
    assert_ne!(machine(&host), old_machine);
    host.destroy().unwrap();
    assert!(!lab.exec(&before, &["true"]).unwrap().status.success());
}

/// Things of a lab on the machine: containers and network (by the engine), files, control groups.
fn traces(name: &str) -> Vec<String> {
    let mut traces = Vec::new();
    for top in ["/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/systemd"] {
        let groups = std::fs::read_dir(format!("{top}/windlass-lab")).into_iter().flatten().flatten();
        traces.extend(groups.map(|group| group.path().display().to_string()));
    }
    traces.retain(|path| path.contains(name));
    let state = lab::state_dir();
    traces.push(state.join(name).display().to_string());
    traces.push(state.join(format!("{name}.json")).display().to_string());
    traces.retain(|path| Path::new(path).exists());
    let rules = Command::new("iptables-save").env("PATH", "/usr/sbin:/sbin").output().unwrap();
    traces.extend(text(&rules).lines().filter(|rule| rule.contains("wl-")).map(str::to_owned));
    traces
}

#[test]
fn a_lab_keeps_its_promises_and_leaves_nothing() {
    let name = format!("test-{}", std::process::id());
    let options = Options { name: name.clone(), variants: Variant::ALL.to_vec(), ..Options::default() };
    let lab = Lab::temporary(&options).unwrap();
    assert!(!traces(&name).is_empty());

    every_host_is_its_own_machine(&lab);
    users_and_docker(&lab);
    only_the_bastion_reaches_the_jump_host(&lab);
    sockets_are_not_forwarded_where_forbidden(&lab);
    images_come_from_the_registry(&lab);
    services_run(&lab);
    names_outside_fail_at_once(&lab);
    mischief(&lab);
    systemd_runs_timers_and_services(&lab);
    throwaway_hosts(&lab);

    drop(lab);
    let left = traces(&name);
    let left: Vec<_> = left.iter().filter(|trace| trace.contains(&name)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_interrupted_lab_cleans_up() {
    let name = format!("test-int-{}", std::process::id());
    let mut up = Command::new(env!("CARGO_BIN_EXE_lab"))
        .args(["up", "--hosts", "1", "--name", &name])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let key = lab::state_dir().join(&name).join("id_ed25519");
    let started = Instant::now();
    // From this file on, hosts are being started.
    while !key.exists() && up.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(600), "the lab does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = Command::new("kill").arg("-INT").arg(up.id().to_string()).status().unwrap();
    let ended = up.wait().unwrap();
    let left = traces(&name);
    lab::down(&name).unwrap();
    assert!(kill.success(), "the lab was up before it could be interrupted");
    assert_eq!(ended.code(), Some(1));
    let left: Vec<_> = left.iter().filter(|trace| trace.contains(&name)).collect();
    assert!(left.is_empty(), "{left:?}");
}
