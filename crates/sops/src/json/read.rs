//! The reader.

use std::collections::HashSet;

use crate::error::Error;
use crate::value::{Float, Value};

/// Nothing that people write is deeper, and every level takes stack.
const DEPTH: usize = 500;
/// In objects of up to so many members the names are compared one by one: most are small.
const SMALL: usize = 16;

/// Reads an object.
///
/// # Errors
/// When it is none, or has a number that cannot be kept.
pub fn read(text: &str) -> Result<Value, Error> {
    let mut reader = Reader { text, at: 0 };
    reader.blank();
    let value = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.error("something follows its end"));
    }
    match value {
        Value::Map(_) => Ok(value),
        _ => Err(Error::Shape("something other than an object at its top")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn error(&self, problem: &str) -> Error {
        let before = self.text.as_bytes().get(..self.at).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Error::Syntax { format: "JSON", problem: problem.into(), line }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Result<u8, Error> {
        self.text.as_bytes().get(self.at).copied().ok_or_else(|| self.error("it ends too early"))
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, word: &str) -> bool {
        let is_there = self.rest().starts_with(word);
        self.at += if is_there { word.len() } else { 0 };
        is_there
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > DEPTH {
            return Err(self.error("it goes too deep"));
        }
        match self.peek()? {
            b'{' => self.map(depth),
            b'[' => self.list(depth),
            b'"' => Ok(Value::text(self.string()?)),
            b'-' | b'0'..=b'9' => self.number(),
            _ if self.eat("true") => Ok(Value::Bool(true)),
            _ if self.eat("false") => Ok(Value::Bool(false)),
            _ if self.eat("null") => Ok(Value::Null),
            _ => Err(self.error("not a value")),
        }
    }

    /// Whether another member follows; eats the comma or the end.
    fn goes_on(&mut self, end: &str, missing: &str) -> Result<bool, Error> {
        self.blank();
        if self.eat(",") {
            self.blank();
            return Ok(true);
        }
        self.peek()?;
        if self.eat(end) { Ok(false) } else { Err(self.error(missing)) }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Error> {
        self.at += 1;
        self.blank();
        let (mut pairs, mut names) = (Vec::<(String, Value)>::new(), HashSet::new());
        if self.eat("}") {
            return Ok(Value::Map(pairs));
        }
        loop {
            if self.peek()? != b'"' {
                return Err(self.error("a name is missing"));
            }
            let name = self.string()?;
            if pairs.len() == SMALL {
                names.extend(pairs.iter().map(|(name, _)| name.clone()));
            }
            let is_new = if pairs.len() < SMALL {
                pairs.iter().all(|(known, _)| *known != name)
            } else {
                names.insert(name.clone())
            };
            if !is_new {
                return Err(self.error("a name occurs twice"));
            }
            self.blank();
            if !self.eat(":") {
                return Err(self.error("`:` is missing"));
            }
            self.blank();
            pairs.push((name, self.value(depth + 1)?));
            if !self.goes_on("}", "`,` or `}` is missing")? {
                return Ok(Value::Map(pairs));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Error> {
        self.at += 1;
        self.blank();
        let mut values = Vec::new();
        if self.eat("]") {
            return Ok(Value::List(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if !self.goes_on("]", "`,` or `]` is missing")? {
                return Ok(Value::List(values));
            }
        }
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        self.eat("-");
        if !self.eat("0") && self.digits() == 0 {
            return Err(self.error("not a number"));
        }
        let mut is_whole = true;
        if self.eat(".") {
            is_whole = false;
            if self.digits() == 0 {
                return Err(self.error("not a number"));
            }
        }
        if self.eat("e") || self.eat("E") {
            is_whole = false;
            let _ = self.eat("+") || self.eat("-");
            if self.digits() == 0 {
                return Err(self.error("not a number"));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        // "-0" is not 0.
        let whole = text.parse().ok().filter(|_| is_whole && text != "-0");
        whole.map_or_else(|| Float::exactly(text).map(whole_or_float), |number| Ok(Value::Int(number)))
    }

    fn digits(&mut self) -> usize {
        let rest = self.rest();
        let count = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        self.at += count;
        count
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            // None of these bytes is part of a longer letter.
            let Some(plain) = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')
            else {
                self.at = self.text.len();
                return Err(self.error("it ends too early"));
            };
            text.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                _ => return Err(self.error("a control character in a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let letter = self.peek()?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(self.error("an unknown escape in a text")),
        })
    }

    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hex()?;
        let second = (0xD800..0xDC00).contains(&first) && self.eat("\\u");
        let units = if second { vec![first, self.hex()?] } else { vec![first] };
        let mut letters = char::decode_utf16(units);
        match (letters.next(), letters.next()) {
            (Some(Ok(letter)), None) => Ok(letter),
            _ => Err(self.error("half of a surrogate pair")),
        }
    }

    fn hex(&mut self) -> Result<u16, Error> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.error("an unknown escape in a text"))
    }
}

/// `1e2` is a whole number, too.
fn whole_or_float(float: Float) -> Value {
    match float.as_str().parse() {
        Ok(whole) if float.as_str() != "-0" => Value::Int(whole),
        _ => Value::Float(float),
    }
}
