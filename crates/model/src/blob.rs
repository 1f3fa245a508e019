//! Names of blobs: the digest that is a blob's identity, and the lease of an upload.
//!
//! Where the bytes lie and how digests are computed is `blobs`' part; who refers to a blob is
//! kept by the store.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ModelError;
use crate::ids::quoted;

/// The SHA-256 of a blob's bytes, which is its identity: equal digests, equal bytes.
///
/// As text: `sha256:` and 64 lower-case hexadecimal digits, as OCI writes it.
///
/// ```
/// use runstone_model::BlobDigest;
/// let digest: BlobDigest =
///     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse().unwrap();
/// assert_eq!(digest.to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// assert!("sha256:E3B0".parse::<BlobDigest>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobDigest([u8; 32]);

impl BlobDigest {
    /// From its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hexadecimal digits, without `sha256:`.
    pub fn to_hex(self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits
            .map(|digit| char::from(DIGITS[usize::from(digit)]))
            .collect()
    }

    /// From 64 lower-case hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.to_hex())
    }
}

impl fmt::Debug for BlobDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for BlobDigest {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let hex = text.strip_prefix("sha256:");
        hex.and_then(Self::from_hex).ok_or_else(|| {
            ModelError::invalid(
                "digest",
                format!(
                    "{} is not `sha256:` and 64 lower-case hexadecimal digits",
                    quoted(text)
                ),
                "give the SHA-256 of the bytes, as `sha256sum FILE` prints it",
            )
        })
    }
}

impl Serialize for BlobDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlobDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The number of one upload's lease. Given by the store, never reused.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BlobLeaseId(pub u64);

impl fmt::Display for BlobLeaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_comes_back_from_its_text() {
        let digest = BlobDigest::new(std::array::from_fn(|index| index as u8 * 7));
        assert_eq!(digest.to_string().parse::<BlobDigest>().unwrap(), digest);
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{digest}\""));
        assert_eq!(serde_json::from_str::<BlobDigest>(&json).unwrap(), digest);
    }

    #[test]
    fn other_texts_are_no_digests() {
        let hex = "0".repeat(64);
        for text in [
            String::new(),
            hex.clone(),
            format!("sha512:{hex}"),
            format!("sha256:{hex}0"),
            format!("sha256:{}G", &hex[1..]),
            format!("sha256:{}A", &hex[1..]),
            format!("sha256:{}é", &hex[2..]),
        ] {
            assert!(text.parse::<BlobDigest>().is_err(), "{text}");
        }
    }
}
