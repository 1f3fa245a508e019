//! The router in-process: guards, token, limits, problem documents, and every route.

mod caching;
mod edits;
mod lines;
mod logs;

use super::*;
use crate::app::App;
use crate::listen::strip_base_path;
use crate::routes::{Route, build_router, check_routes};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use runstone_model::StoreIdentity;
use runstone_service::api::Problem;
use runstone_service::{Service, Store};
use runstone_store::conformance::testing::FrameBuilder;
use runstone_store::memory::MemoryStore;
use runstone_wire::{FRAME_BYTES_MAX, FRAME_CONTENT_TYPE, FrameAnswer, FrameStatus};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const SECRET: &str = "rst_0123456789abcdef";

fn memory_store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(StoreIdentity {
        store: [1; 16],
        incarnation: [2; 16],
    }))
}

fn router_with(config: ServerConfig) -> Router {
    build_router(App::new(Service::from(memory_store()), config)).unwrap()
}

fn router() -> Router {
    router_with(ServerConfig::default())
}

fn with_token() -> ServerConfig {
    ServerConfig {
        auth: AuthConfig {
            token: Some(Token::from_secret(SECRET).unwrap()),
            ..AuthConfig::default()
        },
        ..ServerConfig::default()
    }
}

/// A request as it comes in over a loopback listener.
fn request(method: &str, path: &str) -> axum::http::request::Builder {
    let peer: SocketAddr = "127.0.0.1:5000".parse().unwrap();
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1:53800")
        .extension(ConnectionInfo {
            peer,
            loopback: true,
        })
}

fn get(path: &str) -> Request {
    request("GET", path).body(Body::empty()).unwrap()
}

/// The same request as it comes in over a listener of the network.
fn from_afar(mut request: Request) -> Request {
    let peer = "192.0.2.7:5000".parse().unwrap();
    request.extensions_mut().insert(ConnectionInfo {
        peer,
        loopback: false,
    });
    request
}

fn frame_request(frame: Vec<u8>) -> Request {
    request("POST", "/runstone/v1/frames")
        .header(header::CONTENT_TYPE, FRAME_CONTENT_TYPE)
        .header(header::CONTENT_LENGTH, frame.len())
        .body(Body::from(frame))
        .unwrap()
}

async fn ask(router: &Router, request: Request) -> Response {
    router.clone().oneshot(request).await.unwrap()
}

async fn body(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn json(router: &Router, path: &str) -> serde_json::Value {
    let response = ask(router, get(path)).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    serde_json::from_slice(&body(response).await).unwrap()
}

/// Checks status, kind and the presence of a hint.
async fn assert_problem(response: Response, status: u16, kind: &str) -> Problem {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-origin")
    );
    let problem: Problem = serde_json::from_slice(&body(response).await).unwrap();
    assert_eq!(problem.problem_type, format!("urn:runstone:problem:{kind}"));
    assert_eq!(problem.status, status);
    assert!(problem.hint.is_some(), "{problem:?}");
    problem
}

fn a_run(id: &str) -> FrameBuilder {
    let mut builder = FrameBuilder::creator(id, 1);
    let loss = builder.metric("loss");
    builder.log(loss, [(0.0, 2.0), (1.0, f64::NAN), (2.0, 0.5)]);
    builder
}

