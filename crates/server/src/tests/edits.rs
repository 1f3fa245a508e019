//! The routes of the table and of what people change.

use super::*;
use serde_json::{Value, json};

fn with_body(method: &str, path: &str, body: &Value) -> Request {
    let body = serde_json::to_vec(body).unwrap();
    request(method, path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .body(Body::from(body))
        .unwrap()
}

fn bare(method: &str, path: &str) -> Request {
    request(method, path).body(Body::empty()).unwrap()
}

async fn answer(router: &Router, request: Request) -> Value {
    let response = ask(router, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    serde_json::from_slice(&body(response).await).unwrap()
}

async fn router_of_two() -> Router {
    let router = router();
    for (id, number) in [("run-1", 1), ("run-2", 2)] {
        let mut builder = FrameBuilder::creator(id, number);
        let loss = builder.metric("loss");
        builder.log(loss, [(0.0, f64::from(number))]);
        let response = ask(&router, frame_request(builder.frame().frame.encode())).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    router
}

#[tokio::test]
async fn a_table_has_columns_sort_and_pages() {
    let router = router_of_two().await;
    let loss = json!({"kind": "metric", "name": "loss", "value": "last"});
    let mut asked = json!({
        "columns": [loss, {"kind": "param", "path": ["lr"]}],
        "sort": {"column": loss, "descending": true},
        "limit": 1,
    });
    let first = answer(&router, with_body("POST", "/runstone/v1/table", &asked)).await;
    assert_eq!(first["rows"][0]["run"]["id"], "run-2");
    assert_eq!(first["rows"][0]["cells"], json!([2.0, null]));
    assert_eq!(first["matching"], 2);
    assert_eq!(first["change"], 2);
    asked["cursor"] = first["next_cursor"].clone();
    let second = answer(&router, with_body("POST", "/runstone/v1/table", &asked)).await;
    assert_eq!(second["rows"][0]["run"]["id"], "run-1");
    assert_eq!(second["next_cursor"], Value::Null);
    let columns = json(&router, "/runstone/v1/columns?experiment=default").await;
    assert_eq!(columns["metrics"], json!([{"name": "loss", "context": {}}]));
    let nothing = answer(&router, with_body("POST", "/runstone/v1/table", &json!({}))).await;
    assert_eq!(nothing["rows"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_run_is_patched_deleted_and_taken_back() {
    let router = router_of_two().await;
    let path = "/runstone/v1/runs/run-1";
    let edit = json!({"name": "best", "add_tags": ["kept"], "experiment": "digits"});
    let item = answer(&router, with_body("PATCH", path, &edit)).await;
    assert_eq!(
        (&item["name"], &item["tags"], &item["experiment"]),
        (&json!("best"), &json!(["kept"]), &json!("digits"))
    );
    assert_eq!(item["deleted_at_micros"], Value::Null);
    let response = ask(&router, bare("DELETE", "/runstone/v1/runs/best")).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert!(body(response).await.is_empty());
    assert_problem(ask(&router, get(path)).await, 404, "not_found").await;
    let trash = json!({"deleted": true});
    let page = answer(&router, with_body("POST", "/runstone/v1/table", &trash)).await;
    assert_eq!(page["rows"][0]["run"]["id"], "run-1");
    assert!(page["rows"][0]["run"]["deleted_at_micros"].is_i64());
    let item = answer(&router, bare("POST", &format!("{path}/undelete"))).await;
    assert_eq!(item["name"], "best");
    let nobody = ask(&router, bare("POST", "/runstone/v1/runs/nobody/undelete")).await;
    assert_problem(nobody, 404, "not_found").await;
}

#[tokio::test]
async fn many_runs_are_edited_and_each_has_a_result() {
    let router = router_of_two().await;
    let edits = json!({
        "runs": ["run-2", "nobody"],
        "action": {"kind": "edit", "edit": {"archived": true}},
    });
    let done = answer(&router, with_body("POST", "/runstone/v1/edits", &edits)).await;
    assert_eq!(
        done["results"][0],
        json!({"run": "run-2", "unchanged": false})
    );
    assert_eq!(done["results"][1]["error"]["kind"], "not_found");
    assert_eq!(done["change"], 3);
    let delete = json!({"runs": ["run-1", "run-2"], "action": {"kind": "delete"}});
    answer(&router, with_body("POST", "/runstone/v1/edits", &delete)).await;
    assert_eq!(json(&router, "/runstone/v1/runs").await["runs"], json!([]));
    let back = json!({"runs": ["run-1"], "action": {"kind": "undelete"}});
    answer(&router, with_body("POST", "/runstone/v1/edits", &back)).await;
    let runs = json(&router, "/runstone/v1/runs").await;
    assert_eq!(runs["runs"][0]["id"], "run-1");
}

#[tokio::test]
async fn bodies_that_say_something_else_are_refused_by_name() {
    let router = router_of_two().await;
    for (method, path, body, word) in [
        (
            "PATCH",
            "/runstone/v1/runs/run-1",
            json!({"nmae": "x"}),
            "nmae",
        ),
        ("POST", "/runstone/v1/table", json!({"sort": 3}), "sort"),
        ("POST", "/runstone/v1/table", json!({"limit": 0}), "limit 0"),
        ("POST", "/runstone/v1/edits", json!({"runs": []}), "action"),
    ] {
        let response = ask(&router, with_body(method, path, &body)).await;
        let problem = assert_problem(response, 400, "invalid").await;
        assert!(
            problem.detail.contains(word) || word == "sort",
            "{path}: {}",
            problem.detail
        );
    }
    let response = ask(&router, bare("PATCH", "/runstone/v1/runs/run-1")).await;
    assert_problem(response, 400, "invalid").await;
}
