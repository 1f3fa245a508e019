//! The operations of the native API: one row each, what it is called, takes and answers.
//!
//! A row stands for a route of `routes.rs`; a test holds the two lists equal. What the bodies are
//! is said by the types of `runstone_service::api` themselves.

use runstone_service::ErrorKind;
use runstone_service::api::{
    BestQuery, BestRun, ChangesPage, ChangesQuery, ColumnsAnswer, ColumnsQuery, EditsAnswer,
    EditsRequest, ExperimentList, Lines, LinesRequest, PointsPage, PointsQuery, RunDetail, RunEdit,
    RunItem, RunList, RunsQuery, SeriesList, SeriesQuery, ServerDescription, TablePage,
    TableRequest,
};
use runstone_wire::FRAME_CONTENT_TYPE;
use utoipa::openapi::path::{HttpMethod, Parameter, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

pub(crate) const JSON: &str = "application/json";
const ARROW_STREAM: &str = "application/vnd.apache.arrow.stream";
const EVENT_STREAM: &str = "text/event-stream";

/// Schemas that bodies bring along, by name.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A body: its content types, each with its schema.
pub(crate) struct Body {
    pub(crate) contents: Vec<(&'static str, RefOr<Schema>)>,
    pub(crate) schemas: Schemas,
}

/// An answer that is no error.
pub(crate) struct Answer {
    pub(crate) status: &'static str,
    pub(crate) description: &'static str,
    pub(crate) body: Option<Body>,
}

/// A row.
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) method: HttpMethod,
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: Option<&'static str>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) request: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    /// Besides those that every operation can have.
    pub(crate) errors: Vec<ErrorKind>,
}

