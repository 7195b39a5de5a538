//! The variables that a text uses, as Compose interpolates it.
//!
//! Nothing is filled in here: Compose does that. But it only warns of a variable that nothing sets,
//! takes it for empty, and warns as well where the text does not come to it (`${A:+…${A}}`, a default
//! that is not needed, a service that is switched off). So these texts are read once more, for which
//! variables each of them cannot do without.
//!
//! The syntax is that of the Compose specification, "Interpolation": `$NAME`, `${NAME}`,
//! `${NAME:-default}`, `${NAME:?error}`, `${NAME:+alternative}`, each also without the colon, where
//! empty counts as given; what stands behind the sign may hold more of them. `$$` is a dollar sign.

/// What is known of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing sets it.
    Unset,
    /// It is empty.
    Empty,
    /// It has a value.
    Given,
}

/// One use of a variable in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'t> {
    /// Its name.
    pub name: &'t str,
    /// Where its dollar sign is in the text, in bytes.
    pub at: usize,
    /// How much of the text it is, in bytes.
    pub length: usize,
    /// What follows its name within the braces.
    operation: Operation,
    /// What stands behind the sign.
    word: &'t str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// The value, whatever it is.
    Plain,
    /// Something else where it is unset, or, with a colon, empty.
    Default { colon: bool },
    /// An error in the same case.
    Required,
    /// Something else in all other cases.
    Alternative { colon: bool },
}

/// The variables of `text`, in their order; not those within the braces of another one.
pub fn variables(text: &str) -> impl Iterator<Item = Variable<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + text[from..].find('$')?;
            let rest = &text[at + 1..];
            if rest.starts_with('$') {
                from = at + 2;
                continue;
            }
            let Some(found) = variable(rest) else {
                from = at + 1;
                continue;
            };
            from = at + 1 + found.length;
            return Some(Variable { at, length: found.length + 1, ..found });
        }
    })
}

/// The names of the variables that `text` takes the value of; `known` says what is known of each.
pub fn taken<'t>(text: &'t str, known: &dyn Fn(&str) -> Known) -> Vec<&'t str> {
    let mut names = Vec::new();
    for variable in variables(text) {
        let state = known(variable.name);
        let given = |colon: bool| state == Known::Given || (state == Known::Empty && !colon);
        match variable.operation {
            Operation::Default { colon } if !given(colon) => names.extend(taken(variable.word, known)),
            Operation::Alternative { colon } if given(colon) => names.extend(taken(variable.word, known)),
            Operation::Alternative { .. } => {}
            // Compose says itself that it is missing.
            Operation::Required if state == Known::Unset => {}
            Operation::Plain | Operation::Default { .. } | Operation::Required => names.push(variable.name),
        }
    }
    names
}

/// The names of the variables that `text` takes the value of although nothing sets them; `known` says
/// what is known of each.
pub fn missing<'t>(text: &'t str, known: &dyn Fn(&str) -> Known) -> Vec<&'t str> {
    taken(text, known).into_iter().filter(|name| known(name) == Known::Unset).collect()
}

/// `text` with its variables filled in; those that `lookup` has no value for are empty. For what has to
/// be decided before Compose is asked.
///
/// # Errors
/// That of `lookup`.
pub fn filled<E>(text: &str, lookup: &dyn Fn(&str) -> Result<Option<String>, E>) -> Result<String, E> {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for variable in variables(text) {
        out.push_str(&text[from..variable.at].replace("$$", "$"));
        from = variable.at + variable.length;
        let value = lookup(variable.name)?;
        let given = |colon: bool| value.as_ref().is_some_and(|value| !colon || !value.is_empty());
        match variable.operation {
            Operation::Default { colon } if !given(colon) => out.push_str(&filled(variable.word, lookup)?),
            Operation::Alternative { colon } if given(colon) => out.push_str(&filled(variable.word, lookup)?),
            Operation::Alternative { .. } => {}
            _ => out.push_str(&value.unwrap_or_default()),
        }
    }
    out.push_str(&text[from..].replace("$$", "$"));
    Ok(out)
}

