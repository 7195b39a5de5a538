//! What a stack's directory looks like on a host, and why.
//!
//! ```text
//! <root>/                     the stack's directory: what was in source_dir, where it was
//!   compose.yaml …            the user's files, as they are
//!   .env             0600     which project this is (COMPOSE_PROJECT_NAME, COMPOSE_FILE,
//!                             COMPOSE_PROFILES), the stack's environment, its secrets, and what
//!                             they leave of the user's own .env
//!   secrets/db …     0600     the secret files, where people say
//!   .windlass/       0700
//!     override.json           labels that Windlass adds to services (merged last)
//!     own.env        0600     the user's own .env, as it is
//!     manifest.json           the files that were shipped: only these are ever deleted
//!     record.json    0600     what the last apply made, to compare with what runs
//!     key            0600     the key of the HMACs in the two above
//!     good -> generations/…   the last good apply: a small image of this directory, with its
//!                             shipped files, its .env (0600), the files above, and
//!                             generation.json, which names the images
//! ```
//!
//! What is kept in `good` is what an apply that fails goes back to. It is made when an apply has
//! succeeded, under a name of its own, and put in place by one rename of a link: at any moment
//! there is a whole one, the old or the new. Small files in it are copies, so that an edit in
//! place reaches only the file that was meant; large ones are hard links, and their hashes tell
//! whether they still are what they were. Of a stack that was started by hand, `good` has the files
//! that the first apply overwrites, until that has succeeded.
//!
//! Plain `docker compose` in the directory reads `.env`, and finds there both the values and the
//! project: the same name, files, override and profiles that Windlass passes as options. One file
//! has to hold it all, because Compose takes `COMPOSE_ENV_FILES` from the process's environment
//! only (seen with 2.26.1): a second file could not be named where a person needs no options.
//! What is given wins in that file as a shell's variables do with plain Compose: it stands before
//! the user's lines, so that these build on it (`URL=postgres://app:${PASSWORD}@db`), and lines that
//! would give it another value are taken out.
//!
//! A service that says `env_file: .env` must not get all of this into its container, but what the
//! user's own file says. That is not to be had from the one file that both read: so the override
//! leads such a service to `own.env`, with a list of its env files that takes the place of the
//! user's (`!override`, since Compose 2.24.4). Plain `docker compose` does the same then, because
//! `COMPOSE_FILE` names the override. See [`env_files`](super::env_files).
//!
//! Where `.env` is the server's own and stays so, nothing of ours is written to it: the same text, with
//! the server's in the place of the user's, goes to `.windlass/given.env`, and plain `docker compose`
//! finds the project by `--env-file .windlass/given.env`.
//!
//! When the first Compose file is in a folder of its own (`deploy/compose.yaml`), that folder is the
//! project's directory, by Compose's own rule, and `.env` lies there. Where a `.env` at the top names
//! that file (`COMPOSE_FILE`), its lines come first in it.
//!
//! Where variables take their values from another file (`--env-file`), its lines are in `.env`, and
//! `own.env` is still what the user calls `.env`.

use std::collections::{BTreeMap, BTreeSet};

use secret::Secret;

use super::{
    command::Project,
    dotenv::{self, is_variable_name},
};

pub use tree::OURS;
/// The link in it to what is kept of the last good apply.
pub const GOOD: &str = "good";
/// The folder in it with what the link leads to.
pub const GENERATIONS: &str = "generations";
/// The folder in it that images are built from, while they are.
pub const BUILD: &str = "build";
/// The file that interpolation takes its values from.
pub const ENV_FILE: &str = ".env";
/// The user's own `.env`, relative to the stack's directory: what containers get of it.
pub const OWN_ENV: &str = ".windlass/own.env";
/// The file that interpolation takes its values from where `.env` is the server's own.
pub const GIVEN_ENV: &str = ".windlass/given.env";
/// Where the values lie while files are staged, relative to the stack's directory: `.env` is the
/// user's own there.
pub const STAGED_VALUES: &str = ".windlass/values.env";

/// The variables by which plain `docker compose` finds the project.
const SETTINGS: [&str; 4] =
    ["COMPOSE_PROJECT_NAME", "COMPOSE_PATH_SEPARATOR", "COMPOSE_FILE", "COMPOSE_PROFILES"];

/// How a generated `.env` begins.
const HEADER: &str = "# Written by Windlass; changes are overwritten.\n";

