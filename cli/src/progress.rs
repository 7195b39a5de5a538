//! How far something has come that moves many bytes: a bar on a terminal, a line now and then where there is none.
//!
//! What passes is counted where it passes, by a store around the store ([`watch`]); so everything that works
//! with stores has it, and nothing that does knows of it. A thread draws it, in one line of stderr that every other
//! message replaces ([`terminal::status`]).

mod line;
mod watch;

use std::io::IsTerminal as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use backup::Store;

use crate::terminal;
use line::{View, line, plain};
use watch::Watched;

/// How often a bar is drawn.
const DRAWN: Duration = Duration::from_millis(150);

/// How often a line is written where there is no terminal.
const WRITTEN: Duration = Duration::from_secs(30);

/// What a terminal is as wide as that does not say.
const WIDTH: usize = 80;

/// How it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A bar, which is drawn again and again.
    Bar {
        /// Whether it has colours.
        colour: bool,
    },
    /// A line now and then.
    Lines,
    /// Not at all.
    Nothing,
}

impl Shown {
    /// How this process shows it: no JSON has anything beside it, only a terminal has a bar, and one for which `NO_COLOR` is
    /// set has no colours.
    pub fn of_process(json: bool) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_terminal = std::io::stderr().is_terminal() && set("TERM").is_none_or(|kind| kind != "dumb");
        match (json, is_terminal) {
            (true, _) => Self::Nothing,
            (false, true) => Self::Bar { colour: set("NO_COLOR").is_none() },
            (false, false) => Self::Lines,
        }
    }
}

/// What moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into a store.
    To,
    /// Out of one.
    From,
}

/// How far it has come.
#[derive(Debug)]
struct State {
    /// What it is about.
    title: String,
    /// What is being done.
    doing: Option<(Way, String)>,
    done: u64,
    total: Option<u64>,
    began: Instant,
}

/// What is shown while it lives.
pub struct Progress {
    state: Arc<Mutex<State>>,
    /// What ends the thread, and the thread.
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to show it.
    pub fn begin(shown: Shown) -> Self {
        let state = State { title: String::new(), doing: None, done: 0, total: None, began: Instant::now() };
        let state = Arc::new(Mutex::new(state));
        let thread = (shown != Shown::Nothing).then(|| {
            let (ends, ended) = channel::<()>();
            let state = Arc::clone(&state);
            let interval = if shown == Shown::Lines { WRITTEN } else { DRAWN };
            let thread = std::thread::spawn(move || {
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    draw(&state, shown);
                }
            });
            (ends, thread)
        });
        Self { state, thread }
    }

    /// What it is about from now on.
    pub fn about(&self, title: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.title, state.doing, state.total) = (title.to_owned(), None, None);
    }

    /// How many bytes are to come, or to go.
    pub fn expect(&self, total: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.doing, state.total) = (None, Some(total));
    }

    /// A store whose bytes are counted.
    pub fn watch(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Watched::new(store, Arc::clone(&self.state)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((ends, thread)) = self.thread.take() {
            drop(ends);
            let _ = thread.join();
            terminal::status(None);
        }
    }
}

impl State {
    /// That something is being done: a pass of its own where it is another thing, or where all has come.
    fn begin(&mut self, way: Way, store: &str) {
        let is_same = self.doing.as_ref().is_some_and(|doing| doing.0 == way && doing.1 == store);
        if is_same && self.total.is_none_or(|total| self.done < total) {
            return;
        }
        // What was stored is what is read back and copied then.
        if !is_same && self.total.is_none() && self.done > 0 && self.doing.is_some() {
            self.total = Some(self.done);
        }
        (self.doing, self.done, self.began) = (Some((way, store.to_owned())), 0, Instant::now());
    }

    fn view(&self) -> Option<View<'_>> {
        let (way, store) = self.doing.as_ref()?;
        let elapsed = self.began.elapsed();
        Some(View { title: &self.title, way: *way, store, done: self.done, total: self.total, elapsed })
    }
}

fn draw(state: &Mutex<State>, shown: Shown) {
    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(view) = state.view() else { return };
    match shown {
        Shown::Bar { colour } => {
            let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
            let width = size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0);
            terminal::status(Some(&line(&view, width.unwrap_or(WIDTH), colour)));
        }
        Shown::Lines => terminal::note(plain(&view)),
        Shown::Nothing => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_is_how_much_is_read_back() {
        let progress = Progress::begin(Shown::Nothing);
        progress.about("uploads");
        let mut state = progress.state.lock().unwrap();
        state.begin(Way::To, "s3://b");
        state.done += 70;
        // Another part of the same.
        state.begin(Way::To, "s3://b");
        state.done += 30;
        assert_eq!((state.done, state.total), (100, None));
        state.begin(Way::From, "s3://b");
        assert_eq!((state.done, state.total), (0, Some(100)));
        state.done += 100;
        // Once more from the beginning.
        state.begin(Way::From, "s3://b");
        assert_eq!((state.done, state.total), (0, Some(100)));
        drop(state);
        progress.about("shop");
        let mut state = progress.state.lock().unwrap();
        state.begin(Way::To, "s3://b");
        assert_eq!((state.done, state.total), (0, None));
    }
}
