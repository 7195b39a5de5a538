//! The ways in which a summary is told.

mod diff;
mod html;
mod markdown;
mod svg;
mod text;

use super::Summary;

/// How a summary is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For a comment or a job summary
    Markdown,
    /// A page by itself, with a picture
    Html,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// It.
    pub text: String,
    /// Whether something was left out, to stay within a limit.
    pub is_shortened: bool,
}

/// Tells it.
pub fn render(summary: &Summary, format: Format, limit: Option<usize>) -> Rendered {
    let whole = |text| Rendered { text, is_shortened: false };
    match (format, limit) {
        (Format::Text, _) => whole(text::render(summary)),
        (Format::Html, _) => whole(html::render(summary)),
        (Format::Markdown, None) => whole(markdown::render(summary, markdown::Detail::ALL)),
        (Format::Markdown, Some(limit)) => markdown::within(summary, limit),
    }
}

/// What is sensible to say of a place at all: its address, and what is done.
fn sentence(change: &super::Change) -> String {
    let why = if change.why.is_empty() { String::new() } else { format!(": {}", change.why.join("; ")) };
    format!("{}{why}", change.action.words())
}

/// A list of services' reasons as one text.
fn reasons(service: &super::services::ServiceChange) -> String {
    service.why.join(", ")
}

/// Text of others, as text of a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
