//! The context of a series, as one canonical text.
//!
//! `{"subset": "train", "fold": 1}` and `{"fold": 1.0, "subset": "train"}` name the same series,
//! so a context is reduced to one text and compared as bytes: keys sorted by their UTF-8 bytes,
//! no white space, numbers and escapes after RFC 8785. `null`, `{}` and no context are the same.
//! The rules are pinned by `tests/compat/contexts/vectors.json`; clients in other languages
//! must agree with it.
//!
//! The surprising rule: numbers are float64, so 1 and 1.0 are equal, and an integer that no
//! float64 equals is refused rather than rounded into another's series.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::ids::quoted;
use crate::{ModelError, clean_text};

/// Longest canonical text in bytes.
pub const CONTEXT_BYTES_MAX: usize = 1024;
/// Deepest nesting of objects and lists, the context itself included.
pub const CONTEXT_DEPTH_MAX: usize = 4;

/// Longest text that [`Context::parse`] looks at: escapes and white space included, a context
/// within its limits never needs more.
const INPUT_BYTES_MAX: usize = 16 * CONTEXT_BYTES_MAX;
const HINT: &str = "a context is a small dict such as {\"subset\": \"train\"}";

/// A context in canonical form. Cheap to clone; ordered by the bytes of its text.
///
/// In JSON it is the object itself, and any equivalent object (or null) is read back.
///
/// ```
/// use runstone_model::Context;
/// let context = Context::parse(r#"{"subset": "train", "fold": 1.0}"#).unwrap();
/// assert_eq!(context.as_str(), r#"{"fold":1,"subset":"train"}"#);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Context(Arc<str>);

impl Context {
    /// No context: `{}`.
    pub fn empty() -> Self {
        Self(Arc::from("{}"))
    }

    /// Canonical form of a JSON object, or of null, which is empty. A NUL in a text becomes
    /// U+FFFD; a caller who wants to count those cleans the texts first.
    ///
    /// # Errors
    /// `Invalid` for what is no object, an integer that no float64 equals, or keys that are equal
    /// once NUL is replaced; `TooLarge` past 4 levels or 1 KiB.
    pub fn from_json(value: &Value) -> Result<Self, ModelError> {
        match value {
            Value::Null => Ok(Self::empty()),
            Value::Object(entries) => {
                let mut text = String::with_capacity(64);
                write_object(entries, 1, &mut text)?;
                check_size(&text)?;
                Ok(Self(Arc::from(text)))
            }
            other => Err(ModelError::invalid(
                "context",
                format!("{} is not a JSON object", quoted(&other.to_string())),
                HINT,
            )),
        }
    }

    /// Canonical form of a JSON text; the empty text is the empty context. Of equal keys in the
    /// text the last counts.
    ///
    /// # Errors
    /// `Invalid` for a text that is no JSON, and all of [`Self::from_json`].
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        if text.is_empty() || text == "{}" {
            return Ok(Self::empty());
        }
        if text.len() > INPUT_BYTES_MAX {
            return Err(too_long(text.len()));
        }
        let value = serde_json::from_str(text).map_err(|error| {
            ModelError::invalid(
                "context",
                format!("{} is no JSON: {error}", quoted(text)),
                HINT,
            )
        })?;
        Self::from_json(&value)
    }

    /// Canonical form of keys and values; of equal keys the last counts.
    ///
    /// # Errors
    /// Those of [`Self::from_json`].
    pub fn from_pairs<K: Into<String>, V: Into<Value>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ModelError> {
        let entries = pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect::<Map<_, _>>();
        Self::from_json(&Value::Object(entries))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no context.
    pub fn is_empty(&self) -> bool {
        &*self.0 == "{}"
    }

    /// The object, with keys in canonical order.
    pub fn to_json(&self) -> Value {
        serde_json::from_str(&self.0).expect("a canonical context is JSON")
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Display for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Context({})", self.0)
    }
}

impl std::str::FromStr for Context {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        Self::parse(text)
    }
}

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn write_value(value: &Value, depth: usize, text: &mut String) -> Result<(), ModelError> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(number, text)?,
        Value::String(string) => write_text(&clean_text(string).0, text),
        Value::Array(items) => {
            check_depth(depth)?;
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(item, depth + 1, text)?;
                check_size(text)?;
            }
            text.push(']');
        }
        Value::Object(entries) => write_object(entries, depth, text)?,
    }
    Ok(())
}

fn write_object(
    entries: &Map<String, Value>,
    depth: usize,
    text: &mut String,
) -> Result<(), ModelError> {
    check_depth(depth)?;
    let mut sorted: Vec<_> = entries
        .iter()
        .map(|(key, value)| (clean_text(key).0, value))
        .collect();
    sorted.sort_by(|(one, _), (two, _)| one.cmp(two));
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let reason = format!("has two keys {} once NUL is replaced", quoted(&pair[0].0));
        return Err(ModelError::invalid("context", reason, "rename one of them"));
    }
    text.push('{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_text(&key, text);
        text.push(':');
        write_value(value, depth + 1, text)?;
        check_size(text)?;
    }
    text.push('}');
    Ok(())
}

/// JSON numbers of `serde_json` are i64, u64 or finite f64.
fn write_number(number: &Number, text: &mut String) -> Result<(), ModelError> {
    let nearest = number
        .as_f64()
        .expect("a JSON number has a nearest float64");
    let mut buffer = ryu_js::Buffer::new();
    let written = buffer.format_finite(nearest);
    if let Some(integer) = number.as_i128() {
        // Past 2^53 the shortest digits of a float64 may differ from its exact value, and both
        // spellings mean it: the first is what a canonical text reads back as.
        let same = integer == nearest as i128 || integer.to_string() == written;
        if !same {
            return Err(ModelError::invalid(
                "context",
                format!("holds the integer {integer}, which float64 can't represent"),
                "write it as a text",
            ));
        }
    }
    text.push_str(written);
    Ok(())
}

/// The escapes of RFC 8785: the two-character ones where they exist, `\u00xx` in lower case for
/// other control characters below U+0020, everything else as it is.
fn write_text(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\0'..='\u{1f}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => text.push(character),
        }
    }
    text.push('"');
}

fn check_depth(depth: usize) -> Result<(), ModelError> {
    if depth > CONTEXT_DEPTH_MAX {
        let reason = format!("is nested deeper than {CONTEXT_DEPTH_MAX} levels");
        return Err(ModelError::too_large("context", reason, HINT));
    }
    Ok(())
}

fn check_size(text: &str) -> Result<(), ModelError> {
    if text.len() > CONTEXT_BYTES_MAX {
        return Err(too_long(text.len()));
    }
    Ok(())
}

fn too_long(bytes: usize) -> ModelError {
    let reason = format!("has {bytes} bytes or more, the limit is {CONTEXT_BYTES_MAX}");
    ModelError::too_large(
        "context",
        reason,
        "keep what describes the run in its params",
    )
}

#[cfg(test)]
mod tests;
