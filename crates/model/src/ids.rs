//! Identity: keys and numbers that the store gives, ids that people and programs see.
//!
//! Keys and numbers are opaque counters; each has a type of its own so that they can't be mixed
//! up. Ids are made from parts that the caller brings, time and randomness included.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ModelError;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }
    };
}

number!(
    /// Internal key of a run. Never reused, so it also tells one life of an id from the next.
    RunKey(u64)
);
number!(
    /// Internal key of an experiment. Never reused.
    ExperimentKey(u64)
);
number!(
    /// Number of a committed mutation of a store; live views and cursors use it.
    ChangeNumber(u64)
);
number!(
    /// Position of an applied frame in its run.
    AppendNumber(u64)
);
number!(
    /// How often a run was rewound before a point was written.
    Generation(u32)
);

impl ChangeNumber {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl AppendNumber {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Generation {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Every row carries one; 1 until there are more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkspaceId(pub u64);

impl Default for WorkspaceId {
    fn default() -> Self {
        Self(1)
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// One open run handle in one process: 16 random bytes, a new one at each open, resume and fork.
///
/// As text: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriterId([u8; 16]);

impl WriterId {
    /// From its bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex_from_bytes(&self.0))
    }
}

impl fmt::Debug for WriterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "WriterId({self})")
    }
}

impl FromStr for WriterId {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        bytes_from_hex(text).map(Self).ok_or_else(|| {
            ModelError::invalid(
                "writer id",
                format!("{} is not 32 hexadecimal digits", quoted(text)),
                "copy it from `runstone show RUN`",
            )
        })
    }
}

impl Serialize for WriterId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WriterId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The id of a run that people see: 1 to 128 bytes of UTF-8 without `/`, `\` and control
/// characters, and neither `.` nor `..`. Unique among the living runs of a workspace.
///
/// Ours are ULIDs, see [`run_id_from_parts`]; a foreign client may bring any other.
///
/// ```
/// use runstone_model::RunId;
/// assert_eq!(RunId::new("sgd-1").unwrap().as_str(), "sgd-1");
/// assert!(RunId::new("a/b").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// The longest id in bytes.
    pub const BYTES_MAX: usize = 128;

    /// Checks the text.
    ///
    /// # Errors
    /// `Invalid` if the text is empty, `.` or `..`, or holds a forbidden character; `TooLarge`
    /// past 128 bytes. The caller reports it; no other id is tried.
    pub fn new(text: impl Into<String>) -> Result<Self, ModelError> {
        let text = text.into();
        let hint = "leave the id out to get a new one, or use letters, digits, `-` and `_`";
        if text.len() > Self::BYTES_MAX {
            let reason = format!("has {} bytes, the limit is {}", text.len(), Self::BYTES_MAX);
            return Err(ModelError::too_large("run id", reason, hint));
        }
        if text.is_empty() {
            return Err(ModelError::invalid("run id", "is empty", hint));
        }
        let forbidden = |character: char| matches!(character, '/' | '\\') || character.is_control();
        if text == "." || text == ".." || text.contains(forbidden) {
            let reason = format!(
                "{} holds `/`, `\\`, a control character, or only dots",
                quoted(&text)
            );
            return Err(ModelError::invalid("run id", reason, hint));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        Self::new(text)
    }
}

impl AsRef<str> for RunId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A new run id: a ULID, 26 characters of Crockford's base 32 that sort by creation time.
///
/// `micros` is the time since 1970 in UTC, kept to the millisecond; earlier times count as 1970,
/// times past the year 10889 as that. The caller brings ten random bytes.
pub fn run_id_from_parts(micros: i64, randomness: [u8; 10]) -> RunId {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bits = u128::from(millis_of_48_bits(micros / 1000)) << 80;
    for (index, byte) in randomness.iter().rev().enumerate() {
        bits |= u128::from(*byte) << (8 * index);
    }
    let text = (0..26)
        .map(|index| char::from(ALPHABET[((bits >> (5 * (25 - index))) & 31) as usize]))
        .collect();
    RunId(text)
}

/// Which store this is, and which life of it: a restored or re-created folder gets a new
/// incarnation, so that clients notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreIdentity {
    /// Given once, when the store is created.
    pub store: [u8; 16],
    /// Given at creation and at each restore.
    pub incarnation: [u8; 16],
}

impl StoreIdentity {
    /// The store as 32 hexadecimal digits.
    pub fn store_hex(&self) -> String {
        hex_from_bytes(&self.store)
    }

