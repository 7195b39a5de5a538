//! The Compose files of tests: `tests/fixtures/compose`.

use std::fs;

use lab::Lab;

use crate::cli::root;

/// What the names of placeholders begin with; other variables of a file are Compose's.
const PLACEHOLDER: &str = "${TEST_";

/// The text of `tests/fixtures/compose/<file>`: `${TEST_BUSYBOX}` and `${TEST_NGINX}` in it are images
/// of the lab, by digest, and `${TEST_<name>}` is the value of that name. Every other `${…}` is left
/// to Compose.
///
/// # Panics
/// When there is no such file, when it has a placeholder that nobody fills, and when it has no place
/// for a value.
#[track_caller]
pub fn compose_file(lab: &Lab, file: &str, values: &[(&str, &str)]) -> String {
    let path = root().join("tests/fixtures/compose").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let images = [("BUSYBOX", lab.image("busybox").unwrap()), ("NGINX", lab.image("nginx").unwrap())];
    filled(&text, &images, values)
}

/// Puts values in the places of their names; those of `values` must have one.
#[track_caller]
fn filled(text: &str, images: &[(&str, &str)], values: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in images.iter().chain(values) {
        let place = format!("{PLACEHOLDER}{name}}}");
        let is_image = images.iter().any(|(image, _)| image == name);
        assert!(is_image || text.contains(&place), "there is no {place} in:\n{text}");
        text = text.replace(&place, value);
    }
    assert!(!text.contains(PLACEHOLDER), "not everything is filled in:\n{text}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: [(&str, &str); 1] = [("BUSYBOX", "busybox@sha256:1")];

    #[test]
    fn placeholders_are_filled_and_compose_keeps_its_variables() {
        let text = "image: ${TEST_BUSYBOX}\nenvironment: { A: \"${A}\", B: \"${TEST_B}\" }\n";
        let expected = "image: busybox@sha256:1\nenvironment: { A: \"${A}\", B: \"two\" }\n";
        assert_eq!(filled(text, &IMAGES, &[("B", "two")]), expected);
        assert_eq!(filled("services: {}", &IMAGES, &[]), "services: {}");
    }

    #[test]
    #[should_panic(expected = "not everything is filled in")]
    fn a_forgotten_value_is_noticed() {
        filled("${TEST_B}", &IMAGES, &[]);
    }

    #[test]
    #[should_panic(expected = "there is no ${TEST_B}")]
    fn a_value_for_nothing_is_noticed() {
        filled("${B}", &IMAGES, &[("B", "two")]);
    }
}
