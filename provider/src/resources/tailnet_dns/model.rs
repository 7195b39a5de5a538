//! The attributes of `windlass_tailnet_dns`, and how the server's DNS becomes attributes.

use framework::{Field, Model};
use tailnet::{Dns, DnsChange, SplitDns};

#[derive(Clone, Debug, Default, PartialEq, Model)]
pub(crate) struct DnsModel {
    pub(crate) tailnet: Field<String>,
    pub(crate) magic_dns: Field<bool>,
    pub(crate) nameservers: Field<Vec<String>>,
    pub(crate) search_paths: Field<Vec<String>>,
    pub(crate) split_dns: Field<SplitDns>,
    pub(crate) remove_other_domains: Field<bool>,
    pub(crate) adopt_existing: Field<bool>,
    pub(crate) on_destroy: Field<String>,
}

impl DnsModel {
    /// Takes over what the server has: of the domains those that are ours.
    pub(super) fn observe(&mut self, dns: &Dns) {
        self.magic_dns = dns.magic_dns.into();
        self.nameservers = dns.nameservers.clone().into();
        self.search_paths = dns.search_paths.clone().into();
        let has_all = self.remove_other_domains.is_true();
        if let Some(domains) = self.split_dns.known_mut() {
            let ours = dns.split.iter().filter(|(domain, _)| has_all || domains.contains_key(*domain));
            *domains = ours.map(|(domain, servers)| (domain.clone(), servers.clone())).collect();
        }
        for (flag, usual) in [(&mut self.remove_other_domains, false), (&mut self.adopt_existing, false)] {
            *flag = std::mem::take(flag).or(usual.into());
        }
        self.on_destroy = std::mem::take(&mut self.on_destroy).or("keep".into());
    }

    /// What has to be changed to be as planned, where `prior` had these domains. MagicDNS comes last:
    /// a tailnet without nameservers loses it.
    pub(super) fn changes(&self, prior: Option<&Self>, dns: &Dns) -> Vec<DnsChange> {
        let mut changes = Vec::new();
        let mut magic_dns = dns.magic_dns;
        if let Some(servers) = self.nameservers.known().filter(|servers| **servers != dns.nameservers) {
            magic_dns &= !servers.is_empty();
            changes.push(DnsChange::Nameservers(servers.clone()));
        }
        if let Some(paths) = self.search_paths.known().filter(|paths| **paths != dns.search_paths) {
            changes.push(DnsChange::SearchPaths(paths.clone()));
        }
        changes.extend(self.change_of_domains(prior, dns));
        if let Some(on) = self.magic_dns.known().filter(|on| **on != magic_dns) {
            changes.push(DnsChange::MagicDns(*on));
        }
        changes
    }

    fn change_of_domains(&self, prior: Option<&Self>, dns: &Dns) -> Option<DnsChange> {
        let wanted = self.split_dns.clone().known_or_default();
        if self.remove_other_domains.is_true() && self.split_dns.is_known() {
            return (wanted != dns.split).then_some(DnsChange::AllDomains(wanted));
        }
        let had = prior.and_then(|prior| prior.split_dns.known());
        let gone = had.into_iter().flat_map(|had| had.keys()).filter(|domain| !wanted.contains_key(*domain));
        let mut parts: SplitDns = gone
            .filter(|domain| dns.split.contains_key(*domain))
            .map(|domain| (domain.clone(), Vec::new()))
            .collect();
        parts.extend(wanted.into_iter().filter(|(domain, servers)| dns.split.get(domain) != Some(servers)));
        (!parts.is_empty()).then_some(DnsChange::Domains(parts))
    }

