//! Values of a plan, beside what is unknown and sensitive in them, as lines that differ.

use serde_json::Value;

/// How a value may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As this text.
    Text(String),
    /// As this text of several lines.
    Lines(Vec<String>),
    /// Not at all.
    Sensitive,
    /// Not yet.
    Unknown,
    /// There is none.
    Absent,
}

/// One place whose value becomes another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place, as `labels["a"]`.
    pub path: String,
    /// The value before.
    pub before: Shown,
    /// The value after.
    pub after: Shown,
    /// Whether it is why the whole is replaced.
    pub replaces: bool,
}

/// A value with its marks.
#[derive(Clone, Copy)]
pub struct Marked<'a> {
    /// It; `None` where there is none.
    pub value: Option<&'a Value>,
    /// `true` in the places of what is not known yet.
    pub unknown: Option<&'a Value>,
    /// `true` in the places of what is sensitive.
    pub sensitive: Option<&'a Value>,
}

const TRUE: &Value = &Value::Bool(true);
/// Longer ones are cut: nobody reads a base64 of 4 KiB.
const LONGEST: usize = 200;

impl<'a> Marked<'a> {
    fn at(&self, key: &str) -> Self {
        let inside = |value: Option<&'a Value>| value.and_then(|value| value.get(key));
        self.inside(inside)
    }

    fn element(&self, at: usize) -> Self {
        let inside = |value: Option<&'a Value>| value.and_then(|value| value.get(at));
        self.inside(inside)
    }

    /// A mark on the whole is one on every part.
    fn inside(&self, part: impl Fn(Option<&'a Value>) -> Option<&'a Value>) -> Self {
        let mark = |whole: Option<&'a Value>| if whole == Some(TRUE) { whole } else { part(whole) };
        Self { value: part(self.value), unknown: mark(self.unknown), sensitive: mark(self.sensitive) }
    }

    fn is_sensitive(&self) -> bool {
        self.sensitive == Some(TRUE)
    }

    fn is_unknown(&self) -> bool {
        self.unknown == Some(TRUE)
    }

    fn keys(&self) -> Vec<&'a str> {
        let of = |value: Option<&'a Value>| {
            value.and_then(Value::as_object).map(|map| map.keys().map(String::as_str).collect::<Vec<_>>())
        };
        [of(self.value), of(self.unknown)].into_iter().flatten().flatten().collect()
    }

    fn length(&self) -> usize {
        let of = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
        of(self.value).max(of(self.unknown))
    }

    fn is(&self, kind: fn(&Value) -> bool) -> bool {
        self.value.is_some_and(kind)
            || self.value.is_none_or(Value::is_null) && self.unknown.is_some_and(kind)
    }

    fn is_absent(&self) -> bool {
        self.value.is_none_or(Value::is_null) && self.unknown.is_none_or(has_no_mark)
    }

    fn shown(&self) -> Shown {
        // Parts of what is shown as a whole are not picked out of it.
        let has_secrets = !self.sensitive.is_none_or(has_no_mark);
        let is_there = self.value.is_some_and(|value| !value.is_null());
        if self.is_unknown() && !self.is_sensitive() {
            return Shown::Unknown;
        }
        // A write-only value is nothing in a plan.
        if has_secrets && (is_there || self.is_unknown()) {
            return Shown::Sensitive;
        }
        match self.value {
            None | Some(Value::Null) => Shown::Absent,
            Some(Value::String(text)) if text.trim_end_matches('\n').contains('\n') => {
                Shown::Lines(text.lines().map(str::to_owned).collect())
            }
            Some(value) => Shown::Text(value.to_string()),
        }
    }
}

/// A text that is not too long.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((at, _)) => {
            format!("{}… ({} more characters)", &text[..at], text[at..].chars().count())
        }
    }
}

/// All places that differ, in the order of their names. `replacing` are paths that make a
/// replacement of a change.
pub fn differences(before: Marked, after: Marked, replacing: &[Vec<Value>]) -> Vec<Difference> {
    let mut found = Vec::new();
    walk("", before, after, &mut found);
    let replacing: Vec<String> = replacing.iter().map(|path| spelled(path)).collect();
    for one in &mut found {
        one.replaces = replacing.iter().any(|path| is_within(&one.path, path));
    }
    found
}

/// A path of a plan as an address is spelled: `labels["a"][0]`.
pub fn spelled(path: &[Value]) -> String {
    path.iter().fold(String::new(), |text, step| match step {
        Value::String(name) => joined(&text, name),
        other => format!("{text}[{other}]"),
    })
}

/// Whether a place is another one, or inside of it, or around it.
fn is_within(place: &str, other: &str) -> bool {
    let inside = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    inside(place, other) || inside(other, place)
}

fn joined(path: &str, name: &str) -> String {
    let is_word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    match (path.is_empty(), is_word) {
        (true, _) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (false, false) => format!("{path}[{name:?}]"),
    }
}