/// Where everything of a stack is, under one root directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: String,
    /// The project's directory relative to the root, empty for the root itself.
    folder: String,
    files: Vec<String>,
    /// Whether the values lie apart from `.env`.
    apart: bool,
}

impl Layout {
    /// The layout under `root` (absolute) of a stack with these Compose `files`, relative to it
    /// and without `.` and `..`.
    pub fn new(root: impl Into<String>, files: &[String]) -> Self {
        let root = root.into().trim_end_matches('/').to_owned();
        let folder = files.first().and_then(|file| file.rsplit_once('/')).map_or("", |(folder, _)| folder);
        Self { root, folder: folder.to_owned(), files: files.to_vec(), apart: false }
    }

    /// The same, where the values lie apart from `.env` because that is the server's own.
    #[must_use]
    pub fn with_values_apart(self, apart: bool) -> Self {
        Self { apart, ..self }
    }

    /// The stack's directory.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The Compose files, relative to the stack's directory.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The project's directory: where `.env` is, and where a person types `docker compose`.
    pub fn project_directory(&self) -> String {
        if self.folder.is_empty() { self.root.clone() } else { self.path(&self.folder) }
    }

    /// The path of `.env` relative to the root.
    pub fn env_path(&self) -> String {
        if self.folder.is_empty() { ENV_FILE.to_owned() } else { format!("{}/{ENV_FILE}", self.folder) }
    }

    /// The path of the file with all values relative to the root.
    pub fn values_path(&self) -> String {
        if self.apart { GIVEN_ENV.to_owned() } else { self.env_path() }
    }

    /// The file with all values.
    pub fn env_file(&self) -> String {
        self.path(&self.values_path())
    }

    /// The file with all values while the others are staged.
    pub fn staged_values(&self) -> String {
        self.path(STAGED_VALUES)
    }

    /// The folder with everything that is ours.
    pub fn ours(&self) -> String {
        self.path(OURS)
    }

    /// The Compose file with the labels that we add.
    pub fn override_file(&self) -> String {
        self.our("override.json")
    }

    /// The list of shipped files.
    pub fn manifest(&self) -> String {
        self.our("manifest.json")
    }

    /// What the last apply made.
    pub fn record(&self) -> String {
        self.our("record.json")
    }

    /// The key of the HMACs.
    pub fn key(&self) -> String {
        self.our("key")
    }

    /// The last good apply.
    pub fn good(&self) -> String {
        self.our(GOOD)
    }

    fn our(&self, name: &str) -> String {
        format!("{}/{OURS}/{name}", self.root)
    }

    fn path(&self, relative: &str) -> String {
        format!("{}/{relative}", self.root)
    }

    /// The project for Compose; without the override where its labels are not known yet.
    pub fn project(&self, name: &str, profiles: &[String], with_override: bool) -> Project {
        let mut files: Vec<_> = self.files.iter().map(|file| self.path(file)).collect();
        if with_override {
            files.push(self.override_file());
        }
        Project {
            name: name.to_owned(),
            directory: self.project_directory(),
            files,
            profiles: profiles.to_vec(),
            env_file: self.env_file(),
        }
    }

    /// The settings by which plain `docker compose` finds the same project.
    fn settings(&self, name: &str, profiles: &[String]) -> Vec<(&'static str, String)> {
        let up = self.way_up();
        let ours = format!("{OURS}/override.json");
        let files: Vec<_> =
            self.files.iter().chain([&ours]).map(|file| self.as_seen_from_folder(file, &up)).collect();
        let separator = separator(&files);
        let mut settings = vec![
            ("COMPOSE_PROJECT_NAME", name.to_owned()),
            ("COMPOSE_PATH_SEPARATOR", separator.to_string()),
            ("COMPOSE_FILE", files.join(&separator.to_string())),
        ];
        if !profiles.is_empty() {
            settings.push(("COMPOSE_PROFILES", profiles.join(",")));
        }
        settings
    }

    /// From the project's directory to the root.
    fn way_up(&self) -> String {
        "../".repeat(if self.folder.is_empty() { 0 } else { self.folder.split('/').count() })
    }

    fn as_seen_from_folder(&self, file: &str, up: &str) -> String {
        match file.strip_prefix(&self.folder).and_then(|rest| rest.strip_prefix('/')) {
            Some(inside) if !self.folder.is_empty() => inside.to_owned(),
            _ => format!("{up}{file}"),
        }
    }

