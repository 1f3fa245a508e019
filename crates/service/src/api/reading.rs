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

/// A struct from an object.
pub(super) fn struct_of_object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let object = Map::<String, Value>::deserialize(deserializer)?;
    T::deserialize(Value::Object(object)).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use crate::api::{Column, EditAction, LineX, RunEdit, SeriesAddress};
    use serde_json::{from_value, json};

    #[test]
    fn a_context_is_an_object_or_nothing() {
        let address = |context| json!({"run": "a", "name": "loss", "context": context});
        for context in [json!({}), json!({"subset": "train"}), json!(null)] {
            let read: SeriesAddress = from_value(address(context.clone())).unwrap();
            assert_eq!(read.context.unwrap_or(json!(null)), context);
        }
        for context in [json!([]), json!([null, null]), json!("{}"), json!(1)] {
            from_value::<SeriesAddress>(address(context.clone())).unwrap_err();
            let x = json!({"kind": "metric", "name": "loss", "context": context});
            from_value::<LineX>(x).unwrap_err();
            let column =
                json!({"kind": "metric", "name": "loss", "value": "last", "context": context});
            from_value::<Column>(column).unwrap_err();
        }
        let read: SeriesAddress = from_value(json!({"run": "a", "name": "loss"})).unwrap();
        assert_eq!(read.context, None);
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
