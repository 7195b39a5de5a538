//! Dotenv as SOPS has it: `NAME=value` a line, comments, all values texts. What SOPS says of a file
//! stands in flat names (`sops_age__list_0__map_recipient`).

use std::collections::HashSet;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::value::Value;

const PREFIX: &str = "sops_";

/// Reads a file; what SOPS says of it becomes the part `sops`.
///
/// # Errors
/// When a line is none.
pub fn read(text: &str) -> Result<Value, Error> {
    let (mut pairs, mut said) = (Vec::new(), Value::Map(Vec::new()));
    let mut names = HashSet::new();
    for (at, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            pairs.push((String::new(), Value::Comment(Zeroizing::new(comment.to_owned()))));
            continue;
        }
        let problem =
            |problem: &str| Error::Syntax { format: "dotenv", problem: problem.into(), line: at + 1 };
        let (name, value) = line.split_once('=').ok_or_else(|| problem("`=` is missing"))?;
        let value = Value::text(value.replace("\\n", "\n"));
        match name.strip_prefix(PREFIX) {
            Some(flat) => place(&mut said, flat, value).ok_or_else(|| problem("not what SOPS writes"))?,
            None if !names.insert(name) => return Err(problem("a name occurs twice")),
            None => pairs.push((name.to_owned(), value)),
        }
    }
    if said.pairs().next().is_some() {
        pairs.push(("sops".into(), said));
    }
    Ok(Value::Map(pairs))
}

/// Writes a file.
///
/// # Errors
/// When it has something else than texts under names.
pub fn write(value: &Value) -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::new());
    let Value::Map(pairs) = value else { return Err(Error::Shape("no names at its top")) };
    for (name, value) in pairs {
        match value {
            Value::Comment(comment) => *text += &format!("#{}\n", comment.as_str()),
            Value::Map(_) if name == "sops" => flatten(PREFIX.trim_end_matches('_'), value, "_", &mut text),
            Value::Text(content) => {
                check(name, content)?;
                *text += &format!("{name}={}\n", content.replace('\n', "\\n"));
            }
            _ => return Err(Error::Shape("something other than texts")),
        }
    }
    Ok(text)
}

/// What would be read as something else than it is.
fn check(name: &str, content: &str) -> Result<(), Error> {
    if name.is_empty()
        || name.contains(['=', '\n', '\r'])
        || name.starts_with('#')
        || name.starts_with(PREFIX)
    {
        return Err(Error::Shape("a name that dotenv cannot have"));
    }
    if content.contains("\\n") || content.ends_with('\r') {
        return Err(Error::Shape("a text with `\\n` in it, which dotenv would read as a line break,"));
    }
    Ok(())
}

fn flatten(name: &str, value: &Value, between: &str, text: &mut String) {
    match value {
        Value::Map(_) => value.pairs().for_each(|(key, value)| {
            let joined = format!("{name}{between}{key}");
            flatten(&joined, value, "__map_", text);
        }),
        Value::List(values) => {
            for (at, value) in values.iter().enumerate() {
                flatten(&format!("{name}__list_{at}"), value, "__map_", text);
            }
        }
        Value::Null | Value::Comment(_) => {}
        Value::Bool(yes) => *text += &format!("{name}={yes}\n"),
        Value::Int(number) => *text += &format!("{name}={number}\n"),
        Value::Float(number) => *text += &format!("{name}={}\n", number.as_str()),
        Value::Time(content) => *text += &format!("{name}={content}\n"),
        Value::Text(content) => *text += &format!("{name}={}\n", content.replace('\n', "\\n")),
    }
}

/// Puts a value where its flat name says.
fn place(into: &mut Value, flat: &str, value: Value) -> Option<()> {
    let next = [flat.find("__list_"), flat.find("__map_")].into_iter().flatten().min();
    let (name, rest) = flat.split_at(next.unwrap_or(flat.len()));
    let slot = match into {
        Value::Map(pairs) => {
            let at = pairs.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
                pairs.push((name.to_owned(), Value::Null));
                pairs.len() - 1
            });
            &mut pairs.get_mut(at)?.1
        }
        Value::List(values) => {
            let at: usize = name.parse().ok().filter(|at| *at < 1000)?;
            if values.len() <= at {
                values.resize(at + 1, Value::Null);
            }
            values.get_mut(at)?
        }
        _ => return None,
    };
    if let Some(rest) = rest.strip_prefix("__list_") {
        begin(slot, Value::List(Vec::new()));
        return place(slot, rest, value);
    }
    if let Some(rest) = rest.strip_prefix("__map_") {
        begin(slot, Value::Map(Vec::new()));
        return place(slot, rest, value);
    }
    *slot = value;
    Some(())
}

fn begin(slot: &mut Value, empty: Value) {
    if *slot == Value::Null {
        *slot = empty;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_survives() {
        let text = "# a comment\nA=1\nEMPTY=\nLINES=a\\nb\nURL=x=y\n";
        assert_eq!(write(&read(text).unwrap()).unwrap().as_str(), text);
        assert!(read("A=1\r\nB=2\r\n").unwrap() == read("A=1\nB=2\n").unwrap());
    }

    #[test]
    fn what_sops_says_of_a_file_survives_in_any_order() {
        let text = "A=1\nsops_age__list_0__map_enc=x\\ny\nsops_age__list_0__map_recipient=r\nsops_mac=m\n";
        let value = read(text).unwrap();
        assert_eq!(value.get("sops").unwrap().get("mac").unwrap().as_text(), Some("m"));
        assert_eq!(write(&value).unwrap().as_str(), text);
        let turned: String = text.lines().rev().map(|line| format!("{line}\n")).collect();
        let of_turned = read(&turned).unwrap();
        let Some(Value::List(entries)) = of_turned.get("sops").unwrap().get("age") else { panic!() };
        assert_eq!(entries[0].get("enc").unwrap().as_text(), Some("x\ny"));
    }

    #[test]
    fn what_is_no_dotenv_is_told() {
        assert_eq!(
            read("A=1\nB\n").unwrap_err().to_string(),
            "the file is not dotenv: `=` is missing in line 2"
        );
        assert!(read("A=1\nA=2\n").is_err());
        assert!(write(&Value::Map(vec![("A".into(), Value::Int(1))])).is_err());
        assert!(write(&Value::Map(vec![("A".into(), Value::text("a\\nb"))])).is_err());
        assert!(write(&Value::Map(vec![("A B=".into(), Value::text("a"))])).is_err());
    }
}
