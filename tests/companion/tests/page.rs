//! The page of a plan, looked at in a real browser: `WINDLASS_BROWSER`, else a Chromium on PATH.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use companion_tests::{both, windlass};
use serde_json::Value;

const BROWSERS: [&str; 4] = ["chromium-headless-shell", "chromium", "google-chrome", "chromium-browser"];

fn browser() -> PathBuf {
    if let Some(path) = std::env::var_os("WINDLASS_BROWSER") {
        return path.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = |name: &&str| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    BROWSERS
        .iter()
        .find_map(there)
        .unwrap_or_else(|| panic!("there is no Chromium: install one of {BROWSERS:?}"))
}

/// Looks at a page from a page around it, which may have scripts; it has none itself.
const LOOK: &str = r#"<!DOCTYPE html><html><body><iframe id="page" src="page.html" width="1200" height="2000"></iframe><pre id="seen"></pre>
<script>
addEventListener("load", () => {
  const frame = document.getElementById("page"), inner = frame.contentDocument, all = s => [...inner.querySelectorAll(s)];
  const box = e => e.getBoundingClientRect();
  const style = e => frame.contentWindow.getComputedStyle(e);
  const outside = all("svg g").filter(g => {
    const around = box(g.querySelector("rect"));
    return [...g.querySelectorAll("text")].some(t => box(t).right > around.right || box(t).bottom > around.bottom || box(t).width == 0);
  }).map(g => g.textContent);
  const rects = all("svg rect").map(box);
  const over = rects.filter((a, i) => rects.some((b, j) => i < j && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
  const before = all(".picture")[0], danger = all(".danger")[0], first = all(".change")[0];
  document.getElementById("seen").textContent = JSON.stringify({
    title: inner.title,
    nodes: all("svg g").length,
    edges: all("svg path").filter(p => p.getTotalLength() > 10).length,
    outside, overlapping: over.length,
    wide: inner.documentElement.scrollWidth > 1200,
    dangerFirst: !danger || box(danger).top < box(before).top && box(danger).top < box(first).top && box(danger).height > 20,
    styled: style(inner.body).backgroundColor != "rgba(0, 0, 0, 0)" && style(all("pre")[0]).fontFamily.includes("monospace"),
    scripts: inner.scripts.length,
    elsewhere: all("[src],link,[href]").length,
    folded: all("details").length, open: all("details[open]").length,
    text: inner.body.innerText,
  });
});
</script></body></html>"#;

fn look(page: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("page.html"), page).unwrap();
    std::fs::write(folder.path().join("look.html"), LOOK).unwrap();
    let told = Command::new(browser())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"])
        .args(["--window-size=1300,2100", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", folder.path().join("look.html").display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&told.stdout).into_owned();
    let seen = dom.split_once("id=\"seen\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let seen = seen.unwrap_or_else(|| panic!("{}", both(&told))).0;
    let seen = seen.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"))
}

fn page(plan: &Path) -> String {
    let told =
        Command::new(windlass()).arg("plan-summary").arg(plan).args(["--format", "html"]).output().unwrap();
    assert!(told.status.success(), "{}", both(&told));
    String::from_utf8(told.stdout).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/plans").join(name)
}

#[test]
fn the_page_of_a_plan_is_what_a_person_can_read() {
    let seen = look(&page(&fixture("change.json")));
    assert_eq!(seen["title"], "Plan: 1 to destroy, 1 to replace, 3 to change, 1 to create");
    assert_eq!((&seen["nodes"], &seen["edges"]), (&10.into(), &8.into()), "{seen}");
    assert_eq!((seen["outside"].to_string(), &seen["overlapping"]), ("[]".into(), &0.into()));
    assert_eq!(
        (&seen["dangerFirst"], &seen["styled"], &seen["wide"]),
        (&true.into(), &true.into(), &false.into())
    );
    assert_eq!((&seen["scripts"], &seen["elsewhere"]), (&0.into(), &0.into()));
    let text = seen["text"].as_str().unwrap();
    for expected in [
        "Look at these first",
        "windlass_docker_volume.data[0] is destroyed",
        "Host 192.0.2.11",
        "+ environment.TAG = \"v2\"",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
}

#[test]
fn long_differences_are_folded_and_text_of_others_is_text() {
    let seen = look(&page(&fixture("create.json")));
    assert_eq!((&seen["folded"], &seen["open"]), (&1.into(), &0.into()));
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    let text = r#"{"format_version":"1.2","resource_changes":[{"address":"t.n[\"<script>alert(1)</script>\"]","mode":"managed","type":"t","change":{"actions":["create"],"after":{"x":"</pre><img src=x><b>&amp;"}}}]}"#;
    std::fs::write(&plan, text).unwrap();
    let seen = look(&page(&plan));
    assert_eq!((&seen["scripts"], &seen["elsewhere"]), (&0.into(), &0.into()), "{seen}");
    let text = seen["text"].as_str().unwrap();
    assert!(
        text.contains("<script>alert(1)</script>") && text.contains("</pre><img src=x><b>&amp;"),
        "{text}"
    );
}
