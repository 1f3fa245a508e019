//! Lines over the router: JSON and Arrow say the same.

use super::*;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt32Type};
use arrow_ipc::reader::StreamReader;
use serde_json::json;

const ARROW: &str = "application/vnd.apache.arrow.stream";

fn lines_request(body: &serde_json::Value, accept: &str) -> Request {
    request("POST", "/runstone/v1/lines")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .body(Body::from(body.to_string()))
        .unwrap()
}

#[tokio::test]
async fn lines_are_the_same_as_json_and_as_arrow() {
    let router = router();
    let mut builder = FrameBuilder::creator("run-1", 1);
    let loss = builder.metric("loss");
    builder.log(
        loss,
        (0..500).map(|step| (f64::from(step), f64::from(step % 7))),
    );
    builder.log(loss, [(500.0, f64::NAN), (501.5, f64::NEG_INFINITY)]);
    let frame = builder.frame().frame.encode();
    assert_eq!(ask(&router, frame_request(frame)).await.status(), 200);
    let asked = json!({
        "series": [
            {"run": "run-1", "name": "loss"},
            {"run": "run-1", "name": "nothing"},
            {"run": "run-1", "name": "loss", "context": {}},
        ],
        "pixels": 10,
        "x": {"kind": "relative_time"},
    });
    let response = ask(&router, lines_request(&asked, "*/*")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let json: serde_json::Value = serde_json::from_slice(&body(response).await).unwrap();
    assert_eq!(json["lines"][0]["points"], 502);
    assert_eq!(json["lines"][0]["exact"], false);
    assert_eq!(json["lines"][1]["error"]["kind"], "not_found");

    let response = ask(&router, lines_request(&asked, ARROW)).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], ARROW);
    let bytes = body(response).await;
    let reader = StreamReader::try_new(&bytes[..], None).unwrap();
    let schema = reader.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["line", "x", "y", "step"]);
    let heads: serde_json::Value =
        serde_json::from_str(&schema.metadata()["runstone.lines"]).unwrap();
    assert_eq!(heads["change"], json["change"]);
    let mut columns: Vec<serde_json::Value> =
        vec![json!({"x": [], "y": [], "steps": []}); asked["series"].as_array().unwrap().len()];
    let mut lines = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let floats = |index: usize| batch.column(index).as_primitive::<Float64Type>().values();
        let numbers = batch.column(0).as_primitive::<UInt32Type>().values();
        for (row, line) in numbers.iter().enumerate() {
            lines.push(*line);
            let fields = [("x", floats(1)), ("y", floats(2)), ("steps", floats(3))];
            for (name, values) in fields {
                let number = runstone_service::Number::F64(values[row]);
                let array = columns[*line as usize][name].as_array_mut().unwrap();
                array.push(serde_json::to_value(number).unwrap());
            }
        }
    }
    assert!(lines.is_sorted());
    for (index, (head, columns)) in (heads["lines"].as_array().unwrap().iter())
        .zip(&columns)
        .enumerate()
    {
        let line = &json["lines"][index];
        for (name, value) in head.as_object().unwrap() {
            assert_eq!(value, &line[name], "{name}");
        }
        for name in ["x", "y"] {
            assert_eq!(columns[name], line[name], "{name} of line {index}");
        }
        let steps = |value: &serde_json::Value| -> Vec<f64> {
            let steps = value.as_array().unwrap().iter();
            steps.map(|step| step.as_f64().unwrap()).collect()
        };
        assert_eq!(steps(&columns["steps"]), steps(&line["steps"]));
    }
    assert!(columns[0]["x"].as_array().unwrap().len() > 20);
}

#[tokio::test]
async fn what_is_asked_wrongly_of_lines_is_a_problem() {
    let router = router();
    for (asked, word) in [
        (json!({"series": [], "pixels": 10}), "0 series"),
        (json!({"series": [{"run": "a", "name": "b"}]}), "pixels"),
        (
            json!({"series": [{"run": "a", "nam": "b"}], "pixels": 1}),
            "nam",
        ),
        (
            json!({"series": [{"run": "a", "name": "b"}], "pixels": 1, "x": {"kind": "moon"}}),
            "moon",
        ),
    ] {
        let response = ask(&router, lines_request(&asked, ARROW)).await;
        let problem = assert_problem(response, 400, "invalid").await;
        assert!(problem.detail.contains(word), "{problem:?}");
    }
    let text = request("POST", "/runstone/v1/lines")
        .header(header::CONTENT_TYPE, "text/plain")
        .header(header::CONTENT_LENGTH, 2)
        .body(Body::from("{}"))
        .unwrap();
    assert_problem(ask(&router, text).await, 415, "unsupported_media_type").await;
    let get = ask(&router, get("/runstone/v1/lines")).await;
    assert_problem(get, 405, "method_not_allowed").await;
}
