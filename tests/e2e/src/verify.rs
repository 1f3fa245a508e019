//! What was logged against what can be read.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use runstone_client::{ApiClient, ClientError};
use serde_json::Value;

use crate::child::{series_of, value_at};

/// All points of a series, page by page: (step, value), hidden ones too when `history`.
/// `None` when the run or the series does not exist.
///
/// # Errors
/// When the server's answer is not what the API promises.
pub fn read_points(
    api: &ApiClient,
    run: &str,
    series: &str,
    history: bool,
) -> anyhow::Result<Option<Vec<(f64, f64)>>> {
    let mut points = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let history_text = if history { "true" } else { "false" };
        let mut query = vec![
            ("name", series),
            ("limit", "10000"),
            ("history", history_text),
        ];
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let page: Value = match api.get_json(&format!("/runstone/v1/runs/{run}/points"), &query) {
            Ok(page) => page,
            Err(ClientError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error).context("read points"),
        };
        let steps = page["steps"]
            .as_array()
            .context("steps of a page of points")?;
        let values = page["values"]
            .as_array()
            .context("values of a page of points")?;
        ensure!(
            steps.len() == values.len(),
            "steps and values differ in length"
        );
        for (step, value) in steps.iter().zip(values) {
            let step = step.as_f64().context("a step is a number")?;
            points.push((step, value.as_f64().context("a value is a number")?));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(Some(points)),
        }
    }
}

/// Holds the series of a thread to what its child counted: exactly the steps 0..n-1 with
/// n = counter or counter + 1, each with its value, nothing twice, also in history.
///
/// # Errors
/// With the first difference.
pub fn series_is_exact(
    api: &ApiClient,
    run: &str,
    thread: u64,
    counted: u64,
) -> anyhow::Result<u64> {
    let series = series_of(thread);
    let shown = read_points(api, run, &series, false)?.unwrap_or_default();
    let length = shown.len() as u64;
    ensure!(
        length == counted || length == counted + 1,
        "{series} of {run} shows {length} points, its child counted {counted}"
    );
    for (index, &(step, value)) in shown.iter().enumerate() {
        let expected = value_at(thread, index as u64);
        if step != index as f64 || value != expected {
            bail!(
                "{series} of {run}: point {index} is ({step}, {value}), not ({index}, {expected})"
            );
        }
    }
    let history = read_points(api, run, &series, true)?.unwrap_or_default();
    ensure!(
        history == shown,
        "{series} of {run}: history has {} points, {} are shown",
        history.len(),
        shown.len()
    );
    Ok(length)
}

/// Steps of a series with how often each stands in history.
///
/// # Errors
/// As [`read_points`].
pub fn count_by_step(
    api: &ApiClient,
    run: &str,
    series: &str,
) -> anyhow::Result<BTreeMap<u64, usize>> {
    let mut counts = BTreeMap::new();
    for (step, _) in read_points(api, run, series, true)?.unwrap_or_default() {
        *counts.entry(step as u64).or_insert(0) += 1;
    }
    Ok(counts)
}
