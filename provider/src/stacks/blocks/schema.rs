//! The blocks `job` and `probe`.

use framework::{Attribute, Block, Rule, Type, schema::parse_duration, validate};

use super::probe::{check_statuses, check_tcp, check_url};

/// When a job runs.
const WHEN: [&str; 2] = ["before", "after"];
/// On which applies a job runs.
const RUN_ON: [&str; 2] = ["change", "apply"];
/// From where a probe is made.
const FROM: [&str; 2] = ["host", "here"];

/// What the blocks of one kind of stack say of jobs.
pub(crate) struct JobWords {
    /// The block.
    pub(crate) block: &'static str,
    pub(crate) name: &'static str,
    pub(crate) service: &'static str,
    pub(crate) when: &'static str,
    pub(crate) run_on: &'static str,
}

/// What the blocks of one kind of stack say of probes.
pub(crate) struct ProbeWords {
    /// The block.
    pub(crate) block: &'static str,
    pub(crate) from: &'static str,
}

pub(crate) fn job(words: &JobWords) -> Block {
    Block::list("job")
        .describe(words.block)
        .attribute(
            Attribute::string("name")
                .required()
                .validate(validate::pattern("letters, digits, `-`, `_` and `.`, at most 63 of them", is_name))
                .describe(words.name),
        )
        .attribute(Attribute::string("service").required().validate(validate::non_empty()).describe(words.service))
        .attribute(Attribute::list("command", Type::String).describe(
            "The command, as a list of words. Default: the service's own.",
        ))
        .attribute(Attribute::set("needs", Type::String).validate(validate::each(validate::non_empty())).describe(
            "Services that are started, or changed, and well before a job runs `before` the others: a database, say.",
        ))
        .attribute(Attribute::string("when").validate(validate::one_of(WHEN)).describe(words.when))
        .attribute(Attribute::string("run_on").validate(validate::one_of(RUN_ON)).describe(words.run_on))
        .attribute(duration("timeout").describe(
            "How long the job may take, such as `90s`; it is then stopped, and has failed. The time limit of the whole \
             apply counts too. Default: `10m`.",
        ))
        .attribute(Attribute::map("environment", Type::String).describe(
            "More variables for the job. They are in the plan and in the state: secrets belong into `secrets_wo`, from \
             where the Compose file gives them to the service.",
        ))
}

pub(crate) fn probe(words: &ProbeWords) -> Block {
    Block::list("probe")
        .describe(words.block)
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
        .attribute(Attribute::string("from").validate(validate::one_of(FROM)).describe(words.from))
        .attribute(duration("timeout").describe(
            "How long the probe may take until it passes; it is repeated until then. A single try may take 10 s. \
             Default: `60s`.",
        ))
        .attribute(duration("interval").describe("The time between two tries. Default: `1s`."))
        .rule(Rule::exactly_one_of(["url", "tcp"]))
}

fn duration(name: &str) -> Attribute {
    Attribute::string(name).check(|text: &String| parse_duration(text).map(drop))
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=63).contains(&name.len()) && name.chars().all(good)
}