#[tokio::test]
async fn a_frame_is_applied_once_and_readable_by_every_route() {
    let router = router();
    let frame = a_run("run 1").frame().frame.encode();
    for status in [FrameStatus::Applied, FrameStatus::Duplicate] {
        let response = ask(&router, frame_request(frame.clone())).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], FRAME_CONTENT_TYPE);
        let answer = FrameAnswer::decode(&body(response).await).unwrap();
        assert_eq!(answer.status, status);
    }
    let runs = json(&router, "/runstone/v1/runs?metrics=loss").await;
    assert_eq!(runs["runs"][0]["id"], "run 1");
    assert_eq!(runs["runs"][0]["metrics"][0]["last"]["value"], 0.5);
    let run = json(&router, "/runstone/v1/runs/run%201").await;
    assert_eq!(run["completeness"]["durable"], 3);
    let series = json(&router, "/runstone/v1/runs/run%201/series").await;
    assert_eq!(series["series"][0]["summary"]["nan_count"], 1);
    let points = json(
        &router,
        "/runstone/v1/runs/run%201/points?name=loss&from_step=1",
    )
    .await;
    assert_eq!(points["steps"], serde_json::json!([1, 2]));
    assert_eq!(points["values"], serde_json::json!(["NaN", 0.5]));
    let experiments = json(&router, "/runstone/v1/experiments").await;
    assert_eq!(experiments["experiments"][0]["name"], "default");
    let best = "/runstone/v1/best?experiment=default&metric=loss&goal=min";
    assert_eq!(json(&router, best).await["value"], 0.5);
    let server = json(&router, "/runstone/v1/server").await;
    assert_eq!(server["frame_versions"], serde_json::json!([1]));
    assert_eq!(server["limits"]["frame_bytes_max"], FRAME_BYTES_MAX);
}

#[tokio::test]
async fn a_frame_from_the_future_is_answered_409_with_the_mark() {
    let router = router();
    let mut builder = a_run("run-1");
    ask(&router, frame_request(builder.frame().frame.encode())).await;
    let mark = builder.next_slot();
    builder.lose(5).set_param("lr", 1.0);
    let response = ask(&router, frame_request(builder.frame().frame.encode())).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let answer = FrameAnswer::decode(&body(response).await).unwrap();
    assert_eq!(answer.status, FrameStatus::Mismatch);
    assert_eq!(answer.mark, mark);
}

#[tokio::test]
async fn bodies_that_are_no_frame_are_refused() {
    let router = router();
    assert_problem(
        ask(&router, frame_request(b"nonsense".to_vec())).await,
        400,
        "invalid",
    )
    .await;
    let plain = request("POST", "/runstone/v1/frames")
        .header(header::CONTENT_TYPE, "text/plain")
        .header(header::CONTENT_LENGTH, 1)
        .body(Body::from("x"))
        .unwrap();
    let problem = assert_problem(ask(&router, plain).await, 415, "unsupported_media_type").await;
    assert!(problem.hint.unwrap().contains(FRAME_CONTENT_TYPE));
    let empty = request("POST", "/runstone/v1/frames")
        .body(Body::empty())
        .unwrap();
    assert_problem(ask(&router, empty).await, 415, "unsupported_media_type").await;
    let told = request("POST", "/runstone/v1/frames")
        .header(header::CONTENT_TYPE, FRAME_CONTENT_TYPE)
        .header(header::CONTENT_LENGTH, FRAME_BYTES_MAX + 1)
        .body(Body::empty())
        .unwrap();
    assert_problem(ask(&router, told).await, 413, "too_large").await;
    let untold = request("POST", "/runstone/v1/frames")
        .header(header::CONTENT_TYPE, FRAME_CONTENT_TYPE)
        .header(header::TRANSFER_ENCODING, "chunked")
        .body(Body::from(vec![0; FRAME_BYTES_MAX + 1]))
        .unwrap();
    assert_problem(ask(&router, untold).await, 413, "too_large").await;
}

#[tokio::test]
async fn other_bodies_must_be_json() {
    let router = router();
    let form = request("POST", "/runstone/v1/runs")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONTENT_LENGTH, 3)
        .body(Body::from("a=b"))
        .unwrap();
    assert_problem(ask(&router, form).await, 415, "unsupported_media_type").await;
    let json = request("POST", "/runstone/v1/runs")
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::CONTENT_LENGTH, 2)
        .body(Body::from("{}"))
        .unwrap();
    assert_problem(ask(&router, json).await, 405, "method_not_allowed").await;
}

