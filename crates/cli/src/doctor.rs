//! `runstone doctor`: look for what is wrong, and say what to do.
//!
//! Nothing is changed, but that a deep check of blobs ends leases of uploads that a crash has left. The exit code is 1 when something is wrong, 0 when there are only things
//! to know.

use crate::arguments::{Arguments, DoctorArguments};
use crate::bundle;
use crate::checks::{Check, Reasons, Status, all_checks, check_deeply};
use crate::failure::Outcome;
use crate::output::Output;
use serde::Serialize;

#[derive(Serialize)]
struct DoctorDocument<'a> {
    version: u32,
    ok: bool,
    checks: &'a [Check],
}

/// Prints every check, and what to do about it.
pub(crate) fn run(arguments: &Arguments, asked: &DoctorArguments, output: &mut Output) -> Outcome {
    if let Some(file) = &asked.bundle {
        return bundle::run(arguments, file, output);
    }
    let mut checks = all_checks(arguments, Reasons::Quoted);
    if asked.deep {
        check_deeply(arguments, &mut checks);
    }
    let ok = checks.iter().all(|check| check.status != Status::Wrong);
    if asked.json {
        output.json(&DoctorDocument {
            version: 1,
            ok,
            checks: &checks,
        })?;
    } else {
        for check in &checks {
            output.line(&format!(
                "{:<8}{:<12}{}",
                check.status.word(),
                check.name,
                check.text
            ))?;
            if let Some(hint) = &check.hint {
                output.line(&format!("{:20}hint: {hint}", ""))?;
            }
        }
    }
    Ok(u8::from(!ok))
}
