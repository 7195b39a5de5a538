use super::*;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Runs `work` under a layer and returns the lines that came out.
fn lines(level: LevelFilter, work: impl FnOnce()) -> Vec<Value> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let layer = Layer::new(&["own".to_owned()], level, move |line| {
        sink.lock().unwrap().push(serde_json::from_str(line).unwrap());
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    Arc::try_unwrap(lines).unwrap().into_inner().unwrap()
}

#[test]
fn an_event_becomes_a_line_with_its_fields() {
    let lines = lines(LevelFilter::INFO, || {
        tracing::info!(target: "own::part", count = 3, ok = true, name = "a\nb", "it {}", "works");
    });
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["@level"], "info");
    assert_eq!(lines[0]["@message"], "it works");
    assert_eq!(lines[0]["@module"], "own.part");
    assert_eq!(lines[0]["count"], 3);
    assert_eq!(lines[0]["ok"], true);
    assert_eq!(lines[0]["name"], "a\nb");
}

#[test]
fn others_never_log_below_warn() {
    let lines = lines(LevelFilter::TRACE, || {
        tracing::trace!(target: "own", "kept");
        tracing::info!(target: "h2", "dropped");
        tracing::info!(target: "ownership", "not ours, only alike");
        tracing::warn!(target: "russh::client", "kept too");
    });
    let messages: Vec<_> = lines.iter().map(|line| line["@message"].clone()).collect();
    assert_eq!(messages, ["kept", "kept too"]);
}

#[test]
fn the_level_holds_for_everybody() {
    let lines = lines(LevelFilter::ERROR, || {
        tracing::warn!(target: "own", "dropped");
        tracing::warn!(target: "h2", "dropped");
        tracing::error!(target: "own", "kept");
    });
    assert_eq!(lines.len(), 1);
}

#[test]
fn fields_of_spans_are_added_and_the_inner_one_wins() {
    let lines = lines(LevelFilter::DEBUG, || {
        let outer = tracing::info_span!(target: "own", "outer", call = "read", id = "outer");
        let _outer = outer.enter();
        let inner = tracing::debug_span!(
            target: "own", "inner", id = "inner", late = tracing::field::Empty
        );
        let _inner = inner.enter();
        inner.record("late", 7);
        tracing::debug!(target: "own", "deep");
    });
    assert_eq!(lines[0]["call"], "read");
    assert_eq!(lines[0]["id"], "inner");
    assert_eq!(lines[0]["late"], 7);
}

#[test]
fn a_message_that_is_no_text_is_still_a_string_and_errors_show_their_causes() {
    let lines = lines(LevelFilter::DEBUG, || {
        let error = std::io::Error::other(std::fmt::Error);
        tracing::info!(target: "own", error = &error as &dyn std::error::Error, message = 5);
        tracing::info!(target: "own", only = "a field");
    });
    assert_eq!(lines[0]["@message"], "5");
    assert!(lines[0]["error"].is_string());
    assert_eq!(lines[1]["@message"], "");
}
