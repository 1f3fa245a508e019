//! The handlers of the table of runs.

use crate::app::{ApiError, App};
use crate::body::read_json;
use crate::handlers::{Answer, ApiQuery, json, json_body};
use axum::extract::{Extension, Request, State};
use runstone_model::Principal;
use runstone_service::api::{ColumnsQuery, TableRequest};
use std::sync::Arc;

pub(crate) async fn post_table(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Answer {
    let asked: TableRequest = read_json(&app, request).await.map_err(ApiError)?;
    app.blocking(move |app| json_body(&app.service.table(&principal, &asked)?))
        .await
        .map(json)
}

pub(crate) async fn get_columns(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    ApiQuery(query): ApiQuery<ColumnsQuery>,
) -> Answer {
    app.blocking(move |app| json_body(&app.service.columns(&principal, &query)?))
        .await
        .map(json)
}