    /// What a change would overwrite that `seen` did not show, one line each.
    pub(super) fn unseen(&self, seen: Option<&Self>, dns: &Dns) -> Vec<String> {
        let list = |name: &str,
                    planned: &Field<Vec<String>>,
                    seen: Option<&Field<Vec<String>>>,
                    now: &Vec<String>| {
            let seen = seen.and_then(Field::known).cloned().unwrap_or_default();
            let changes = planned.known().is_some_and(|planned| planned != now);
            (changes && *now != seen).then(|| format!("{name}: {}", in_words(now)))
        };
        let mut lines = Vec::new();
        lines.extend(list(
            "nameservers",
            &self.nameservers,
            seen.map(|seen| &seen.nameservers),
            &dns.nameservers,
        ));
        lines.extend(list(
            "search_paths",
            &self.search_paths,
            seen.map(|seen| &seen.search_paths),
            &dns.search_paths,
        ));
        let wanted = self.split_dns.clone().known_or_default();
        let known = seen.and_then(|seen| seen.split_dns.known());
        let had_all = seen.is_none_or(|seen| seen.remove_other_domains.is_true());
        let takes_all = self.remove_other_domains.is_true() && self.split_dns.is_known() && had_all;
        for (domain, servers) in &dns.split {
            let known = known.and_then(|known| known.get(domain));
            let changes = match wanted.get(domain) {
                Some(wanted) => wanted != servers,
                None => takes_all || known.is_some(),
            };
            if changes && known != Some(servers) {
                lines.push(format!("split_dns of {domain}: {}", in_words(servers)));
            }
        }
        lines
    }

    /// Nothing of what is managed.
    pub(super) fn emptied(&self) -> Self {
        let none = |field: &Field<Vec<String>>| field.as_ref().map(|_| Vec::new());
        Self {
            magic_dns: Field::Null,
            nameservers: none(&self.nameservers),
            search_paths: none(&self.search_paths),
            split_dns: self.split_dns.as_ref().map(|_| SplitDns::new()),
            ..self.clone()
        }
    }
}

fn in_words(list: &[String]) -> String {
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(domains: &[(&str, &str)]) -> SplitDns {
        domains.iter().map(|(domain, server)| ((*domain).to_owned(), vec![(*server).to_owned()])).collect()
    }

    fn theirs() -> Dns {
        Dns {
            magic_dns: true,
            nameservers: vec!["1.1.1.1".into()],
            split: split(&[("a", "10.0.0.1")]),
            ..Dns::default()
        }
    }

    fn ours(domains: &[(&str, &str)]) -> DnsModel {
        DnsModel { split_dns: Field::Known(split(domains)), ..DnsModel::default() }
    }

    #[test]
    fn a_domain_is_owned_alone_and_the_others_stay() {
        let model = ours(&[("b", "10.0.0.2")]);
        assert_eq!(model.changes(None, &theirs()), [DnsChange::Domains(split(&[("b", "10.0.0.2")]))]);
        let mut dns = theirs();
        dns.split.extend(split(&[("b", "10.0.0.2")]));
        assert_eq!(model.changes(None, &dns), []);
        let gone = [("b".to_owned(), Vec::new())].into_iter().collect();
        assert_eq!(ours(&[]).changes(Some(&model), &dns), [DnsChange::Domains(gone)]);
        let mut observed = model;
        observed.observe(&dns);
        assert_eq!(observed.split_dns, Field::Known(split(&[("b", "10.0.0.2")])));
        let whole = DnsModel { remove_other_domains: true.into(), ..ours(&[("b", "10.0.0.2")]) };
        assert_eq!(whole.changes(None, &dns), [DnsChange::AllDomains(split(&[("b", "10.0.0.2")]))]);
        assert_eq!(whole.unseen(None, &dns), ["split_dns of a: 10.0.0.1"]);
    }

    #[test]
    fn what_nobody_has_seen_is_not_overwritten() {
        let model = DnsModel { nameservers: vec!["9.9.9.9".to_owned()].into(), ..ours(&[("a", "10.0.0.9")]) };
        assert_eq!(model.unseen(None, &theirs()), ["nameservers: 1.1.1.1", "split_dns of a: 10.0.0.1"]);
        let mut seen = model.clone();
        seen.observe(&theirs());
        assert_eq!(model.unseen(Some(&seen), &theirs()), Vec::<String>::new());
        let edited = Dns { nameservers: vec!["8.8.8.8".into()], ..theirs() };
        assert_eq!(model.unseen(Some(&seen), &edited), ["nameservers: 8.8.8.8"]);
    }

    #[test]
    fn magic_dns_is_set_after_what_switches_it_off() {
        let model =
            DnsModel { magic_dns: true.into(), nameservers: Field::Known(Vec::new()), ..DnsModel::default() };
        let changes = [DnsChange::Nameservers(Vec::new()), DnsChange::MagicDns(true)];
        assert_eq!(model.changes(None, &theirs()), changes);
    }
}
