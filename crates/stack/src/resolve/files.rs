//! The files of a stack, as far as Compose reads them, on their way to where they are staged.

use std::collections::{BTreeMap, BTreeSet};

use compose::{env_files::marked, layout::STAGED_VALUES, staging};
use remote::{
    Command, Input,
    collect::{Limits, run_with},
    files::{Entry, EntryContent, Files, TreeOptions},
};
use tree::TreeFile;

use super::Stage;
use crate::{error::Error, upload::staged_secret_files};

/// Larger files are not read here: no Compose file and no env file is.
const LARGEST_READ: u64 = 1 << 20;
/// How Compose says that a file is not there.
const NOT_FOUND: [&str; 3] = ["no such file", "not found", "couldn't find"];

/// Links what is in each directory above `$2` into what stands for it below `$1`. What is there
/// already stays, and is the way to the staged files.
const LINK_BESIDE: &str = r#"
real= staged=$1 rest=${2#/}
while [ -n "$rest" ]; do
  ln -s -- "$real"/* "$real"/.[!.]* "$staged"/ 2>/dev/null
  real=$real/${rest%%/*} staged=$staged/${rest%%/*}
  case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
done
exit 0
"#;

/// What can be read of the shipped files, by their paths.
pub(super) type Contents = BTreeMap<String, Vec<u8>>;

/// What was staged, for looking something up in it.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) contents: &'a Contents,
    pub(super) paths: &'a BTreeSet<String>,
}

impl Stage<'_> {
    /// What Compose may read, where these are the files that are known to be read.
    pub(super) fn files_read(&self, read: &[String]) -> BTreeSet<String> {
        let files = &self.spec.source.files;
        let sizes = files.iter().map(|(path, file)| (path.clone(), file.size)).collect();
        staging::needed(&sizes, read, |path| files.get(path).map(content).unwrap_or_default())
    }

    /// What can be read of these files.
    pub(super) fn contents(&self, paths: &BTreeSet<String>) -> Contents {
        let files = paths.iter().filter_map(|path| Some((path, self.spec.source.files.get(path)?)));
        files.map(|(path, file)| (path.clone(), content(file))).collect()
    }

    /// The shipped files that Compose says it has not found, because nothing told that it reads them.
    pub(super) fn missed(&self, said: &str, staged: &BTreeSet<String>) -> Vec<String> {
        if !NOT_FOUND.iter().any(|words| said.contains(words)) {
            return Vec::new();
        }
        let files = self.spec.source.files.iter();
        let missed = files.filter(|(path, file)| {
            file.size <= LARGEST_READ && !staged.contains(*path) && staging::appears(path, said)
        });
        missed.map(|(path, _)| path.clone()).collect()
    }

    /// Sends the files with these paths.
    pub(super) async fn send(&self, paths: &BTreeSet<String>) -> Result<(), Error> {
        self.upload(&self.files(paths)).await
    }

    /// Sends what [`Stage::entries`] are.
    pub(super) async fn send_all(&self, paths: &BTreeSet<String>) -> Result<(), Error> {
        self.upload(&self.entries(paths)).await
    }

    /// The files with these paths, the values with placeholders in the place of secrets, and the user's
    /// own `.env`.
    pub(super) fn entries(&self, paths: &BTreeSet<String>) -> Vec<Entry> {
        let mut entries = staged_secret_files(&self.spec.secret_files);
        entries.push(private(STAGED_VALUES.to_owned(), self.dotenv()));
        if let Some(own) = self.spec.own_text() {
            entries.push(private(self.at.env_path(), marked(own)));
        }
        entries.extend(self.files(paths));
        entries
    }

    fn files(&self, paths: &BTreeSet<String>) -> Vec<Entry> {
        let files = paths.iter().filter_map(|path| Some((path, self.spec.source.files.get(path)?)));
        let files = files.filter_map(|(path, file)| Some((path, file.read().ok()?)));
        let entry = |(path, bytes): (&String, Vec<u8>)| Entry {
            path: path.clone(),
            mode: 0o600,
            content: EntryContent::Bytes(bytes.into()),
        };
        files.map(entry).collect()
    }

    async fn upload(&self, entries: &[Entry]) -> Result<(), Error> {
        let files = Files::on(self.host.executor()).cancelled_by(self.cx.token());
        files.upload_tree(self.at.root(), entries, &TreeOptions::default()).await?;
        Ok(())
    }

    /// Whether anything that Compose reads may lead out of the stack's directory.
    pub(super) fn leads_out(&self, sent: Sent<'_>) -> bool {
        let texts = sent.paths.iter().filter_map(|path| sent.contents.get(path));
        let texts = texts.map(|bytes| String::from_utf8_lossy(bytes));
        let mut values = self.spec.environment.values().map(String::as_str).chain(self.spec.env_text());
        texts.into_iter().any(|text| names_above(&text)) || values.any(names_above)
    }

    /// Lets everything beside the stack's directory, and beside each directory above it, be found
    /// beside the staged files. The directory itself is what is shipped, and nothing else.
    pub(super) async fn link_what_is_beside(&self) -> Result<(), Error> {
        let words = ["sh", "-c", LINK_BESIDE, "windlass-beside", &self.staged.root(), self.end.root()];
        let limits = Limits::cancelled_by(self.cx.token());
        run_with(self.host.executor(), &Command::new(words), Input::Nothing, &limits).await?;
        Ok(())
    }

    /// The values, placeholders in the place of secrets.
    fn dotenv(&self) -> String {
        self.dotenv_with(self.spec.env_text())
    }

    fn dotenv_with(&self, own: Option<&str>) -> String {
        let crate::StackSpec { name, profiles, environment, placeholders, .. } = self.spec;
        self.at.dotenv(name, profiles, own, environment, placeholders).expose().to_owned()
    }

    /// How many lines of the values come before those of the user.
    pub(super) fn lines_before_own(&self) -> usize {
        self.dotenv_with(None).matches('\n').count()
    }

    /// The texts of staged dotenv files, by their paths.
    pub(super) fn env_texts<'c>(
        &'c self,
        contents: &'c Contents,
        staged: &'c BTreeSet<String>,
    ) -> impl Iterator<Item = (String, String)> {
        let others = staged.iter().filter(|path| !is_yaml(path)).filter_map(|path| {
            let bytes = contents.get(path)?;
            Some((path.clone(), String::from_utf8_lossy(bytes).into_owned()))
        });
        let own = self.spec.own_text().map(|text| (self.end.env_path(), text.to_owned()));
        let own = own.into_iter();
        own.chain(others)
    }
}

/// What Compose would read; nothing of a file that is too large for it, or of a link that leads nowhere.
fn content(file: &TreeFile) -> Vec<u8> {
    if file.size > LARGEST_READ { Vec::new() } else { file.read().unwrap_or_default() }
}

/// Whether `..` stands in a text where it may be a part of a path.
fn names_above(text: &str) -> bool {
    let is_other = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.match_indices("..")
        .any(|(at, dots)| !text[..at].ends_with(is_other) && !text[at + dots.len()..].starts_with(is_other))
}

/// Whether the name of a file is that of a YAML file.
pub(super) fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

fn private(path: String, text: String) -> Entry {
    Entry { path, mode: 0o600, content: EntryContent::Bytes(text.into_bytes().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beside_is_linked_and_what_is_staged_stays() {
        for tools in remote::conformance::Tools::all() {
            let dir = tempfile::tempdir().unwrap();
            let real = dir.path().join("real/a b");
            let staged = dir.path().join("staged");
            for place in [&real.join("stack"), &staged.join(real.strip_prefix("/").unwrap()).join("stack")] {
                std::fs::create_dir_all(place).unwrap();
            }
            std::fs::write(real.join(".env"), "1").unwrap();
            let words = [&staged, &real.join("stack")];
            tools.run(LINK_BESIDE, &words, b"");
            let seen = staged.join(real.strip_prefix("/").unwrap());
            assert_eq!(std::fs::read_to_string(seen.join(".env")).unwrap(), "1", "{tools:?}");
            assert!(!seen.join("stack").is_symlink(), "{tools:?}");
        }
    }

    #[test]
    fn only_whole_dots_lead_out() {
        for text in ["../x", "a: ..", "[..]", "./../x", "x:../y", "\"..\""] {
            assert!(names_above(text), "{text}");
        }
        for text in ["...", "a..b", "1..2", "x...", "./x/.y"] {
            assert!(!names_above(text), "{text}");
        }
    }
}
