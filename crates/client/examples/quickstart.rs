//! Tracks a small optimisation: `cargo run -p runstone-client --example quickstart`.
//!
//! With a server (`runstone up`) the run shows there at once; without one it waits in the spool.

use std::io::Write as _;

use runstone_client::{
    At, ClientError, CloseReport, Context, Goal, ParamPath, ParamValue, Run, RunEnd, RunOptions,
};

fn main() -> Result<(), ClientError> {
    let report = train(RunOptions {
        experiment: Some("quickstart".to_owned()),
        ..RunOptions::default()
    })?;
    let state = if report.delivered {
        "delivered"
    } else {
        "spooled"
    };
    // Nobody is left to tell when the standard output is closed.
    let _ = writeln!(
        std::io::stdout(),
        "{state}: {} points",
        report.flush.acknowledged
    );
    Ok(())
}

/// Finds the minimum of (x - 3)^2 by gradient descent.
pub(crate) fn train(options: RunOptions) -> Result<CloseReport, ClientError> {
    let learning_rate = 0.1;
    let run = Run::open(RunOptions {
        name: Some("descent".to_owned()),
        config: Some(ParamValue::from([("learning_rate", learning_rate)])),
        tags: vec!["example".to_owned()],
        ..options
    })?;
    run.define_metric("loss", Some(Goal::Min), None, None)?;
    let train = Context::parse(r#"{"subset": "train"}"#)?;
    let mut x = 0.0;
    for step in 0..100_u32 {
        let loss = (x - 3.0_f64).powi(2);
        x -= learning_rate * 2.0 * (x - 3.0);
        run.track("loss", loss, At::step(f64::from(step)).context(&train))?;
        run.track("x", x, step)?;
    }
    run.set_param(&ParamPath::parse_dotted("result.x")?, x.into(), false)?;
    Ok(run.close(RunEnd::Succeeded, None))
}
