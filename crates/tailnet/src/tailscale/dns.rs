//! DNS, in four parts that have a call each.

use serde::Deserialize;
use serde_json::json;

use super::Tailscale;
use crate::{
    Dns, DnsChange, Error, SplitDns,
    transport::{Call, Client},
};

const READ: &str = "read the DNS settings";
const SET: &str = "set the DNS settings";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Part {
    #[serde(rename = "magicDNS")]
    magic_dns: bool,
    dns: Vec<String>,
    search_paths: Vec<String>,
}

impl Tailscale {
    pub(super) async fn read_dns(&self) -> Result<Dns, Error> {
        let part = |name: &str| Call::get(READ, self.path(&format!("dns/{name}")));
        let preferences: Part = self.answer(&part("preferences")).await?;
        let nameservers: Part = self.answer(&part("nameservers")).await?;
        let search_paths: Part = self.answer(&part("searchpaths")).await?;
        let split: SplitDns = self.answer(&part("split-dns")).await?;
        Ok(Dns {
            magic_dns: preferences.magic_dns,
            nameservers: nameservers.dns,
            search_paths: search_paths.search_paths,
            split: split.into_iter().filter(|(_, servers)| !servers.is_empty()).collect(),
        })
    }

    /// Every change says how it shall be, so that asking twice does no harm.
    pub(super) async fn set_dns(&self, change: &DnsChange) -> Result<(), Error> {
        let (method, part, body) = match change {
            DnsChange::MagicDns(on) => ("POST", "preferences", json!({"magicDNS": on})),
            DnsChange::Nameservers(servers) => ("POST", "nameservers", json!({"dns": servers})),
            DnsChange::SearchPaths(paths) => ("POST", "searchpaths", json!({"searchPaths": paths})),
            DnsChange::Domains(domains) => {
                let servers =
                    |servers: &Vec<String>| if servers.is_empty() { json!(null) } else { json!(servers) };
                let body: serde_json::Map<_, _> =
                    domains.iter().map(|(domain, list)| (domain.clone(), servers(list))).collect();
                ("PATCH", "split-dns", body.into())
            }
            DnsChange::AllDomains(domains) => ("PUT", "split-dns", json!(domains)),
        };
        let path = self.path(&format!("dns/{part}"));
        self.carry_out(&Call::with_method(method, SET, path).json(&body).repeatable()).await
    }
}
