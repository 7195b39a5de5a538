//! What Read has seen of a swarm: resources that are read together ask a manager once for all of them.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::{Duration, Instant},
};

use docker::Engine;
use remote::Connection;
use swarm::{Error, Manager, Node, stacks::StackError, stacks::Survey};
use tokio::sync::Mutex;

/// How old an answer may be that Read goes by: resources that depend on each other are read one after
/// the other.
const FRESH: Duration = Duration::from_secs(10);

/// An answer that several wait for. A failure is only for who met it: the others ask for themselves
/// then, all at once.
#[derive(Debug)]
struct Shared<T>(Mutex<Known<T>>);

#[derive(Debug)]
enum Known<T> {
    Nothing,
    Answer(T),
    Failure,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(Known::Nothing))
    }
}

impl<T: Clone> Shared<T> {
    async fn get<E, F: Future<Output = Result<T, E>>>(&self, ask: impl FnOnce() -> F) -> Result<T, E> {
        let mut known = self.0.lock().await;
        match &*known {
            Known::Answer(answer) => return Ok(answer.clone()),
            Known::Failure => {
                drop(known);
                return ask().await;
            }
            Known::Nothing => {}
        }
        let answer = ask().await;
        *known = answer.as_ref().map_or(Known::Failure, |answer| Known::Answer(answer.clone()));
        answer
    }
}

/// What a manager has told of its whole swarm, to whoever reached it by the same question.
#[derive(Debug, Default)]
pub(super) struct Sight {
    nodes: Shared<Arc<Vec<Node>>>,
    stacks: Shared<Arc<Survey>>,
}

impl Sight {
    /// All nodes, as they were when the first who reads them asked.
    pub(super) async fn nodes(&self, engine: &Engine) -> Result<Arc<Vec<Node>>, Error> {
        let ask = || async { Ok(Arc::new(Manager::of(engine.clone()).nodes().await?)) };
        self.nodes.get(ask).await
    }

    /// What runs of all stacks, likewise.
    pub(super) async fn stacks(&self, engine: &Engine) -> Result<Arc<Survey>, StackError> {
        let ask = || async { Ok(Arc::new(Survey::of(engine).await?)) };
        self.stacks.get(ask).await
    }
}

/// What hosts have said of themselves to Read.
pub(super) struct Answers<T>(Lock<HashMap<Connection, Answer<T>>>);

/// When it was asked for, and what came.
type Answer<T> = (Instant, Arc<Shared<Option<T>>>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Lock::default())
    }
}

impl<T: Clone> Answers<T> {
    /// What the host behind `connection` says: what it has just said, else what `ask` gets.
    pub(super) async fn get<E, F: Future<Output = Result<Option<T>, E>>>(
        &self,
        connection: &Connection,
        ask: impl FnOnce() -> F,
    ) -> Result<Option<T>, E> {
        self.of(connection).get(ask).await
    }

    fn of(&self, connection: &Connection) -> Arc<Shared<Option<T>>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| since.elapsed() < FRESH);
        known.entry(connection.clone()).or_insert_with(|| (Instant::now(), Arc::default())).1.clone()
    }

    /// Nothing that was said before counts once what this gives is dropped: it is kept while something
    /// is changed.
    pub(super) fn forget_after(&self) -> Forget<'_, T> {
        Forget(self)
    }
}

/// Has what was said forgotten, at its end.
pub(super) struct Forget<'a, T>(&'a Answers<T>);

impl<T> Drop for Forget<'_, T> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn an_answer_is_for_all_and_a_failure_for_one() {
        let (shared, asked) = (Shared::default(), AtomicU32::new(0));
        let ask = |answer: Result<u32, &'static str>| {
            let asked = &asked;
            async move {
                asked.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                answer
            }
        };
        let (one, other) = tokio::join!(shared.get(|| ask(Ok(1))), shared.get(|| ask(Ok(2))));
        assert_eq!((one, other, asked.load(Ordering::SeqCst)), (Ok(1), Ok(1), 1));
        let shared = Shared::default();
        let (one, other) = tokio::join!(shared.get(|| ask(Err("no"))), shared.get(|| ask(Ok(2))));
        assert_eq!((one, other, asked.load(Ordering::SeqCst)), (Err("no"), Ok(2), 3));
    }

    #[tokio::test]
    async fn what_was_said_before_a_change_counts_no_more() {
        let answers = Answers::<()>::default();
        let (a, b): (Connection, Connection) = ("ssh://a".parse().unwrap(), "ssh://b".parse().unwrap());
        let first = answers.of(&a);
        assert!(Arc::ptr_eq(&first, &answers.of(&a)) && !Arc::ptr_eq(&first, &answers.of(&b)));
        drop(answers.forget_after());
        assert!(!Arc::ptr_eq(&first, &answers.of(&a)));
    }
}
