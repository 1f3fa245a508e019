//! Counters for Prometheus, as its text format.
//!
//! A handful of counters and one histogram, kept here rather than in a registry of the whole
//! process: a server in a test counts for itself alone.

use runstone_service::StoreStats;
use runstone_wire::{FrameAnswer, FrameStatus};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the latency histogram.
const BUCKETS_SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// What a server counts since its start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    frame_bytes: AtomicU64,
    refused_points: AtomicU64,
    open_connections: AtomicI64,
    open_streams: AtomicI64,
    cut_streams: AtomicU64,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    requests: BTreeMap<(String, &'static str, u16), u64>,
    latencies: BTreeMap<String, Histogram>,
    frames: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<&'static str, u64>,
    limit_hits: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS_SECONDS.len()],
    count: u64,
    sum_seconds: f64,
}

impl Metrics {
    /// One answered request.
    pub(crate) fn count_request(
        &self,
        route: &str,
        method: &axum::http::Method,
        status: u16,
        took: Duration,
    ) {
        let method = match method.as_str() {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            "PUT" => "PUT",
            "PATCH" => "PATCH",
            "DELETE" => "DELETE",
            "OPTIONS" => "OPTIONS",
            _ => "other",
        };
        let seconds = took.as_secs_f64();
        let mut counted = self.lock();
        *counted
            .requests
            .entry((route.to_owned(), method, status))
            .or_default() += 1;
        let histogram = counted.latencies.entry(route.to_owned()).or_default();
        histogram.count += 1;
        histogram.sum_seconds += seconds;
        if let Some(bucket) = BUCKETS_SECONDS.iter().position(|bound| seconds <= *bound) {
            histogram.buckets[bucket] += 1;
        }
    }

    /// One frame with its answer.
    pub(crate) fn count_frame(&self, bytes: usize, answer: &FrameAnswer) {
        self.frame_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let status = match answer.status {
            FrameStatus::Applied => "applied",
            FrameStatus::Duplicate => "duplicate",
            FrameStatus::Mismatch => "mismatch",
        };
        let mut counted = self.lock();
        *counted.frames.entry(status).or_default() += 1;
        for refusal in &answer.refusals {
            *counted.refusals.entry(refusal.code.as_str()).or_default() += 1;
            self.refused_points
                .fetch_add(refusal.points, Ordering::Relaxed);
        }
    }

    /// One frame that was not taken.
    pub(crate) fn count_frame_error(&self, kind: &'static str) {
        *self.lock().frames.entry(kind).or_default() += 1;
    }

    /// A limit was hit.
    pub(crate) fn count_limit_hit(&self, limit: &'static str) {
        *self.lock().limit_hits.entry(limit).or_default() += 1;
    }

    /// A connection opened (1) or closed (-1).
    pub(crate) fn change_open_connections(&self, by: i64) {
        self.open_connections.fetch_add(by, Ordering::Relaxed);
    }

    /// A stream of changes opened (1) or closed (-1).
    pub(crate) fn change_open_streams(&self, by: i64) {
        self.open_streams.fetch_add(by, Ordering::Relaxed);
    }

