//! The blocks `job`, `probe` and `reload`.

use framework::{Attribute, Block, Type, validate};

use crate::stacks::blocks::{self, JobWords, ProbeWords};

/// What is said of jobs.
const JOB: JobWords = JobWords {
    block: "A one-shot run of a service (`docker compose run --rm`, without what it depends on): a migration, or \
             provisioning that may be repeated. Repeatable; jobs run in the order in which they are written. One that \
             fails stops the apply, with its exit status and its last lines: before the services are started nothing \
             that runs has been changed then, but what `needs` names. A container that an aborted job has left is \
             removed, at the latest by the next apply. The outcome is not stored; a job that failed is due again.",
    name: "What messages call the job; each has its own. Its container has the label `windlass.run` with it.",
    service: "The service whose image, environment, volumes and networks the job has. It may belong to a profile that \
             is not switched on: then it runs as a job only. It is built and checked by `require` like the others.",
    when: "`before` (default): between pulling the images and starting the services. `after`: once the services are \
             well and the probes have passed.",
    run_on: "`change` (default): when the stack is created, when an apply creates, replaces or removes services or \
             changes their files, and when the job's own block is new or does something else. `apply`: whenever an \
             apply touches the host, also to start a service that was stopped. Neither makes a difference by itself, \
             and an apply that only changes how later ones go about it (`timeout`, `run_on`, \
             `remove_volumes_on_destroy` and the like) touches no host and runs no job.",
};

/// What is said of probes.
const PROBE: ProbeWords = ProbeWords {
    block: "A check that the stack answers, made after its services are well, on every create and on every update \
             that touches the host. One that does not pass in time fails the apply. HTTP, TLS and TCP are spoken by \
             Windlass itself through the connection: the host needs no `curl`. Repeatable; probes are made in the \
             order in which they are written. Exactly one of `url` and `tcp` is set.",
    from: "From where the probe is made: `host` (default), through the SSH connection, for which the SSH server must \
             allow TCP forwarding; or `here`, the machine that runs tofu.",
};

pub(in super::super) fn job() -> Block {
    blocks::job_block(&JOB)
}

pub(in super::super) fn probe() -> Block {
    blocks::probe_block(&PROBE)
}

pub(in super::super) fn reload() -> Block {
    Block::list("reload")
        .describe(
            "Files that services take in by a command of their own. While nothing else of a service changes, another \
             content of these files recreates nothing: the files are shipped, then the command runs in every container \
             of the service. Where it fails, the containers are recreated, with a warning. A container sees a changed \
             file only where its directory is mounted, not the file by itself. The first apply with a new block \
             recreates its services once. Repeatable.",
        )
        .attribute(
            Attribute::list("files", Type::String)
                .required()
                .validate(validate::length(1, 64))
                .validate(validate::each(validate::non_empty()))
                .describe(
                    "The files, such as `[\"caddy/*\"]`: patterns in the syntax of `.gitignore`, relative to the stack's \
                     directory. Seeds are not among them.",
                ),
        )
        .attribute(
            Attribute::set("services", Type::String)
                .required()
                .validate(validate::length(1, 64))
                .validate(validate::each(validate::non_empty()))
                .describe("The services that mount them. Each is in one block at most."),
        )
        .attribute(Attribute::list("command", Type::String).required().validate(validate::length(1, 256)).describe(
            "The words of the command, such as `[\"caddy\", \"reload\", \"--config\", \"/etc/caddy/Caddyfile\"]`, as \
             `docker exec` runs it. It has a minute.",
        ))
}
