//! The handlers about space.

use crate::app::{ApiError, App};
use crate::body::read_json;
use crate::handlers::{Answer, ApiQuery, json, json_body};
use axum::extract::{Extension, Request, State};
use runstone_model::Principal;
use runstone_service::api::{GcRequest, SnapshotRequest, StorageQuery};
use std::sync::Arc;

pub(crate) async fn get_storage(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ApiQuery(query): ApiQuery<StorageQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.storage(&principal, &query)?))
        .await
        .map(json)
}

pub(crate) async fn post_gc(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Answer {
    let asked: GcRequest = read_json(&app, request).await.map_err(ApiError)?;
    app.blocking(move |app| json_body(&app.service.collect_garbage(&principal, &asked)?))
        .await
        .map(json)
}

pub(crate) async fn post_snapshot(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Answer {
    let asked: SnapshotRequest = read_json(&app, request).await.map_err(ApiError)?;
    app.blocking(move |app| json_body(&app.service.snapshot(&principal, &asked)?))
        .await
        .map(json)
}
