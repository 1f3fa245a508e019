//! Logs and objects over the router: pages, plain text, and what is refused.

use super::*;
use serde_json::{Value, json};

fn get(path: &str, accept: &str) -> Request {
    request("GET", path)
        .header(header::ACCEPT, accept)
        .body(Body::empty())
        .unwrap()
}

async fn answer(router: &Router, path: &str) -> Value {
    let response = ask(router, get(path, "*/*")).await;
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    serde_json::from_slice(&body(response).await).unwrap()
}

#[tokio::test]
async fn logs_and_objects_are_read_over_http() {
    let router = router();
    let mut builder = FrameBuilder::creator("run-1", 1);
    builder.log_lines(0, &["a", "b<script>", "c"]);
    builder.log_record(30, "slow").log_record(10, "detail");
    let key = runstone_model::SeriesKey {
        kind: runstone_model::SeriesKind::Text,
        ..runstone_store::conformance::testing::key("notes")
    };
    let number = builder.series(&key, runstone_model::ValueType::F64, false);
    builder.log_objects(number, 2.0, &["{\"x\": 1.50}"]);
    let frame = builder.frame().frame.encode();
    assert_eq!(ask(&router, frame_request(frame)).await.status(), 200);

    let page = answer(&router, "/runstone/v1/runs/run-1/logs?limit=2").await;
    let texts: Vec<&str> = page["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["a", "b<script>"]);
    assert_eq!(page["lines"][0]["stream"], "stdout");
    assert_eq!(page["writers"][0]["next"], 3);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = answer(
        &router,
        &format!("/runstone/v1/runs/run-1/logs?cursor={cursor}"),
    )
    .await;
    assert_eq!(rest["lines"][0]["number"], 2);
    assert_eq!(rest["next_cursor"], Value::Null);

    let text = ask(
        &router,
        get("/runstone/v1/runs/run-1/logs?limit=2", "text/plain"),
    )
    .await;
    assert_eq!(
        text.headers()[header::CONTENT_TYPE],
        "text/plain; charset=utf-8"
    );
    assert_eq!(text.headers()[header::VARY], "accept");
    assert_eq!(text.headers()["x-content-type-options"], "nosniff");
    assert_eq!(text.headers()["runstone-next-cursor"], cursor);
    assert_eq!(body(text).await, "a\nb<script>\n".as_bytes());
    let tail = ask(
        &router,
        get("/runstone/v1/runs/run-1/logs?tail=1", "text/plain"),
    )
    .await;
    assert!(!tail.headers().contains_key("runstone-next-cursor"));
    assert_eq!(body(tail).await, "c\n".as_bytes());

    let records = answer(&router, "/runstone/v1/runs/run-1/records?level=warning").await;
    assert_eq!(records["records"].as_array().unwrap().len(), 1);
    assert_eq!(records["records"][0]["message"], "slow");
    let series = answer(&router, "/runstone/v1/runs/run-1/object-series").await;
    assert_eq!(series["series"][0]["kind"], "text");
    let path = "/runstone/v1/runs/run-1/objects?name=notes&kind=text";
    let objects = ask(&router, get(path, "*/*")).await;
    let objects = String::from_utf8(body(objects).await.to_vec()).unwrap();
    assert!(objects.contains("{\"x\": 1.50}"), "{objects}");
    let objects: Value = serde_json::from_str(&objects).unwrap();
    assert_eq!(objects["sets"][0]["step"], 2);
    assert_eq!(objects["sets"][0]["objects"][0]["digests"], json!([]));
    for (path, status) in [
        ("/runstone/v1/runs/nobody/logs", 404),
        ("/runstone/v1/runs/run-1/logs?tail=0", 400),
        ("/runstone/v1/runs/run-1/logs?colour=red", 400),
        ("/runstone/v1/runs/run-1/records?level=loud", 400),
        ("/runstone/v1/runs/run-1/objects?name=notes", 400),
        (
            "/runstone/v1/runs/run-1/objects?name=nothing&kind=text",
            404,
        ),
    ] {
        let response = ask(&router, get(path, "*/*")).await;
        assert_eq!(response.status(), status, "{path}");
        let problem: Problem = serde_json::from_slice(&body(response).await).unwrap();
        assert!(problem.hint.is_some(), "{path}: {problem:?}");
    }
}
