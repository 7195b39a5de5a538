//! What the backend answers: no socket, no header, only what is asked and what is done.

use std::collections::BTreeMap;

use secret::Secret;

use crate::store::{Held, Lock, LockInfo, State, Store};
use crate::terminal;

/// A request that may be answered.
pub struct Asked {
    /// `GET`, `POST`, `LOCK`, `UNLOCK`, `DELETE`.
    pub method: String,
    /// `state`, or `with/` and a name.
    pub path: String,
    /// The lock that a write says it has.
    pub lock: Option<String>,
    /// What is sent.
    pub body: Secret,
}

/// A state, its lock while it is held, and states of others that may be read.
pub struct Desk {
    store: Store,
    lock: Option<Lock>,
    others: BTreeMap<String, State>,
    /// What was written.
    writes: usize,
}

type Answer = (u16, Vec<u8>);

impl Desk {
    /// For a state, beside others that may only be read.
    pub const fn new(store: Store, others: BTreeMap<String, State>) -> Self {
        Self { store, lock: None, others, writes: 0 }
    }

    /// How often the state was written.
    pub const fn writes(&self) -> usize {
        self.writes
    }

    /// What has the state.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The same, to be written.
    pub const fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Does what is asked.
    pub fn answer(&mut self, asked: Asked) -> Answer {
        if let Some(name) = asked.path.strip_prefix("with/") {
            return match (asked.method.as_str(), self.others.get(name)) {
                ("GET", Some(state)) => (200, state.text().as_bytes().to_vec()),
                ("GET", None) => (404, Vec::new()),
                _ => (405, Vec::new()),
            };
        }
        match (asked.path.as_str(), asked.method.as_str()) {
            ("state", "GET") => match self.store.state() {
                Some(state) => (200, state.text().as_bytes().to_vec()),
                None => (404, Vec::new()),
            },
            ("state", "POST") => self.write(asked.lock.as_deref(), &asked.body),
            ("state", "LOCK") => self.take_lock(asked.body.expose()),
            ("state", "UNLOCK") => self.release(asked.body.expose()),
            _ => (405, Vec::new()),
        }
    }

    fn write(&mut self, id: Option<&str>, body: &Secret) -> Answer {
        // Without a lock of the core's own (`-lock=false`), one for the moment.
        let mut for_now = None;
        match (&self.lock, id) {
            (Some(lock), Some(id)) if lock.info().id == id => {}
            (Some(lock), _) => return (409, told(lock.info())),
            (None, Some(_)) => {
                terminal::error("The state was not written: its lock is not held any more.");
                return (409, Vec::new());
            }
            (None, None) => match self.lock_with(LockInfo::default()) {
                Ok(lock) => for_now = Some(lock),
                Err(answer) => return answer,
            },
        }
        let written = State::parse(body.expose()).and_then(|state| self.store.save(state));
        drop(for_now);
        match written {
            Ok(()) => {
                self.writes += 1;
                (200, Vec::new())
            }
            Err(error) => {
                let failure = crate::Failure::new(format!("Could not write {}", self.store.path().display()));
                terminal::error(failure.because(&error));
                (500, Vec::new())
            }
        }
    }

    fn take_lock(&mut self, body: &str) -> Answer {
        let Ok(info) = serde_json::from_str::<LockInfo>(body) else { return (400, Vec::new()) };
        match &self.lock {
            // The answer was lost, and it is asked again.
            Some(lock) if lock.info().id == info.id => (200, Vec::new()),
            Some(lock) => (423, told(lock.info())),
            None => match self.lock_with(info) {
                Ok(lock) => self.locked(lock),
                Err(answer) => answer,
            },
        }
    }

    /// Whoever had the lock before may have written: what is read from now on is what is there.
    fn locked(&mut self, lock: Lock) -> Answer {
        if let Err(error) = self.store.refresh() {
            terminal::error(crate::Failure::new("Could not read the state again").because(&error));
            return (500, Vec::new());
        }
        self.lock = Some(lock);
        (200, Vec::new())
    }

    fn lock_with(&self, info: LockInfo) -> Result<Lock, Answer> {
        Lock::take(self.store.path(), info).map_err(|held| match held {
            Held::By(info) => (423, told(&info)),
            failed @ Held::Failed { .. } => {
                terminal::error(crate::Failure::new("Could not lock the state").because(&failed));
                (500, Vec::new())
            }
        })
    }

    fn release(&mut self, body: &str) -> Answer {
        // Terraform's `force-unlock` sends nothing, OpenTofu's only an ID.
        let id = serde_json::from_str::<LockInfo>(body).map(|info| info.id).unwrap_or_default();
        match &self.lock {
            Some(lock) if id.is_empty() || lock.info().id == id => {
                self.lock = None;
                (200, Vec::new())
            }
            Some(lock) => (409, told(lock.info())),
            // Nobody's lock outlives them, so what is not held by another process is free.
            None => match self.lock_with(LockInfo::default()) {
                Ok(_) => (200, Vec::new()),
                Err(answer) => answer,
            },
        }
    }
}

