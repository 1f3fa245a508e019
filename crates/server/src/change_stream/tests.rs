//! The stream in-process: what is sent, in which order, and when it ends.

use crate::app::App;
use crate::config::{HttpLimits, ServerConfig};
use crate::listen::ConnectionInfo;
use crate::routes::build_router;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use runstone_model::{Principal, StoreIdentity};
use runstone_service::api::Problem;
use runstone_service::{Service, Store};
use runstone_store::conformance::testing::FrameBuilder;
use runstone_store::memory::MemoryStore;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// A server whose idle streams show no sign of life within a test.
fn quiet() -> HttpLimits {
    HttpLimits {
        stream_heartbeat: Duration::from_secs(3_600),
        ..HttpLimits::default()
    }
}

struct Bench {
    app: Arc<App>,
    router: Router,
    service: Service,
    writer: FrameBuilder,
}

impl Bench {
    fn new(limits: HttpLimits, changes: u64) -> Self {
        let identity = StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        };
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(identity));
        let service = Service::from(store);
        let config = ServerConfig {
            limits,
            ..ServerConfig::default()
        };
        let app = App::new(service.clone(), config);
        let mut bench = Self {
            router: build_router(Arc::clone(&app)).unwrap(),
            app,
            service,
            writer: FrameBuilder::creator("run-a", 1),
        };
        for _ in 0..changes {
            bench.change();
        }
        bench
    }

    /// One more change, of params.
    fn change(&mut self) {
        let frame = self.writer.set_param("x", 1_i64).frame().frame.encode();
        self.service
            .ingest_frame(&Principal::local(), &Bytes::from(frame))
            .unwrap();
    }

    async fn ask(&self, query: &str, last_event_id: Option<&str>) -> Response {
        let mut request = Request::builder()
            .uri(format!("/runstone/v1/changes/stream{query}"))
            .header(header::HOST, "127.0.0.1:53800")
            .extension(ConnectionInfo {
                peer: "127.0.0.1:5000".parse().unwrap(),
                loopback: true,
            });
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn open(&self, query: &str, last_event_id: Option<&str>) -> Stream {
        let response = self.ask(query, last_event_id).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers["x-accel-buffering"], "no");
        let mut stream = Stream {
            body: response.into_body(),
            text: String::new(),
        };
        assert_eq!(stream.next().await, "retry: 1000");
        stream
    }

    fn metric(&self, name: &str) -> String {
        let stats = self.service.stats().unwrap();
        let text = self.app.metrics.render(&stats, 0);
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim().to_owned()
    }
}

struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    /// The next event as its lines, without the change's JSON; `end` at the end.
    async fn next(&mut self) -> String {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = rest.to_owned();
                return match event.split_once("data: {\"change\"") {
                    Some((head, _)) => head.trim_end().replace('\n', " "),
                    None => event.replace('\n', " "),
                };
            }
            let Some(frame) = self.body.frame().await else {
                return "end".to_owned();
            };
            let bytes = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

fn caught_up(next: u64) -> String {
    format!("id: {next} event: caught_up data: {{\"next\":{next}}}")
}

fn change(number: u64) -> String {
    format!("id: {number} event: change")
}

#[tokio::test]
async fn a_stream_begins_now_and_tells_each_change() {
    let mut bench = Bench::new(quiet(), 3);
    let mut stream = bench.open("", None).await;
    assert_eq!(stream.next().await, caught_up(3));
    for number in 4..7 {
        bench.change();
        assert_eq!(stream.next().await, change(number));
        assert_eq!(stream.next().await, caught_up(number));
    }
}

#[tokio::test]
async fn a_stream_begins_after_since_and_the_last_id_counts_before_it() {
    let bench = Bench::new(quiet(), 4);
    let mut stream = bench.open("?since=2", None).await;
    for expected in [change(3), change(4), caught_up(4)] {
        assert_eq!(stream.next().await, expected);
    }
    let mut stream = bench.open("?since=0", Some("3")).await;
    assert_eq!(stream.next().await, change(4));
    let mut stream = bench.open("?since=0&kind=created", None).await;
    for expected in [change(1), caught_up(4)] {
        assert_eq!(stream.next().await, expected);
    }
}

