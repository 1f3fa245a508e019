//! The handlers of what people change: edits, deletion and its undoing.

use crate::app::{ApiError, App};
use crate::body::read_json;
use crate::handlers::{Answer, RunAddress, json, json_body, response};
use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use runstone_model::Principal;
use runstone_service::api::{EditsRequest, RunEdit};
use std::sync::Arc;

pub(crate) async fn patch_run(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
    request: Request,
) -> Answer {
    let edit: RunEdit = read_json(&app, request).await.map_err(ApiError)?;
    app.blocking(move |app| json_body(&app.service.edit_run(&principal, &run, &edit)?))
        .await
        .map(json)
}

pub(crate) async fn delete_run(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
) -> Answer {
    app.blocking(move |app| app.service.delete_run(&principal, &run))
        .await?;
    let mut response = response(StatusCode::NO_CONTENT, "", Vec::new());
    response.headers_mut().remove(header::CONTENT_TYPE);
    Ok(response)
}

pub(crate) async fn undelete_run(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    RunAddress(run): RunAddress,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.undelete_run(&principal, &run)?))
        .await
        .map(json)
}

pub(crate) async fn post_edits(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Answer {
    let asked: EditsRequest = read_json(&app, request).await.map_err(ApiError)?;
    app.blocking(move |app| json_body(&app.service.edit_runs(&principal, &asked)?))
        .await
        .map(json)
}
