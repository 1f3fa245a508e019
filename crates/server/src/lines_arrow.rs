//! Lines as one Arrow IPC stream.
//!
//! Columns `line` (u32, the index in the request), `x`, `y` and `step` (f64), none of them with
//! nulls, rows by line and then by (x, step), in batches of bounded size. The heads of the lines
//! travel as JSON in the schema's metadata, so that a reader has them before the first row.

use arrow_array::{ArrayRef, Float64Array, RecordBatch, UInt32Array};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use runstone_service::api::LineHead;
use runstone_service::{DrawnLines, ErrorKind, ServiceError};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// Content type of the stream.
pub(crate) const ARROW_STREAM_TYPE: &str = "application/vnd.apache.arrow.stream";
/// Key of the heads in the schema's metadata.
const HEADS_KEY: &str = "runstone.lines";
/// Rows of a batch, about: a line is not cut.
const BATCH_ROWS: usize = 65_536;

#[derive(Serialize)]
struct Heads<'a> {
    change: u64,
    lines: Vec<&'a LineHead>,
}

/// The stream as bytes.
///
/// # Errors
/// `Internal` if the columns do not fit together.
pub(crate) fn arrow_stream(drawn: &DrawnLines) -> Result<Vec<u8>, ServiceError> {
    let heads = Heads {
        change: drawn.change,
        lines: drawn.lines.iter().map(|line| &line.head).collect(),
    };
    let heads = serde_json::to_string(&heads).map_err(|error| defect(&error))?;
    write_stream(drawn, heads).map_err(|error| defect(&error))
}

fn defect(error: &dyn std::error::Error) -> ServiceError {
    ServiceError::new(
        ErrorKind::Internal,
        format!("the answer is no Arrow stream: {error}"),
    )
}

#[derive(Default)]
struct Columns {
    line: Vec<u32>,
    x: Vec<f64>,
    y: Vec<f64>,
    step: Vec<f64>,
}

impl Columns {
    fn into_batch(self, schema: &Arc<Schema>) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(self.line)),
            Arc::new(Float64Array::from(self.x)),
            Arc::new(Float64Array::from(self.y)),
            Arc::new(Float64Array::from(self.step)),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}

fn write_stream(drawn: &DrawnLines, heads: String) -> Result<Vec<u8>, ArrowError> {
    let field = |name: &str, data_type| Field::new(name, data_type, false);
    let schema = Arc::new(Schema::new_with_metadata(
        vec![
            field("line", DataType::UInt32),
            field("x", DataType::Float64),
            field("y", DataType::Float64),
            field("step", DataType::Float64),
        ],
        HashMap::from([(HEADS_KEY.to_owned(), heads)]),
    ));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    let mut columns = Columns::default();
    for (index, line) in (0u32..).zip(&drawn.lines) {
        let points = &line.points;
        columns
            .line
            .resize(columns.line.len() + points.x.len(), index);
        columns.x.extend_from_slice(&points.x);
        columns.y.extend(line.values());
        columns.step.extend_from_slice(&points.steps);
        if columns.line.len() >= BATCH_ROWS {
            writer.write(&std::mem::take(&mut columns).into_batch(&schema)?)?;
        }
    }
    if !columns.line.is_empty() {
        writer.write(&columns.into_batch(&schema)?)?;
    }
    writer.into_inner()
}