#[tokio::test]
async fn hosts_that_are_not_ours_are_answered_421() {
    let config = ServerConfig {
        allow_hosts: vec!["runs.example.org".to_owned()],
        ..ServerConfig::default()
    };
    let router = router_with(config);
    for (host, status) in [
        ("localhost:8080", 200),
        ("[::1]:53800", 200),
        ("Runs.Example.org:443", 200),
        ("evil.example.org", 421),
        ("192.168.1.5:53800", 421),
    ] {
        let mut request = get("/runstone/v1/runs");
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        assert_eq!(
            ask(&router, request).await.status().as_u16(),
            status,
            "{host}"
        );
    }
    let mut none = get("/");
    none.headers_mut().remove(header::HOST);
    assert_problem(ask(&router, none).await, 421, "misdirected").await;
    let mut two = get("/");
    two.headers_mut()
        .append(header::HOST, "evil.example".parse().unwrap());
    assert_problem(ask(&router, two).await, 421, "misdirected").await;
}

#[tokio::test]
async fn pages_of_other_origins_are_answered_403_on_every_path_and_method() {
    let config = ServerConfig {
        allow_origins: vec!["https://lab.example.org".to_owned()],
        ..ServerConfig::default()
    };
    let router = router_with(config);
    for (origin, allowed) in [
        ("http://127.0.0.1:53800", true),
        ("https://lab.example.org", true),
        ("http://127.0.0.1:8888", false),
        ("http://evil.example.org", false),
        ("null", false),
    ] {
        for (method, path) in [
            ("GET", "/runstone/v1/runs"),
            ("POST", "/runstone/v1/frames"),
            ("OPTIONS", "/runstone/v1/frames"),
            ("GET", "/nothing/here"),
            ("GET", "/health/live"),
        ] {
            let request = request(method, path)
                .header(header::ORIGIN, origin)
                .body(Body::empty())
                .unwrap();
            let response = ask(&router, request).await;
            assert!(
                !response
                    .headers()
                    .contains_key("access-control-allow-origin")
            );
            assert_eq!(
                response.status() != 403,
                allowed,
                "{method} {path} {origin}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_that_lacks_the_token_makes_the_browser_ask_nothing() {
    let router = router_with(with_token());
    let schemes = async |mode: Option<&str>| {
        let mut asked = request("GET", "/runstone/v1/runs");
        if let Some(mode) = mode {
            asked = asked
                .header("sec-fetch-site", "same-origin")
                .header("sec-fetch-mode", mode);
        }
        let asked = asked.body(Body::empty()).expect("a request");
        let response = ask(&router, from_afar(asked)).await;
        assert_eq!(response.status(), 401);
        let challenges = response.headers().get_all(header::WWW_AUTHENTICATE);
        challenges
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(' ').next())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(schemes(Some("cors")).await, ["Bearer"]);
    assert_eq!(schemes(Some("navigate")).await, ["Bearer", "Basic"]);
    assert_eq!(schemes(None).await, ["Bearer", "Basic"]);
}

#[tokio::test]
async fn cross_site_requests_reach_the_page_only() {
    let router = router();
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/runstone/v1/runs", 403),
        ("POST", "/", 403),
        ("GET", "/metrics", 403),
    ] {
        let request = request(method, path)
            .header("sec-fetch-site", "cross-site")
            .body(Body::empty())
            .unwrap();
        assert_eq!(
            ask(&router, request).await.status().as_u16(),
            status,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_token_is_needed_off_loopback_as_bearer_or_basic() {
    let router = router_with(with_token());
    assert_eq!(ask(&router, get("/runstone/v1/runs")).await.status(), 200);
    // base64 of "me:rst_0123456789abcdef" and of "me:rst_0123456789abcdeX".
    let basic = "Basic bWU6cnN0XzAxMjM0NTY3ODlhYmNkZWY=";
    let wrong_basic = "Basic bWU6cnN0XzAxMjM0NTY3ODlhYmNkZVg=";
    for (value, status) in [
        (Some(format!("Bearer {SECRET}")), 200),
        (Some(format!("bearer {SECRET}")), 200),
        (Some(basic.to_owned()), 200),
        (Some(wrong_basic.to_owned()), 401),
        (Some("Bearer rst_another".to_owned()), 401),
        (Some("Bearer".to_owned()), 401),
        (Some("Digest x".to_owned()), 401),
        (None, 401),
    ] {
        let mut request = from_afar(get("/runstone/v1/runs"));
        if let Some(value) = &value {
            let value = value.parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let response = ask(&router, request).await;
        assert_eq!(response.status().as_u16(), status, "{value:?}");
    }
    let response = ask(&router, from_afar(get("/nothing"))).await;
    assert_eq!(
        response
            .headers()
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .count(),
        2
    );
    let problem = assert_problem(response, 401, "unauthorized").await;
    assert!(problem.hint.unwrap().contains("RUNSTONE_TOKEN"));
    assert_eq!(
        ask(&router, from_afar(get("/health/live"))).await.status(),
        200
    );
    assert_eq!(ask(&router, from_afar(get("/metrics"))).await.status(), 401);
}

#[tokio::test]
async fn loopback_is_open_unless_the_token_is_required() {
    let mut config = with_token();
    config.auth.token_required_on_loopback = true;
    let router = router_with(config);
    assert_eq!(ask(&router, get("/runstone/v1/runs")).await.status(), 401);
    let mut request = get("/runstone/v1/runs");
    let value = format!("Bearer {SECRET}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, value);
    assert_eq!(ask(&router, request).await.status(), 200);

    let mut open = get("/runstone/v1/runs");
    let any = "Bearer whatever".parse().unwrap();
    open.headers_mut().insert(header::AUTHORIZATION, any);
    assert_eq!(ask(&router_with(with_token()), open).await.status(), 200);
}

#[tokio::test]
async fn without_a_token_only_loopback_is_answered_unless_told_otherwise() {
    let response = ask(&router(), from_afar(get("/runstone/v1/runs"))).await;
    assert_problem(response, 401, "unauthorized").await;
    let config = ServerConfig {
        auth: AuthConfig {
            insecure_no_auth: true,
            ..AuthConfig::default()
        },
        ..ServerConfig::default()
    };
    let response = ask(&router_with(config), from_afar(get("/runstone/v1/runs"))).await;
    assert_eq!(response.status(), 200);
}

#[test]
fn a_non_loopback_address_is_refused_without_a_token() {
    let address: SocketAddr = "192.0.2.1:53800".parse().unwrap();
    let loopback: SocketAddr = "[::1]:53800".parse().unwrap();
    let error = ServerConfig::default()
        .check(&[loopback, address])
        .unwrap_err();
    assert_eq!(error, ConfigError::NoToken(address));
    assert!(error.hint().contains("--insecure-no-auth"));
    assert!(ServerConfig::default().check(&[loopback]).is_ok());
    assert!(with_token().check(&[address]).is_ok());
}

#[tokio::test]
async fn unknown_paths_methods_and_fields_are_problems_with_hints() {
    let router = router();
    let problem = assert_problem(ask(&router, get("/nothing")).await, 404, "not_found").await;
    assert_eq!(problem.instance, "/nothing");
    // Never a redirect for a slash.
    assert_problem(
        ask(&router, get("/runstone/v1/runs/")).await,
        404,
        "not_found",
    )
    .await;
    let response = ask(&router, get("/runstone/v1/frames")).await;
    assert_eq!(response.headers()[header::ALLOW], "POST");
    assert_problem(response, 405, "method_not_allowed").await;
    for (path, word) in [
        ("/runstone/v1/runs?limt=3", "limt"),
        ("/runstone/v1/runs?limit=many", "digit"),
        ("/runstone/v1/runs?limit=0", "limit 0"),
        ("/runstone/v1/best", "experiment"),
    ] {
        let problem = assert_problem(ask(&router, get(path)).await, 400, "invalid").await;
        assert!(problem.detail.contains(word), "{path}: {}", problem.detail);
    }
    let response = ask(&router, get("/runstone/v1/runs/nobody")).await;
    assert_problem(response, 404, "not_found").await;
}

#[tokio::test]
async fn a_closed_store_is_unavailable_and_not_ready() {
    let store = memory_store();
    let app = App::new(Service::from(Arc::clone(&store)), ServerConfig::default());
    let router = build_router(app).unwrap();
    assert_eq!(ask(&router, get("/health/ready")).await.status(), 200);
    store.close().unwrap();
    let response = ask(&router, get("/health/ready")).await;
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    assert_problem(response, 503, "unavailable").await;
    let response = ask(&router, frame_request(a_run("r").frame().frame.encode())).await;
    assert_problem(response, 503, "unavailable").await;
    assert_eq!(ask(&router, get("/health/live")).await.status(), 200);
}

#[tokio::test]
async fn metrics_count_frames_points_and_requests() {
    let router = router();
    let frame = a_run("run-1").frame().frame.encode();
    ask(&router, frame_request(frame.clone())).await;
    ask(&router, frame_request(frame)).await;
    ask(&router, frame_request(b"x".to_vec())).await;
    let response = ask(&router, get("/metrics")).await;
    let text = String::from_utf8(body(response).await.to_vec()).unwrap();
    for line in [
        "runstone_frames_total{status=\"applied\"} 1",
        "runstone_frames_total{status=\"duplicate\"} 1",
        "runstone_frames_total{status=\"invalid\"} 1",
        "runstone_http_requests_total{route=\"/runstone/v1/frames\",method=\"POST\",status=\"200\"} 2",
        "runstone_points_total 3",
        "runstone_runs 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn every_answer_is_nosniff_and_the_page_has_a_policy() {
    let router = router();
    for path in ["/", "/nothing", "/runstone/v1/runs", "/metrics"] {
        let response = ask(&router, get(path)).await;
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(
            response.headers()[header::SERVER]
                .to_str()
                .unwrap()
                .starts_with("runstone/")
        );
    }
    let page = ask(&router, get("/")).await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.contains("default-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).unwrap();
    let nonce = nonce.split('\'').next().unwrap();
    let text = String::from_utf8(body(page).await.to_vec()).unwrap();
    assert!(text.contains(nonce), "styles that the page makes carry it");
    for attribute in ["href=\"/", "src=\"/", "href=\"http", "src=\"http"] {
        assert!(!text.contains(attribute), "links are relative: {text}");
    }
}

#[tokio::test]
async fn the_pages_need_no_token_and_what_they_show_does() {
    let router = router_with(with_token());
    for (path, status) in [
        ("/", 200),
        ("/app/runs/some-run", 200),
        ("/assets-ui/nothing.js", 404),
        ("/runstone/v1/table", 401),
        ("/metrics", 401),
    ] {
        let answer = ask(&router, from_afar(get(path))).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
}

#[test]
fn the_base_path_is_taken_off_where_it_is_on() {
    for (path, expected) in [
        (
            "/proxy/1/runstone/v1/runs?limit=2",
            "/runstone/v1/runs?limit=2",
        ),
        ("/proxy/1", "/"),
        ("/proxy/1/", "/"),
        ("/proxy/12/x", "/proxy/12/x"),
        ("/runstone/v1/runs", "/runstone/v1/runs"),
    ] {
        let mut request = get(path);
        strip_base_path(&mut request, "/proxy/1");
        assert_eq!(request.uri().to_string(), expected);
    }
    for (path, good) in [
        ("/a", true),
        ("", true),
        ("a", false),
        ("/a/", false),
        ("/a\"b", false),
    ] {
        let config = ServerConfig {
            base_path: path.to_owned(),
            ..ServerConfig::default()
        };
        assert_eq!(config.check(&[]).is_ok(), good, "{path}");
    }
}

#[test]
fn an_overlap_of_owners_and_a_route_outside_are_found() {
    let owner = |name, paths, prefixes| Owner {
        name,
        paths,
        prefixes,
    };
    let overlap = [owner("a", &[], &["/api"]), owner("b", &[], &["/api/runs"])];
    assert!(matches!(
        check_routes(&overlap, &[]),
        Err(RouteError::Overlap { .. })
    ));
    let exact = [owner("a", &[], &["/api"]), owner("b", &["/api/x"], &[])];
    assert!(matches!(
        check_routes(&exact, &[]),
        Err(RouteError::Overlap { .. })
    ));
    let apart = [
        owner("a", &["/"], &["/api/v1"]),
        owner("b", &[], &["/api/v10", "/v1"]),
    ];
    assert_eq!(check_routes(&apart, &[]), Ok(()));
    let stray = Route {
        owner: "a",
        path: "/v1/x",
        methods: axum::routing::any(|| async {}),
    };
    assert!(matches!(
        check_routes(&apart, &[stray]),
        Err(RouteError::Outside { path: "/v1/x", .. })
    ));
}

#[test]
fn the_token_file_is_made_once_and_private() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("deep").join("token");
    let first = read_or_create_token_file(&path).unwrap();
    assert_eq!(read_or_create_token_file(&path).unwrap(), first);
    assert!(first.len() > 40);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }
    let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1);
    std::fs::write(&path, "short").unwrap();
    assert!(matches!(
        read_or_create_token_file(&path),
        Err(TokenError::Shape)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_answers_over_tcp_and_finishes_when_told_to_stop() {
    let store = memory_store();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let config = ServerConfig {
        base_path: "/proxy".to_owned(),
        limits: HttpLimits {
            shutdown_timeout: Duration::from_secs(5),
            ..HttpLimits::default()
        },
        ..ServerConfig::default()
    };
    let served = tokio::spawn(serve(vec![listener], Arc::clone(&store), config, async {
        let _ = stopped.await;
    }));
    let text = fetch(address, "GET /proxy/runstone/v1/server HTTP/1.1").await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(text.contains("\"frame_versions\":[1]"), "{text}");
    // A connection that idles must not keep the server up.
    let _idle = tokio::net::TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert!(store.change_number().is_err(), "the store is closed");
}

async fn fetch(address: SocketAddr, line: &'static str) -> String {
    use std::io::{Read, Write};
    let exchange = move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "{line}\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

#[tokio::test]
async fn too_many_requests_and_slow_bodies_are_turned_away() {
    let limits = HttpLimits {
        requests_max: 0,
        wait_timeout: Duration::from_millis(1),
        ..HttpLimits::default()
    };
    let config = ServerConfig {
        limits,
        ..ServerConfig::default()
    };
    let router = router_with(config);
    let response = ask(&router, get("/runstone/v1/runs")).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    assert_problem(response, 503, "unavailable").await;

    let limits = HttpLimits {
        body_timeout: Duration::from_millis(1),
        ..HttpLimits::default()
    };
    let config = ServerConfig {
        limits,
        ..ServerConfig::default()
    };
    let never = Body::new(NeverEnding);
    let slow = request("POST", "/runstone/v1/frames")
        .header(header::CONTENT_TYPE, FRAME_CONTENT_TYPE)
        .header(header::CONTENT_LENGTH, 10)
        .body(never)
        .unwrap();
    let response = ask(&router_with(config), slow).await;
    assert_problem(response, 408, "request_timeout").await;
}

/// A body that never brings a byte.
struct NeverEnding;

impl hyper::body::Body for NeverEnding {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}
