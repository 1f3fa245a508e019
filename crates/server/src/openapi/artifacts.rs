//! The operations about artifacts.

use super::operations::{Operation, bytes, header, json};
use runstone_service::ErrorKind;
use runstone_service::api::{
    ArtifactBegun, ArtifactItem, ArtifactList, ArtifactQuery, ArtifactRequest, ArtifactsQuery,
    FinishRequest,
};
use utoipa::openapi::path::HttpMethod::{Delete, Get, Post, Put};

const ONE: &str = "/runstone/v1/runs/{run}/artifacts/{path}";
const ANY: &str = "application/octet-stream";

pub(super) fn about_artifacts() -> Vec<Operation> {
    vec![
        Operation::new(
            "listArtifacts",
            "artifacts",
            Get,
            "/runstone/v1/runs/{run}/artifacts",
            "Artifacts of a run, by path",
        )
        .query::<ArtifactsQuery>()
        .of_run()
        .answer("200", "One page of artifacts.", json::<ArtifactList>()),
        Operation::new(
            "beginArtifact",
            "artifacts",
            Post,
            "/runstone/v1/runs/{run}/artifacts",
            "Begin the upload of an artifact",
        )
        .description(
            "Answers that the bytes are there already, or where to PUT them. Until they are there \
             the artifact is pending.",
        )
        .of_run()
        .request(json::<ArtifactRequest>())
        .answer(
            "200",
            "The artifact, and where its bytes are awaited.",
            json::<ArtifactBegun>(),
        ),
        Operation::new(
            "putArtifact",
            "artifacts",
            Put,
            ONE,
            "Send the bytes of an upload",
        )
        .description(
            "Only at an address that `beginArtifact` has answered, whose query is its \
                 permission: no token is asked. The bytes are verified while they come; other \
                 bytes than were announced leave nothing.",
        )
        .of_run()
        .request(bytes(ANY))
        .answer(
            "200",
            "The artifact, which is ready.",
            json::<ArtifactItem>(),
        ),
        Operation::new(
            "finishUpload",
            "artifacts",
            Post,
            "/runstone/v1/runs/{run}/uploads/{upload}",
            "Finish an upload that went into the bucket itself",
        )
        .of_run()
        .request(json::<FinishRequest>())
        .answer(
            "200",
            "The artifact, which is ready.",
            json::<ArtifactItem>(),
        ),
        Operation::new(
            "readArtifact",
            "artifacts",
            Get,
            ONE,
            "The bytes of an artifact",
        )
        .description(
            "The newest version whose bytes are there, or the one asked for. HEAD is taken \
                 too. The tag (`ETag`) is the digest; `If-None-Match` and `If-Range` are heeded, \
                 and one range of bytes.",
        )
        .query::<ArtifactQuery>()
        .header(header("Range", "One range, as `bytes=0-99`."))
        .of_run()
        .answer(
            "200",
            "The bytes, with the type that they were given.",
            bytes(ANY),
        )
        .answer("206", "The range of them that was asked for.", bytes(ANY))
        .error(ErrorKind::RangeNotSatisfiable),
        Operation::new(
            "deleteArtifact",
            "artifacts",
            Delete,
            ONE,
            "Remove an artifact",
        )
        .description("One version, or all of them. Its bytes go once nobody refers to them.")
        .query::<ArtifactQuery>()
        .of_run()
        .answers_nothing("It is gone."),
    ]
}
