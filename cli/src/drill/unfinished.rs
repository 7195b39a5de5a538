//! An apply that has begun and of whose end nobody has heard: a core tells its state of what it makes every now and then,
//! so that what it was making when it was killed may be there, and in no state.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use backup::Moment;

use crate::terminal;

/// What marks that an apply of a drill goes on, beside its state.
pub struct Unfinished {
    place: PathBuf,
    /// When the one began that did not end.
    killed: Option<String>,
}

impl Unfinished {
    /// The one of the drill whose state is in the file `state`.
    pub fn beside(state: &Path) -> Self {
        let file = state.file_name().unwrap_or_default().to_string_lossy();
        let place = state.with_file_name(format!("drill-of-{file}.applying"));
        let killed = fs::read_to_string(&place).ok().map(|text| text.trim().to_owned());
        Self { place, killed }
    }

    /// That the state of the one that was killed has come after all.
    pub fn is_told(&mut self) {
        self.killed = None;
        self.remove();
    }

    /// Marks that an apply goes on. That it cannot be marked is no reason not to have a drill.
    pub fn begin(&self) {
        self.write(&Moment::now().to_string());
    }

    /// That it has ended, and its state is whole. What an earlier one may have left is not known any better.
    pub fn end(&self) {
        match &self.killed {
            Some(killed) => self.write(killed),
            None => self.remove(),
        }
    }

    /// What may be left, in words.
    pub fn left(&self) -> Option<String> {
        let killed = self.killed.as_ref()?;
        Some(format!(
            "what an apply was making that began at {killed} and was killed: no state tells of it, and it may be on the servers"
        ))
    }

    fn write(&self, moment: &str) {
        let written = File::create(&self.place).and_then(|mut file| {
            writeln!(file, "{moment}")?;
            file.sync_all()
        });
        if let Err(error) = written {
            terminal::note(format_args!(
                "Could not mark in {} that an apply goes on: {error}",
                self.place.display()
            ));
        }
    }

    fn remove(&self) {
        // One that stays is told of once too often.
        let _ = fs::remove_file(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_killed_is_known_until_somebody_was_told() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("drill.tfstate.sops.json");
        let one = Unfinished::beside(&state);
        one.begin();
        one.end();
        assert_eq!(Unfinished::beside(&state).left(), None);
        one.begin();
        let mut next = Unfinished::beside(&state);
        let left = next.left().unwrap();
        // Another apply that ends well knows nothing of the first.
        next.begin();
        next.end();
        assert_eq!(Unfinished::beside(&state).left(), Some(left));
        next.is_told();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