    /// How a file of the stack, relative to its directory, is named in a Compose file.
    pub fn in_compose_files(&self, file: &str) -> String {
        self.as_seen_from_folder(file, &self.way_up())
    }

    /// The content of `.env`.
    ///
    /// `own` is the text of the user's `.env`. `environment` and `secrets` win over it and can be
    /// used in it (`URL=postgres://app:${PASSWORD}@db`): they come first, and what `own` says about
    /// them is left out. Its other lines keep their distance to each other, so that those of Compose's
    /// messages are its own plus the number of lines without it.
    pub fn dotenv(
        &self,
        name: &str,
        profiles: &[String],
        own: Option<&str>,
        environment: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, Secret>,
    ) -> Secret {
        let mut text = String::from(HEADER);
        for (name, value) in self.settings(name, profiles) {
            push(&mut text, name, &value);
        }
        for (name, value) in environment {
            push(&mut text, name, value);
        }
        for (name, value) in secrets {
            push(&mut text, name, value.expose());
        }
        if let Some(own) = own {
            let given = environment.keys().chain(secrets.keys()).map(String::as_str);
            text.push_str(&dotenv::without(own, &given.chain(SETTINGS).collect()));
            if !own.ends_with('\n') {
                text.push('\n');
            }
        }
        Secret::new(text)
    }
}

/// The values of those of `names` that [`Layout::dotenv`] was given for `text`.
///
/// Names that it was not given may be found in the user's own part, or not at all.
pub fn given_values(text: &str, names: &BTreeSet<String>) -> BTreeMap<String, Secret> {
    let mut found = BTreeMap::new();
    let mut rest = text.strip_prefix(HEADER).unwrap_or_default();
    while let Some((name, value, after)) = pop(rest).filter(|_| found.len() < names.len()) {
        if names.contains(name) {
            found.entry(name.to_owned()).or_insert_with(|| Secret::new(value));
        }
        rest = after;
    }
    found
}

/// A character that no file name contains, the usual one if possible.
fn separator(files: &[String]) -> char {
    [':', ';', '|', '\t']
        .into_iter()
        .find(|sign| !files.iter().any(|file| file.contains(*sign)))
        .unwrap_or(':')
}

fn push(text: &mut String, name: &str, value: &str) {
    text.push_str(&assignment(name, value));
}

/// A line of a dotenv file that gives `name` this value.
pub fn assignment(name: &str, value: &str) -> String {
    format!("{name}={}\n", quote(value))
}

