//! Which `tailnet` block is meant, and what it says together with the environment. Pure.

use framework::Field;
use secret::Secret;
use tailnet::{Credentials, TokenSource};

use crate::{failure::Stop, settings::TailnetBlock};

/// Where Tailscale's interface is.
const TAILSCALE: &str = "https://api.tailscale.com";

/// A control server and who we are to it.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    Tailscale {
        base_url: String,
        tailnet: String,
        credentials: Credentials,
    },
    Headscale {
        base_url: String,
        api_key: Secret,
    },
    /// One that runs on a host of ours.
    HeadscaleOnHost {
        host: String,
        container: Option<String>,
        base_url: Option<String>,
    },
}

/// The choice that `name` makes among `blocks`; `None` while something is unknown that decides it.
///
/// # Errors
/// When there is no such block, or it does not say enough.
pub(super) fn choose(
    name: &Field<String>,
    blocks: &Field<Vec<TailnetBlock>>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Choice>, Stop> {
    if name.is_unknown() || blocks.is_unknown() {
        return Ok(None);
    }
    let blocks = blocks.known().map(Vec::as_slice).unwrap_or_default();
    if blocks.iter().any(|block| block.name.is_unknown()) {
        return Ok(None);
    }
    let named = |wanted: Option<&str>| blocks.iter().find(|block| block.name.as_str() == wanted);
    match (name.as_str(), blocks) {
        (Some(wanted), _) => match named(Some(wanted)) {
            Some(block) => read(block, variable),
            None => Err(no_such_block(wanted, blocks)),
        },
        (None, []) => read(&TailnetBlock::default(), variable),
        (None, [block]) => read(block, variable),
        (None, _) => match named(None) {
            Some(block) => read(block, variable),
            None => Err(Stop::new(
                format!(
                    "The provider has several tailnets, {}, and none of them is the default.",
                    names(blocks)
                ),
                "Say which one by `tailnet`, or leave out `name` of the block that shall be the default.",
            )
            .at("tailnet")),
        },
    }
}

fn no_such_block(wanted: &str, blocks: &[TailnetBlock]) -> Stop {
    let there = if blocks.is_empty() { "none".to_owned() } else { names(blocks) };
    Stop::new(
        format!("The provider has no `tailnet` block of the name {wanted:?}. There are: {there}."),
        "Correct `tailnet`, or give the provider such a block.",
    )
    .at("tailnet")
}

fn names(blocks: &[TailnetBlock]) -> String {
    let all: Vec<String> = blocks
        .iter()
        .map(|block| block.name.as_str().map_or("an unnamed one".to_owned(), |name| format!("{name:?}")))
        .collect();
    all.join(", ")
}

fn read(block: &TailnetBlock, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Choice>, Stop> {
    let texts = [
        &block.control,
        &block.base_url,
        &block.tailnet,
        &block.oauth_client_id,
        &block.audience,
        &block.host,
        &block.container,
    ];
    let secrets = [&block.api_key, &block.oauth_client_secret, &block.identity_token];
    if texts.iter().any(|field| field.is_unknown()) || secrets.iter().any(|field| field.is_unknown()) {
        return Ok(None);
    }
    // What another block says is not for one that has a name.
    let environment = |name: &str| variable(name).filter(|text| block.name.is_null() && !text.is_empty());
    let is_headscale = match block.control.as_str() {
        Some(control) => control == "headscale",
        None => {
            block.host.is_known()
                || (is_empty(block)
                    && !has_tailscale(&environment)
                    && environment("HEADSCALE_API_KEY").is_some())
        }
    };
    if is_headscale { headscale(block, &environment) } else { tailscale(block, variable, &environment) }
        .map(Some)
}

fn is_empty(block: &TailnetBlock) -> bool {
    block.api_key.is_null() && block.oauth_client_secret.is_null() && block.oauth_client_id.is_null()
}

fn has_tailscale(environment: &dyn Fn(&str) -> Option<String>) -> bool {
    ["TAILSCALE_API_KEY", "TAILSCALE_OAUTH_CLIENT_SECRET", "TAILSCALE_IDENTITY_TOKEN", "TAILSCALE_AUDIENCE"]
        .into_iter()
        .any(|name| environment(name).is_some())
}

fn headscale(block: &TailnetBlock, environment: &dyn Fn(&str) -> Option<String>) -> Result<Choice, Stop> {
    let base_url = block.base_url.known().cloned();
    if let Some(host) = block.host.known() {
        let container = block.container.known().cloned();
        return Ok(Choice::HeadscaleOnHost { host: host.clone(), container, base_url });
    }
    let base_url = base_url.or_else(|| environment("HEADSCALE_ENDPOINT"));
    let api_key =
        block.api_key.known().cloned().or_else(|| environment("HEADSCALE_API_KEY").map(Secret::new));
    match (base_url, api_key) {
        (Some(base_url), Some(api_key)) => Ok(Choice::Headscale { base_url, api_key }),
        _ => Err(Stop::new(
            "The `tailnet` block says neither on which host this Headscale runs, nor both its address and a key.",
            "Set `host` (and `container`), which needs no key, or `base_url` and `api_key` (environment: \
             HEADSCALE_ENDPOINT, HEADSCALE_API_KEY).",
        )),
    }
}

fn tailscale(
    block: &TailnetBlock,
    variable: &dyn Fn(&str) -> Option<String>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Choice, Stop> {
    let text = |field: &Field<String>, name: &str| field.known().cloned().or_else(|| environment(name));
    let client_id = text(&block.oauth_client_id, "TAILSCALE_OAUTH_CLIENT_ID");
    let base_url = text(&block.base_url, "TAILSCALE_BASE_URL").unwrap_or_else(|| TAILSCALE.to_owned());
    let tailnet = text(&block.tailnet, "TAILSCALE_TAILNET").unwrap_or_else(|| "-".to_owned());
    let of_block = [
        block.api_key.known().cloned().map(Kind::ApiKey),
        block.oauth_client_secret.known().cloned().map(Kind::OAuth),
        block.identity_token.known().cloned().map(Kind::Identity),
        block.audience.known().cloned().map(Kind::Audience),
    ];
    let of_environment = || {
        let secret = |name: &str| environment(name).map(Secret::new);
        [
            secret("TAILSCALE_API_KEY").map(Kind::ApiKey),
            secret("TAILSCALE_OAUTH_CLIENT_SECRET").map(Kind::OAuth),
            secret("TAILSCALE_IDENTITY_TOKEN").map(Kind::Identity),
            environment("TAILSCALE_AUDIENCE").map(Kind::Audience),
        ]
    };
    let kind =
        of_block.into_iter().flatten().next().or_else(|| of_environment().into_iter().flatten().next());
    let credentials = match kind {
        Some(Kind::ApiKey(key)) => Credentials::ApiKey(key),
        Some(Kind::OAuth(client_secret)) => {
            Credentials::OAuth { client_id: client_id.unwrap_or_default(), client_secret }
        }
        Some(Kind::Identity(token)) => identity(client_id, TokenSource::Given(token))?,
        Some(Kind::Audience(audience)) => identity(client_id, github(variable, audience)?)?,
        None => {
            return Err(Stop::new(
                "Nothing says who we are to Tailscale.",
                "Give the provider a `tailnet` block with `oauth_client_id` and `oauth_client_secret`, with `api_key`, or \
                 with `oauth_client_id` and `audience` or `identity_token` (environment: TAILSCALE_OAUTH_CLIENT_ID and \
                 TAILSCALE_OAUTH_CLIENT_SECRET, TAILSCALE_API_KEY, …). For Headscale set `control = \"headscale\"`.",
            ));
        }
    };
    Ok(Choice::Tailscale { base_url, tailnet, credentials })
}

enum Kind {
    ApiKey(Secret),
    OAuth(Secret),
    Identity(Secret),
    Audience(String),
}

fn identity(client_id: Option<String>, token: TokenSource) -> Result<Credentials, Stop> {
    let client_id = client_id.ok_or_else(|| {
        Stop::new(
            "There is an identity token and not the id of the federated identity that it is for.",
            "Set `oauth_client_id` (environment: TAILSCALE_OAUTH_CLIENT_ID) to what Tailscale's console shows for it.",
        )
    })?;
    Ok(Credentials::Identity { client_id, token })
}

fn github(variable: &dyn Fn(&str) -> Option<String>, audience: String) -> Result<TokenSource, Stop> {
    let (url, token) = (variable("ACTIONS_ID_TOKEN_REQUEST_URL"), variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    match (url, token) {
        (Some(url), Some(token)) => Ok(TokenSource::GitHub { url, bearer: Secret::new(token), audience }),
        _ => Err(Stop::new(
            "`audience` asks for an identity token of GitHub Actions, and this is not a job that may have one.",
            "Give the job `permissions: id-token: write`, or elsewhere fetch a token and set `identity_token`.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: Option<&str>) -> TailnetBlock {
        TailnetBlock { name: Field::from(name.map(str::to_owned)), ..TailnetBlock::default() }
    }

    fn with_key(name: Option<&str>, key: &str) -> TailnetBlock {
        TailnetBlock { api_key: Field::Known(key.into()), ..block(name) }
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn key_of(choice: Result<Option<Choice>, Stop>) -> String {
        match choice.unwrap().unwrap() {
            Choice::Tailscale { credentials: Credentials::ApiKey(key), .. } => key.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn text(choice: Result<Option<Choice>, Stop>) -> String {
        crate::failure::Failure::from(choice.unwrap_err()).into_diagnostics("t", "w").to_string()
    }

    #[test]
    fn the_name_chooses_and_the_unnamed_one_is_the_default() {
        let blocks =
            Field::Known(vec![with_key(Some("a"), "1"), with_key(None, "2"), with_key(Some("b"), "3")]);
        assert_eq!(key_of(choose(&"b".into(), &blocks, &nothing)), "3");
        assert_eq!(key_of(choose(&Field::Null, &blocks, &nothing)), "2");
        let one = Field::Known(vec![with_key(Some("a"), "1")]);
        assert_eq!(key_of(choose(&Field::Null, &one, &nothing)), "1");
        let told = text(choose(&"c".into(), &blocks, &nothing));
        assert!(told.contains("There are: \"a\", an unnamed one, \"b\"."), "{told}");
        let two = Field::Known(vec![with_key(Some("a"), "1"), with_key(Some("b"), "2")]);
        assert!(text(choose(&Field::Null, &two, &nothing)).contains("none of them is the default"));
    }

    #[test]
    fn what_is_unknown_leaves_it_open() {
        let unknown = TailnetBlock { host: Field::Unknown, control: "headscale".into(), ..block(None) };
        let blocks = Field::Known(vec![unknown, with_key(Some("b"), "2")]);
        assert!(choose(&Field::Null, &blocks, &nothing).unwrap().is_none());
        assert_eq!(key_of(choose(&"b".into(), &blocks, &nothing)), "2");
        assert!(choose(&Field::Null, &Field::Unknown, &nothing).unwrap().is_none());
    }

    #[test]
    fn the_environment_fills_what_the_unnamed_block_leaves_out() {
        let environment = |name: &str| {
            Some(match name {
                "TAILSCALE_API_KEY" => "from-env".to_owned(),
                "TAILSCALE_TAILNET" => "example.org".to_owned(),
                _ => return None,
            })
        };
        assert_eq!(key_of(choose(&Field::Null, &Field::Known(vec![]), &environment)), "from-env");
        assert_eq!(key_of(choose(&Field::Null, &Field::Known(vec![with_key(None, "1")]), &environment)), "1");
        assert!(choose(&Field::Null, &Field::Known(vec![block(Some("a"))]), &environment).is_err());
        let headscale = |name: &str| match name {
            "HEADSCALE_ENDPOINT" => Some("http://vpn".to_owned()),
            "HEADSCALE_API_KEY" => Some("k".to_owned()),
            _ => None,
        };
        let choice = choose(&Field::Null, &Field::Null, &headscale).unwrap().unwrap();
        assert!(matches!(choice, Choice::Headscale { base_url, .. } if base_url == "http://vpn"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(text(choose(&Field::Null, &Field::Null, &nothing)).contains("who we are to Tailscale"));
        let headscale = TailnetBlock { control: "headscale".into(), ..block(None) };
        assert!(
            text(choose(&Field::Null, &Field::Known(vec![headscale]), &nothing))
                .contains("which needs no key")
        );
        let audience = TailnetBlock { audience: "x".into(), oauth_client_id: "c".into(), ..block(None) };
        assert!(
            text(choose(&Field::Null, &Field::Known(vec![audience]), &nothing)).contains("id-token: write")
        );
    }

    #[test]
    fn a_headscale_on_a_host_needs_no_key() {
        let on_host =
            TailnetBlock { host: "ssh://vpn".into(), container: "headscale".into(), ..block(Some("own")) };
        let choice = choose(&Field::Null, &Field::Known(vec![on_host]), &nothing).unwrap().unwrap();
        assert!(matches!(choice, Choice::HeadscaleOnHost { container: Some(_), base_url: None, .. }));
    }
}
