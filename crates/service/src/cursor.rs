//! Opaque cursors of the API: where a page ended, as text that only this file reads.
//!
//! A cursor names what it pages (`runs`, `series`, `points`), so that one cannot be used for
//! another. It is a position by key and stays good when rows come and go.

use crate::error::ServiceError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a position.
pub(crate) fn encode<T: Serialize>(what: &str, position: &T) -> String {
    let json = serde_json::to_vec(&(what, position)).expect("positions are plain numbers and text");
    URL_SAFE_NO_PAD.encode(json)
}

/// Reads a position of the same `what`.
///
/// # Errors
/// `Invalid` for anything that [`encode`] did not write for this `what`.
pub(crate) fn decode<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, ServiceError> {
    let refused = || {
        ServiceError::invalid(format!("`{text}` is no cursor of {what}"))
            .with_hint("pass `next_cursor` of the former page as it is, or leave it out")
    };
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let (kind, position): (String, T) = serde_json::from_slice(&json).map_err(|_| refused())?;
    if kind == what {
        Ok(position)
    } else {
        Err(refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_pages_only() {
        let cursor = encode("runs", &(1_i64, 2_u64));
        assert_eq!(decode::<(i64, u64)>("runs", &cursor).unwrap(), (1, 2));
        assert!(decode::<(i64, u64)>("series", &cursor).is_err());
        for text in ["", "!", "AAAA", "eyJ9"] {
            assert!(decode::<(i64, u64)>("runs", text).is_err());
        }
    }
}
