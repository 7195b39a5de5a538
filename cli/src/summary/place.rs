//! Where something is: the host, the swarm, the tailnet or the provider that a change belongs to.

use std::collections::BTreeMap;

use remote::Connection;
use serde_json::Value;

use super::read::plan::{Plan, ResourceChange};
use super::references::{References, without_indices};

/// How hosts and other places of a plan are called.
#[derive(Debug, Default)]
pub struct Places {
    references: References,
    /// The names of hosts, by the address of their resource without indices.
    hosts: BTreeMap<String, String>,
}

/// A place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A machine.
    Host(String),
    /// A swarm, by its managers.
    Swarm(String),
    /// A tailnet.
    Tailnet,
    /// What another provider has.
    Provider(String),
}

impl Place {
    /// As a heading.
    pub fn name(&self) -> String {
        match self {
            Self::Host(name) => format!("Host {name}"),
            Self::Swarm(managers) => format!("Swarm of {managers}"),
            Self::Tailnet => "Tailnet".into(),
            Self::Provider(name) => format!("Provider {name}"),
        }
    }
}

/// The machine that a connection leads to.
pub fn host_of(connection: &str) -> Option<String> {
    match connection.parse::<Connection>().ok()? {
        Connection::Local(_) => Some("this machine".into()),
        Connection::Ssh(ssh) => Some(match ssh.target.port {
            Some(port) => format!("{}:{port}", ssh.target.host),
            None => ssh.target.host,
        }),
    }
}

/// The machine that a connection leads to, whatever its port.
pub fn machine_of(connection: &str) -> Option<String> {
    match connection.parse::<Connection>().ok()? {
        Connection::Local(_) => Some(String::new()),
        Connection::Ssh(ssh) => Some(ssh.target.host),
    }
}

impl Places {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut places = Self { references: References::of(&plan.configuration), ..Self::default() };
        for change in plan.resource_changes.iter().filter(|one| one.r#type == "windlass_host") {
            let name = own_name(change).unwrap_or_else(|| change.address.clone());
            places.hosts.insert(without_indices(&change.address), name);
        }
        places
    }

    /// What names what.
    pub const fn references(&self) -> &References {
        &self.references
    }

    /// The name of the host that an address is a resource of.
    pub fn host(&self, address: &str) -> Option<&str> {
        self.hosts.get(&without_indices(address)).map(String::as_str)
    }

    /// Where a change belongs.
    pub fn place(&self, change: &ResourceChange) -> Place {
        if change.r#type == "windlass_host" {
            return Place::Host(own_name(change).unwrap_or_else(|| change.address.clone()));
        }
        if let Some(name) = self.named(change, "host").into_iter().next() {
            return Place::Host(name);
        }
        let managers = self.named(change, "managers");
        if !managers.is_empty() {
            return Place::Swarm(managers.join(", "));
        }
        if change.r#type.starts_with("windlass_tailnet_") {
            return Place::Tailnet;
        }
        let name = change.provider_name.rsplit('/').next().unwrap_or_default();
        Place::Provider(if name.is_empty() { change.r#type.clone() } else { name.to_owned() })
    }

    /// The hosts that an argument leads to: by its value, else by what it names.
    fn named(&self, change: &ResourceChange, argument: &str) -> Vec<String> {
        for value in [&change.change.after, &change.change.before] {
            let found: Vec<String> = match value.get(argument) {
                Some(Value::String(text)) => host_of(text).into_iter().collect(),
                Some(Value::Array(list)) => {
                    list.iter().filter_map(Value::as_str).filter_map(host_of).collect()
                }
                _ => Vec::new(),
            };
            if !found.is_empty() {
                return found;
            }
        }
        let own = without_indices(&change.address);
        let named = self.references.by_argument(&own, argument);
        named.filter_map(|address| self.host(address)).map(str::to_owned).collect()
    }
}

fn own_name(change: &ResourceChange) -> Option<String> {
    let value = |from: &Value| from.get("address").and_then(Value::as_str).map(str::to_owned);
    let address = value(&change.change.after).or_else(|| value(&change.change.before))?;
    let port =
        [&change.change.after, &change.change.before].into_iter().find_map(|one| one.get("port")?.as_u64());
    // As `host_of` has it of its connection, also in how an IPv6 address is written.
    let bracketed = if address.contains(':') { format!("[{address}]") } else { address.clone() };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    host_of(&format!("ssh://{bracketed}{port}")).or(Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan() -> Plan {
        serde_json::from_value(json!({
            "resource_changes": [
                { "address": "windlass_host.web[\"a\"]", "type": "windlass_host", "change": { "after": { "address": "Web.example.org", "port": 22 } } },
                { "address": "windlass_compose_stack.shop", "type": "windlass_compose_stack", "change": { "after": {} } },
            ],
            "configuration": { "root_module": { "resources": [
                { "address": "windlass_compose_stack.shop", "expressions": { "host": { "references": ["windlass_host.web[\"a\"].connection"] } } },
                { "address": "windlass_swarm.s", "expressions": { "managers": { "references": ["windlass_host.web"] } } },
            ] } },
        }))
        .unwrap()
    }

    #[test]
    fn a_host_that_is_not_known_yet_is_named_by_its_resource() {
        let plan = plan();
        let places = Places::of(&plan);
        let place = |at: usize| places.place(&plan.resource_changes[at]);
        assert_eq!(place(0), Place::Host("web.example.org".into()));
        assert_eq!(place(1), place(0));
        let swarm: ResourceChange =
            serde_json::from_value(json!({ "address": "windlass_swarm.s", "type": "windlass_swarm" }))
                .unwrap();
        assert_eq!(places.place(&swarm).name(), "Swarm of web.example.org");
    }

    #[test]
    fn connections_are_named_by_their_machine() {
        assert_eq!(
            host_of("ssh://deploy@web.example.org:2222?sudo=1").as_deref(),
            Some("web.example.org:2222")
        );
        assert_eq!(host_of("local://").as_deref(), Some("this machine"));
        assert_eq!(host_of("web"), None);
        let other: ResourceChange = serde_json::from_value(json!({
            "type": "hcloud_server", "provider_name": "registry.opentofu.org/hetznercloud/hcloud"
        }))
        .unwrap();
        assert_eq!(Places::default().place(&other).name(), "Provider hcloud");
    }
}
