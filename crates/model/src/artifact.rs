//! Names of artifacts: the path of one inside its run, and the type of its bytes.
//!
//! A path is what a client may safely make a file of, below a folder of its choice, on any
//! system. Who made it is not trusted: the same check stands before every write and every read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::ModelError;
use crate::ids::quoted;

/// Longest path of an artifact in bytes.
pub const ARTIFACT_PATH_BYTES_MAX: usize = 1024;
/// Longest media type in bytes.
pub const MEDIA_TYPE_BYTES_MAX: usize = 255;

const PATH_HINT: &str = "give a relative path, as `checkpoints/last.pt`";
const TYPE_HINT: &str = "give one as `image/png`, or none";

/// The path of an artifact in its run: relative, segments joined by `/`.
///
/// 1 to 1,024 bytes. No segment is empty, `.` or `..`; no backslash, no drive as `C:`, no control
/// character. Sorts by bytes.
///
/// ```
/// use runstone_model::ArtifactPath;
/// assert_eq!(ArtifactPath::new("plots/loss.png").unwrap().file_name(), "loss.png");
/// for bad in ["", "/etc/passwd", "a/../b", "a//b", "a\\b", "C:/x", "a\nb", "a/"] {
///     assert!(ArtifactPath::new(bad).is_err(), "{bad:?}");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ArtifactPath(String);

impl ArtifactPath {
    /// Checks the text.
    ///
    /// # Errors
    /// `Invalid` for what is no such path, `TooLarge` past the limit.
    pub fn new(text: impl Into<String>) -> Result<Self, ModelError> {
        let text = text.into();
        if text.len() > ARTIFACT_PATH_BYTES_MAX {
            return Err(ModelError::too_large(
                "path of an artifact",
                format!(
                    "has {} bytes, the limit is {ARTIFACT_PATH_BYTES_MAX}",
                    text.len()
                ),
                PATH_HINT,
            ));
        }
        match fault_of(&text) {
            None => Ok(Self(text)),
            Some(fault) => Err(ModelError::invalid(
                "path of an artifact",
                format!("{} {fault}", quoted(&text)),
                PATH_HINT,
            )),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last `/`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

fn fault_of(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if text.is_empty() {
        return Some("is empty");
    }
    if text.starts_with('/') {
        return Some("is absolute");
    }
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Some("begins with a drive");
    }
    if text.contains('\\') {
        return Some("has a backslash");
    }
    if text.chars().any(char::is_control) {
        return Some("has a control character");
    }
    for segment in text.split('/') {
        match segment {
            "" => return Some("has an empty segment"),
            "." | ".." => return Some("has a segment of dots"),
            _ => {}
        }
    }
    None
}

/// The media type of bytes, as `image/png`: a type and a subtype, and parameters as they are.
///
/// At most 255 bytes of printable ASCII, so that it can stand in a header. Letters of type and
/// subtype are lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MediaType(String);

impl MediaType {
    /// Checks the text, and makes type and subtype lower case.
    ///
    /// # Errors
    /// `Invalid` for what is none, `TooLarge` past the limit.
    pub fn new(text: &str) -> Result<Self, ModelError> {
        let text = text.trim();
        if text.len() > MEDIA_TYPE_BYTES_MAX {
            return Err(ModelError::too_large(
                "media type",
                format!(
                    "has {} bytes, the limit is {MEDIA_TYPE_BYTES_MAX}",
                    text.len()
                ),
                TYPE_HINT,
            ));
        }
        let (essence, parameters) = text
            .split_once(';')
            .map_or((text, None), |(essence, rest)| {
                (essence.trim_end(), Some(rest))
            });
        let is_token = |part: &str| {
            let is_mark = |byte: u8| b"!#$&-^_.+".contains(&byte);
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
        };
        let good = essence
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
            && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !good {
            return Err(ModelError::invalid(
                "media type",
                format!("{} is none", quoted(text)),
                TYPE_HINT,
            ));
        }
        let essence = essence.to_ascii_lowercase();
        Ok(Self(match parameters {
            Some(parameters) => format!("{essence};{parameters}"),
            None => essence,
        }))
    }

    /// `application/octet-stream`: bytes of which nothing is known.
    pub fn bytes() -> Self {
        Self("application/octet-stream".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Type and subtype, without parameters.
    pub fn essence(&self) -> &str {
        self.0.split(';').next().unwrap_or(&self.0)
    }

    /// Whether a browser may show it as it is: raster images, audio and video hold no script.
    pub fn is_harmless(&self) -> bool {
        let essence = self.essence();
        matches!(
            essence,
            "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/bmp"
        ) || essence.starts_with("audio/")
            || essence.starts_with("video/")
    }
}

macro_rules! text {
    ($name:ident, $make:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ModelError;

            fn from_str(text: &str) -> Result<Self, ModelError> {
                $make(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

text!(ArtifactPath, ArtifactPath::new);
text!(MediaType, MediaType::new);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_folder_on_every_system() {
        for good in ["a", "a/b.c", ".hidden", "a b/ü", "..a/b..", "1:/x", "ab:c"] {
            assert_eq!(ArtifactPath::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/./b", "a\\b", "c:", "a:b",
            "C:\\x", "z:/a", "a\0b", "a\u{7f}b", "a\u{85}b",
        ] {
            assert!(ArtifactPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(ArtifactPath::new("a".repeat(1024)).is_ok());
        assert!(matches!(
            ArtifactPath::new("a".repeat(1025)),
            Err(ModelError::TooLarge { .. })
        ));
    }

    #[test]
    fn a_media_type_can_stand_in_a_header() {
        let text = MediaType::new("Text/HTML ; charset=UTF-8").unwrap();
        assert_eq!(text.as_str(), "text/html; charset=UTF-8");
        assert_eq!(text.essence(), "text/html");
        for bad in ["", "text", "text/", "/html", "a/b\r\nX: y", "a b/c", "a/ü"] {
            assert!(MediaType::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_what_holds_no_script_is_shown() {
        for (text, shown) in [
            ("image/png", true),
            ("image/PNG", true),
            ("audio/ogg", true),
            ("video/mp4; codecs=avc1", true),
            ("image/svg+xml", false),
            ("text/html", false),
            ("application/pdf", false),
            ("application/octet-stream", false),
        ] {
            assert_eq!(MediaType::new(text).unwrap().is_harmless(), shown, "{text}");
        }
    }
}
