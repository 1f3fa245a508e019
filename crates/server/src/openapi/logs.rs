//! Rows about logs and objects.

use super::operations::{Operation, json};
use runstone_service::api::{
    LogsPage, LogsQuery, ObjectSeriesList, ObjectsPage, ObjectsQuery, RecordsPage, RecordsQuery,
};
use utoipa::openapi::path::HttpMethod::Get;
use utoipa::openapi::schema::{ObjectBuilder, Type};

pub(super) fn about_logs() -> Vec<Operation> {
    let mut lines = json::<LogsPage>();
    let text = ObjectBuilder::new().schema_type(Type::String);
    lines.contents.push(("text/plain", text.into()));
    vec![
        Operation::new(
            "listLogLines",
            "logs",
            Get,
            "/runstone/v1/runs/{run}/logs",
            "Terminal lines of a run",
        )
        .description(
            "By writer and number, page by page; with `tail` the last ones, by time. As JSON, or \
             with `Accept: text/plain` as text, one line each, with the cursor of the next page in \
             the header `Runstone-Next-Cursor`. To follow a log, ask each writer `from` the `next` \
             of its log.",
        )
        .of_run()
        .query::<LogsQuery>()
        .answer("200", "One page of lines.", lines),
        Operation::new(
            "listLogRecords",
            "logs",
            Get,
            "/runstone/v1/runs/{run}/records",
            "Log records of a run",
        )
        .of_run()
        .query::<RecordsQuery>()
        .answer("200", "One page of records.", json::<RecordsPage>()),
        Operation::new(
            "listObjectSeries",
            "objects",
            Get,
            "/runstone/v1/runs/{run}/object-series",
            "Object series of a run, with how much they hold",
        )
        .of_run()
        .answer("200", "The series.", json::<ObjectSeriesList>()),
        Operation::new(
            "listObjects",
            "objects",
            Get,
            "/runstone/v1/runs/{run}/objects",
            "Objects of one series, by step",
        )
        .of_run()
        .query::<ObjectsQuery>()
        .answer("200", "One page of sets of objects.", json::<ObjectsPage>()),
    ]
}
