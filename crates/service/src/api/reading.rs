//! Reads fields of requests as strictly as the OpenAPI document describes them.
//!
//! What derives make of a struct also takes an array with its fields in order, and a free value
//! takes anything; where an object is meant these take an object.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A context: an object, or null for none.
pub(super) fn object_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    let object = Option::<Map<String, Value>>::deserialize(deserializer)?;
    Ok(object.map(Value::Object))
}

/// A new text; null takes it away as an empty one does. Absent fields don't come here.
pub(super) fn text_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(Some(text.unwrap_or_default()))
}

/// A struct from an object.
pub(super) fn struct_of_object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let object = Map::<String, Value>::deserialize(deserializer)?;
    T::deserialize(Value::Object(object)).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use crate::api::{Column, EditAction, LineX, RunEdit};
    use serde_json::{from_value, json};

    #[test]
    fn a_context_is_an_object_or_nothing() {
        let metric = |context| json!({"kind": "metric", "name": "loss", "context": context});
        for wanted in [json!({}), json!({"subset": "train"}), json!(null)] {
            let LineX::Metric { context, .. } = from_value(metric(wanted.clone())).unwrap() else {
                panic!("no metric");
            };
            assert_eq!(context.unwrap_or(json!(null)), wanted);
        }
        for context in [json!([]), json!([null, null]), json!("{}"), json!(1)] {
            let x = json!({"kind": "metric", "name": "loss", "context": context});
            from_value::<LineX>(x).unwrap_err();
            let column =
                json!({"kind": "metric", "name": "loss", "value": "last", "context": context});
            from_value::<Column>(column).unwrap_err();
        }
    }

    #[test]
    fn null_takes_a_text_away_and_an_absent_one_stays() {
        let read: RunEdit = from_value(json!({"name": null, "description": null})).unwrap();
        assert_eq!(read.name.as_deref(), Some(""));
        assert_eq!(read.description.as_deref(), Some(""));
        let read: RunEdit = from_value(json!({})).unwrap();
        assert_eq!((read.name, read.description), (None, None));
        let read: RunEdit = from_value(json!({"name": "a"})).unwrap();
        assert_eq!(read.name.as_deref(), Some("a"));
        from_value::<RunEdit>(json!({"name": 1})).unwrap_err();
    }

    #[test]
    fn an_edit_is_an_object() {
        let action = |edit| json!({"kind": "edit", "edit": edit});
        let read: EditAction = from_value(action(json!({"name": "a"}))).unwrap();
        let edit = RunEdit {
            name: Some("a".to_owned()),
            ..RunEdit::default()
        };
        assert_eq!(read, EditAction::Edit { edit });
        for edit in [
            json!([]),
            json!([null, null]),
            json!(null),
            json!({"nam": "a"}),
        ] {
            from_value::<EditAction>(action(edit)).unwrap_err();
        }
    }
}
