//! The schema of the `require` block.

use compose::policy::{HostPort, PORTS_GRAMMAR};
use framework::{Attribute, Block, Type, validate};

use super::model::{DIGEST, NONE, TAG};

/// The name of the block.
pub(crate) const NAME: &str = "require";

/// The block of one stack.
pub(crate) fn block() -> Block {
    required(
        "What every service must keep to, checked by the plan over the project as `docker compose config` resolves \
         it, and again by an apply where the plan could not know it. What does not keep to it fails the plan, named by \
         service and path, also when nothing else has changed. Looked at are the services of the profiles that are \
         switched on, also those that `start_services` leaves out, and those that a `job` runs. Each rule is off by \
         default. What is set here wins over the provider's `require`, rule by rule; to switch one of those off for this \
         stack, set it to `false`, `\"none\"`, `[\"*\"]` (ports) or `\"\"` (template). A change of rules alone touches \
         nothing on the host.",
    )
}

/// The block of the provider.
pub(crate) fn provider_block() -> Block {
    required(
        "What every service of every `windlass_compose_stack` and `windlass_swarm_stack` must keep to: the defaults for \
         the `require` blocks of the stacks, which win rule by rule.",
    )
}

fn required(description: &str) -> Block {
    let rule = |name: &str, text: &str| Attribute::bool(name).describe(text);
    Block::list(NAME)
        .max(1)
        .describe(description)
        .attribute(Attribute::string("pinned_images").validate(validate::one_of([TAG, DIGEST, NONE])).describe(
            "How images are named: with a tag other than `latest` or with a digest (`tag`), with a digest (`digest`), or \
             as one likes (`none`). Services that are built are exempt: what they run comes from the shipped sources and \
             not from a name. A reference in `images` that is not known yet is looked at during apply.",
        ))
        .attribute(rule(
            "healthchecks",
            "Every service that stays has a `healthcheck` in the Compose files; one that only the image brings does not \
             count. Exempt are jobs (which others wait for by `service_completed_successfully`, labelled \
             `windlass.job=true`, or run by `job` blocks alone) and services that are not started.",
        ))
        .attribute(rule(
            "memory_limits",
            "Every service, jobs included, has `deploy.resources.limits.memory` or `mem_limit`. `0` means no limit.",
        ))
        .attribute(rule(
            "cpu_limits",
            "Every service, jobs included, has `deploy.resources.limits.cpus`, `cpus` or `cpu_quota`.",
        ))
        .attribute(rule(
            "memory_reservations",
            "Every service, jobs included, has `deploy.resources.reservations.memory` or `mem_reservation`.",
        ))
        .attribute(rule(
            "cpu_reservations",
            "Every service, jobs included, has `deploy.resources.reservations.cpus`. Docker itself reserves no processor \
             time on a single host: the number is for people, and for Swarm.",
        ))
        .attribute(rule(
            "no_privileged",
            "Nothing says `privileged: true`: no service, no `build` section, no `post_start` or `pre_stop` hook. Single \
             capabilities, devices, the host's namespaces and a mounted Docker socket are not covered.",
        ))
        .attribute(
            Attribute::list("host_ports_allowed", Type::String).check(|entries: &Vec<String>| check_ports(entries)).describe(format!(
                "The only ports of the host that services may publish; an empty list means none. Each entry is \
                 {PORTS_GRAMMAR}. Without an address it is about every address, with one about that address alone; \
                 without a protocol it is about TCP. A port that Docker chooses needs a range with all of them, \
                 `1-65535`. `network_mode: host` publishes whatever the service listens on, and only `\"*\"` allows it. \
                 Services that only `job` blocks run publish none of their `ports`."
            )),
        )
        .attribute(Attribute::string("env_template").describe(
            "A file in the form of `.env`, such as a committed `.env.example`: every variable that it names must have a \
             value that is not empty, in `environment`, in `secrets_wo` or in the stack's own `.env`, whatever the file \
             itself says for it. Variables in comments are not required. A relative path starts from `source_dir`, where \
             there is one (the file may be left out of what is shipped), else from where tofu runs. Values that are not \
             known yet count as given, and are looked at during apply.",
        ))
}

fn check_ports(entries: &[String]) -> Result<(), String> {
    let problems: Vec<String> = entries
        .iter()
        .filter_map(|entry| HostPort::parse(entry).err())
        .map(|error| error.to_string())
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}
