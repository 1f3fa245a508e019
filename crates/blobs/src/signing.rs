//! Signed addresses at which the server itself takes an upload: HMAC-SHA-256 over what they permit.
//!
//! Whoever holds one may do once more what it says until it expires: one method, one path of one run, so many
//! bytes. docs/formats/blobs.md describes the query and what is signed. Keys are known by their ids: the
//! first one signs, all of them check, so that a key can be replaced before the last address of the former expires.

use std::fmt;

use hmac::{Hmac, Mac as _};
use runstone_model::{RunId, Timestamp};
use sha2::Sha256;

use crate::BlobError;

/// First of what is signed: another use of the same key gives another signature.
const DOMAIN: &str = "runstone-upload-1";
const SECRET_BYTES_MIN: usize = 32;
const KEY_ID_BYTES_MAX: usize = 32;

/// A secret and its name.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    secret: Vec<u8>,
}

impl SigningKey {
    /// `id`: 1 to 32 of `A-Z a-z 0-9 - _`, seen by clients. `secret`: 32 random bytes or more.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn new(id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Result<Self, BlobError> {
        let (id, secret) = (id.into(), secret.into());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > KEY_ID_BYTES_MAX || !id.bytes().all(plain) {
            return Err(BlobError::Invalid(format!(
                "id {id:?} of a signing key is not 1 to {KEY_ID_BYTES_MAX} letters, digits, `-` and `_`"
            )));
        }
        if secret.len() < SECRET_BYTES_MIN {
            return Err(BlobError::Invalid(format!(
                "the secret of signing key {id} has {} bytes, hint: {SECRET_BYTES_MIN} random bytes or more",
                secret.len()
            )));
        }
        Ok(Self { id, secret })
    }

    fn mac(&self, grant: &UploadGrant) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of every length");
        let (expires_at, bytes_max) = (
            grant.expires_at.as_micros().to_string(),
            grant.bytes_max.to_string(),
        );
        // Each with its length, so that no two different grants are the same bytes.
        for part in [
            DOMAIN,
            &self.id,
            &grant.method,
            grant.run.as_str(),
            &grant.path,
            &expires_at,
            &bytes_max,
        ] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({})", self.id)
    }
}

/// What a signed address permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadGrant {
    /// As `PUT`.
    pub method: String,
    /// The run that the bytes are for.
    pub run: RunId,
    /// The path of the artifact in the run, decoded.
    pub path: String,
    /// Up to here.
    pub expires_at: Timestamp,
    /// So many bytes at most.
    pub bytes_max: u64,
}

/// The keys of a server: the first signs, all check.
#[derive(Debug, Clone)]
pub struct UploadKeys {
    keys: Vec<SigningKey>,
}

impl UploadKeys {
    /// From the key that signs, and former ones whose addresses may still be in use.
    ///
    /// # Errors
    /// `Invalid` if two have one id.
    pub fn new(current: SigningKey, former: Vec<SigningKey>) -> Result<Self, BlobError> {
        let mut keys = vec![current];
        for key in former {
            if keys.iter().any(|other| other.id == key.id) {
                return Err(BlobError::Invalid(format!(
                    "two signing keys have the id {}, hint: give each new key a new id",
                    key.id
                )));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }

    /// The query of an address that permits `grant`: what comes after the `?`.
    pub fn sign(&self, grant: &UploadGrant) -> String {
        let key = &self.keys[0];
        let signature = key.mac(grant).finalize().into_bytes();
        let mut query = format!(
            "key={}&expires_at_micros={}&bytes_max={}&signature=",
            key.id,
            grant.expires_at.as_micros(),
            grant.bytes_max
        );
        query.extend(signature.iter().map(|byte| format!("{byte:02x}")));
        query
    }

    /// What the query of an address permits at `now`, if it is one that was signed for this method, run and path.
    /// Parameters of other names are passed over. The signature is compared in constant time.
    ///
    /// # Errors
    /// `Refused`, with the reason.
    pub fn check(
        &self,
        method: &str,
        run: &RunId,
        path: &str,
        query: &str,
        now: Timestamp,
    ) -> Result<UploadGrant, BlobError> {
        let id = parameter(query, "key")?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| {
            refused(
                "it is signed with a key that is not known any more, hint: ask for a new address",
            )
        })?;
        let expires_at = number(query, "expires_at_micros")?;
        let grant = UploadGrant {
            method: method.to_owned(),
            run: run.clone(),
            path: path.to_owned(),
            expires_at: Timestamp::from_micros(expires_at),
            bytes_max: number(query, "bytes_max")?,
        };
        let signature = bytes_from_hex(parameter(query, "signature")?)
            .ok_or_else(|| refused("its signature is not 64 hexadecimal digits"))?;
        key.mac(&grant).verify_slice(&signature).map_err(|_| {
            refused("its signature is not for this method, run, path, time and size")
        })?;
        if now >= grant.expires_at {
            return Err(refused(&format!(
                "it has expired at {}, hint: ask for a new one",
                grant.expires_at
            )));
        }
        Ok(grant)
    }
}

/// The one value of a parameter.
fn parameter<'a>(query: &'a str, name: &str) -> Result<&'a str, BlobError> {
    let mut values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    });
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(refused(&format!("it lacks `{name}`"))),
        _ => Err(refused(&format!("it has `{name}` twice"))),
    }
}

fn number<T: std::str::FromStr + ToString>(query: &str, name: &str) -> Result<T, BlobError> {
    let text = parameter(query, name)?;
    // Only the text that was signed: no sign, no zeros in front.
    let number: Option<T> = text.parse().ok();
    number
        .filter(|number| number.to_string() == text)
        .ok_or_else(|| refused(&format!("its `{name}` is not a number")))
}

fn bytes_from_hex(text: &str) -> Option<[u8; 32]> {
    runstone_model::BlobDigest::from_hex(text).map(|digest| *digest.as_bytes())
}

fn refused(reason: &str) -> BlobError {
    BlobError::Refused(format!("the address of the upload can't be used: {reason}"))
}

#[cfg(test)]
mod tests;
