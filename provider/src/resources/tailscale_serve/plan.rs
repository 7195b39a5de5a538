//! What will change of what a host serves.

use framework::{Diagnostic, Diagnostics, Field, Plan};
use tailnet::{
    Kind,
    serve::{Protocol, ServeConfig},
};

use super::{TailscaleServe, check::HEADSCALE, model::ServeModel};
use crate::{
    failure::{Failure, UNCHANGED},
    hosted::{OnHost, Planning, is_same_connection},
};

/// What validators of single attributes cannot see.
pub(super) fn validate(config: &ServeModel, problems: &mut Diagnostics) {
    let invalid = |text: String| Diagnostic::error("Invalid handler").detail(text).at("handler");
    for block in config.handler.known().into_iter().flatten() {
        let Some(protocol) = block.protocol.as_str().and_then(Protocol::of_word) else { continue };
        let (port, word) = (block.listen.known().copied().unwrap_or_default(), protocol.word());
        if !protocol.is_web() && !block.path.is_null() {
            problems.push(invalid(format!("The handler of port {port} is {word}, which has no `path`.")));
        }
        if protocol.is_web() && !block.proxy_protocol.is_null() {
            problems.push(invalid(format!(
                "The handler of port {port} is {word}, which has no `proxy_protocol`."
            )));
        }
        let target = block.target.as_str();
        let fits =
            target.is_none_or(|target| if protocol.is_web() { is_web(target) } else { is_address(target) });
        if !fits {
            let target = target.unwrap_or_default();
            let expected = if protocol.is_web() {
                "an address as `http://127.0.0.1:3000`, `unix:/…`, a path (`/srv/www`), `text:…` or `redirect:…`"
            } else {
                "an address as `127.0.0.1:5432`, or `unix:/…`"
            };
            problems.push(invalid(format!(
                "The target {target:?} of port {port} is none of {word}: that is {expected}."
            )));
        }
    }
    if let Some(handlers) = config.handlers() {
        for conflict in ServeConfig::default().conflicts(&handlers) {
            problems.push(invalid(conflict));
        }
    }
}

/// Whether requests of HTTP can be answered by it.
fn is_web(target: &str) -> bool {
    let starts = ["http://", "https://", "https+insecure://", "unix:/", "text:", "redirect:", "/"];
    starts
        .iter()
        .any(|start| target.len() > start.len() - usize::from(*start == "/") && target.starts_with(start))
}

/// Whether connections can be passed on to it.
fn is_address(target: &str) -> bool {
    let port = target.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'));
    let has_port = port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
    has_port || target.strip_prefix("unix:").is_some_and(|path| path.starts_with('/'))
}

pub(super) async fn plan(
    on: &Planning<'_>,
    plan: &mut Plan<OnHost<TailscaleServe>>,
) -> Result<(), Diagnostics> {
    refuse_headscale(on, &plan.planned).await?;
    let handlers = plan.planned.handlers();
    plan.planned.services =
        handlers.map_or(Field::Unknown, |all| Field::Known(ServeModel::services_of(&all)));
    let stays = plan.prior.as_ref().is_some_and(|prior| {
        is_same_connection(&prior.model.host, &plan.planned.host)
            && prior.model.handler == plan.planned.handler
    });
    plan.planned.urls = match &plan.prior {
        Some(prior) if stays => prior.model.urls.clone(),
        _ => Field::Unknown,
    };
    Ok(())
}

/// Where the server is not known yet, or on a host that is not there yet, apply says it.
async fn refuse_headscale(on: &Planning<'_>, planned: &ServeModel) -> Result<(), Diagnostics> {
    let control = match on.hosts.control(&planned.tailnet).await {
        Ok(control) => control,
        Err(failure) if failure.is_absence() => None,
        Err(failure) => return Err(Failure::into_diagnostics(failure, on.title, UNCHANGED)),
    };
    if control.is_some_and(|control| control.kind() == Kind::Headscale) {
        let (happened, next) = HEADSCALE;
        return Err(Diagnostic::error(on.title)
            .detail(happened)
            .detail(UNCHANGED)
            .detail(next)
            .at("tailnet")
            .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::model::HandlerBlock, *};

    fn told(block: HandlerBlock) -> String {
        let config = ServeModel { handler: Field::Known(vec![block]), ..ServeModel::default() };
        let mut problems = Diagnostics::new();
        validate(&config, &mut problems);
        problems.to_string()
    }

    fn block(protocol: &str, target: &str) -> HandlerBlock {
        HandlerBlock {
            listen: Field::Known(443),
            protocol: protocol.into(),
            target: target.into(),
            ..HandlerBlock::default()
        }
    }

    #[test]
    fn a_handler_that_makes_no_sense_is_refused() {
        for (protocol, target) in [
            ("https", "http://127.0.0.1:3000"),
            ("https", "/"),
            ("http", "text:hello"),
            ("http", "unix:/run/app.sock"),
            ("tcp", "127.0.0.1:5432"),
            ("tls-terminated-tcp", "unix:/run/app.sock"),
        ] {
            assert_eq!(told(block(protocol, target)), "", "{protocol} {target}");
        }
        for (protocol, target) in [
            ("https", "127.0.0.1:1"),
            ("https", "text:"),
            ("tcp", "http://a:1"),
            ("tcp", "localhost"),
            ("tcp", "a:0"),
        ] {
            let told = told(block(protocol, target));
            assert!(
                told.contains(&format!("The target {target:?} of port 443 is none of {protocol}")),
                "{told}"
            );
        }
        let with_path = HandlerBlock { path: "/a".into(), ..block("tcp", "a:1") };
        assert!(told(with_path).contains("which has no `path`"));
        let with_proxy = HandlerBlock { proxy_protocol: Field::Known(1), ..block("http", "text:a") };
        assert!(told(with_proxy).contains("which has no `proxy_protocol`"));
    }
}