/// A value as Compose's dotenv parser reads it back, whatever it contains.
///
/// Single quotes take everything as it is but end at the next one and see a backslash before it;
/// double quotes know the escapes below. Checked with Compose 2.26.1.
fn quote(value: &str) -> String {
    if !value.contains('\'') && !value.ends_with('\\') {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '$' => quoted.push_str("\\$"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Takes the first line that [`push`] wrote: its name, its value, and what follows.
fn pop(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=').filter(|(name, _)| is_variable_name(name))?;
    let (value, rest) = match rest.strip_prefix('\'') {
        Some(rest) => rest.split_once('\'').map(|(value, rest)| (value.to_owned(), rest))?,
        None => unquote(rest.strip_prefix('"')?)?,
    };
    Some((name, value, rest.strip_prefix('\n')?))
}

/// What follows a double quote, up to the next one, and the rest; the inverse of [`quote`].
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                other => other,
            }),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_apart_where_the_file_is_the_servers() {
        let ours = layout(&["deploy/compose.yaml"]);
        assert_eq!(ours.env_file(), "/srv/web/deploy/.env");
        let apart = ours.with_values_apart(true);
        assert_eq!(
            (apart.env_file(), apart.env_path()),
            ("/srv/web/.windlass/given.env".into(), "deploy/.env".into())
        );
        assert_eq!(apart.project("web", &[], true).env_file, "/srv/web/.windlass/given.env");
    }

    fn layout(files: &[&str]) -> Layout {
        Layout::new("/srv/web/", &files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>())
    }

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_flat_stack_is_its_own_project_directory() {
        let at = layout(&["compose.yaml", "prod.yaml"]);
        assert_eq!(at.project_directory(), "/srv/web");
        assert_eq!(at.env_file(), "/srv/web/.env");
        let project = at.project("web", &["p".into()], true);
        assert_eq!(project.directory, "/srv/web");
        assert_eq!(project.env_file, "/srv/web/.env");
        assert_eq!(
            project.files,
            ["/srv/web/compose.yaml", "/srv/web/prod.yaml", "/srv/web/.windlass/override.json"]
        );
        assert_eq!(at.project("web", &[], false).files.len(), 2);
    }

    #[test]
    fn the_folder_of_the_first_file_is_the_project_directory() {
        let at = layout(&["a/b/compose.yaml", "a/b/prod.yaml", "x.yaml"]);
        assert_eq!(at.project_directory(), "/srv/web/a/b");
        assert_eq!(at.env_path(), "a/b/.env");
        assert_eq!(at.override_file(), "/srv/web/.windlass/override.json");
        let settings = at.settings("web", &[]);
        assert_eq!(settings[2].1, "compose.yaml:prod.yaml:../../x.yaml:../../.windlass/override.json");
    }

    #[test]
    fn values_come_before_and_win_over_the_users_own() {
        let text = layout(&["compose.yaml"]).dotenv(
            "web",
            &["x".into(), "y".into()],
            Some("\u{feff}export TAG = 1\r\nTAGS=2\nCOMPOSE_FILE=x.yaml\nURL=\"db:${PASSWORD}\""),
            &map(&[("MODE", "it's"), ("TAG", "2")]),
            &BTreeMap::from([("PASSWORD".to_owned(), Secret::from("p$w"))]),
        );
        assert_eq!(
            text.expose(),
            "# Written by Windlass; changes are overwritten.\n\
             COMPOSE_PROJECT_NAME='web'\nCOMPOSE_PATH_SEPARATOR=':'\n\
             COMPOSE_FILE='compose.yaml:.windlass/override.json'\nCOMPOSE_PROFILES='x,y'\n\
             MODE=\"it's\"\nTAG='2'\nPASSWORD='p$w'\n\
             \nTAGS=2\n\nURL=\"db:${PASSWORD}\"\n"
        );
    }

    #[test]
    fn profiles_of_the_own_file_count_nowhere_else() {
        let text = layout(&["compose.yaml"]).dotenv(
            "web",
            &[],
            Some("COMPOSE_PROFILES=debug\n"),
            &map(&[]),
            &BTreeMap::new(),
        );
        assert!(!text.expose().contains("COMPOSE_PROFILES"), "{}", text.expose());
    }

    #[test]
    fn file_names_may_contain_the_usual_separator() {
        let settings = layout(&["a:b.yaml"]).settings("web", &[]);
        assert_eq!(settings[1].1, ";");
        assert_eq!(settings[2].1, "a:b.yaml;.windlass/override.json");
    }

    #[test]
    fn values_are_quoted_so_that_compose_reads_them_back() {
        for (value, quoted) in [
            ("", "''"),
            ("a $b \"c\" #d\nnext", "'a $b \"c\" #d\nnext'"),
            ("ends\\", "\"ends\\\\\""),
            ("it's $5 \"now\"\n", "\"it's \\$5 \\\"now\\\"\\n\""),
        ] {
            assert_eq!(quote(value), quoted, "{value:?}");
        }
    }

    #[test]
    fn given_values_are_read_back() {
        let secrets =
            map(&[("A", "it's $5 \"now\"\n\r\\"), ("B", "x\nC='no'\n"), ("D", ""), ("E", "ends\\")]);
        let secrets: BTreeMap<_, _> =
            secrets.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        let own = Some("A=own\nE='own'\nF='own'\n");
        let text = layout(&["compose.yaml"]).dotenv("web", &[], own, &map(&[("B1", "env")]), &secrets);
        let names = ["A", "B", "C", "D", "E", "F"].map(str::to_owned).into();
        let found = given_values(text.expose(), &names);
        let exposed = |values: &BTreeMap<String, Secret>| -> BTreeMap<String, String> {
            values.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
        };
        assert_eq!(exposed(&found), exposed(&secrets));
        assert!(given_values("A='not ours'\n", &names).is_empty());
        // As it was written before the settings came first.
        let before = format!("{HEADER}A='1'\nE='own'\nA='1'\nCOMPOSE_PROJECT_NAME='web'\n");
        assert_eq!(exposed(&given_values(&before, &names))["A"], "1");
    }
}
