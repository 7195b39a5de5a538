//! The `timeouts` block: how long each operation may take.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tfvalue::Value;

use super::{Attribute, Block};

/// The name of the block.
pub(crate) const TIMEOUTS: &str = "timeouts";

/// What the core asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Checking a configuration.
    Validate,
    /// Setting up the provider.
    Configure,
    /// Deciding what will change.
    Plan,
    /// Finding out what there is.
    Read,
    /// Making something new.
    Create,
    /// Changing something in place.
    Update,
    /// Taking something down.
    Delete,
    /// Adopting something that is already there.
    Import,
    /// Opening, renewing or closing an ephemeral resource.
    Ephemeral,
    /// Calling a function.
    Function,
}

/// The default time limits of a resource or data source. Only operations with a limit can be
/// changed by a person in the `timeouts` block; the others run without a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Timeouts {
    pub create: Option<Duration>,
    pub update: Option<Duration>,
    pub delete: Option<Duration>,
    pub read: Option<Duration>,
}

impl Timeouts {
    /// No limits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The limit of create, in minutes.
    #[must_use]
    pub fn create(mut self, minutes: u64) -> Self {
        self.create = Some(Duration::from_secs(minutes * 60));
        self
    }

    /// The limit of update, in minutes.
    #[must_use]
    pub fn update(mut self, minutes: u64) -> Self {
        self.update = Some(Duration::from_secs(minutes * 60));
        self
    }

    /// The limit of delete, in minutes.
    #[must_use]
    pub fn delete(mut self, minutes: u64) -> Self {
        self.delete = Some(Duration::from_secs(minutes * 60));
        self
    }

    /// The limit of read, in minutes.
    #[must_use]
    pub fn read(mut self, minutes: u64) -> Self {
        self.read = Some(Duration::from_secs(minutes * 60));
        self
    }

    /// The limit of an operation, if it has one.
    pub fn of(&self, operation: Operation) -> Option<Duration> {
        match operation {
            Operation::Create => self.create,
            Operation::Update => self.update,
            Operation::Delete => self.delete,
            Operation::Read => self.read,
            _ => None,
        }
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, Operation, Duration)> + '_ {
        [
            ("create", Operation::Create),
            ("read", Operation::Read),
            ("update", Operation::Update),
            ("delete", Operation::Delete),
        ]
        .into_iter()
        .filter_map(|(name, operation)| Some((name, operation, self.of(operation)?)))
    }

    pub(crate) fn block(&self) -> Block {
        let attributes = self.named().map(|(name, _, default)| {
            Attribute::string(name)
                .describe(format!("Time limit of {name}, default `{}`.", show_duration(default)))
                .check(|text: &String| parse_duration(text).map(drop))
        });
        Block::single(TIMEOUTS)
            .describe("How long each operation may take, for example `90s`, `10m` or `1h30m`.")
            .attributes(attributes)
    }
}

/// The limits that apply: the `timeouts` block of `object` over the defaults. What is not valid is
/// ignored here, validation has reported it.
pub(crate) fn resolve(defaults: &Timeouts, object: &Value) -> Timeouts {
    let mut limits = defaults.clone();
    let Some(block) = object.attribute(TIMEOUTS) else { return limits };
    for (name, operation, _) in defaults.named() {
        let Some(limit) =
            block.attribute(name).and_then(Value::as_str).and_then(|text| parse_duration(text).ok())
        else {
            continue;
        };
        match operation {
            Operation::Create => limits.create = Some(limit),
            Operation::Update => limits.update = Some(limit),
            Operation::Delete => limits.delete = Some(limit),
            _ => limits.read = Some(limit),
        }
    }
    limits
}

/// Reads a duration: whole numbers, each with a unit of `h`, `m`, `s` or `ms`, largest unit first,
/// such as `90s`, `10m`, `1h30m`. Zero is refused.
///
/// # Errors
/// A sentence that says what a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let error = || "The value must be a duration such as \"90s\", \"10m\" or \"1h30m\".".to_owned();
    let mut total = Duration::ZERO;
    let mut rest = text;
    let mut smallest_so_far = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let unit = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(unit);
        let milliseconds: u64 = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return Err(error()),
        };
        if milliseconds >= smallest_so_far {
            return Err(error());
        }
        smallest_so_far = milliseconds;
        let number: u64 = number.parse().map_err(|_| error())?;
        let part = number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(error)?;
        total = total.checked_add(part).ok_or_else(error)?;
        rest = tail;
    }
    if total.is_zero() { Err(error()) } else { Ok(total) }
}

/// The opposite of [`parse_duration`], in whole seconds.
pub(crate) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let shown: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if shown.is_empty() { format!("{}ms", duration.as_millis()) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, milliseconds) in [("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000), ("5ms", 5)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in
            ["", "10", "m", "0s", "1d", "-1s", "1.5h", "1m1h", "1m1m", "99999999999999999999h", "1 m", "1m "]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(show_duration(Duration::from_secs(5400)), "1h30m");
        assert_eq!(show_duration(Duration::from_millis(5)), "5ms");
    }

    #[test]
    fn a_person_overrides_what_has_a_default() {
        let defaults = Timeouts::new().create(10).read(1);
        let block = Value::map_of([("create", Value::from("20m")), ("read", Value::Null)]);
        let object = Value::map_of([(TIMEOUTS, block)]);
        assert_eq!(resolve(&defaults, &object), Timeouts::new().create(20).read(1));
        assert_eq!(resolve(&defaults, &Value::map_of([(TIMEOUTS, Value::Null)])), defaults);
        let names: Vec<_> =
            defaults.block().body.attributes.into_iter().map(|attribute| attribute.name).collect();
        assert_eq!(names, ["create", "read"]);
    }
}
