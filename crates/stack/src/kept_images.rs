//! Names that hold the images which a stack may go back to.
//!
//! Where images are containerd's (a fresh installation of Docker 29 and later) an image is there only
//! as long as it has a name: fetching or building another one by the same name takes the first away,
//! also from under the containers that run it. Elsewhere it stays without a name, until somebody's
//! `docker image prune`. So what may be wanted again gets a name of ours.

use std::collections::{BTreeMap, BTreeSet};

use docker::Engine;

use crate::error::Error;

/// The repository of these names. No registry is ever asked for it: names below `invalid` lead
/// nowhere (RFC 2606 §2).
pub const REPOSITORY: &str = "windlass.invalid/kept";

/// How much of a project's name and of an image's id is in a tag, which may have 128 characters.
const PROJECT: usize = 100;
const ID: usize = 12;

/// The name by which the Compose project `project` holds the image `id` (`sha256:…`).
pub fn name(project: &str, id: &str) -> String {
    let id = id.rsplit(':').next().unwrap_or_default();
    format!("{}{}", prefix(project), &id[..id.len().min(ID)])
}

/// The images to hold, each with its name, of what references mean (`images`, reference to id). One
/// with a digest keeps its image by itself.
pub fn names<'i>(project: &str, images: &'i BTreeMap<String, String>) -> BTreeMap<&'i str, String> {
    let moving = images.iter().filter(|(reference, _)| !reference.contains('@'));
    moving.map(|(_, id)| (id.as_str(), name(project, id))).collect()
}

/// Those of `names` by which `project` holds images that are none of `ids`.
pub fn outdated<'n>(
    names: &'n BTreeSet<String>,
    project: &str,
    ids: impl IntoIterator<Item = &'n String>,
) -> Vec<&'n String> {
    let kept: BTreeSet<String> = ids.into_iter().map(|id| name(project, id)).collect();
    let prefix = prefix(project);
    let is_ours = |one: &str| {
        let id = one.strip_prefix(&prefix);
        id.is_some_and(|id| id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    names.iter().filter(|one| is_ours(one) && !kept.contains(*one)).collect()
}

/// Names of projects are ASCII.
fn prefix(project: &str) -> String {
    format!("{REPOSITORY}:{}-", &project[..project.len().min(PROJECT)])
}

/// Lets go of all that the stack `project` holds but `ids`. An image without another name goes with
/// that, unless containers use it.
pub(crate) async fn release_images<'i>(
    engine: &Engine,
    project: &str,
    ids: impl IntoIterator<Item = &'i String>,
) -> Result<(), Error> {
    let names = engine.names_in(REPOSITORY).await?;
    let ids: Vec<String> = ids.into_iter().cloned().collect();
    for name in outdated(&names, project, &ids) {
        engine.remove_image(name).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "sha256:aaaaaaaaaaaaaaaa";
    const B: &str = "sha256:bbbbbbbbbbbbbbbb";

    #[test]
    fn each_image_that_can_lose_its_name_gets_one() {
        let images = [("app:1", A), ("app", A), ("db:1@sha256:dd", B)];
        let images = images.map(|(reference, id)| (reference.to_owned(), id.to_owned())).into();
        let held = "windlass.invalid/kept:web-aaaaaaaaaaaa".to_owned();
        assert_eq!(names("web", &images), BTreeMap::from([(A, held)]));
    }

    #[test]
    fn a_name_is_no_longer_than_a_tag_may_be() {
        let name = name(&"p".repeat(300), A);
        assert_eq!(name.split_once(':').unwrap().1.len(), PROJECT + 1 + ID);
    }

    #[test]
    fn only_the_project_s_own_names_go_and_only_what_is_not_kept() {
        let names: BTreeSet<String> = [
            name("web", A),
            name("web", B),
            name("web-aaaaaaaaaaaa", A),
            name("web-2", A),
            format!("{REPOSITORY}:web-latest"),
            "other/kept:web-aaaaaaaaaaaa".to_owned(),
        ]
        .into();
        assert_eq!(outdated(&names, "web", &[A.to_owned()]), [&name("web", B)]);
        assert_eq!(outdated(&names, "web", &[]), [&name("web", A), &name("web", B)]);
    }
}
