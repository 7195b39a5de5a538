//! The schema of `windlass_host`.

use std::time::Duration;

use framework::{Attribute, Block, Schema, Timeouts, validate};

use super::plan::{check_address, check_host_key, check_jump, check_proxy};
use crate::machine::facts_attributes;

/// A cloud server is reachable a minute or two after it was ordered; cloud-init may take longer.
const CREATE: Duration = Duration::from_secs(10 * 60);
const UPDATE: Duration = Duration::from_secs(5 * 60);
const READ: Duration = Duration::from_secs(60);

pub(super) fn schema() -> Schema {
    Schema::new(1)
        .describe(
            "A machine that is reached over SSH. Creating it waits until SSH answers (and cloud-init has finished), \
             pins the host key and gathers facts; nothing is changed on the machine. Everything that lives on the \
             machine takes `host = windlass_host.<name>.connection`. \
             \n\nA host that serves Tailscale SSH is reached by its address or name in the tailnet, with no key at all: the \
             tailnet's policy says who logs in as whom (`ssh`, with the action `accept`). The action `check` wants somebody \
             at a browser; Windlass does not wait for that, and its error has the address. It shows the host keys of the machine's \
             own sshd, so that a `host_key` that was pinned before stays right; any machine of the tailnet has them in \
             `tailscale status --json`, as `sshHostKeys`. It forwards no socket of Docker, which is reached by a \
             command then.",
        )
        .attributes(route())
        .block(bootstrap())
        .attributes(computed())
        .timeouts(Timeouts { create: Some(CREATE), update: Some(UPDATE), read: Some(READ), ..Timeouts::default() })
}

/// What runs under sudo, in words.
pub(super) const SUDO: [&str; 3] = ["false", "true", "docker"];

fn route() -> [Attribute; 14] {
    [
        Attribute::string("address")
            .required()
            .requires_replace()
            .check(|address: &String| check_address(address))
            .describe("Name or address of the machine. Another address is another machine: the host is replaced."),
        Attribute::string("instance").requires_replace().describe(
            "Any value that changes when the machine does, such as the cloud server's id: a server that is replaced \
             behind the same name or floating address then replaces the host.",
        ),
        Attribute::number("port")
            .validate(validate::between(1, 65535))
            .describe("The port of sshd. Default: the provider's `ssh` block, then 22."),
        Attribute::string("user")
            .validate(validate::non_empty())
            .describe("Who logs in. Default: the provider's `ssh` block, then `root`."),
        Attribute::string("host_key").computed().optional().keep_on_update().check(|key: &String| check_host_key(key)).describe(
            "The machine's host key, as an OpenSSH public key (`ssh-ed25519 AAAA…`) or as a fingerprint \
             (`ssh-ed25519:SHA256:…`). Where it is not set, known_hosts must know the key; the key that was verified \
             is then recorded here.",
        ),
        Attribute::bool("trust_on_first_use").default(false).describe(
            "Trust the key that the machine shows on create, and pin it. Only for machines and networks where nobody \
             can stand in between at that moment.",
        ),
        Attribute::string("jump").check(|jump: &String| check_jump(jump)).describe(
            "Host to go through, as `[user@]host[:port]`; several separated by commas, the first one first. Their \
             keys must be in known_hosts.",
        ),
        Attribute::string("proxy").check(|proxy: &String| check_proxy(proxy)).describe(
            "A SOCKS5 proxy to go through, as `socks5://host[:port]`; a `jump` host is reached through it. It resolves the \
             names, and is asked without a password. For a CI job whose Tailscale has no network device: \
             `socks5://localhost:1055`.",
        ),
        Attribute::string("identity").describe("The `name` of the provider's `ssh` block to log in with."),
        Attribute::string("docker_socket")
            .check(|path: &String| {
                if path.starts_with('/') { Ok(()) } else { Err("must be an absolute path".to_owned()) }
            })
            .describe("The Docker socket on the machine. Default: `/var/run/docker.sock`."),
        Attribute::string("sudo").default("false").validate(validate::one_of(SUDO)).describe(
            "What runs under `sudo -n`, which must need neither a password nor a terminal. `true`: commands that need \
             root, which are Docker's and those on files outside of the user's reach, by this line in sudoers: \
             `<user> ALL=(root) NOPASSWD: ALL`. (A list of programs gives no less: among them are `env` and `sh`, which \
             run any other.) `docker`: the docker client and nothing else, by this one: `<user> ALL=(root) NOPASSWD: \
             /usr/bin/docker`. Files are the user's then and go where the user may write; another `owner` is refused, \
             `windlass_command` runs as the user, and `${PWD}` and `${DOCKER_HOST}` have no value in Compose files. \
             Whoever may run Docker as root can become root by it, as with the group docker. `false` (default): \
             nothing, for root and for users of the group docker.",
        ),
        Attribute::bool("wait_for_cloud_init")
            .default(true)
            .describe("Wait on create until cloud-init has finished, where it is installed."),
        Attribute::string("connection").computed().keep_on_update().describe(
            "How the machine is reached, as one string without secrets, with the pinned host key: what everything \
             that lives on the machine takes as `host`.",
        ),
        Attribute::string("login").computed().keep_on_update().describe(
            "By which login the machine was entered last: `normal`, or `bootstrap` while the normal one does not work yet.",
        ),
    ]
}

fn bootstrap() -> Block {
    Block::single("bootstrap")
        .describe(
            "The first login of a new machine, which makes the normal one and may then disappear: `root` on port 22 before \
             there is a user of one's own, another port of sshd, a tailnet. It is tried only where the normal login is \
             refused or does not answer, and only on the machine with the pinned host key. Whatever lives on the machine \
             is then made by it as well; the normal login is tried anew at every step. `connection` always \
             has the normal one. What is not set is as in the normal login.",
        )
        .attribute(Attribute::string("user").validate(validate::non_empty()).describe(
            "Who logs in first. Any other than `root` must be able to run everything by `sudo -n`.",
        ))
        .attribute(Attribute::number("port").validate(validate::between(1, 65535)).describe("The port that sshd has first."))
        .attribute(Attribute::string("identity").describe("The `name` of the provider's `ssh` block to log in with first."))
        .attribute(
            Attribute::string("jump")
                .check(|jump: &String| check_jump(jump))
                .describe("Hosts to go through first, as in the attribute `jump`."),
        )
}

fn computed() -> Vec<Attribute> {
    let public_key = Attribute::string("host_public_key")
        .computed()
        .describe("The whole host key that was verified, in OpenSSH's form: for a known_hosts file.");
    facts_attributes().into_iter().chain([public_key]).map(Attribute::keep_on_update).collect()
}
