//! `runstone version`.

use crate::arguments::VersionArguments;
use crate::failure::Outcome;
use crate::output::Output;
use runstone_service::api::API_VERSION;
use serde_json::json;

/// Prints the versions of this binary and of what it speaks.
pub(crate) fn run(arguments: &VersionArguments, output: &mut Output) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    if arguments.json {
        output.json(&json!({
            "version": 1,
            "runstone": version,
            "api": API_VERSION,
            "frames": runstone_service::frame_versions(),
        }))?;
    } else {
        output.line(&format!("runstone {version}"))?;
    }
    Ok(0)
}
