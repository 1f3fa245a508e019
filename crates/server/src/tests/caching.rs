//! Nobody keeps answers of the API: they are live, and may be for one reader only.

use super::{ask, get, request, router};
use axum::body::Body;
use axum::http::header;

#[tokio::test]
async fn no_answer_of_the_api_is_kept_by_anybody() {
    let router = router();
    let asked = [
        get("/runstone/v1/server"),
        get("/runstone/v1/runs"),
        get("/runstone/v1/runs/none"),
        get("/runstone/v1/runs?limit=0"),
        get("/runstone/v1/experiments"),
        get("/runstone/v1/openapi.json"),
        get("/runstone/v1/nothing"),
        get("/health/live"),
        get("/metrics"),
        request("HEAD", "/runstone/v1/runs")
            .body(Body::empty())
            .unwrap(),
        request("PUT", "/runstone/v1/runs")
            .body(Body::empty())
            .unwrap(),
    ];
    for request in asked {
        let path = request.uri().to_string();
        let response = ask(&router, request).await;
        let kept = response.headers().get(header::CACHE_CONTROL);
        assert_eq!(
            kept.map(|value| value.as_bytes()),
            Some(&b"no-store"[..]),
            "{path}"
        );
    }
}
