//! The schema of `windlass_docker_plugin`.

use docker::Reference;
use framework::{Attribute, Rule, Schema, Timeouts, Type};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A plugin of a host's Docker daemon, such as a driver of volumes: fetched from its registry, set up and \
             started. It gets the rights that `grant` names and no others; where it asks for more, the plan is refused \
             and shows what is missing. To set it up anew, or to go \
             to another version, it is stopped for a moment, which is refused while containers use its volumes.",
        )
        .attributes(identity())
        .attributes(settings())
        .rule(Rule::required_with("settings_wo", ["settings_wo_version"]))
        .rule(Rule::required_with("settings_wo_version", ["settings_wo"]))
        .attributes(computed())
        .timeouts(Timeouts::new().create(10).update(10).delete(5).read(5))
}

fn identity() -> [Attribute; 3] {
    [
        Attribute::string("reference").required().check(|text: &String| check_reference(text)).describe(
            "Where the plugin comes from, as an image is named: `vieux/sshfs:latest`. Without a tag `latest` is meant. \
             The credentials of the provider's `registry` blocks are used. With an `alias` another one is an upgrade in \
             place, which keeps the settings; without one it replaces the plugin.",
        ),
        Attribute::string("alias").requires_replace().check(|text: &String| check_alias(text)).describe(
            "What the plugin is called on the host, without a tag. Volumes name it as their `driver`. Default: its \
             reference. Another one replaces the plugin.",
        ),
        Attribute::map("grant", Type::set(Type::String)).describe(
            "What the plugin may do beyond a container's rights, kind by kind: `network`, `mount`, `device`, \
             `capabilities`, `allow-all-devices`, `host ipc namespace`, `host pid namespace`, each with the values that \
             you accept, such as `{ network = [\"host\"], capabilities = [\"CAP_SYS_ADMIN\"] }`. More than it asks for \
             does no harm.",
        ),
    ]
}

fn settings() -> [Attribute; 4] {
    [
        Attribute::map("settings", Type::String).describe(
            "What the plugin is set to, as `docker plugin set` names it: variables by their name, `args`, \
             `<mount>.source`, `<device>.path`. What is not named here has the value of its author.",
        ),
        Attribute::map("settings_wo", Type::String).write_only().describe(
            "The same for what nobody should see, such as the token of a cloud, write-only: it is in neither plan nor \
             state. On the host `docker plugin inspect` shows it. Changes are noticed by `settings_wo_version`.",
        ),
        Attribute::string("settings_wo_version").describe(
            "A version of your choice for the values of `settings_wo`: change it with them, and the plugin is set \
             anew.",
        ),
        Attribute::bool("enabled")
            .default(true)
            .describe("Whether the plugin runs. Default: `true`."),
    ]
}

fn computed() -> [Attribute; 2] {
    [
        Attribute::string("id").computed().keep_on_update().describe("The id that the daemon gave it."),
        Attribute::string("name").computed().keep_on_update().describe(
            "What it is called on the host, with its tag: the `driver` of `windlass_docker_volume` and of Compose files.",
        ),
    ]
}

fn check_reference(text: &str) -> Result<(), String> {
    let reference: Reference = text.parse().map_err(|error| format!("is not a valid reference: {error}"))?;
    match reference.digest {
        Some(_) => Err("must name a tag, because Docker installs no plugin by its digest".to_owned()),
        None => Ok(()),
    }
}

fn check_alias(text: &str) -> Result<(), String> {
    let reference: Result<Reference, _> = text.parse();
    match reference {
        Ok(reference) if reference.tag.is_none() && reference.digest.is_none() => Ok(()),
        Ok(_) => Err("must have no tag, because Docker gives it `latest`".to_owned()),
        Err(error) => Err(format!("is not a valid name: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_named_as_images_are() {
        assert!(
            check_reference("vieux/sshfs").is_ok() && check_reference("r.example.org:5000/vol:1").is_ok()
        );
        assert!(check_reference("vieux/SSHFS").unwrap_err().starts_with("is not a valid reference: "));
        let digest = format!("vol@sha256:{}", "a".repeat(64));
        assert!(check_reference(&digest).unwrap_err().contains("no plugin by its digest"));
        assert!(check_alias("data").is_ok() && check_alias("data:1").is_err() && check_alias("a b").is_err());
    }
}
