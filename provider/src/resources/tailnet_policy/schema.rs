//! The schema of `windlass_tailnet_policy`.

use framework::{Attribute, Block, Schema, Timeouts, Type, validate};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "The policy of a tailnet: who may reach what. It is sent as it is written, with its comments.\n\nThe plan \
             shows added, removed and changed rules, by `rules`; a text that is only ordered or formatted in another way, \
             or has other comments, is not a change (and is sent with the next one). Before that it is checked: its syntax, \
             names that are there twice, names that are used and not defined, and what the server itself says, its \
             `tests` included.\n\nAn apply changes only what the plan has seen: a policy that somebody has edited \
             meanwhile is a conflict, which shows what they changed and changes nothing. (Headscale has no guard of its \
             own: there the policy is read again just before it is written.) Creating it needs a tailnet of which nobody \
             has touched the policy, an `import`, or `adopt_existing`. Headscale has to keep its policy in the database \
             (`policy.mode: database`).",
        )
        .attribute(
            Attribute::string("policy")
                .required()
                .validate(validate::non_empty())
                .describe("The policy, in HuJSON: JSON with comments and trailing commas. For example `file(\"policy.hujson\")`."),
        )
        .attribute(Attribute::bool("adopt_existing").default(false).describe(
            "Whether a policy that is there already is replaced on create. Default: `false`; then it is an error that \
             shows the difference.",
        ))
        .attribute(Attribute::bool("reset_on_destroy").default(false).describe(
            "Whether destroying goes back to what the server has without a policy, **which lets everybody reach \
             everything**. Default: `false`: the policy stays in force and is no longer managed. Read from the state: \
             set it, apply, then destroy.",
        ))
        .attribute(Attribute::map("rules", Type::list(Type::String)).computed().describe(
            "What the policy says, one line for each rule, by section: what a plan compares.",
        ))
        .block(deployer())
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}

fn deployer() -> Block {
    Block::list("deployer")
        .describe(
            "Who deploys by SSH under this policy, such as a CI job: a policy that would lock it out is refused. Only a \
             rule that certainly lets it in counts: one for its tag, for `*` or `autogroup:tagged`, without a condition. \
             Repeatable.",
        )
        .attribute(Attribute::string("tag").required().check(tag).describe("The tag that it joins the tailnet with: `tag:gha-deployer`."))
        .attribute(
            Attribute::list("to", Type::String)
                .required()
                .check(|tags: &Vec<String>| tags.iter().try_for_each(tag))
                .describe("The tags of the machines it works on, each of which it must reach: `[\"tag:prod\"]`."),
        )
        .attribute(Attribute::list("users", Type::String).describe(
            "Over Tailscale SSH: whom it logs in as; each needs a rule in `ssh` with the action `accept`. Without it, \
             the machines' own sshd lets it in.",
        ))
        .attribute(Attribute::number("port").validate(validate::between(1, 65535)).default(22).describe("The port of SSH. Default: `22`."))
}

#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
fn tag(text: &String) -> Result<(), String> {
    let rest = text.strip_prefix("tag:").unwrap_or_default();
    if rest.is_empty() { Err("must be a tag, such as `tag:prod`".to_owned()) } else { Ok(()) }
}
