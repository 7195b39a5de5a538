//! Which images a stack has used, so that the old ones can go.
//!
//! Only what is in the history of a stack is ever removed for it: neither the base images of what
//! it builds nor anything that it never ran.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use docker::{engine::Image, registry::tagged};

use crate::kept_images;

/// Images: id to the references by which the stack used them.
pub type Used = BTreeMap<String, BTreeSet<String>>;

/// The images of a stack through time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageHistory {
    /// What good applies used, the last one first.
    pub generations: Vec<Used>,
    /// What no kept generation uses and is still to be removed: of older ones, and of applies that
    /// failed.
    pub old: Used,
}

impl ImageHistory {
    /// Takes note of a good apply that uses `now`, and keeps `keep` generations with it.
    pub fn advance(&mut self, now: Used, keep: usize) {
        self.generations.retain(|used| *used != now);
        self.generations.insert(0, now);
        let dropped = self.generations.split_off(keep.max(1).min(self.generations.len()));
        dropped.into_iter().for_each(|used| merge(&mut self.old, used));
        self.forget_kept();
    }

    /// Takes note of a failed apply that has brought `tried` to the host.
    pub fn attempt(&mut self, tried: Used) {
        merge(&mut self.old, tried);
        self.forget_kept();
    }

    /// Everything that the stack may still want.
    pub fn kept(&self) -> BTreeSet<&String> {
        self.generations.iter().flat_map(BTreeMap::keys).collect()
    }

    fn forget_kept(&mut self) {
        let kept: BTreeSet<String> = self.kept().into_iter().cloned().collect();
        self.old.retain(|id, _| !kept.contains(id));
    }
}

fn merge(into: &mut Used, from: Used) {
    for (id, references) in from {
        into.entry(id).or_default().extend(references);
    }
}

/// What has to be removed so that `image` goes as far as the stack `project` used it by
/// `references`: their tags and the one that holds it, or the image by its id where it has no tags
/// at all.
pub fn names_to_remove(image: &Image, references: &BTreeSet<String>, project: &str) -> Vec<String> {
    if image.tags.is_empty() {
        return vec![image.id.clone()];
    }
    let mut ours: BTreeSet<String> = references.iter().map(|reference| tagged(reference)).collect();
    ours.insert(kept_images::name(project, &image.id));
    image.tags.iter().filter(|tag| ours.contains(&tagged(tag))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(entries: &[(&str, &str)]) -> Used {
        let mut used = Used::new();
        for (id, reference) in entries {
            used.entry((*id).to_owned()).or_default().insert((*reference).to_owned());
        }
        used
    }

    fn old(history: &ImageHistory) -> Vec<&str> {
        history.old.keys().map(String::as_str).collect()
    }

    #[test]
    fn old_generations_go_but_what_kept_ones_share_with_them() {
        let mut history = ImageHistory::default();
        for (app, db) in [("a1", "db"), ("a2", "db"), ("a2", "db"), ("a3", "db")] {
            history.advance(used(&[(app, "app:1"), (db, "db:1")]), 2);
        }
        assert_eq!(history.generations.len(), 2);
        assert_eq!(old(&history), ["a1"]);
        history.advance(used(&[("a2", "app:1"), ("db", "db:1")]), 2);
        assert_eq!((history.generations.len(), old(&history)), (2, vec!["a1"]));
        history.advance(used(&[("a1", "app:1")]), 1);
        assert_eq!((history.generations.len(), old(&history)), (1, vec!["a2", "a3", "db"]));
    }

    #[test]
    fn what_failed_goes_after_the_next_good_apply() {
        let mut history = ImageHistory::default();
        history.advance(used(&[("a1", "app:1")]), 2);
        history.attempt(used(&[("a1", "app:1"), ("a2", "app:2")]));
        assert_eq!(old(&history), ["a2"]);
        history.advance(used(&[("a2", "app:2")]), 2);
        assert!(history.old.is_empty());
    }

    #[test]
    fn only_our_tags_go() {
        let image = |tags: &[&str]| Image {
            id: "sha256:1111111111111111".into(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Image::default()
        };
        let references =
            BTreeSet::from(["docker.io/library/app".to_owned(), "reg:5000/x:2@sha256:aa".to_owned()]);
        assert_eq!(names_to_remove(&image(&[]), &references, "web"), ["sha256:1111111111111111"]);
        assert_eq!(names_to_remove(&image(&["app:latest", "app:1"]), &references, "web"), ["app:latest"]);
        assert_eq!(
            names_to_remove(&image(&["reg:5000/x:2", "reg:5000/y:2"]), &references, "web"),
            ["reg:5000/x:2"]
        );
        let held = "windlass.invalid/kept:web-111111111111";
        let others = "windlass.invalid/kept:shop-111111111111";
        assert_eq!(names_to_remove(&image(&[held, others]), &references, "web"), [held]);
        assert!(names_to_remove(&image(&["other:1"]), &references, "web").is_empty());
    }
}
