//! Which files make a project where nobody names them: Compose's own rule.
//!
//! `COMPOSE_FILE` of the stack's `.env` if that is set, with `COMPOSE_PATH_SEPARATOR` between the
//! names; else the first of four names that is there, and the first of four names of overrides
//! (`DefaultFileNames`, `DefaultOverrideFileNames` and `WithConfigFileEnv` in `cli/options.go` of
//! github.com/compose-spec/compose-go, the same in all versions from 2.0.2 to 2.15). Compose also looks
//! into the directories above; here the top is what is shipped. `COMPOSE_PROFILES` switches on profiles
//! where nobody else says which.

use super::{
    dotenv::{Setting, setting},
    paths::inside,
};

/// What a Compose file is called, in the order in which they are looked for.
pub const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// What one is called that is laid over it.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];
/// The variable that names the files.
pub const FILE: &str = "COMPOSE_FILE";
/// The variable that says what stands between them.
const SEPARATOR: &str = "COMPOSE_PATH_SEPARATOR";
/// The variable that names the profiles.
pub const PROFILES: &str = "COMPOSE_PROFILES";

/// The files of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The files, in the order in which they are merged; none where there are none.
    pub files: Vec<String>,
    /// Whether `.env` names them.
    pub by_setting: bool,
    /// The files that have such a name as well, and are not taken.
    pub unused: Vec<String>,
}

/// A setting that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// Its value depends on something that is not known here.
    #[error("the value of {0} takes that of {1}, which is not known before Compose is asked")]
    Value(&'static str, String),
    /// It names a file that is not below the directory.
    #[error("{FILE} names {0:?}, which is not below the directory that is shipped")]
    Outside(String),
}

/// Where settings come from.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The text of the stack's `.env`.
    pub text: Option<&'a str>,
    /// The value of a variable that is given from outside; `Err` where it has one that is not known.
    pub given: &'a dyn Fn(&str) -> Result<Option<String>, ()>,
}

impl Env<'_> {
    fn setting(&self, name: &'static str) -> Result<Option<String>, Unclear> {
        let Some(text) = self.text else { return Ok(None) };
        match setting(text, name, self.given) {
            Setting::Unset => Ok(None),
            Setting::Value(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Setting::Unknown(variable) => Err(Unclear::Value(name, variable)),
        }
    }

    /// The profiles that `.env` switches on.
    ///
    /// # Errors
    /// [`Unclear::Value`]
    pub fn profiles(&self) -> Result<Vec<String>, Unclear> {
        let value = self.setting(PROFILES)?.unwrap_or_default();
        let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }

    /// The files of the project in a directory; `exists` tells whether there is a file of a name.
    ///
    /// # Errors
    /// [`Unclear`]
    pub fn files(&self, exists: &dyn Fn(&str) -> bool) -> Result<Found, Unclear> {
        if let Some(list) = self.setting(FILE)? {
            let separator = self.setting(SEPARATOR)?.unwrap_or_else(|| ":".to_owned());
            let file = |name: &str| inside(name).ok_or_else(|| Unclear::Outside(name.to_owned()));
            let files: Result<Vec<_>, _> = list.split(separator.as_str()).map(file).collect();
            return Ok(Found { files: files?, by_setting: true, unused: Vec::new() });
        }
        let there =
            |names: [&'static str; 4]| names.into_iter().filter(|name| exists(name)).map(str::to_owned);
        let (mut names, mut overrides) = (there(NAMES), there(OVERRIDES));
        let Some(first) = names.next() else { return Ok(Found::default()) };
        let files = [first].into_iter().chain(overrides.next()).collect();
        Ok(Found { files, by_setting: false, unused: names.chain(overrides).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, there: &[&str]) -> Result<Found, Unclear> {
        let given = |name: &str| match name {
            "STAGE" => Ok(Some("prod".to_owned())),
            "SECRET" => Err(()),
            _ => Ok(None),
        };
        Env { text: Some(text), given: &given }.files(&|name| there.contains(&name))
    }

    fn files(text: &str, there: &[&str]) -> Vec<String> {
        found(text, there).unwrap().files
    }

    #[test]
    fn the_first_of_the_names_is_taken_and_an_override_with_it() {
        assert_eq!(files("", &["compose.yaml"]), ["compose.yaml"]);
        assert_eq!(files("", &["docker-compose.yml", "x.yaml"]), ["docker-compose.yml"]);
        let both = ["docker-compose.yaml", "docker-compose.override.yml"];
        assert_eq!(files("", &both), both);
        let all =
            ["compose.yml", "docker-compose.yml", "compose.override.yaml", "docker-compose.override.yml"];
        let all = found("", &all).unwrap();
        assert_eq!(all.files, ["compose.yml", "compose.override.yaml"]);
        assert_eq!(all.unused, ["docker-compose.yml", "docker-compose.override.yml"]);
        assert_eq!(files("", &["compose.override.yaml"]), Vec::<String>::new());
    }

    #[test]
    fn the_setting_of_the_own_file_goes_before_names() {
        let there = ["compose.yaml", "compose.override.yaml"];
        assert_eq!(files("COMPOSE_FILE=./a.yaml:b/../c.yaml\n", &there), ["a.yaml", "c.yaml"]);
        assert_eq!(files("COMPOSE_PATH_SEPARATOR=;\nCOMPOSE_FILE='a;b:c'\n", &there), ["a", "b:c"]);
        assert_eq!(files("E=${STAGE}\nCOMPOSE_FILE=a.yaml:$E.yaml\n", &there), ["a.yaml", "prod.yaml"]);
        assert_eq!(files("STAGE=dev\nCOMPOSE_FILE=${STAGE}.yaml\n", &there), ["prod.yaml"]);
        assert_eq!(files("COMPOSE_FILE=${KIND:-base}.yaml\n", &there), ["base.yaml"]);
        assert_eq!(files("COMPOSE_FILE=\n", &there), there);
        for outside in ["../a.yaml", "/etc/a.yaml", "a/../../b"] {
            let error = found(&format!("COMPOSE_FILE={outside}"), &there).unwrap_err();
            assert_eq!(error, Unclear::Outside(outside.to_owned()));
        }
        let error = found("COMPOSE_FILE=${SECRET}.yaml", &there).unwrap_err();
        assert_eq!(error, Unclear::Value("COMPOSE_FILE", "SECRET".to_owned()));
    }

    #[test]
    fn profiles_are_a_list() {
        let given = |_: &str| Ok(None);
        let profiles = |text| Env { text, given: &given }.profiles().unwrap();
        assert_eq!(profiles(Some("COMPOSE_PROFILES=a, b,\n")), ["a", "b"]);
        assert_eq!(profiles(Some("COMPOSE_PROFILES=\n")), Vec::<String>::new());
        assert_eq!(profiles(None), Vec::<String>::new());
    }
}
