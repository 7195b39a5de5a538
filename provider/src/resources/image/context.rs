//! What an image is built from: the files of a context, or the URL of a repository.

use std::{collections::BTreeSet, fs, path::Path};

use framework::{Diagnostic, Diagnostics, Field};

use super::model::ImageModel;
use crate::failure::tree_error;
use tree::{Dockerignore, Modes, Tree, sha256};

/// The Dockerfile when nobody says otherwise.
const DOCKERFILE: &str = "Dockerfile";
/// The file that names what is no part of the context.
const IGNORE_FILE: &str = ".dockerignore";

/// `source_hash` of what the configuration asks for, and the files of its context.
pub(super) fn hash(config: &ImageModel) -> Result<(Field<String>, Option<Tree>), Diagnostics> {
    match (&config.context, &config.git) {
        (Field::Known(directory), _) => match (&config.dockerfile, &config.file_modes) {
            (Field::Unknown, _) | (_, Field::Unknown) => Ok((Field::Unknown, None)),
            _ => {
                let tree = files(directory, config)?;
                Ok((Field::Known(tree.manifest().hash()), Some(tree)))
            }
        },
        (_, Field::Known(url)) => Ok((Field::Known(sha256(url.as_bytes())), None)),
        _ => Ok((Field::Unknown, None)),
    }
}

/// The files of the context in `directory`, as BuildKit takes them.
pub(super) fn files(directory: &str, image: &ImageModel) -> Result<Tree, Diagnostics> {
    let dockerfile = image.dockerfile.as_str().unwrap_or(DOCKERFILE);
    let modes = Modes::of_word(image.file_modes.as_str());
    let source = Tree::chosen(directory, modes, |root, names| chosen(root, names, dockerfile))
        .map_err(|error| tree_error("context", &error))?;
    if source.files.contains_key(dockerfile) {
        return Ok(source);
    }
    Err(Diagnostic::error(format!("Could not find {dockerfile:?} in {directory:?}"))
        .detail("There is no such file in the context, or it is left out by a .windlassignore.")
        .detail("Nothing was changed.")
        .detail("Name the Dockerfile in `dockerfile`, relative to `context`.")
        .at("dockerfile")
        .into())
}

/// Those of `names` that the context's own exclusions leave in. What says how to build is sent in
/// any case, as docker's client does it.
fn chosen(root: &Path, names: Vec<String>, dockerfile: &str) -> Result<Vec<String>, String> {
    let own = format!("{dockerfile}{IGNORE_FILE}");
    let Some(file) =
        [own.as_str(), IGNORE_FILE].into_iter().find(|file| names.iter().any(|name| name == file))
    else {
        return Ok(names);
    };
    let text = fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
    let ignore = Dockerignore::parse(&text).map_err(|problem| format!("{file}: {problem}"))?;
    let kept: BTreeSet<String> =
        ignore.kept(names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
    let needed = |name: &str| [dockerfile, file].contains(&name);
    Ok(names.into_iter().filter(|name| kept.contains(name) || needed(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn names(dir: &tempfile::TempDir, dockerfile: Option<&str>) -> Vec<String> {
        let image = ImageModel { dockerfile: dockerfile.map(str::to_owned).into(), ..ImageModel::default() };
        files(dir.path().to_str().unwrap(), &image).unwrap().files.into_keys().collect()
    }

    #[test]
    fn a_context_is_what_no_exclusion_names() {
        let dir = tree(&[
            ("Dockerfile", "FROM scratch"),
            (".dockerignore", "*\n!src\n"),
            ("src/main.tf", ""),
            ("src/.terraform/x", ""),
            (".windlassignore", "*.key\n"),
            ("src/a", ""),
            ("src/b.key", ""),
            ("target/x", ""),
        ]);
        // A link that leads out is no mistake where it is left out.
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("target/out")).unwrap();
        assert_eq!(names(&dir, None), [".dockerignore", "Dockerfile", "src/a"]);
        fs::write(dir.path().join("dev.dockerignore"), "target\nsrc\n").unwrap();
        fs::write(dir.path().join("dev"), "FROM scratch").unwrap();
        assert_eq!(names(&dir, Some("dev")), [".dockerignore", "Dockerfile", "dev", "dev.dockerignore"]);
    }

    #[test]
    fn only_what_is_built_from_counts() {
        let dir = tree(&[("Dockerfile", "FROM scratch"), (".dockerignore", "log"), ("a", "1"), ("log", "1")]);
        let config = ImageModel { context: dir.path().to_str().unwrap().into(), ..ImageModel::default() };
        let before = hash(&config).unwrap().0;
        fs::write(dir.path().join("log"), "2").unwrap();
        assert_eq!(hash(&config).unwrap().0, before);
        fs::write(dir.path().join("a"), "2").unwrap();
        assert_ne!(hash(&config).unwrap().0, before);
        let unknown = ImageModel { dockerfile: Field::Unknown, ..config };
        assert_eq!(hash(&unknown).unwrap().0, Field::Unknown);
        let git = ImageModel { git: "git://a/b".into(), ..ImageModel::default() };
        assert!(hash(&git).unwrap().0.is_known());
    }

    #[test]
    fn a_missing_dockerfile_blames_the_attribute() {
        let dir = tree(&[("a", "1")]);
        let error = files(dir.path().to_str().unwrap(), &ImageModel::default()).unwrap_err();
        assert_eq!(error.iter().next().unwrap().path.as_ref().unwrap().to_string(), "dockerfile");
    }
}
