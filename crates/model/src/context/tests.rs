use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The golden vectors, which clients in other languages read too.
#[test]
fn golden_vectors_hold() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/compat/contexts/vectors.json"
    );
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["version"], 1);
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 90, "vectors are added, never taken away");
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let input = vector["input"].as_str().unwrap();
        let result = Context::parse(input);
        match (vector["canonical"].as_str(), vector["error"].as_str()) {
            (Some(canonical), None) => {
                assert_eq!(result.unwrap().as_str(), canonical, "{name}");
                assert_eq!(
                    Context::parse(canonical).unwrap().as_str(),
                    canonical,
                    "{name}, again"
                );
            }
            (None, Some(kind)) => {
                let error = result.unwrap_err();
                assert_eq!(error.is_too_large(), kind == "too_large", "{name}: {error}");
                assert!(error.to_string().contains("hint: "), "{name}: {error}");
            }
            _ => panic!("{name} has neither or both of canonical and error"),
        }
    }
}

#[test]
fn null_empty_and_absent_are_one_context() {
    for context in [
        Context::default(),
        Context::from_json(&Value::Null).unwrap(),
        Context::from_json(&json!({})).unwrap(),
        Context::parse("").unwrap(),
        Context::from_pairs(Vec::<(String, Value)>::new()).unwrap(),
    ] {
        assert_eq!(context, Context::empty());
        assert!(context.is_empty());
    }
}

#[test]
fn json_of_a_context_is_the_object() {
    let context = Context::from_pairs([("subset", "train"), ("a", "b")]).unwrap();
    assert_eq!(
        serde_json::to_string(&context).unwrap(),
        r#"{"a":"b","subset":"train"}"#
    );
    let read: Context = serde_json::from_str(r#"{"subset": "train", "a": "b"}"#).unwrap();
    assert_eq!(read, context);
    assert_eq!(
        serde_json::from_str::<Context>("null").unwrap(),
        Context::empty()
    );
    assert!(serde_json::from_str::<Context>("[1]").is_err());
}

#[test]
fn an_input_far_past_the_limit_is_refused_before_it_is_parsed() {
    let text = format!("{{\"x\":{}1}}", " ".repeat(INPUT_BYTES_MAX));
    assert!(Context::parse(&text).unwrap_err().is_too_large());
}

/// JSON values small and flat enough to be contexts most of the time.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53)..=1 << 53).prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |float| float.is_finite())
            .prop_map(Value::from),
        "[a-c\"\\\\\u{0}-\u{1f}é😀]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            entries(inner).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn entries(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<(String, Value)>> {
    proptest::collection::btree_map("[a-cé😀\n]{0,3}", value, 0..4)
        .prop_map(|entries| entries.into_iter().collect())
}

/// What a context means once text is decoded: numbers as float64, NUL replaced.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap() + 0.0),
        Value::String(text) => Value::from(text.replace('\0', "\u{fffd}")),
        Value::Array(items) => items.iter().map(meaning).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), meaning(value)))
            .collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn canonical_text_is_a_fixed_point(pairs in entries(any_value())) {
        let value = Value::Object(pairs.into_iter().collect());
        if let Ok(context) = Context::from_json(&value) {
            prop_assert_eq!(&Context::parse(context.as_str()).unwrap(), &context);
            prop_assert_eq!(&Context::from_json(&context.to_json()).unwrap(), &context);
        }
    }

    #[test]
    fn order_of_keys_and_white_space_do_not_matter(
        pairs in entries(any_value()),
        turn in 0_usize..4,
    ) {
        let forward = Value::Object(pairs.clone().into_iter().collect());
        let mut turned = pairs;
        turned.reverse();
        let middle = turn.min(turned.len());
        turned.rotate_left(middle);
        let turned = Value::Object(turned.into_iter().collect());
        let pretty = serde_json::to_string_pretty(&turned).unwrap();
        prop_assert_eq!(Context::from_json(&forward).ok(), Context::parse(&pretty).ok());
    }

    #[test]
    fn nothing_but_the_spelling_is_lost(pairs in entries(any_value())) {
        let value = Value::Object(pairs.into_iter().collect());
        if let Ok(context) = Context::from_json(&value) {
            prop_assert_eq!(meaning(&context.to_json()), meaning(&value));
        }
    }

    #[test]
    fn different_meanings_are_different_contexts(
        one in entries(any_value()),
        two in entries(any_value()),
    ) {
        let one = Value::Object(one.into_iter().collect());
        let two = Value::Object(two.into_iter().collect());
        if let (Ok(first), Ok(second)) = (Context::from_json(&one), Context::from_json(&two)) {
            prop_assert_eq!(first == second, meaning(&one) == meaning(&two));
        }
    }

    #[test]
    fn an_integer_is_kept_or_refused_never_rounded(integer in any::<i64>()) {
        let kept = Context::from_pairs([("x", integer)]);
        let exact = integer == (integer as f64) as i64 && integer != i64::MAX;
        if exact {
            prop_assert!(kept.is_ok());
        } else if let Ok(context) = kept {
            // The only others are the shortest digits of a float64.
            prop_assert_eq!(context.as_str(), format!("{{\"x\":{integer}}}"));
        }
    }

    #[test]
    fn hostile_text_never_panics(text in "\\PC{0,64}|[\\[{\",:\\]}0-9eE.tru-]{0,64}") {
        if let Ok(context) = Context::parse(&text) {
            prop_assert!(context.as_str().len() <= CONTEXT_BYTES_MAX);
        }
    }

    #[test]
    fn order_is_that_of_the_text(one in entries(any_value()), two in entries(any_value())) {
        let one = Context::from_json(&Value::Object(one.into_iter().collect()));
        let two = Context::from_json(&Value::Object(two.into_iter().collect()));
        if let (Ok(one), Ok(two)) = (one, two) {
            prop_assert_eq!(one.cmp(&two), one.as_str().as_bytes().cmp(two.as_str().as_bytes()));
        }
    }
}