fn walk(path: &str, before: Marked, after: Marked, found: &mut Vec<Difference>) {
    let same = before.value.unwrap_or(&Value::Null) == after.value.unwrap_or(&Value::Null);
    if same && after.unknown.is_none_or(has_no_mark) && before.is_sensitive() == after.is_sensitive() {
        return;
    }
    let hidden = before.is_sensitive() || after.is_sensitive() || after.is_unknown();
    if !hidden && [before, after].iter().all(|one| one.is(Value::is_object) || one.is_absent()) {
        let mut keys = before.keys();
        keys.extend(after.keys());
        keys.sort_unstable();
        keys.dedup();
        if !keys.is_empty() {
            return keys
                .iter()
                .for_each(|key| walk(&joined(path, key), before.at(key), after.at(key), found));
        }
    }
    if !hidden && [before, after].iter().all(|one| one.is(Value::is_array)) {
        let length = before.length().max(after.length());
        return (0..length).for_each(|at| {
            walk(&format!("{path}[{at}]"), before.element(at), after.element(at), found);
        });
    }
    let (before, after) = (before.shown(), after.shown());
    // A sensitive value that becomes another one is worth a line, though both look the same.
    if before != after || before == Shown::Sensitive {
        found.push(Difference { path: path.to_owned(), before, after, replaces: false });
    }
}

fn has_no_mark(marks: &Value) -> bool {
    match marks {
        Value::Bool(mark) => !mark,
        Value::Object(map) => map.values().all(has_no_mark),
        Value::Array(list) => list.iter().all(has_no_mark),
        _ => true,
    }
}

/// Every text in a value that a mark is on, also where the mark is on something around it.
pub fn sensitive_texts<'a>(value: &'a Value, marks: &Value, found: &mut Vec<&'a str>) {
    match (value, marks) {
        (_, Value::Bool(true)) => texts(value, found),
        (Value::Object(map), Value::Object(marks)) => {
            marks.iter().for_each(|(key, mark)| {
                map.get(key).into_iter().for_each(|value| sensitive_texts(value, mark, found));
            });
        }
        (Value::Array(list), Value::Array(marks)) => {
            list.iter().zip(marks).for_each(|(value, mark)| sensitive_texts(value, mark, found));
        }
        _ => {}
    }
}

/// Every text in a value.
pub fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Object(map) => map.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differ(before: Value, after: Value, unknown: Value, sensitive: Value) -> Vec<String> {
        let before = Marked { value: Some(&before), unknown: None, sensitive: Some(&sensitive) };
        let after = Marked { value: Some(&after), unknown: Some(&unknown), sensitive: Some(&sensitive) };
        differences(before, after, &[vec![json!("b"), json!(0)]])
            .into_iter()
            .map(|one| format!("{} {:?} {:?} {}", one.path, one.before, one.after, one.replaces))
            .collect()
    }

    #[test]
    fn places_that_differ_are_told_by_their_paths() {
        let told = differ(
            json!({"a": {"x y": 1, "same": 2}, "b": ["u", "v"], "gone": true}),
            json!({"a": {"x y": 2, "same": 2}, "b": ["w", "v"], "new": null}),
            json!({"id": true}),
            json!({}),
        );
        assert_eq!(
            told,
            [
                r#"a["x y"] Text("1") Text("2") false"#,
                r#"b[0] Text("\"u\"") Text("\"w\"") true"#,
                r#"gone Text("true") Absent false"#,
                "id Absent Unknown false",
            ]
        );
    }

    #[test]
    fn what_is_sensitive_is_told_and_not_shown() {
        let told = differ(
            json!({"key": "hunter2", "kept": "hunter3", "all": {"a": "x"}}),
            json!({"key": "hunter4", "kept": "hunter3", "all": {"a": "y"}}),
            json!({}),
            json!({"key": true, "kept": true, "all": true}),
        );
        assert_eq!(told, ["all Sensitive Sensitive false", "key Sensitive Sensitive false"]);
        let told = differ(
            json!(null),
            json!({"list": [{"name": "n", "key": "hunter2"}]}),
            json!({}),
            json!({"list": [{"key": true}]}),
        );
        assert_eq!(told, ["list Absent Sensitive false"]);
    }

    #[test]
    fn unknown_parts_of_a_known_whole_are_found() {
        let told = differ(
            json!({"services": {"web": {"ports": ["80"], "image": "a"}}}),
            json!({"services": {"web": {"image": "a"}}}),
            json!({"services": {"web": {"ports": true}}}),
            json!({}),
        );
        assert_eq!(told, [r#"services.web.ports Text("[\"80\"]") Unknown false"#]);
    }

    #[test]
    fn sensitive_texts_are_found_below_marks() {
        let value = json!({"a": {"b": ["x", "y"]}, "c": [{"d": "z"}, {"d": "w"}]});
        let mut found = Vec::new();
        sensitive_texts(&value, &json!({"a": true, "c": [{}, {"d": true}]}), &mut found);
        assert_eq!(found, ["x", "y", "w"]);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut(&"ä".repeat(203)), format!("{}… (3 more characters)", "ä".repeat(200)));
    }
}
