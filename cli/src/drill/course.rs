//! The course of a drill: what is done, one after another, and what of it is kept for the report.

use std::time::Instant;

use backup::Moment;

use super::checks::Checks;
use super::core::Core;
use super::data;
use super::outputs::Outputs;
use super::record::{Data, Kind, Record, Wrong, to_tenths};
use super::settings::DrillSettings;
use super::stops::Stops;
use crate::exit::Failure;
use crate::settings::Settings;
use crate::terminal;

/// How often it is tried to destroy: a cloud lets go of one thing only when another one is gone.
const TRIES: usize = 2;

/// A drill that runs.
pub struct Course<'a> {
    settings: &'a Settings,
    drill: &'a DrillSettings,
    stops: &'a Stops,
    core: &'a mut Core,
    record: &'a mut Record,
    /// Whether the core is known to work with the drill's state: nothing is destroyed before.
    is_ours: bool,
}

impl<'a> Course<'a> {
    /// One with a state that is its own.
    pub fn new(
        (settings, drill): (&'a Settings, &'a DrillSettings),
        stops: &'a Stops,
        core: &'a mut Core,
        record: &'a mut Record,
    ) -> Self {
        Self { settings, drill, stops, core, record, is_ours: false }
    }

    /// Does a step, tells it and keeps it; whether it went well. One that is to begin after somebody has stopped the
    /// drill does not.
    fn step(
        &mut self,
        what: (Kind, Option<&str>),
        work: impl FnOnce(&mut Self) -> Result<(), Wrong>,
    ) -> bool {
        let (kind, name) = what;
        let told = name.map_or_else(|| kind.word().to_owned(), |name| format!("{} {name}", kind.word()));
        terminal::note(format_args!("drill: {told} …"));
        let began = Instant::now();
        let ended = work(self);
        let seconds = to_tenths(began.elapsed().as_secs_f64());
        let outcome = match &ended {
            Ok(()) => "done",
            Err(Wrong::Failed(_)) => "failed",
            Err(Wrong::Interrupted(_)) => "interrupted",
        };
        terminal::note(format_args!("drill: {told}: {outcome} after {seconds} s"));
        if let Err(Wrong::Failed(said) | Wrong::Interrupted(said)) = &ended
            && matches!(kind, Kind::Restore | Kind::Probe | Kind::Command)
        {
            terminal::error(said);
        }
        let is_well = ended.is_ok();
        self.record.keep(what, began, ended);
        is_well
    }

    /// Does what it is for, up to the destruction, which comes in any case.
    ///
    /// # Errors
    /// When nothing was begun, because the state is another one or cannot be read.
    pub fn run(&mut self, resume: bool) -> Result<(), Failure> {
        if !self.begin()? {
            return Ok(());
        }
        let left = self.core.left()?;
        if !left.is_empty() && resume {
            terminal::note(format_args!("Going on with what is there: {}.", left.join(", ")));
            self.record.resumed = true;
        } else if !left.is_empty() {
            terminal::note(format_args!(
                "The state of the drill has what an interrupted one has left, or somebody has made by `windlass run`: {}.",
                left.join(", ")
            ));
            if !self.step((Kind::Leftovers, None), |course| course.core.destroy()) {
                return Ok(());
            }
        }
        self.exercise();
        self.judge();
        Ok(())
    }

    /// Makes the configuration ready, and checks whose state it has; whether that went well.
    ///
    /// # Errors
    /// When it has another one.
    pub fn begin(&mut self) -> Result<bool, Failure> {
        if self.drill.init.unwrap_or(true) && !self.step((Kind::Init, None), |course| course.core.init()) {
            return Ok(false);
        }
        self.core.check_state()?;
        self.is_ours = true;
        self.record.versions = self.core.versions();
        Ok(true)
    }

