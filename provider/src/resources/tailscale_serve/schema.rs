//! The schema of `windlass_tailscale_serve`.

use framework::{Attribute, Block, Schema, Timeouts, Type, validate};
use tailnet::serve::Protocol;

use crate::{controlled::tailnet_attribute, host_path::check_path};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "What a host offers to its tailnet, as `tailscale serve` does: these handlers in the background, and no \
             others. The host has to be in the tailnet (`windlass_tailnet_member`). What somebody serves in a terminal is \
             left alone, and so is Funnel.\n\nFor `https` and `tls-terminated-tcp` the tailnet needs HTTPS \
             (`windlass_tailnet_settings`, `https_enabled = true`). A handler with a `service` makes the host one of those \
             that stand behind a Tailscale Service: the service has to exist, the host to have tags, and `autoApprovers` \
             of the policy to let one of them (`\"services\": {\"svc:api\": [\"tag:prod\"]}`). All of that is looked at \
             before anything is changed, and the approval is waited for.\n\nA host that serves something else already is \
             not overwritten: adopt it by an import, or clear it (`tailscale serve reset`). Headscale is not supported.",
        )
        .attribute(tailnet_attribute())
        .attribute(Attribute::string("socket").requires_replace().check(|path: &String| check_path(path)).describe(
            "The socket of Tailscale's daemon, where it is not at its usual place. Default: \
             `/var/run/tailscale/tailscaled.sock`.",
        ))
        .attribute(Attribute::list("urls", Type::String).computed().describe(
            "The addresses of the handlers, such as `https://web.example.ts.net/`, in their order.",
        ))
        .attribute(Attribute::set("services", Type::String).computed().describe(
            "The services that the host offers to host: those of the handlers. One that was drained by hand is offered \
             again.",
        ))
        .block(handler())
        .timeouts(Timeouts::new().create(10).update(10).delete(5).read(5))
}

fn handler() -> Block {
    Block::set("handler")
        .min(1)
        .describe("A port, and who answers there. Repeatable; the order does not matter.")
        .attribute(Attribute::string("service").validate(validate::pattern(
            "the name of a service, such as `svc:api`",
            is_service,
        )).describe(
            "The Tailscale Service that it belongs to, such as `svc:api`. Without it, it is the host's own.",
        ))
        .attribute(Attribute::number("listen").required().validate(validate::between(1, 65535)).describe("The port."))
        .attribute(
            Attribute::string("protocol").required().validate(validate::one_of(Protocol::ALL.map(Protocol::word))).describe(
                "How the port is answered: `https`, `http`, `tcp` (passed on as it is) or `tls-terminated-tcp` (passed on \
                 without its TLS).",
            ),
        )
        .attribute(
            Attribute::string("path")
                .validate(validate::pattern("a path, such as `/` or `/api`", |path| path.starts_with('/')))
                .describe("For `https` and `http`: which paths, this one and those below. Default: `/`."),
        )
        .attribute(Attribute::string("target").required().validate(validate::non_empty()).describe(
            "Who answers. For `https` and `http`: an address as `http://127.0.0.1:3000`, `https+insecure://127.0.0.1:8443` \
             or `unix:/run/app.sock`, a file or directory of the host (`/srv/www`), `text:` and a text, or `redirect:` and \
             an address. Otherwise: `127.0.0.1:5432`, or `unix:/run/app.sock`.",
        ))
        .attribute(Attribute::number("proxy_protocol").validate(validate::between(1, 2)).describe(
            "For `tcp` and `tls-terminated-tcp`: the version of the PROXY protocol that tells the target who connects, `1` \
             or `2`. Default: none.",
        ))
}

fn is_service(text: &str) -> bool {
    let label = text.strip_prefix("svc:").unwrap_or_default();
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    (1..=63).contains(&label.len())
        && label.chars().all(fits)
        && !label.starts_with('-')
        && !label.ends_with('-')
}
