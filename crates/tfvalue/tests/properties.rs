//! Laws of the codecs, over arbitrary types and values.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use support::generate::{any_number, any_type, any_typed, config};
use support::invariants;
use tfvalue::{Number, Path, Step, Type, Value, json, msgpack};

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn msgpack_gives_back_what_was_written((ty, value) in any_typed(true)) {
        prop_assert_eq!(value.conforms(&ty), Ok(()));
        let bytes = msgpack::encode(&value, &ty).unwrap();
        prop_assert_eq!(msgpack::decode(&bytes, &ty).unwrap(), value);
    }

    #[test]
    fn json_gives_back_what_was_written((ty, value) in any_typed(false)) {
        let text = json::encode(&value, &ty).unwrap();
        prop_assert_eq!(json::decode(text.as_bytes(), &ty).unwrap(), value);
    }

    #[test]
    fn types_give_back_what_was_written(ty in any_type(6)) {
        prop_assert_eq!(Type::from_json(ty.to_json().as_bytes()).unwrap(), ty);
    }

    #[test]
    fn every_shorter_message_is_an_error((ty, value) in any_typed(true), cut in any::<prop::sample::Index>()) {
        let bytes = msgpack::encode(&value, &ty).unwrap();
        let cut = cut.index(bytes.len());
        prop_assert!(msgpack::decode(&bytes[..cut], &ty).is_err());
    }

    #[test]
    fn a_longer_message_is_an_error((ty, value) in any_typed(true), more in any::<u8>()) {
        let mut bytes = msgpack::encode(&value, &ty).unwrap();
        bytes.push(more);
        prop_assert!(msgpack::decode(&bytes, &ty).is_err());
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for ty in invariants::types() {
            invariants::check(&bytes, &ty);
        }
    }

    #[test]
    fn changed_messages_do_no_harm(
        (ty, value) in any_typed(true),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = msgpack::encode(&value, &ty).unwrap();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        invariants::check(&bytes, &ty);
    }

    #[test]
    fn sets_are_equal_in_any_order((ty, value) in any_typed(false), swap in any::<(prop::sample::Index, prop::sample::Index)>()) {
        let set = Type::set(ty);
        let elements = vec![value, Value::Null, Value::Null];
        let mut shuffled = elements.clone();
        shuffled.swap(swap.0.index(3), swap.1.index(3));
        prop_assert!(Value::List(elements).equal(&Value::List(shuffled), &set));
    }

    #[test]
    fn every_place_that_is_walked_can_be_reached((ty, value) in any_typed(true)) {
        let mut places = Vec::new();
        value.walk(&mut |path, part| places.push((path.clone(), part.clone())));
        prop_assert_eq!(places[0].0.clone(), Path::root());
        let has_address = |path: &Path| !path.steps().contains(&Step::SetElement);
        for (path, part) in places.into_iter().filter(|(path, _)| has_address(path)) {
            prop_assert_eq!(value.get(&path), Some(&part));
        }
        prop_assert_eq!(value.clone().transform_as(&ty, &mut |_, part| part), value);
    }

    #[test]
    fn numbers_are_what_is_printed(number in any_number()) {
        prop_assert_eq!(number.to_string().parse::<Number>().unwrap(), number);
    }

    #[test]
    fn integers_compare_as_integers(left: i64, right: i64, float: f64) {
        prop_assert_eq!(Number::from(left).cmp(&Number::from(right)), left.cmp(&right));
        prop_assert_eq!(Number::from(left).as_i64(), Some(left));
        if let Ok(number) = Number::from_exact_f64(float) {
            prop_assert_eq!(number.as_f64(), Some(float));
        }
        if let Ok(number) = Number::try_from(float) {
            prop_assert_eq!(number.nearest_f64(), float);
        }
    }
}