    /// From the plan to the last answer.
    fn exercise(&mut self) {
        let began = Instant::now();
        let now = Moment::now();
        let mut plan = None;
        let planned = self.go((Kind::Plan, None), |course| {
            plan = Some(course.core.plan()?);
            Ok(())
        });
        let (true, Some(plan)) = (planned, plan) else { return };
        let mut outputs = Outputs::default();
        let is_applied = self.go((Kind::Apply, None), |course| {
            course.core.apply(&plan)?;
            outputs = course.core.outputs()?;
            Ok(())
        });
        self.record.data = data::of_state(&self.core.state_text(), now);
        if is_applied && self.look(&outputs, now) && !self.record.resumed {
            self.record.recovery_seconds = Some(to_tenths(began.elapsed().as_secs_f64()));
        }
        let ages = self.record.data.iter().map(|data| data.age_seconds);
        self.record.data_age_seconds = ages.max();
    }

    /// A step that is not begun once somebody has stopped the drill.
    fn go(&mut self, what: (Kind, Option<&str>), work: impl FnOnce(&mut Self) -> Result<(), Wrong>) -> bool {
        let Some(why) = self.stops.why() else { return self.step(what, work) };
        // Once: what would have come after it did not either.
        if self.record.failed.is_empty() {
            self.record.failed.push(format!("{}: {why}", what.0.word()));
        }
        false
    }

    /// Brings data back, and looks at what was built; whether all is well. Where data are missing nobody asks further,
    /// and of questions all are asked.
    fn look(&mut self, outputs: &Outputs, now: Moment) -> bool {
        let (drill, checks) = (self.drill, Checks { settings: self.settings, outputs, stops: self.stops });
        for restore in &drill.restore {
            let is_well = self.go((Kind::Restore, Some(&restore.corpus)), |course| {
                let done = course.core.block_on(checks.restore(restore))?;
                if let Ok(id) = done.snapshot.parse() {
                    let target = restore.path.clone().or_else(|| restore.volume.clone());
                    course.record.data.push(Data { target, ..data::data(&id, &done.store, now) });
                }
                Ok(())
            });
            if !is_well {
                return false;
            }
        }
        let mut is_well = true;
        for probe in &drill.probe {
            let title = probe.title();
            is_well &=
                self.go((Kind::Probe, Some(&title)), |course| course.core.block_on(checks.probe(probe)));
        }
        for command in &drill.command {
            let title = command.title();
            is_well &= self
                .go((Kind::Command, Some(&title)), |course| course.core.block_on(checks.command(command)));
        }
        is_well
    }

    /// Whether it was fast enough, and the data young enough.
    fn judge(&mut self) {
        let Record { recovery_seconds, data_age_seconds, failed, resumed, .. } = &mut *self.record;
        let is_well = failed.is_empty();
        if let (Some(limit), Some(seconds)) =
            (self.drill.time(self.drill.max_recovery.as_ref()), *recovery_seconds)
            && seconds > limit.as_secs_f64()
        {
            failed.push(format!(
                "It took {seconds} s until all was back, and `max_recovery` allows {}",
                limit.as_secs()
            ));
        }
        if let Some(limit) = self.drill.time(self.drill.max_age.as_ref()) {
            match *data_age_seconds {
                Some(age) if age > limit.as_secs() => {
                    failed
                        .push(format!("The data are {age} s old, and `max_age` allows {}", limit.as_secs()));
                }
                None if is_well && !*resumed => {
                    failed.push(
                        "No data came back, so that nobody knows how old they are (`max_age`)".to_owned(),
                    );
                }
                _ => {}
            }
        }
    }

    /// Destroys what is there, unless somebody stops that as well, and keeps what is left.
    pub fn destroy(&mut self) {
        let has_begun = self.record.steps.iter().any(|step| step.step == Kind::Apply);
        // What the state does not tell may be there.
        let is_there = self.core.left().map_or(true, |left| !left.is_empty());
        let tries = if self.is_ours && (has_begun || is_there) { TRIES } else { 0 };
        for tried in 1..=tries {
            if self.stops.second.is_cancelled() {
                break;
            }
            let before = self.record.failed.len();
            if self.step((Kind::Destroy, None), |course| course.core.destroy()) {
                break;
            }
            // What the next try makes good was no failure of the drill.
            if tried < tries && !self.stops.second.is_cancelled() {
                self.record.failed.truncate(before);
            }
        }
        match self.core.left() {
            Ok(left) => self.record.left = left,
            Err(failure) => {
                terminal::error(&failure);
                self.record.left.push("what the state does not tell".to_owned());
            }
        }
        self.record.state = self.core.state_facts();
    }
}
