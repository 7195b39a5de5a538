//! The attributes of `windlass_tailscale_serve`, and how what the daemon serves becomes attributes.

use std::collections::BTreeSet;

use framework::{Field, Model};
use tailnet::serve::{Handler, Names, Protocol, ServeConfig};

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct ServeModel {
    pub(crate) host: Field<String>,
    pub(crate) tailnet: Field<String>,
    pub(crate) socket: Field<String>,
    pub(crate) urls: Field<Vec<String>>,
    pub(crate) services: Field<BTreeSet<String>>,
    pub(crate) handler: Field<Vec<HandlerBlock>>,
}

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct HandlerBlock {
    pub(crate) service: Field<String>,
    pub(crate) listen: Field<u64>,
    pub(crate) protocol: Field<String>,
    pub(crate) path: Field<String>,
    pub(crate) target: Field<String>,
    pub(crate) proxy_protocol: Field<u64>,
}

impl HandlerBlock {
    fn is_known(&self) -> bool {
        let texts = [&self.service, &self.protocol, &self.path, &self.target];
        let numbers = [&self.listen, &self.proxy_protocol];
        !texts.iter().any(|field| field.is_unknown()) && !numbers.iter().any(|field| field.is_unknown())
    }

    /// What it asks for, where all of it is known.
    fn handler(&self) -> Option<Handler> {
        if !self.is_known() {
            return None;
        }
        let protocol = Protocol::of_word(self.protocol.as_str().unwrap_or_default()).unwrap_or(Protocol::Tun);
        let number = |field: &Field<u64>| field.known().copied().unwrap_or_default();
        let usual = if protocol.is_web() { "/" } else { "" };
        Some(Handler {
            service: self.service.known().cloned(),
            listen: u16::try_from(number(&self.listen)).unwrap_or_default(),
            protocol,
            path: self.path.as_str().unwrap_or(usual).to_owned(),
            target: self.target.clone().known_or_default(),
            proxy_protocol: u8::try_from(number(&self.proxy_protocol)).unwrap_or_default(),
        })
    }

    fn of(handler: &Handler) -> Self {
        let path = Some(handler.path.clone()).filter(|path| !path.is_empty() && path != "/");
        let version = Some(u64::from(handler.proxy_protocol)).filter(|version| *version != 0);
        Self {
            service: Field::from(handler.service.clone()),
            listen: Field::Known(u64::from(handler.listen)),
            protocol: handler.protocol.word().into(),
            path: Field::from(path),
            target: handler.target.clone().into(),
            proxy_protocol: Field::from(version),
        }
    }
}

impl ServeModel {
    /// The handlers that are asked for; `None` while something about them is unknown.
    pub(super) fn handlers(&self) -> Option<BTreeSet<Handler>> {
        if self.handler.is_unknown() {
            return None;
        }
        self.handler.known().into_iter().flatten().map(HandlerBlock::handler).collect()
    }

    /// The services that these handlers belong to.
    pub(super) fn services_of(handlers: &BTreeSet<Handler>) -> BTreeSet<String> {
        handlers.iter().filter_map(|handler| handler.service.clone()).collect()
    }

    /// Takes over what is served, and which of its services the host offers. What means the same in other
    /// words keeps its own.
    pub(super) fn observe(&mut self, config: &ServeConfig, names: &Names, offered: &[String]) {
        let handlers = config.handlers(names);
        if self.handlers().as_ref() != Some(&handlers) {
            self.handler = Field::Known(handlers.iter().map(HandlerBlock::of).collect());
        }
        self.urls = Field::Known(handlers.iter().map(|handler| names.url(handler)).collect());
        let services = Self::services_of(&handlers);
        self.services = Field::Known(services.into_iter().filter(|name| offered.contains(name)).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names { machine: "web.tail.ts.net".into(), suffix: "tail.ts.net".into() }
    }

    fn block(listen: u64, path: Option<&str>) -> HandlerBlock {
        HandlerBlock {
            listen: Field::Known(listen),
            protocol: "https".into(),
            path: Field::from(path.map(str::to_owned)),
            target: "http://127.0.0.1:1".into(),
            ..HandlerBlock::default()
        }
    }

    #[test]
    fn what_means_the_same_keeps_its_words() {
        let written = vec![block(443, Some("/")), block(8443, None)];
        let mut model = ServeModel { handler: Field::Known(written.clone()), ..ServeModel::default() };
        let config = ServeConfig::default().steps(&model.handlers().unwrap(), &names()).pop().unwrap();
        model.observe(&config, &names(), &[]);
        assert_eq!(model.handler, Field::Known(written));
        let mut imported = ServeModel::default();
        imported.observe(&config, &names(), &[]);
        assert_eq!(imported.handler, Field::Known(vec![block(443, None), block(8443, None)]));
        assert_eq!(imported.urls.known().unwrap()[1], "https://web.tail.ts.net:8443/");
    }

    #[test]
    fn only_services_that_are_offered_count() {
        let api = HandlerBlock { service: "svc:api".into(), ..block(443, None) };
        let mut model = ServeModel { handler: Field::Known(vec![api]), ..ServeModel::default() };
        let config = ServeConfig::default().steps(&model.handlers().unwrap(), &names()).pop().unwrap();
        model.observe(&config, &names(), &["svc:other".to_owned()]);
        assert_eq!(model.services, Field::Known(BTreeSet::new()));
        model.observe(&config, &names(), &["svc:api".to_owned()]);
        assert_eq!(model.services, Field::Known(BTreeSet::from(["svc:api".to_owned()])));
    }

    #[test]
    fn unknown_handlers_are_none_yet() {
        let unknown = HandlerBlock { target: Field::Unknown, ..block(443, None) };
        let model = ServeModel { handler: Field::Known(vec![unknown]), ..ServeModel::default() };
        assert_eq!(model.handlers(), None);
    }
}
