//! The `tailnet` blocks: which control servers there are, and who we are to them.

use framework::{Attribute, Block, Field, Model, Rule, validate};
use secret::Secret;

use crate::hosted::check_connection;

/// One `tailnet` block.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct TailnetBlock {
    pub(crate) name: Field<String>,
    pub(crate) control: Field<String>,
    pub(crate) base_url: Field<String>,
    pub(crate) tailnet: Field<String>,
    pub(crate) api_key: Field<Secret>,
    pub(crate) oauth_client_id: Field<String>,
    pub(crate) oauth_client_secret: Field<Secret>,
    pub(crate) identity_token: Field<Secret>,
    pub(crate) audience: Field<String>,
    pub(crate) host: Field<String>,
    pub(crate) container: Field<String>,
}

/// The words for `control`.
pub(crate) const CONTROLS: [&str; 2] = ["tailscale", "headscale"];

pub(super) fn block() -> Block {
    Block::list("tailnet")
        .describe(
            "A tailnet and the control server that it has, Tailscale or Headscale. Repeatable: resources choose one by \
             its `name` in their attribute `tailnet`; the block without a name is the default, and so is the only one. \
             What the unnamed block leaves out is taken from the environment (`TAILSCALE_API_KEY`, \
             `TAILSCALE_OAUTH_CLIENT_ID`, `TAILSCALE_OAUTH_CLIENT_SECRET`, `TAILSCALE_IDENTITY_TOKEN`, \
             `TAILSCALE_AUDIENCE`, `TAILSCALE_TAILNET`, `TAILSCALE_BASE_URL`; `HEADSCALE_ENDPOINT`, \
             `HEADSCALE_API_KEY`), and without any block the environment is all there is.",
        )
        .attribute(Attribute::string("name").validate(validate::non_empty()).describe("What `tailnet` of a resource calls this block."))
        .attribute(
            Attribute::string("control")
                .validate(validate::one_of(CONTROLS))
                .describe("Which control server it is: `tailscale` (default) or `headscale` (0.28 and 0.29)."),
        )
        .attribute(
            Attribute::string("base_url")
                .check(|text: &String| text.parse::<http::Url>().map(drop).map_err(|error| error.to_string()))
                .describe(
                    "The address of the control server's interface. For Tailscale `https://api.tailscale.com`. For \
                     Headscale it is required, unless there is a `host`: then it is the address as that host sees it, \
                     and by default port 8080 of `container`, or of the host itself.",
                ),
        )
        .attribute(
            Attribute::string("tailnet")
                .validate(validate::non_empty())
                .describe("Tailscale: the name of the tailnet. Default: `-`, the one that the credentials belong to."),
        )
        .attribute(Attribute::string("api_key").sensitive().describe("A key of the control server's interface, or an access token."))
        .attribute(Attribute::string("oauth_client_id").describe("Tailscale: the id of an OAuth client or of a federated identity."))
        .attribute(Attribute::string("oauth_client_secret").sensitive().describe(
            "Tailscale: the secret of an OAuth client. It needs the scopes of what is used: `policy_file`, `auth_keys`, \
             `devices:core`; planning a policy needs only `policy_file:read`.",
        ))
        .attribute(Attribute::string("identity_token").sensitive().describe(
            "Tailscale: a token (JWT) of the platform that runs tofu, for a federated identity: no secret is stored \
             anywhere. With `oauth_client_id`.",
        ))
        .attribute(Attribute::string("audience").describe(
            "Tailscale: for whom GitHub Actions shall make such a token, which is then fetched for each run (the job \
             needs `permissions: id-token: write`). With `oauth_client_id`.",
        ))
        .attribute(Attribute::string("host").check(check_connection).describe(
            "Headscale: the host it runs on, as a connection. No key is needed then: one for ten minutes is made by \
             Headscale's own command there and expired at the end, and its interface is reached through the \
             connection, so that it needs no public port.",
        ))
        .attribute(Attribute::string("container").validate(validate::non_empty()).describe(
            "Headscale: the name of its container on that host. Without it, `headscale` is a program of the host.",
        ))
        .rule(Rule::at_most_one_of(["api_key", "oauth_client_secret", "identity_token", "audience", "host"]))
        .rule(Rule::required_with("container", ["host"]))
        .rule(Rule::required_with("identity_token", ["oauth_client_id"]))
        .rule(Rule::required_with("audience", ["oauth_client_id"]))
}
