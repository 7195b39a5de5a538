//! Circles of imports: modules of one crate none of which can be read, tested
//! or moved without the others.
//!
//! A module and what it is divided into are one thing, and may use each other:
//! a circle counts when none of its modules is above all the others. A parent
//! may thus call its children and they may use its types; what leaves the
//! family and comes back is found, also where it goes through the parent.

use super::Violation;
use super::exceptions::Circle;
use super::modules::{Lead, Place};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One violation per circle, and one per exception that no circle needs.
pub fn check(leads: &[Lead], exceptions: &[Circle]) -> Vec<Violation> {
    let without = |excepted: &dyn Fn(&Circle) -> bool| {
        let is_excepted = |lead: &Lead| exceptions.iter().any(|one| excepted(one) && matches(one, lead));
        Imports::new(leads.iter().filter(|lead| !is_excepted(lead)))
    };
    let circles = without(&|_| true).circles();
    let stale = exceptions.iter().filter(|exception| {
        let imports = without(&|other| !std::ptr::eq(other, *exception));
        let own = imports.uses.iter().filter(|(_, lead)| matches(exception, lead));
        !own.into_iter().any(|(edge, _)| imports.way_back(*edge).is_some())
    });
    circles.iter().map(|circle| violation(circle)).chain(stale.map(Circle::stale)).collect()
}

fn matches(exception: &Circle, lead: &Lead) -> bool {
    let names = |place: &Place, text: &str| place.to_string() == text;
    lead.from.root == exception.root && names(&lead.from, exception.from) && names(&lead.to, exception.to)
}

fn violation(circle: &[&Lead]) -> Violation {
    let uses = circle.iter().map(|lead| {
        let item = lead.item.as_deref().unwrap_or_default();
        format!("{} uses {item} of {} ({}:{})", lead.from, lead.to, lead.file, lead.line)
    });
    let place = circle.first().map_or("", |lead| lead.from.root.as_str());
    Violation::new(place, format!("modules import in a circle: {}", uses.collect::<Vec<_>>().join(", ")))
}

/// From a module to one that it uses.
type Edge<'a> = (&'a Place, &'a Place);

struct Imports<'a> {
    /// The first place where the one uses an item of the other.
    uses: BTreeMap<Edge<'a>, &'a Lead<'a>>,
    next: BTreeMap<&'a Place, BTreeSet<&'a Place>>,
}

impl<'a> Imports<'a> {
    /// A re-export passes a name on and uses nothing itself, nor does the import
    /// of a module: what is named through it does.
    fn new(leads: impl Iterator<Item = &'a Lead<'a>>) -> Self {
        let mut imports = Self { uses: BTreeMap::new(), next: BTreeMap::new() };
        for lead in leads.filter(|lead| lead.item.is_some() && !lead.is_public) {
            imports.uses.entry((&lead.from, &lead.to)).or_insert(lead);
            imports.next.entry(&lead.from).or_default().insert(&lead.to);
        }
        imports
    }

    /// Circles, short ones first, that have no import in common. Breaking them
    /// may show others.
    fn circles(&self) -> Vec<Vec<&'a Lead<'a>>> {
        let mut ways: Vec<Vec<&Place>> = self.uses.keys().filter_map(|edge| self.way_back(*edge)).collect();
        ways.sort_by_key(Vec::len);
        let mut seen: BTreeSet<Edge> = BTreeSet::new();
        let mut circles = Vec::new();
        for way in ways {
            let edges: Vec<Edge> = way.iter().copied().zip(way.iter().copied().cycle().skip(1)).collect();
            if edges.iter().all(|edge| !seen.contains(edge)) {
                circles.push(edges.iter().filter_map(|edge| self.uses.get(edge).copied()).collect());
                seen.extend(edges);
            }
        }
        circles
    }

    /// The shortest way from what is imported back to what imports it, without
    /// what is above both; none where one of the two is above the other.
    fn way_back(&self, (from, to): Edge<'a>) -> Option<Vec<&'a Place>> {
        let above = from.names.iter().zip(&to.names).take_while(|(one, other)| one == other).count();
        if above == from.names.len() || above == to.names.len() {
            return None;
        }
        let is_below =
            |place: &Place| place.names.len() > above && place.names[..above] == from.names[..above];
        let mut came_from = BTreeMap::from([(to, to)]);
        let mut waiting = VecDeque::from([to]);
        while let Some(place) = waiting.pop_front() {
            if place == from {
                let back =
                    std::iter::successors(Some(place), |at| came_from.get(at).copied().filter(|b| b != at));
                let mut way: Vec<&Place> = back.collect();
                way.reverse();
                return Some(way);
            }
            for next in self.next.get(place).into_iter().flatten().filter(|next| is_below(next)) {
                if !came_from.contains_key(next) {
                    came_from.insert(next, place);
                    waiting.push_back(next);
                }
            }
        }
        None
    }
}