fn told(info: &LockInfo) -> Vec<u8> {
    serde_json::to_vec(info).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Layout;
    use sops::Identities;
    use std::path::Path;

    fn desk(folder: &Path) -> Desk {
        use age::secrecy::ExposeSecret;
        let key = age::x25519::Identity::generate();
        let recipient = key.to_public().to_string().parse().unwrap();
        let identities =
            Identities::of_text(&Secret::new(key.to_string().expose_secret()), "a test").unwrap();
        let store =
            Store::open(&folder.join("s"), vec![recipient], Layout::Structured, identities, false).unwrap();
        Desk::new(store, BTreeMap::new())
    }

    fn ask(desk: &mut Desk, method: &str, lock: Option<&str>, body: &str) -> (u16, String) {
        let asked = Asked {
            method: method.into(),
            path: "state".into(),
            lock: lock.map(str::to_owned),
            body: Secret::new(body),
        };
        let (status, body) = desk.answer(asked);
        (status, String::from_utf8(body).unwrap())
    }

    fn state(serial: i64, lineage: &str) -> String {
        format!(
            r#"{{"version":4,"serial":{serial},"lineage":"{lineage}","outputs":{{"a":{{"value":"hunter2"}}}}}}"#
        )
    }

    #[test]
    fn a_run_reads_locks_writes_and_unlocks() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(folder.path());
        assert_eq!(ask(&mut desk, "GET", None, "").0, 404);
        let lock = r#"{"ID":"one","Operation":"apply","Who":"me"}"#;
        assert_eq!(ask(&mut desk, "LOCK", None, lock).0, 200);
        assert_eq!(ask(&mut desk, "LOCK", None, lock).0, 200);
        let (status, holder) = ask(&mut desk, "LOCK", None, r#"{"ID":"two"}"#);
        assert!(status == 423 && holder.contains("\"ID\":\"one\""), "{holder}");
        assert_eq!(ask(&mut desk, "POST", Some("two"), &state(1, "l")).0, 409);
        assert_eq!(ask(&mut desk, "POST", Some("one"), &state(1, "l")).0, 200);
        assert_eq!(ask(&mut desk, "GET", None, ""), (200, state(1, "l")));
        assert_eq!(ask(&mut desk, "UNLOCK", None, r#"{"ID":"two"}"#).0, 409);
        assert_eq!(ask(&mut desk, "UNLOCK", None, lock).0, 200);
        assert_eq!(ask(&mut desk, "POST", Some("one"), &state(2, "l")).0, 409);
        assert_eq!(ask(&mut desk, "POST", None, &state(2, "l")).0, 200);
        assert_eq!(ask(&mut desk, "DELETE", None, "").0, 405);
        let on_disk = std::fs::read_to_string(folder.path().join("s")).unwrap();
        assert!(on_disk.contains("\"sops\"") && !on_disk.contains("hunter2"));
    }

    #[test]
    fn an_older_or_another_state_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(folder.path());
        assert_eq!(ask(&mut desk, "POST", None, &state(5, "l")).0, 200);
        for wrong in [state(4, "l"), state(6, "other"), "{}".into(), "x".into()] {
            assert_eq!(ask(&mut desk, "POST", None, &wrong).0, 500, "{wrong}");
        }
        assert_eq!(ask(&mut desk, "GET", None, "").1, state(5, "l"));
    }

    #[test]
    fn with_the_lock_comes_what_somebody_else_has_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = desk(folder.path());
        assert_eq!(ask(&mut one, "POST", None, &state(1, "l")).0, 200);
        let first = std::fs::read(folder.path().join("s")).unwrap();
        assert_eq!(ask(&mut one, "POST", None, &state(2, "l")).0, 200);
        std::fs::write(folder.path().join("s"), first).unwrap();
        assert_eq!(ask(&mut one, "GET", None, "").1, state(2, "l"));
        assert_eq!(ask(&mut one, "LOCK", None, r#"{"ID":"one"}"#).0, 200);
        assert_eq!(ask(&mut one, "GET", None, "").1, state(1, "l"));
        std::fs::write(folder.path().join("s"), "broken").unwrap();
        assert_eq!(ask(&mut one, "UNLOCK", None, r#"{"ID":"one"}"#).0, 200);
        assert_eq!(ask(&mut one, "LOCK", None, r#"{"ID":"two"}"#).0, 500);
        assert!(Lock::take(&folder.path().join("s"), LockInfo::default()).is_ok());
    }

    #[test]
    fn what_somebody_else_wrote_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(folder.path());
        assert_eq!(ask(&mut desk, "POST", None, &state(1, "l")).0, 200);
        std::fs::write(folder.path().join("s"), "other").unwrap();
        assert_eq!(ask(&mut desk, "POST", None, &state(2, "l")).0, 500);
        assert_eq!(std::fs::read_to_string(folder.path().join("s")).unwrap(), "other");
    }

    #[test]
    fn force_unlock_works_with_and_without_an_id() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(folder.path());
        assert_eq!(ask(&mut desk, "UNLOCK", None, "").0, 200);
        assert_eq!(ask(&mut desk, "LOCK", None, r#"{"ID":"one"}"#).0, 200);
        assert_eq!(ask(&mut desk, "UNLOCK", None, "").0, 200);
        let held =
            Lock::take(&folder.path().join("s"), LockInfo { id: "x".into(), ..LockInfo::default() }).unwrap();
        assert_eq!(ask(&mut desk, "UNLOCK", None, r#"{"ID":"x"}"#).0, 423);
        drop(held);
    }
}