    /// The incarnation as 32 hexadecimal digits.
    pub fn incarnation_hex(&self) -> String {
        hex_from_bytes(&self.incarnation)
    }

    /// From the two texts; `None` if one is not 32 hexadecimal digits.
    pub fn from_hex(store: &str, incarnation: &str) -> Option<Self> {
        Some(Self {
            store: bytes_from_hex(store)?,
            incarnation: bytes_from_hex(incarnation)?,
        })
    }
}

impl fmt::Display for StoreIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.store_hex(), self.incarnation_hex())
    }
}

#[derive(Serialize, Deserialize)]
struct StoreIdentityText {
    store: String,
    incarnation: String,
}

impl Serialize for StoreIdentity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoreIdentityText {
            store: self.store_hex(),
            incarnation: self.incarnation_hex(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoreIdentity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = StoreIdentityText::deserialize(deserializer)?;
        Self::from_hex(&text.store, &text.incarnation)
            .ok_or_else(|| serde::de::Error::custom("a store identity is 32 hexadecimal digits"))
    }
}

/// Milliseconds clamped to the 48 bits that ULID and UUIDv7 have for them.
pub(crate) fn millis_of_48_bits(millis: i64) -> u64 {
    millis.clamp(0, (1 << 48) - 1).unsigned_abs()
}

pub(crate) fn hex_from_bytes(bytes: &[u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(32);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn bytes_from_hex(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u128::from_str_radix(text, 16).ok()?;
    Some(number.to_be_bytes())
}

/// A value as it stands in a message: escaped, and cut when long.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_id_is_short_text_without_separators() {
        for good in [
            "a",
            "0",
            "...",
            "ä b",
            ".hidden",
            "😀",
            "x:1:2",
            &"y".repeat(128),
        ] {
            assert_eq!(RunId::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\0",
            "a\nb",
            "\u{85}",
            &"y".repeat(129),
        ] {
            let error = RunId::new(bad).unwrap_err();
            assert_eq!(error.is_too_large(), bad.len() > 128, "{bad:?}");
            assert!(
                serde_json::from_value::<RunId>(bad.into()).is_err(),
                "{bad:?}"
            );
        }
        assert_eq!(
            RunId::new("a/b").unwrap_err().to_string(),
            "run id \"a/b\" holds `/`, `\\`, a control character, or only dots, \
             hint: leave the id out to get a new one, or use letters, digits, `-` and `_`"
        );
    }

    #[test]
    fn a_new_run_id_is_a_ulid() {
        // 1469918176385 ms is the example of the ULID specification: 01ARYZ6S41.
        let id = run_id_from_parts(1_469_918_176_385_999, [0xff; 10]);
        assert_eq!(id.as_str(), "01ARYZ6S41ZZZZZZZZZZZZZZZZ");
        assert_eq!(run_id_from_parts(-5, [0; 10]).as_str(), "0".repeat(26));
        assert_eq!(
            run_id_from_parts(i64::MAX, [0xff; 10]).as_str(),
            format!("7{}", "Z".repeat(25))
        );
    }

    #[test]
    fn numbers_and_ids_are_plain_in_json() {
        assert_eq!(serde_json::to_string(&RunKey(7)).unwrap(), "7");
        assert_eq!(serde_json::to_string(&WorkspaceId::default()).unwrap(), "1");
        let writer = WriterId::new([0xab; 16]);
        assert_eq!(
            serde_json::to_string(&writer).unwrap(),
            format!("\"{}\"", "ab".repeat(16))
        );
        let identity = StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        };
        let text = serde_json::to_string(&identity).unwrap();
        assert_eq!(
            serde_json::from_str::<StoreIdentity>(&text).unwrap(),
            identity
        );
    }

    #[test]
    fn a_writer_id_that_is_no_hex_is_refused() {
        for bad in [
            "",
            "ab",
            &"g".repeat(32),
            &"é".repeat(16),
            &format!("+{}", "a".repeat(31)),
        ] {
            assert!(bad.parse::<WriterId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn writer_ids_read_back(bytes in any::<[u8; 16]>()) {
            let writer = WriterId::new(bytes);
            prop_assert_eq!(writer.to_string().parse::<WriterId>().unwrap(), writer);
        }

        #[test]
        fn run_ids_sort_by_time_then_randomness(
            one in (0_i64..1 << 47, any::<[u8; 10]>()),
            two in (0_i64..1 << 47, any::<[u8; 10]>()),
        ) {
            let id = |(millis, randomness)| run_id_from_parts(millis * 1000, randomness);
            prop_assert_eq!(id(one).cmp(&id(two)), one.cmp(&two));
        }
    }
}