#[tokio::test]
async fn a_cursor_from_elsewhere_is_reset() {
    let mut bench = Bench::new(quiet(), 2);
    let mut stream = bench.open("", Some("77")).await;
    assert_eq!(stream.next().await, "id: 2 event: reset data: {\"next\":2}");
    assert_eq!(stream.next().await, caught_up(2));
    bench.change();
    assert_eq!(stream.next().await, change(3));
}

#[tokio::test]
async fn an_idle_stream_lives_and_says_how_far_a_filter_got() {
    let limits = HttpLimits {
        stream_heartbeat: Duration::from_millis(60),
        ..HttpLimits::default()
    };
    let mut bench = Bench::new(limits, 1);
    let mut stream = bench.open("?kind=deleted", None).await;
    assert_eq!(stream.next().await, caught_up(1));
    assert_eq!(stream.next().await, ":");
    bench.change();
    // Passed over; a resume need not look at it again.
    let mut next = stream.next().await;
    while next == ":" {
        next = stream.next().await;
    }
    assert_eq!(next, caught_up(2));
}

#[tokio::test]
async fn long_backlogs_come_in_small_pieces() {
    let bench = Bench::new(quiet(), 600);
    let mut body = bench.ask("?since=0", None).await.into_body();
    let mut text = String::new();
    while !text.contains("caught_up") {
        let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(bytes.len() < 2 * super::PIECE_BYTES, "{}", bytes.len());
        // Pieces hold whole events.
        assert!(bytes.ends_with(b"\n\n"));
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    assert_eq!(text.matches("event: change").count(), 600);
}

#[tokio::test]
async fn streams_are_bounded_and_counted() {
    let limits = HttpLimits {
        streams_max: 1,
        ..quiet()
    };
    let bench = Bench::new(limits, 1);
    let stream = bench.open("", None).await;
    assert_eq!(bench.metric("runstone_open_streams "), "1");
    let refused = bench.ask("", None).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let bytes = refused.into_body().collect().await.unwrap().to_bytes();
    let problem: Problem = serde_json::from_slice(&bytes).unwrap();
    assert!(problem.hint.unwrap().contains("page by page"));
    let hits = bench.metric("runstone_limit_hits_total{limit=\"streams\"}");
    assert_eq!(hits, "1");
    drop(stream);
    assert_eq!(bench.metric("runstone_open_streams "), "0");
    drop(bench.open("", None).await);
}

#[tokio::test]
async fn what_a_stream_does_not_take_is_refused() {
    let bench = Bench::new(quiet(), 1);
    for (query, id, status) in [
        ("?limit=5", None, 400),
        ("?kind=colour", None, 400),
        ("?run=nobody", None, 404),
        ("", Some("x"), 400),
    ] {
        let response = bench.ask(query, id).await;
        assert_eq!(response.status().as_u16(), status, "{query} {id:?}");
    }
    assert_eq!(bench.metric("runstone_open_streams "), "0");
}

#[tokio::test]
async fn a_stop_ends_streams_and_lets_none_begin() {
    let bench = Bench::new(quiet(), 1);
    let mut stream = bench.open("", None).await;
    assert_eq!(stream.next().await, caught_up(1));
    bench.app.feed.stop();
    assert_eq!(stream.next().await, "end");
    let refused = bench.ask("", None).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_closed_store_ends_streams() {
    let bench = Bench::new(quiet(), 1);
    let mut stream = bench.open("", None).await;
    assert_eq!(stream.next().await, caught_up(1));
    bench.service.store().close().unwrap();
    assert_eq!(stream.next().await, "end");
}