/// The names of all variables that stand in `text`, also those within the braces of others.
pub fn names(text: &str) -> Vec<&str> {
    variables(text).flat_map(|variable| [vec![variable.name], names(variable.word)].concat()).collect()
}

/// The variable that `rest`, which follows a dollar sign, begins with.
fn variable(rest: &str) -> Option<Variable<'_>> {
    let of = |name, length, operation, word| Some(Variable { name, at: 0, length, operation, word });
    let Some(inside) = rest.strip_prefix('{') else {
        let length = name_length(rest);
        return if length == 0 { None } else { of(&rest[..length], length, Operation::Plain, "") };
    };
    let end = closing_brace(inside)?;
    let (name, after) = inside[..end].split_at(name_length(inside));
    let (colon, sign) = match after.strip_prefix(':') {
        Some(sign) => (true, sign),
        None => (false, after),
    };
    let operation = match sign.chars().next() {
        None if !colon => Operation::Plain,
        Some('-') => Operation::Default { colon },
        Some('?') => Operation::Required,
        Some('+') => Operation::Alternative { colon },
        // Compose says what is wrong with it.
        _ => return None,
    };
    if name.is_empty() { None } else { of(name, end + 2, operation, sign.get(1..).unwrap_or_default()) }
}

fn name_length(text: &str) -> usize {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !is_name(c)).unwrap_or(text.len())
}

/// Where the brace closes that was open before `text`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Known {
        match name {
            "SET" => Known::Given,
            "EMPTY" => Known::Empty,
            _ => Known::Unset,
        }
    }

    #[test]
    fn only_what_a_text_comes_to_is_missing() {
        for (text, expected) in [
            ("plain $$A and $${B} 5$ $1 {C}", vec![]),
            ("$A/${B}:$SET-${EMPTY}", vec!["A", "B"]),
            ("${A:-x} ${A-} ${A:?no} ${A?no} ${A:+x} ${A+x}", vec![]),
            ("${A:+--flag ${A}} ${A+${B}}", vec![]),
            ("${SET:+--flag ${B}} ${SET+${C}}", vec!["B", "C"]),
            ("${EMPTY:+${B}} ${EMPTY+${C}}", vec!["C"]),
            ("${A:-${B}} ${A-${C:-$D}}", vec!["B", "D"]),
            ("${SET:-${B}} ${EMPTY-${C}} ${EMPTY:-${D}}", vec!["D"]),
            ("${A", vec![]),
            ("${A:-{\"x\": \"${B}\"}}$C", vec!["B", "C"]),
        ] {
            assert_eq!(missing(text, &known), expected, "{text}");
        }
    }

    #[test]
    fn what_a_text_takes_is_what_ends_in_it() {
        for (text, expected) in [
            ("$A ${SET} ${SET:-$B} ${EMPTY-x}", vec!["A", "SET", "SET", "EMPTY"]),
            ("${EMPTY:-$SET} ${SET:+$B} ${SET:?no} ${A:?no}", vec!["SET", "B", "SET"]),
        ] {
            assert_eq!(taken(text, &known), expected, "{text}");
        }
    }

    #[test]
    fn values_are_filled_in() {
        let lookup = |name: &str| -> Result<Option<String>, ()> {
            Ok([("SET", "x"), ("EMPTY", "")]
                .iter()
                .find(|(one, _)| *one == name)
                .map(|(_, text)| (*text).to_owned()))
        };
        for (text, expected) in [
            ("a$$b ${SET}$SET/$NO.", "a$b xx/."),
            ("${NO:-d${SET}} ${EMPTY:-d} ${EMPTY-d} ${SET:-d}", "dx d  x"),
            ("${SET:+y} ${EMPTY:+y} ${EMPTY+y} ${NO+y}", "y  y "),
        ] {
            assert_eq!(filled(text, &lookup).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn each_is_found_where_it_is() {
        let text = "a$$b${X:-${Y}}c$Z_1.";
        let found: Vec<_> =
            variables(text).map(|one| (one.name, &text[one.at..one.at + one.length])).collect();
        assert_eq!(found, [("X", "${X:-${Y}}"), ("Z_1", "$Z_1")]);
        assert_eq!(names(text), ["X", "Y", "Z_1"]);
    }
}