    /// A stream was cut off because its reader took nothing.
    pub(crate) fn count_cut_stream(&self) {
        self.cut_streams.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything as Prometheus text, names sorted.
    pub(crate) fn render(&self, stats: &StoreStats, skewed_frames: u64) -> String {
        let mut text = Text::default();
        text.one(
            "runstone_build_info",
            "gauge",
            "Version of the server.",
            &[("version", env!("CARGO_PKG_VERSION"))],
            1.0,
        );
        let open = self.open_connections.load(Ordering::Relaxed) as f64;
        text.gauge("runstone_open_connections", "Open connections.", open);
        let open = self.open_streams.load(Ordering::Relaxed) as f64;
        text.gauge("runstone_open_streams", "Open streams of changes.", open);
        text.counter(
            "runstone_streams_cut_off_total",
            "Streams of changes cut off because their readers took nothing.",
            self.cut_streams.load(Ordering::Relaxed),
        );
        text.counter(
            "runstone_frame_bytes_total",
            "Bytes of frames answered.",
            self.frame_bytes.load(Ordering::Relaxed),
        );
        text.counter(
            "runstone_refused_points_total",
            "Points refused inside frames that were taken.",
            self.refused_points.load(Ordering::Relaxed),
        );
        text.counter(
            "runstone_clock_skewed_frames_total",
            "Frames whose sender's clock is more than five minutes from ours.",
            skewed_frames,
        );
        store_text(&mut text, stats);
        counted_text(&mut text, &self.lock());
        text.0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn store_text(text: &mut Text, stats: &StoreStats) {
    text.counter(
        "runstone_applied_frames_total",
        "Frames applied since start.",
        stats.applied_frames,
    );
    text.counter(
        "runstone_points_total",
        "Points applied since start.",
        stats.applied_points,
    );
    let gauges = [
        ("runstone_runs", "Living runs.", stats.runs),
        (
            "runstone_unfolded_frames",
            "Frames not yet folded.",
            stats.unfolded_frames,
        ),
        (
            "runstone_unfolded_points",
            "Points not yet folded.",
            stats.unfolded_points,
        ),
        (
            "runstone_database_bytes",
            "Bytes of the database, log excluded.",
            stats.database_bytes,
        ),
        (
            "runstone_wal_bytes",
            "Bytes of the write-ahead log.",
            stats.log_bytes,
        ),
    ];
    for (name, help, value) in gauges {
        text.gauge(name, help, value as f64);
    }
}

fn counted_text(text: &mut Text, counted: &Counted) {
    text.head(
        "runstone_frames_total",
        "counter",
        "Frames received, by outcome.",
    );
    for (status, count) in &counted.frames {
        text.line(
            "runstone_frames_total",
            &[("status", status)],
            *count as f64,
        );
    }
    text.head(
        "runstone_refusals_total",
        "counter",
        "Operations refused, by code.",
    );
    for (code, count) in &counted.refusals {
        text.line("runstone_refusals_total", &[("code", code)], *count as f64);
    }
    text.head(
        "runstone_limit_hits_total",
        "counter",
        "Limits hit, by limit.",
    );
    for (limit, count) in &counted.limit_hits {
        text.line(
            "runstone_limit_hits_total",
            &[("limit", limit)],
            *count as f64,
        );
    }
    text.head(
        "runstone_http_requests_total",
        "counter",
        "Requests answered.",
    );
    for ((route, method, status), count) in &counted.requests {
        text.line(
            "runstone_http_requests_total",
            &[
                ("route", route),
                ("method", method),
                ("status", &status.to_string()),
            ],
            *count as f64,
        );
    }
    text.head(
        "runstone_http_request_seconds",
        "histogram",
        "Time to answer.",
    );
    for (route, histogram) in &counted.latencies {
        let mut below = 0;
        for (bound, count) in BUCKETS_SECONDS.iter().zip(histogram.buckets) {
            below += count;
            text.line(
                "runstone_http_request_seconds_bucket",
                &[("route", route), ("le", &bound.to_string())],
                below as f64,
            );
        }
        text.line(
            "runstone_http_request_seconds_bucket",
            &[("route", route), ("le", "+Inf")],
            histogram.count as f64,
        );
        text.line(
            "runstone_http_request_seconds_sum",
            &[("route", route)],
            histogram.sum_seconds,
        );
        text.line(
            "runstone_http_request_seconds_count",
            &[("route", route)],
            histogram.count as f64,
        );
    }
}

/// The exposition text under construction.
#[derive(Default)]
struct Text(String);

impl Text {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.one(name, "counter", help, &[], value as f64);
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.one(name, "gauge", help, &[], value);
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.head(name, kind, help);
        self.line(name, labels, value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let escaped = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{escaped}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_cumulative_buckets_and_escaped_labels() {
        let metrics = Metrics::default();
        for millis in [1, 3, 700] {
            metrics.count_request(
                "/a\"b",
                &axum::http::Method::GET,
                200,
                Duration::from_millis(millis),
            );
        }
        metrics.count_limit_hit("requests");
        let text = metrics.render(&StoreStats::default(), 2);
        for line in [
            r#"runstone_http_request_seconds_bucket{route="/a\"b",le="0.001"} 1"#,
            r#"runstone_http_request_seconds_bucket{route="/a\"b",le="0.005"} 2"#,
            r#"runstone_http_request_seconds_bucket{route="/a\"b",le="+Inf"} 3"#,
            r#"runstone_http_requests_total{route="/a\"b",method="GET",status="200"} 3"#,
            r#"runstone_limit_hits_total{limit="requests"} 1"#,
            "runstone_clock_skewed_frames_total 2",
            "runstone_wal_bytes 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
