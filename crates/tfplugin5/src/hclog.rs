//! Log lines that a core understands: one JSON object per line on stderr, as go-hclog writes.
//!
//! The core reads the provider's stderr, filters it by the same variables as we do and adds
//! it to its own log. It takes `@level`, `@message` and `@timestamp` only as JSON strings and
//! splits lines of 64 KiB and more.

mod level;
mod line;

use std::io::Write as _;

use tracing::{
    Event, Level, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

pub use level::level_from;
use line::Fields;

/// Where finished lines go; each ends with a newline.
type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Sends the process's tracing events to stderr, at the level that `TF_LOG_PROVIDER` or
/// `TF_LOG` asks for. Does nothing when logging is off or a subscriber is already there.
pub fn install(targets: &[String]) {
    let level = level_from(|name| std::env::var(name).ok());
    if level == LevelFilter::OFF {
        return;
    }
    let layer = Layer::new(targets, level, |line| {
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    });
    let subscriber = tracing_subscriber::registry().with(layer);
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Turns tracing events into hclog lines; the fields of enclosing spans are added.
pub struct Layer {
    targets: Vec<String>,
    level: LevelFilter,
    sink: Sink,
}

impl Layer {
    /// Events of `targets` (prefixes at module boundaries) pass up to `level`, those of
    /// anything else up to the warning level at most. Finished lines go to `sink`.
    pub fn new(targets: &[String], level: LevelFilter, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { targets: targets.to_vec(), level, sink: Box::new(sink) }
    }

    fn is_own(&self, target: &str) -> bool {
        self.targets.iter().any(|own| {
            target.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Layer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let level =
            if self.is_own(metadata.target()) { self.level } else { self.level.min(LevelFilter::WARN) };
        *metadata.level() <= level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flatten().collect::<Vec<_>>().iter().rev() {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span);
            }
        }
        // A span may have a field "message"; the event's own must win, or be empty.
        fields.forget_message();
        event.record(&mut fields);
        let metadata = event.metadata();
        let now = time::OffsetDateTime::now_utc();
        (self.sink)(&line::format(name_of(*metadata.level()), metadata.target(), now, fields));
    }
}

fn name_of(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

#[cfg(test)]
mod tests;
