//! The attribute `managers`.

use framework::{Attribute, Field, ModelValue, Type, Value, validate};
use remote::Connection;

use crate::hosted::{check_connection, is_same_connection};

/// The name of the attribute.
pub(super) const MANAGERS: &str = "managers";

/// The managers of a swarm: connections, of which some may not be known yet.
pub(crate) type ManagerList = Field<Vec<Field<String>>>;

/// The attribute; `description` says what others mean.
pub(crate) fn managers_attribute(description: &str) -> Attribute {
    Attribute::list(MANAGERS, Type::String)
        .required()
        .validate(validate::length(1, 100))
        .validate(validate::each(validate::custom(check_connection)))
        .describe(format!(
            "Connections to managers of the swarm, usually `windlass_host.<name>.connection` of each. Any that answers \
             is used, so that the loss of one stops nothing. {description}"
        ))
}

/// What the attribute holds in `model`.
pub(super) fn managers_of(model: &impl ModelValue) -> ManagerList {
    let text = |value: &Value| match value {
        Value::String(text) => Field::Known(text.clone()),
        Value::Unknown => Field::Unknown,
        _ => Field::Null,
    };
    match model.to_value().attribute(MANAGERS) {
        Some(Value::List(items)) => Field::Known(items.iter().map(text).collect()),
        Some(Value::Unknown) => Field::Unknown,
        _ => Field::Null,
    }
}

/// Whether both hold the same connections in the same order, also in other words.
pub(super) fn is_same_list(one: &ManagerList, other: &ManagerList) -> bool {
    let (Some(one), Some(other)) = (one.known(), other.known()) else { return false };
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same_connection(one, other))
}

/// Whether a manager of one list is in the other too.
pub(crate) fn has_common(one: &ManagerList, other: &ManagerList) -> bool {
    let (Some(one), Some(other)) = (one.known(), other.known()) else { return false };
    one.iter().any(|one| other.iter().any(|other| is_same_connection(one, other)))
}

/// The connections that are known.
pub(super) fn connections(list: &ManagerList) -> Vec<(Field<String>, Connection)> {
    let known = list.known().into_iter().flatten();
    known.filter_map(|field| Some((field.clone(), field.known()?.parse().ok()?))).collect()
}

/// Whether a connection in it, or all of it, is not known yet.
pub(super) fn is_unknown(list: &ManagerList) -> bool {
    list.is_unknown() || list.known().is_some_and(|list| list.iter().any(Field::is_unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(connections: &[&str]) -> ManagerList {
        Field::Known(connections.iter().map(|text| Field::Known((*text).to_owned())).collect())
    }

    #[test]
    fn lists_are_compared_by_what_they_mean() {
        let one = list(&["ssh://root@a", "ssh://root@b"]);
        assert!(is_same_list(&one, &list(&["ssh://root@A:22", "ssh://root@b"])));
        assert!(!is_same_list(&one, &list(&["ssh://root@b", "ssh://root@a"])));
        assert!(!is_same_list(&one, &Field::Unknown));
        assert!(has_common(&one, &list(&["ssh://root@c", "ssh://root@B"])));
        assert!(!has_common(&one, &list(&["ssh://root@c"])));
    }

    #[test]
    fn what_is_known_can_be_asked() {
        let some = Field::Known(vec![Field::Unknown, Field::Known("ssh://root@a".to_owned())]);
        assert!(is_unknown(&some) && is_unknown(&Field::Unknown) && !is_unknown(&list(&["ssh://a"])));
        assert_eq!(connections(&some).len(), 1);
    }
}