impl Operation {
    pub(super) fn new(
        id: &'static str,
        tag: &'static str,
        method: HttpMethod,
        path: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            id,
            tag,
            method,
            path,
            summary,
            description: None,
            parameters: Vec::new(),
            request: None,
            answers: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(super) fn description(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    pub(super) fn query<T: IntoParams>(mut self) -> Self {
        self.parameters
            .extend(T::into_params(|| Some(ParameterIn::Query)));
        self.errors.push(ErrorKind::Invalid);
        self
    }

    pub(super) fn header(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Of the run that the path names; 409 is an address that fits several.
    pub(super) fn of_run(mut self) -> Self {
        self.errors
            .extend([ErrorKind::Invalid, ErrorKind::NotFound, ErrorKind::Conflict]);
        self
    }

    pub(super) fn request(mut self, body: Body) -> Self {
        self.request = Some(body);
        self.errors.extend([
            ErrorKind::Invalid,
            ErrorKind::RequestTimeout,
            ErrorKind::TooLarge,
            ErrorKind::UnsupportedMediaType,
        ]);
        self
    }

    pub(super) fn answer(
        mut self,
        status: &'static str,
        description: &'static str,
        body: Body,
    ) -> Self {
        self.answers.push(Answer {
            status,
            description,
            body: Some(body),
        });
        self
    }

    pub(super) fn answers_nothing(mut self, description: &'static str) -> Self {
        self.answers.push(Answer {
            status: "204",
            description,
            body: None,
        });
        self
    }

    pub(super) fn error(mut self, kind: ErrorKind) -> Self {
        self.errors.push(kind);
        self
    }
}

pub(super) fn json<T: ToSchema>() -> Body {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    Body {
        contents: vec![(JSON, Ref::from_schema_name(T::name()).into())],
        schemas,
    }
}

pub(super) fn bytes(content_type: &'static str) -> Body {
    Body {
        contents: vec![(content_type, binary())],
        schemas: Vec::new(),
    }
}

fn binary() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
        .into()
}

/// All of them, in the order of the document.
pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = about_the_server();
    operations.extend(about_runs());
    operations.extend(about_metrics());
    operations.extend(super::logs::about_logs());
    operations.extend(about_changes());
    operations.extend(super::artifacts::about_artifacts());
    operations.extend(super::storage::about_storage());
    operations
}

fn about_the_server() -> Vec<Operation> {
    use HttpMethod::{Get, Post};
    vec![
        Operation::new(
            "describeServer",
            "server",
            Get,
            "/runstone/v1/server",
            "Who is there, and what it takes",
        )
        .answer("200", "The server.", json::<ServerDescription>()),
        Operation::new(
            "getOpenapi",
            "server",
            Get,
            "/runstone/v1/openapi.json",
            "This document",
        )
        .answer("200", "OpenAPI 3.1.", any_object()),
        Operation::new(
            "postFrame",
            "server",
            Post,
            "/runstone/v1/frames",
            "Deliver a writer's frame",
        )
        .description(
            "Frame and answer are protobuf, see docs/formats/frame.md. Refused operations are \
             named in the answer; their neighbours are applied, durable and readable.",
        )
        .request(bytes(FRAME_CONTENT_TYPE))
        .answer("200", "Applied, now or before.", bytes(FRAME_CONTENT_TYPE))
        .answer(
            "409",
            "Nothing applied: mark and chain do not fit; the answer holds those of the server.",
            bytes(FRAME_CONTENT_TYPE),
        )
        .error(ErrorKind::TooMany),
    ]
}

fn any_object() -> Body {
    Body {
        contents: vec![(JSON, ObjectBuilder::new().schema_type(Type::Object).into())],
        schemas: Vec::new(),
    }
}

fn about_runs() -> Vec<Operation> {
    use HttpMethod::{Delete, Get, Patch, Post};
    vec![
        Operation::new(
            "listRuns",
            "runs",
            Get,
            "/runstone/v1/runs",
            "Runs, page by page",
        )
        .query::<RunsQuery>()
        .answer("200", "One page of runs.", json::<RunList>()),
        Operation::new(
            "getRun",
            "runs",
            Get,
            "/runstone/v1/runs/{run}",
            "Everything about a run but its series",
        )
        .of_run()
        .answer("200", "The run.", json::<RunDetail>()),
        Operation::new(
            "editRun",
            "runs",
            Patch,
            "/runstone/v1/runs/{run}",
            "Change properties and tags of a run",
        )
        .of_run()
        .request(json::<RunEdit>())
        .answer("200", "The run after the edit.", json::<RunItem>())
        .error(ErrorKind::TooMany),
        Operation::new(
            "deleteRun",
            "runs",
            Delete,
            "/runstone/v1/runs/{run}",
            "Move a run to the trash",
        )
        .description(
            "It is gone from every read at once, and later frames of its writers are refused.",
        )
        .of_run()
        .answers_nothing("It is in the trash.")
        .error(ErrorKind::TooMany),
        Operation::new(
            "undeleteRun",
            "runs",
            Post,
            "/runstone/v1/runs/{run}/undelete",
            "Take a run back from the trash",
        )
        .of_run()
        .answer("200", "The run.", json::<RunItem>())
        .error(ErrorKind::TooMany),
        Operation::new(
            "editRuns",
            "runs",
            Post,
            "/runstone/v1/edits",
            "Edit, delete, undelete or purge many runs",
        )
        .description(
            "Each run is done whole or not at all; all that were done stand in one transaction.",
        )
        .request(json::<EditsRequest>())
        .answer("200", "One result a run.", json::<EditsAnswer>())
        .error(ErrorKind::TooMany),
        Operation::new(
            "readTable",
            "runs",
            Post,
            "/runstone/v1/table",
            "The table of runs: columns, sort, filter",
        )
        .request(json::<TableRequest>())
        .answer("200", "One page of the table.", json::<TablePage>()),
        Operation::new(
            "listColumns",
            "runs",
            Get,
            "/runstone/v1/columns",
            "What the table can show",
        )
        .query::<ColumnsQuery>()
        .answer("200", "Params, metrics and tags.", json::<ColumnsAnswer>()),
        Operation::new(
            "listExperiments",
            "runs",
            Get,
            "/runstone/v1/experiments",
            "All experiments",
        )
        .answer("200", "The experiments.", json::<ExperimentList>()),
    ]
}

fn about_metrics() -> Vec<Operation> {
    use HttpMethod::{Get, Post};
    let mut lines = json::<Lines>();
    lines.contents.push((ARROW_STREAM, binary()));
    vec![
        Operation::new(
            "listSeries",
            "metrics",
            Get,
            "/runstone/v1/runs/{run}/series",
            "Series of a run with their summaries",
        )
        .of_run()
        .query::<SeriesQuery>()
        .answer("200", "One page of series.", json::<SeriesList>()),
        Operation::new(
            "readPoints",
            "metrics",
            Get,
            "/runstone/v1/runs/{run}/points",
            "Points of one series, page by page",
        )
        .of_run()
        .query::<PointsQuery>()
        .answer("200", "One page of points.", json::<PointsPage>()),
        Operation::new(
            "readLines",
            "metrics",
            Post,
            "/runstone/v1/lines",
            "Many series at the resolution of a screen",
        )
        .description(
            "As JSON, or with `Accept: application/vnd.apache.arrow.stream` as one Arrow IPC \
             stream: columns line, x, y and step; the heads are JSON under the key \
             `runstone.lines` of the schema's metadata.",
        )
        .request(json::<LinesRequest>())
        .answer("200", "One line a series.", lines),
        Operation::new(
            "findBest",
            "metrics",
            Get,
            "/runstone/v1/best",
            "The best run of an experiment by a metric",
        )
        .query::<BestQuery>()
        .answer("200", "The best run.", json::<BestRun>())
        .error(ErrorKind::NotFound)
        .error(ErrorKind::Conflict),
    ]
}

fn about_changes() -> Vec<Operation> {
    use HttpMethod::Get;
    use runstone_service::api::schema::StreamPosition;
    let mut stream = json::<StreamPosition>();
    let text = ObjectBuilder::new().schema_type(Type::String);
    stream.contents = vec![(EVENT_STREAM, text.into())];
    vec![
        Operation::new(
            "listChanges",
            "changes",
            Get,
            "/runstone/v1/changes",
            "Committed changes, page by page",
        )
        .query::<ChangesQuery>()
        .answer("200", "One page of changes.", json::<ChangesPage>())
        .error(ErrorKind::NotFound)
        .error(ErrorKind::Conflict),
        Operation::new(
            "streamChanges",
            "changes",
            Get,
            "/runstone/v1/changes/stream",
            "Committed changes as server-sent events",
        )
        .description(
            "Events: `change` with a ChangeItem, `caught_up` and `reset` with a StreamPosition; \
             the id of an event is its change number. A comment every 15 seconds. A reader that \
             is too slow is cut off, and goes on with its last id.",
        )
        .query::<ChangesQuery>()
        .header(last_event_id())
        .answer("200", "The stream.", stream)
        .error(ErrorKind::NotFound)
        .error(ErrorKind::Conflict),
    ]
}

fn last_event_id() -> Parameter {
    header(
        "Last-Event-ID",
        "Id of the last event seen; counts before `since`.",
    )
}

/// A header that a request may carry.
pub(super) fn header(name: &str, description: &str) -> Parameter {
    utoipa::openapi::path::ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}
