//! The blocks `job`, `probe` and `reload`.

use framework::{Attribute, Block, Rule, Type, schema::parse_duration, validate};

use super::probe::{check_statuses, check_tcp, check_url};

/// When a job runs.
const WHEN: [&str; 2] = ["before", "after"];
/// On which applies a job runs.
const RUN_ON: [&str; 2] = ["change", "apply"];
/// From where a probe is made.
const FROM: [&str; 2] = ["host", "here"];

pub(in super::super) fn job() -> Block {
    Block::list("job")
        .describe(
            "A one-shot run of a service (`docker compose run --rm`, without what it depends on): a migration, or \
             provisioning that may be repeated. Repeatable; jobs run in the order in which they are written. One that \
             fails stops the apply, with its exit status and its last lines: before the services are started nothing \
             that runs has been changed then, but what `needs` names. A container that an aborted job has left is \
             removed, at the latest by the next apply. The outcome is not stored; a job that failed is due again.",
        )
        .attribute(
            Attribute::string("name")
                .required()
                .validate(validate::pattern("letters, digits, `-`, `_` and `.`, at most 63 of them", is_name))
                .describe("What messages call the job; each has its own. Its container has the label `windlass.run` with it."),
        )
        .attribute(Attribute::string("service").required().validate(validate::non_empty()).describe(
            "The service whose image, environment, volumes and networks the job has. It may belong to a profile that \
             is not switched on: then it runs as a job only. It is built and checked by `require` like the others.",
        ))
        .attribute(Attribute::list("command", Type::String).describe(
            "The command, as a list of words. Default: the service's own.",
        ))
        .attribute(Attribute::set("needs", Type::String).validate(validate::each(validate::non_empty())).describe(
            "Services that are started, or changed, and well before a job runs `before` the others: a database, say.",
        ))
        .attribute(Attribute::string("when").validate(validate::one_of(WHEN)).describe(
            "`before` (default): between pulling the images and starting the services. `after`: once the services are \
             well and the probes have passed.",
        ))
        .attribute(Attribute::string("run_on").validate(validate::one_of(RUN_ON)).describe(
            "`change` (default): when the stack is created, when an apply creates, replaces or removes services or \
             changes their files, and when the job's own block is new or does something else. `apply`: whenever an \
             apply touches the host, also to start a service that was stopped. Neither makes a difference by itself, \
             and an apply that only changes how later ones go about it (`timeout`, `run_on`, \
             `remove_volumes_on_destroy` and the like) touches no host and runs no job.",
        ))
        .attribute(duration("timeout").describe(
            "How long the job may take, such as `90s`; it is then stopped, and has failed. The time limit of the whole \
             apply counts too. Default: `10m`.",
        ))
        .attribute(Attribute::map("environment", Type::String).describe(
            "More variables for the job. They are in the plan and in the state: secrets belong into `secrets_wo`, from \
             where the Compose file gives them to the service.",
        ))
}

pub(in super::super) fn probe() -> Block {
    Block::list("probe")
        .describe(
            "A check that the stack answers, made after its services are well, on every create and on every update \
             that touches the host. One that does not pass in time fails the apply. HTTP, TLS and TCP are spoken by \
             Windlass itself through the connection: the host needs no `curl`. Repeatable; probes are made in the \
             order in which they are written. Exactly one of `url` and `tcp` is set.",
        )
        .attribute(Attribute::string("url").check(|url: &String| check_url(url)).describe(
            "An `http://` or `https://` address that is asked by `GET`. Names and addresses are those that `from` \
             sees. Redirects are not followed. A certificate must be one that the machine which runs tofu trusts \
             (`SSL_CERT_FILE` there names others).",
        ))
        .attribute(Attribute::string("expect_status").check(|text: &String| check_statuses(text)).describe(
            "The HTTP status that is expected, a range of them, or several separated by commas: `200`, `200-399`, \
             `200,404`. Default: `200-299`.",
        ))
        .attribute(Attribute::string("expect_body").validate(validate::non_empty()).describe(
            "A text that the body must contain within its first MiB.",
        ))
        .attribute(Attribute::string("tcp").check(|address: &String| check_tcp(address)).describe(
            "A host and a port, such as `127.0.0.1:5432`, where somebody must take a connection.",
        ))
        .attribute(Attribute::string("from").validate(validate::one_of(FROM)).describe(
            "From where the probe is made: `host` (default), through the SSH connection, for which the SSH server must \
             allow TCP forwarding; or `here`, the machine that runs tofu.",
        ))
        .attribute(duration("timeout").describe(
            "How long the probe may take until it passes; it is repeated until then. A single try may take 10 s. \
             Default: `60s`.",
        ))
        .attribute(duration("interval").describe("The time between two tries. Default: `1s`."))
        .rule(Rule::exactly_one_of(["url", "tcp"]))
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

fn duration(name: &str) -> Attribute {
    Attribute::string(name).check(|text: &String| parse_duration(text).map(drop))
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=63).contains(&name.len()) && name.chars().all(good)
}
