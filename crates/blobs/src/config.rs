//! Where blobs lie, and the limits and times that hold for them. Read by the binary, checked at opening.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::BlobError;

const MEBIBYTE: u64 = 1024 * 1024;
const GIBIBYTE: u64 = 1024 * MEBIBYTE;
/// S3 takes so many parts of one object.
pub(crate) const PARTS_MAX: u64 = 10_000;
/// S3 takes no part smaller than this, but for the last.
const PART_BYTES_MIN: usize = 5 * 1024 * 1024;

/// A place, and what holds there.
#[derive(Debug, Clone)]
pub struct BlobsConfig {
    /// Where the bytes lie.
    pub place: Place,
    /// The largest blob in bytes.
    pub blob_bytes_max: u64,
    /// Leases and garbage collection.
    pub times: BlobTimes,
}

impl BlobsConfig {
    /// The usual limits and times: 64 GiB a blob.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            blob_bytes_max: 64 * GIBIBYTE,
            times: BlobTimes::default(),
        }
    }

    /// Whether the values fit together.
    pub(crate) fn check(&self) -> Result<(), BlobError> {
        self.times.check()?;
        let Place::S3(place) = &self.place else {
            return Ok(());
        };
        if place.part_bytes < PART_BYTES_MIN {
            return Err(BlobError::Invalid(format!(
                "part_bytes is {}, hint: S3 takes no part below {PART_BYTES_MIN} bytes",
                place.part_bytes
            )));
        }
        if self.blob_bytes_max.div_ceil(PARTS_MAX) > place.part_bytes as u64 {
            return Err(BlobError::Invalid(format!(
                "a blob of {} bytes needs more than {PARTS_MAX} parts of {} bytes, hint: raise part_bytes to {}",
                self.blob_bytes_max,
                place.part_bytes,
                self.blob_bytes_max.div_ceil(PARTS_MAX)
            )));
        }
        Ok(())
    }
}

/// Where the bytes lie.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder on a local disk, made if there is none. One process at a time owns it.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store, which must exist. Several servers may share it.
    S3(S3Place),
}

/// A bucket and how to reach it.
#[derive(Clone)]
pub struct S3Place {
    /// As `https://s3.example.org`; `None` is AWS. `http://` is taken, for stores in the own network.
    pub endpoint: Option<String>,
    /// Name of the bucket.
    pub bucket: String,
    /// What the names of all objects begin with; may be empty.
    pub prefix: String,
    /// As `eu-central-1`; what the store expects in signatures.
    pub region: String,
    /// `None`: the role of the machine.
    pub credentials: Option<S3Credentials>,
    /// Bytes of a part of an upload, 5 MiB or more. An upload holds at most three parts in memory.
    pub part_bytes: usize,
    /// The largest object that the store copies in one request; larger ones are read and written.
    pub copy_bytes_max: u64,
}

impl S3Place {
    /// A bucket of AWS with the usual limits: 16 MiB a part, 5 GiB a copy.
    pub fn new(bucket: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            endpoint: None,
            bucket: bucket.into(),
            prefix: String::new(),
            region: region.into(),
            credentials: None,
            part_bytes: 16 * MEBIBYTE as usize,
            copy_bytes_max: 5 * GIBIBYTE,
        }
    }
}

impl fmt::Debug for S3Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3Place")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// What an S3-compatible store knows its caller by. Not shown by `Debug`.
#[derive(Clone)]
pub struct S3Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
}

/// How long things last. All are lengths by the clock that [`crate::Blobs::open`] is given, but
/// for `deletion_wait`.
#[derive(Debug, Clone, Copy)]
pub struct BlobTimes {
    /// How long an upload may be silent before it is swept. Renewed while bytes come.
    pub lease: Duration,
    /// How long a blob stays unreferenced before it is deleted.
    pub grace: Duration,
    /// After so long a deletion that did not report is taken over. Twice the longest time from
    /// the decision to delete to the end of its request, at least.
    pub deletion_settles: Duration,
    /// How long an upload waits while its blob is being deleted, before it answers `Unavailable`.
    pub deletion_wait: Duration,
}

impl Default for BlobTimes {
    /// 15 minutes, 1 day, 15 minutes, 10 seconds.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15 * 60),
            grace: Duration::from_secs(24 * 3600),
            deletion_settles: Duration::from_secs(15 * 60),
            deletion_wait: Duration::from_secs(10),
        }
    }
}

impl BlobTimes {
    fn check(&self) -> Result<(), BlobError> {
        let least = 2 * crate::s3::DELETE_TIMEOUT;
        if self.deletion_settles < 2 * least {
            return Err(BlobError::Invalid(format!(
                "deletion_settles is {:?}, hint: {:?} or more, so that a request which nobody waits for has ended",
                self.deletion_settles,
                2 * least
            )));
        }
        if self.lease < Duration::from_secs(30) {
            return Err(BlobError::Invalid(format!(
                "the lease of an upload is {:?}, hint: 30 seconds or more",
                self.lease
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut BlobsConfig, &mut S3Place)) -> Option<String> {
        let mut place = S3Place::new("runs", "eu-central-1");
        let mut config = BlobsConfig::new(Place::Folder(PathBuf::new()));
        change(&mut config, &mut place);
        config.place = Place::S3(place);
        config.check().err().map(|error| error.to_string())
    }

    #[test]
    fn the_usual_values_fit_together() {
        assert_eq!(refusal(|_, _| {}), None);
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_those_that_would() {
        let small = refusal(|_, place| place.part_bytes = 1024);
        assert!(small.unwrap().contains("5242880"));
        let large = refusal(|config, _| config.blob_bytes_max = 1024 * GIBIBYTE);
        assert!(large.unwrap().contains("raise part_bytes to 109951163"));
        let hasty = refusal(|config, _| config.times.deletion_settles = Duration::from_secs(119));
        assert!(hasty.unwrap().contains("120s or more"));
        let short = refusal(|config, _| config.times.lease = Duration::from_secs(1));
        assert!(short.unwrap().contains("30 seconds or more"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut place = S3Place::new("runs", "eu-central-1");
        place.credentials = Some(S3Credentials {
            access_key_id: "public-half".to_owned(),
            secret_access_key: "secret-half".to_owned(),
            session_token: None,
        });
        let shown = format!("{:?}", BlobsConfig::new(Place::S3(place)));
        assert!(!shown.contains("half"), "{shown}");
    }
}
