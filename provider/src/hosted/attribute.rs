//! The attribute `host`, and import ids, which begin with what it holds.

use framework::{Attribute, Diagnostic, Field, ModelValue, Value};
use remote::connection::{Connection, ConnectionError};

use crate::failure::UNCHANGED;

/// The name of the attribute.
pub(super) const HOST: &str = "host";

/// The attribute; `description` says what another machine means.
pub(super) fn host_attribute(description: &str) -> Attribute {
    Attribute::string(HOST).required().check(check_connection).describe(format!(
        "The host, as a connection: usually `windlass_host.<name>.connection`. {description}"
    ))
}

/// What the attribute holds in `model`.
pub(super) fn host_of(model: &impl ModelValue) -> Field<String> {
    match model.to_value().attribute(HOST) {
        Some(Value::String(text)) => Field::Known(text.clone()),
        Some(Value::Unknown) => Field::Unknown,
        _ => Field::Null,
    }
}

/// Whether both hold the same connection, also in other words.
pub(crate) fn is_same_connection(one: &Field<String>, other: &Field<String>) -> bool {
    let parsed = |field: &Field<String>| field.known().and_then(|text| text.parse::<Connection>().ok());
    parsed(one).is_some() && parsed(one) == parsed(other)
}

/// Checks the spelling of a connection, for the validator of `host` attributes.
#[allow(clippy::ptr_arg, reason = "the type of the attribute's value")]
pub(crate) fn check_connection(text: &String) -> Result<(), String> {
    text.parse::<Connection>().map(|_| ()).map_err(|error| match error {
        ConnectionError::Password => format!("{error} and give it in the provider's `ssh` block"),
        error => error.to_string(),
    })
}

/// The connection and the name in an import id `<connection>|<name>`.
///
/// # Errors
/// A diagnostic that shows the form, titled `title`.
pub(crate) fn import_id(title: &str, id: &str, form: &str) -> Result<(Connection, String), Diagnostic> {
    let wrong = |what: String| {
        Diagnostic::error(title)
            .detail(what)
            .detail(UNCHANGED)
            .detail(format!("The import id has the form {form}."))
    };
    let (connection, name) =
        id.split_once('|').ok_or_else(|| wrong(format!("There is no \"|\" in {id:?}.")))?;
    let connection =
        connection.parse().map_err(|error| wrong(format!("The connection cannot be used: {error}.")))?;
    if name.is_empty() {
        return Err(wrong(format!("Nothing follows the \"|\" in {id:?}.")));
    }
    Ok((connection, name.to_owned()))
}

/// A name, and the settings that follow it.
type Named<'i> = (&'i str, Vec<(&'i str, &'i str)>);

/// The name in the rest of an import id, and the settings that follow it: `<name>|<setting>=<value>|…`.
/// What is none of `settings` belongs to the name.
///
/// # Errors
/// A diagnostic that shows the form, titled `title`.
pub(crate) fn import_settings<'i>(
    title: &str,
    rest: &'i str,
    form: &str,
    settings: &[&str],
) -> Result<Named<'i>, Diagnostic> {
    let setting = |part: &'i str| part.split_once('=').filter(|(name, _)| settings.contains(name));
    let mut given = Vec::new();
    let mut name = rest;
    while let Some((before, found)) =
        name.rsplit_once('|').and_then(|(before, part)| Some((before, setting(part)?)))
    {
        given.push(found);
        name = before;
    }
    given.reverse();
    if name.is_empty() {
        return Err(Diagnostic::error(title)
            .detail(format!("No name is in {rest:?}."))
            .detail(UNCHANGED)
            .detail(format!(
                "The import id has the form {form}, and settings may follow: |{}=….",
                settings.join("=…, |")
            )));
    }
    Ok((name, given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_of_the_same_connection_is_no_change() {
        let field = |text: &str| Field::Known(text.to_owned());
        let prior = field("ssh://root@web.example.org");
        assert!(is_same_connection(&prior, &field("ssh://root@WEB.example.org:22")));
        assert!(!is_same_connection(&prior, &field("ssh://root@db.example.org")));
        assert!(!is_same_connection(&prior, &Field::Unknown));
    }

    #[test]
    fn a_password_belongs_elsewhere() {
        let error = check_connection(&"ssh://me:secret@web".to_owned()).unwrap_err();
        assert!(error.ends_with("and give it in the provider's `ssh` block"), "{error}");
    }

    #[test]
    fn settings_may_follow_the_name_in_an_import_id() {
        let parsed = |rest| import_settings("t", rest, "f", &["files", "dir"]);
        assert_eq!(parsed("shop"), Ok(("shop", vec![])));
        let expected = vec![("dir", "./a=b"), ("files", "a"), ("files", "b")];
        assert_eq!(parsed("shop|dir=./a=b|files=a|files=b"), Ok(("shop", expected)));
        // Paths may hold anything.
        assert_eq!(parsed("/etc/a|b|dir=c"), Ok(("/etc/a|b", vec![("dir", "c")])));
        assert_eq!(parsed("/etc/a|mode=1"), Ok(("/etc/a|mode=1", vec![])));
        assert!(
            parsed("|dir=c")
                .unwrap_err()
                .detail
                .contains("form f, and settings may follow: |files=…, |dir=…")
        );
    }

    #[test]
    fn an_import_id_is_a_connection_and_a_name() {
        let (connection, name) = import_id("t", "ssh://web|/etc/a|b", "f").unwrap();
        assert_eq!((connection.to_string().as_str(), name.as_str()), ("ssh://web", "/etc/a|b"));
        for id in ["ssh://web", "ssh://web|", "http://web|/a"] {
            let error = import_id("Could not import", id, "<connection>|<path>").unwrap_err();
            assert!(error.detail.contains("<connection>|<path>"), "{}", error.detail);
        }
    }
}
