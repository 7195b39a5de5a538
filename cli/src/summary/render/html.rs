//! A summary as a page by itself: no script, nothing from elsewhere.

use std::fmt::Write;

use super::super::{Change, Summary};
use super::diff::{Kind, Line};
use super::{diff, escaped, reasons, sentence, svg};

/// Diffs of more lines are folded.
const OPEN: usize = 40;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1f2328;--dim:#59636e;--line:#d1d9e0;--box:#f6f8fa;\
--create:#1a7f37;--update:#9a6700;--replace:#bc4c00;--destroy:#cf222e;--same:#59636e}\
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#3d444d;--box:#151b23;\
--create:#3fb950;--update:#d29922;--replace:#f0883e;--destroy:#f85149;--same:#9198a1}}\
body{margin:0 auto;padding:2rem 1.5rem;max-width:72rem;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}\
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}\
code,pre{font-family:ui-monospace,monospace;font-size:.85rem}\
pre{margin:.5rem 0;padding:.75rem;overflow-x:auto;background:var(--box);border-radius:6px}\
pre .a{color:var(--create)}pre .r{color:var(--destroy)}\
.dim{color:var(--dim)}.danger{border-left:4px solid var(--destroy);background:var(--box);padding:.5rem 1rem}\
.change{border:1px solid var(--line);border-left-width:4px;border-radius:6px;padding:.5rem .75rem;margin:.5rem 0}\
.create{border-left-color:var(--create)}.update{border-left-color:var(--update)}\
.replace{border-left-color:var(--replace)}.destroy{border-left-color:var(--destroy)}\
table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid var(--line);padding:.2rem .6rem;text-align:left}\
summary{cursor:pointer}.picture{overflow-x:auto}svg text{fill:var(--fg);font:12px system-ui,sans-serif}\
svg rect{fill:var(--box);stroke:var(--same);stroke-width:1.5}svg path{fill:none;stroke:var(--dim);stroke-width:1}\
svg .create rect{stroke:var(--create)}svg .update rect{stroke:var(--update)}\
svg .replace rect{stroke:var(--replace)}svg .destroy rect{stroke:var(--destroy)}svg .kind{fill:var(--dim);font-size:10px}";

/// The page.
pub fn render(summary: &Summary) -> String {
    let headline = escaped(&summary.headline());
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Plan: {headline}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Plan: {headline}</h1>\n"
    );
    if !summary.core.is_empty() {
        let _ =
            writeln!(page, "<p class=\"dim\">Planned by version {} of the core.</p>", escaped(&summary.core));
    }
    if !summary.has_values && !summary.is_empty() {
        page += "<p class=\"dim\">Made from a stream of messages, which has no values.</p>\n";
    }
    page += &dangers(summary);
    page += &problems(summary);
    if !summary.picture.nodes.is_empty() {
        page +=
            &format!("<h2>Picture</h2>\n<div class=\"picture\">\n{}</div>\n", svg::render(&summary.picture));
    }
    for (place, changes) in &summary.places {
        let _ = writeln!(page, "<h2>{}</h2>", escaped(&place.name()));
        changes.iter().for_each(|change| page += &told(change, &sentence(change)));
    }
    if !summary.outputs.is_empty() {
        let lines: Vec<Line> =
            summary.outputs.iter().flat_map(|output| &output.differences).flat_map(diff::lines).collect();
        let _ = writeln!(page, "<h2>Outputs</h2>\n{}", block(&lines));
    }
    if !summary.outside.is_empty() {
        page += "<h2>Changed outside of this configuration</h2>\n";
        for change in &summary.outside {
            page += &told(change, if change.action.removes() { "gone" } else { "changed" });
        }
    }
    page + "</body>\n</html>\n"
}

fn dangers(summary: &Summary) -> String {
    let dangers = summary.dangers();
    if dangers.is_empty() {
        return String::new();
    }
    let mut text = String::from("<section class=\"danger\">\n<strong>Look at these first</strong>\n<ul>\n");
    for (change, danger) in dangers {
        let _ = writeln!(
            text,
            "<li><strong>{}</strong>: <code>{}</code> is {}. {}</li>",
            danger.risk.name(),
            escaped(&change.address),
            change.action.words(),
            with_code(&danger.text)
        );
    }
    text + "</ul>\n</section>\n"
}

fn problems(summary: &Summary) -> String {
    let mut text = String::new();
    for problem in &summary.problems {
        let what = if problem.is_error { "Error" } else { "Warning" };
        let _ = writeln!(
            text,
            "<p><strong>{what}:</strong> {}</p>\n<pre>{}</pre>",
            escaped(&problem.summary),
            escaped(&problem.detail)
        );
    }
    text
}

fn told(change: &Change, sentence: &str) -> String {
    let mut text = format!(
        "<div class=\"change {}\">\n<div><code>{}</code> is {}</div>\n",
        change.action.class(),
        escaped(&change.address),
        with_code(sentence)
    );
    if !change.services.is_empty() {
        text += "<table>\n<tr><th>service</th><th>what</th><th>why</th></tr>\n";
        for service in &change.services {
            let _ = writeln!(
                text,
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(&service.name),
                service.what,
                escaped(&reasons(service))
            );
        }
        text += "</table>\n";
    }
    let lines = diff::of(change);
    if lines.len() > OPEN {
        let _ =
            writeln!(text, "<details><summary>{} lines</summary>\n{}</details>", lines.len(), block(&lines));
    } else if !lines.is_empty() {
        text += &block(&lines);
    }
    text + "</div>\n"
}

fn block(lines: &[Line]) -> String {
    let line = |line: &Line| {
        let text = escaped(&line.signed());
        match line.kind {
            Kind::Added => format!("<span class=\"a\">{text}</span>\n"),
            Kind::Removed => format!("<span class=\"r\">{text}</span>\n"),
            Kind::Same => format!("{text}\n"),
        }
    };
    format!("<pre>{}</pre>\n", lines.iter().map(line).collect::<String>())
}

/// A sentence of ours, in which names stand between backticks.
fn with_code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces
        .map(|(at, piece)| {
            let piece = escaped(piece);
            if at % 2 == 1 { format!("<code>{piece}</code>") } else { piece }
        })
        .collect()
}
