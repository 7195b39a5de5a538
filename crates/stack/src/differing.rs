//! Which files of a stack are on its host as they are here, where nobody of ours has put them there.

use std::collections::{BTreeMap, BTreeSet};

use remote::files::Facts;
use tree::{FileDigest, link_digest, sha256};

use crate::{error::Error, host::Host, spec::StackSpec};

/// The bits by which a file is a program.
const EXECUTABLE: u32 = 0o111;

/// The files that `spec` brings to `directory` and that are not there with the same content, relative to
/// that. Who owns them, and who may read them, does not count; nor do secret files, which nobody here has.
///
/// # Errors
/// When the host cannot be asked.
pub async fn differing_files(
    host: &Host,
    spec: &StackSpec,
    directory: &str,
) -> Result<BTreeSet<String>, Error> {
    let wanted = wanted(spec);
    let places: Vec<String> = wanted.keys().map(|path| format!("{directory}/{path}")).collect();
    let found = if places.is_empty() { BTreeMap::new() } else { host.files().stat(&places).await? };
    let differs = |(path, wanted): &(String, FileDigest)| {
        found.get(&format!("{directory}/{path}")).is_none_or(|facts| !is_same(wanted, facts))
    };
    Ok(wanted.into_iter().filter(differs).map(|(path, _)| path).collect())
}

/// The files that tell something, by their paths.
fn wanted(spec: &StackSpec) -> BTreeMap<String, FileDigest> {
    let mut wanted = spec.source.manifest().files;
    wanted.retain(|path, _| !spec.source.seeds.contains(path));
    let own = spec.own_env.as_ref().map(|text| FileDigest { sha256: sha256(text.as_bytes()), mode: 0o600 });
    wanted.extend(own.map(|own| (spec.layout("/").env_path(), own)));
    wanted
}

fn is_same(wanted: &FileDigest, facts: &Facts) -> bool {
    if let Some(target) = &facts.link {
        return link_digest(target) == *wanted;
    }
    let is_program = |mode: u32| mode & EXECUTABLE != 0;
    !wanted.is_link()
        && facts.sha256.as_ref() == Some(&wanted.sha256)
        && is_program(facts.mode) == is_program(wanted.mode)
}

#[cfg(test)]
mod tests {
    use remote::files::Kind;
    use tree::Tree;

    use super::*;

    fn facts(text: &str, mode: u32, link: Option<&str>) -> Facts {
        let kind = if link.is_some() { Kind::Symlink } else { Kind::File };
        let sha256 = link.is_none().then(|| sha256(text.as_bytes()));
        let link = link.map(str::to_owned);
        let (owner, group) = ("root".to_owned(), "root".to_owned());
        Facts { kind, mode, owner, group, uid: 0, gid: 0, size: 1, sha256, link }
    }

    #[test]
    fn the_content_counts_and_whether_it_is_a_program() {
        let wanted = FileDigest { sha256: sha256(b"a"), mode: 0o644 };
        assert!(is_same(&wanted, &facts("a", 0o600, None)));
        assert!(!is_same(&wanted, &facts("b", 0o644, None)) && !is_same(&wanted, &facts("a", 0o755, None)));
        assert!(!is_same(&wanted, &facts("", 0o777, Some("a"))));
        let link = link_digest("a");
        assert!(
            is_same(&link, &facts("", 0o777, Some("a"))) && !is_same(&link, &facts("", 0o777, Some("b")))
        );
    }

    #[test]
    fn seeds_are_what_the_host_makes_of_them_and_the_own_env_counts() {
        let mut source = Tree::default();
        for (path, text) in [("compose.yaml", "services: {}"), ("acme.json", "{}"), (".env", "A=1")] {
            source.lay_over(path, text);
        }
        source.seed(&["acme.json".to_owned()]).unwrap();
        let files = vec!["compose.yaml".to_owned()];
        let spec = StackSpec { source, files, ..StackSpec::default() };
        let spec = spec.with_dotenv(crate::Dotenv::OfProject).unwrap();
        assert_eq!(wanted(&spec).into_keys().collect::<Vec<_>>(), [".env", "compose.yaml"]);
    }
}
