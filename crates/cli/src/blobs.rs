//! Where the bytes of artifacts lie: the folder `blobs` in the data folder, or a bucket.
//!
//! A bucket is noted in the data folder, so that every command finds it, and nobody starts a server
//! over the same runs without their bytes. The note is the address; it holds no secret.

use crate::arguments::UpArguments;
use runstone_client::config::process_environment;
use runstone_service::{BLOB_FOLDER, BlobStore, ErrorKind, ServiceError, Store, system_clock};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;

/// The note, in the data folder.
const NOTE: &str = "blobs.url";

/// Opens the place of a data folder that is open.
///
/// # Errors
/// `Conflict` if another place is asked for than the one that is noted or used; those of opening.
pub(crate) fn open_blobs(
    folder: &Path,
    asked: Option<&str>,
    store: &Arc<dyn Store>,
    runtime: Handle,
) -> Result<BlobStore, ServiceError> {
    let mut secret = [0u8; 32];
    getrandom::fill(&mut secret).map_err(|error| {
        ServiceError::new(
            ErrorKind::Internal,
            format!("there is no randomness: {error}"),
        )
    })?;
    let clock: runstone_service::Clock = Arc::new(system_clock);
    let note = folder.join(NOTE);
    let noted = read_note(&note)?;
    let own = folder.join(BLOB_FOLDER);
    let Some(address) = chosen(asked, noted.as_deref(), &own, &note)? else {
        return BlobStore::open_folder(&own, store, &clock, secret, runtime);
    };
    let opened = BlobStore::open_bucket(
        (address, noted.is_none()),
        &process_environment,
        store,
        &clock,
        secret,
        runtime,
    )?;
    if noted.is_none() {
        write_note(&note, address)?;
    }
    Ok(opened)
}

/// The place that `up` was asked for.
pub(crate) fn asked_place(asked: &UpArguments) -> Option<&str> {
    asked.blobs.as_deref().filter(|address| !address.is_empty())
}

/// The bucket that is meant, if one is.
fn chosen<'a>(
    asked: Option<&'a str>,
    noted: Option<&'a str>,
    own: &Path,
    note: &Path,
) -> Result<Option<&'a str>, ServiceError> {
    let Some(asked) = asked else {
        return Ok(noted);
    };
    let conflict = |message: String| Err(ServiceError::new(ErrorKind::Conflict, message));
    match noted {
        Some(noted) if noted == asked => Ok(Some(asked)),
        Some(noted) => {
            conflict(format!("the blobs of this data folder lie at {noted}")).map_err(|error| {
                error.with_hint(format!(
                    "leave --blobs out; or copy them to the new place, then put its address into {}",
                    note.display()
                ))
            })
        }
        None if holds_blobs(own) => conflict(format!(
            "the blobs of this data folder lie in {}",
            own.display()
        ))
        .map_err(|error| {
            error.with_hint(
                "copy what is in it to the bucket, below its prefix, then move the folder away",
            )
        }),
        None => Ok(Some(asked)),
    }
}

fn holds_blobs(own: &Path) -> bool {
    let shards = std::fs::read_dir(own.join("sha256")).into_iter().flatten();
    shards
        .flatten()
        .any(|shard| std::fs::read_dir(shard.path()).is_ok_and(|mut blobs| blobs.next().is_some()))
}

fn read_note(note: &Path) -> Result<Option<String>, ServiceError> {
    match std::fs::read_to_string(note) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ServiceError::new(
            ErrorKind::Internal,
            format!(
                "can't read where the blobs lie: {error}: {}",
                note.display()
            ),
        )
        .with_hint("make the file readable")),
    }
}

fn write_note(note: &Path, address: &str) -> Result<(), ServiceError> {
    let partial = note.with_extension("partial");
    let write = || -> std::io::Result<()> {
        std::fs::write(&partial, format!("{address}\n"))?;
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, note)?;
        // Without the note a start after a power loss would look into the folder.
        match note.parent() {
            Some(folder) => std::fs::File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|error| {
        ServiceError::new(
            ErrorKind::Internal,
            format!(
                "can't note where the blobs lie: {error}: {}",
                note.display()
            ),
        )
        .with_hint("make the data folder writable")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_keeps_the_place_of_its_blobs() {
        let folder = tempfile::tempdir().unwrap();
        let (own, note) = (folder.path().join("blobs"), folder.path().join(NOTE));
        let choose = |asked, noted| chosen(asked, noted, &own, &note);
        assert_eq!(choose(None, None).unwrap(), None);
        assert_eq!(choose(Some("s3://a"), None).unwrap(), Some("s3://a"));
        assert_eq!(choose(None, Some("s3://a")).unwrap(), Some("s3://a"));
        assert_eq!(
            choose(Some("s3://a"), Some("s3://a")).unwrap(),
            Some("s3://a")
        );
        let other = choose(Some("s3://b"), Some("s3://a")).unwrap_err();
        assert!(other.message.contains("s3://a") && other.hint.is_some());
        std::fs::create_dir_all(own.join("sha256/ab")).unwrap();
        assert!(choose(Some("s3://a"), None).is_ok());
        std::fs::write(own.join("sha256/ab/cd"), "x").unwrap();
        assert_eq!(
            choose(Some("s3://a"), None).unwrap_err().kind,
            ErrorKind::Conflict
        );
        write_note(&note, "s3://a/b").unwrap();
        assert_eq!(read_note(&note).unwrap().as_deref(), Some("s3://a/b"));
    }
}
