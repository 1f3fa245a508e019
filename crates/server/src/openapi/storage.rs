//! The operations about space.

use super::operations::{Operation, json};
use runstone_service::ErrorKind;
use runstone_service::api::{
    GcAnswer, GcRequest, SnapshotAnswer, SnapshotRequest, StorageAnswer, StorageQuery,
};
use utoipa::openapi::path::HttpMethod::{Get, Post};

pub(super) fn about_storage() -> Vec<Operation> {
    vec![
        Operation::new(
            "readStorage",
            "storage",
            Get,
            "/runstone/v1/storage",
            "Bytes by run, experiment and kind",
        )
        .query::<StorageQuery>()
        .answer("200", "Where the bytes are.", json::<StorageAnswer>())
        .error(ErrorKind::NotFound)
        .error(ErrorKind::Conflict),
        Operation::new(
            "collectGarbage",
            "storage",
            Post,
            "/runstone/v1/gc",
            "Purge the trash and give free space back",
        )
        .description(
            "Purges runs whose time in the trash is over, and returns free pages to the file \
             system, in slices between the frames of writers. One request works for a few seconds; \
             send it again until `done` is true.",
        )
        .request(json::<GcRequest>())
        .answer("200", "What this turn did.", json::<GcAnswer>())
        .error(ErrorKind::TooMany),
        Operation::new(
            "makeSnapshot",
            "storage",
            Post,
            "/runstone/v1/snapshot",
            "Copy the data folder",
        )
        .description(
            "A consistent copy to a folder on the server's machine, made while frames come in. \
             Answered once the copy is durable, which takes as long as writing it does.",
        )
        .request(json::<SnapshotRequest>())
        .answer("200", "The copy.", json::<SnapshotAnswer>())
        .error(ErrorKind::Conflict),
    ]
}
