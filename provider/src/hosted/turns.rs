//! Who is making a thing of a host: two resources of one apply may both mean it.
//!
//! Whether a name is free is looked at before something is made of it, and taken note of afterwards. The
//! core creates many things at once: without an order two resources for one path would both find it
//! free, both write it, and both be told that they have it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

/// Things that are being made.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else here makes `thing`, and then is the one who does until the guard is
    /// dropped.
    pub(super) async fn take(&self, thing: String) -> OwnedMutexGuard<()> {
        let turn = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, turn| turn.strong_count() > 0);
            let turn = all.get(&thing).and_then(Weak::upgrade).unwrap_or_default();
            all.insert(thing, Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn one_thing_is_made_by_one_at_a_time() {
        let turns = Turns::default();
        let first = turns.take("m file \"/a\"".into()).await;
        let mut second = pin!(turns.take("m file \"/a\"".into()));
        tokio::select! {
            biased;
            _ = &mut second => panic!("two make it"),
            () = tokio::task::yield_now() => {}
        }
        drop(turns.take("m file \"/b\"".into()).await);
        drop(first);
        drop(second.await);
        let _again = turns.take("m file \"/c\"".into()).await;
        assert_eq!(turns.0.lock().unwrap().len(), 1, "what nobody makes is forgotten");
    }
}
