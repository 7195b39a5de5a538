//! Hosts, stacks, services and stores, and what needs what: a graph in columns, from what is needed
//! to what needs it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::action::Action;
use super::place::Places;
use super::read::plan::{Plan, ResourceChange};
use super::references::without_indices;
use super::secrets::Secrets;
use super::services::is_stack;

/// The graph.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// What is in it.
    pub nodes: Vec<Node>,
    /// From what is needed to what needs it, by number.
    pub edges: Vec<(usize, usize)>,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is called.
    pub label: String,
    /// What it is.
    pub kind: String,
    /// What becomes of it; `None` for nothing.
    pub action: Option<Action>,
    /// Its column, from 0.
    pub column: usize,
}

/// More than that nobody can look at.
const MOST: usize = 150;

impl Picture {
    /// That of a plan. `told` is what becomes of whom.
    pub fn of(plan: &Plan, places: &Places, told: &BTreeMap<String, Action>, secrets: &Secrets) -> Self {
        let mut builder = Builder { places, told, secrets, picture: Self::default(), known: BTreeMap::new() };
        let resources =
            plan.resource_changes.iter().filter(|one| one.mode != "data" && one.deposed.is_none());
        resources.clone().take(MOST).for_each(|one| builder.resource(one));
        resources.take(MOST).for_each(|one| builder.edges(one));
        let mut picture = builder.picture;
        picture.edges.sort_unstable();
        picture.edges.dedup();
        picture.arrange();
        picture
    }

    /// Puts everything to the right of what it needs.
    fn arrange(&mut self) {
        // Of a circle, which a configuration has not, the rest is where it was.
        for _ in 0..self.nodes.len() {
            let mut moved = false;
            for &(from, to) in &self.edges {
                let wanted = self.nodes[from].column + 1;
                if self.nodes[to].column < wanted && wanted < self.nodes.len() {
                    self.nodes[to].column = wanted;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }
}

struct Builder<'a> {
    places: &'a Places,
    told: &'a BTreeMap<String, Action>,
    secrets: &'a Secrets,
    picture: Picture,
    /// Numbers of nodes, by address; stores by their name.
    known: BTreeMap<String, usize>,
}

impl Builder<'_> {
    fn node(&mut self, key: String, label: &str, kind: &str, action: Option<Action>) -> usize {
        if let Some(at) = self.known.get(&key) {
            return *at;
        }
        let at = self.picture.nodes.len();
        let label = self.secrets.mask(label);
        self.picture.nodes.push(Node { label, kind: kind.to_owned(), action, column: 0 });
        self.known.insert(key, at);
        at
    }

    fn resource(&mut self, of: &ResourceChange) {
        let action = self.told.get(&of.address).copied();
        let label = match of.r#type.as_str() {
            "windlass_host" => self.places.host(&of.address).unwrap_or(&of.address).to_owned(),
            kind if is_stack(kind) => value(of, "name").unwrap_or_else(|| of.address.clone()),
            _ => of.address.clone(),
        };
        let at = self.node(of.address.clone(), &label, kind(of), action);
        for (name, action) in services(of) {
            let service = self.node(format!("{}/{name}", of.address), &name, "service", action);
            self.picture.edges.push((at, service));
        }
        for store in stores(of) {
            let store = self.node(format!("store {store}"), &store, "store", None);
            self.picture.edges.push((at, store));
        }
    }

    fn edges(&mut self, of: &ResourceChange) {
        let Some(&to) = self.known.get(&of.address) else { return };
        let named = self.places.references().all(&without_indices(&of.address));
        let named: BTreeSet<String> = named.into_iter().map(str::to_owned).collect();
        let from: Vec<usize> = self
            .known
            .iter()
            .filter(|(address, _)| named.contains(&without_indices(address)))
            .map(|(_, at)| *at)
            .filter(|at| *at != to)
            .collect();
        self.picture.edges.extend(from.into_iter().map(|from| (from, to)));
    }
}

fn kind(of: &ResourceChange) -> &str {
    match of.r#type.as_str() {
        "windlass_host" => "host",
        kind if is_stack(kind) => "stack",
        kind => kind,
    }
}

fn value(of: &ResourceChange, name: &str) -> Option<String> {
    let text = |from: &Value| from.get(name).and_then(Value::as_str).map(str::to_owned);
    text(&of.change.after).or_else(|| text(&of.change.before))
}

fn services(of: &ResourceChange) -> Vec<(String, Option<Action>)> {
    let map = |value: &Value| value.get("services").and_then(Value::as_object).cloned().unwrap_or_default();
    let names: BTreeSet<String> =
        [map(&of.change.before), map(&of.change.after)].into_iter().flatten().map(|(name, _)| name).collect();
    let changed = super::services::changes(of);
    let action = |name: &String| {
        let found = changed.iter().find(|one| one.name == *name)?;
        Some(match found.what {
            "created" => Action::Create,
            "removed" => Action::Destroy,
            _ if found.replaces => Action::Replace { new_first: false },
            _ => Action::Update,
        })
    };
    if !is_stack(&of.r#type) {
        return Vec::new();
    }
    names
        .into_iter()
        .map(|name| {
            let action = action(&name);
            (name, action)
        })
        .collect()
}

/// Where the snapshots of something live.
fn stores(of: &ResourceChange) -> Vec<String> {
    if !of.r#type.starts_with("windlass_corpus_") {
        return Vec::new();
    }
    let copies =
        [&of.change.after, &of.change.before].into_iter().find_map(|one| one.get("copies")?.as_array());
    let copies = copies.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    value(of, "store").into_iter().chain(copies).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_needs_something_is_to_the_right_of_it() {
        let plan: Plan = serde_json::from_value(json!({
            "resource_changes": [
                { "address": "windlass_compose_stack.shop", "mode": "managed", "type": "windlass_compose_stack",
                  "change": { "after": { "name": "shop", "services": { "web": { "image": "n" } } } } },
                { "address": "windlass_host.web", "mode": "managed", "type": "windlass_host",
                  "change": { "after": { "address": "web.example.org" } } },
                { "address": "hcloud_server.web[0]", "mode": "managed", "type": "hcloud_server" },
                { "address": "windlass_corpus_backup.data", "mode": "managed", "type": "windlass_corpus_backup",
                  "change": { "after": { "store": "s3://b/p", "copies": ["file:///mnt"] } } },
            ],
            "configuration": { "root_module": { "resources": [
                { "address": "windlass_host.web", "expressions": { "address": { "references": ["hcloud_server.web[0].ip"] } } },
                { "address": "windlass_compose_stack.shop", "expressions": { "host": { "references": ["windlass_host.web"] } } },
            ] } },
        }))
        .unwrap();
        let told = [("windlass_compose_stack.shop".to_owned(), Action::Create)].into();
        let picture = Picture::of(&plan, &Places::of(&plan), &told, &Secrets::of(&plan));
        let mut nodes: Vec<String> =
            picture.nodes.iter().map(|one| format!("{} {} {}", one.column, one.kind, one.label)).collect();
        nodes.sort();
        assert_eq!(
            nodes,
            [
                "0 hcloud_server hcloud_server.web[0]",
                "0 windlass_corpus_backup windlass_corpus_backup.data",
                "1 host web.example.org",
                "1 store file:///mnt",
                "1 store s3://b/p",
                "2 stack shop",
                "3 service web",
            ]
        );
    }
}
