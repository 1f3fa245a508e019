//! What goes wrong around the real binary and the real client, each with its defined outcome: the
//! script goes on, nothing is lost unsaid, and whoever reads the message knows the next step.
//!
//! `disk` full, limited, read-only and odd disks; `crowd` a thousand runs in one process; `ports`
//! taken ports and strangers; `clock` clocks that jump; `damage` damaged or newer files;
//! `requests` what no client of ours sends; `mounts` folders on foreign file systems; `overload` a
//! server that is behind; `stop` a server that is told to stop.

mod clock;
mod crowd;
mod damage;
mod disk;
mod mounts;
mod overload;
mod ports;
mod requests;
mod stop;

use std::process::Output;

/// Both outputs of a command, for messages and searches.
fn all_text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Holds a command to its exit code, a message that begins and goes on as it must, and a hint.
fn assert_refused(output: &Output, code: i32, says: &[&str]) {
    let text = all_text(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.starts_with("error: "), "{text}");
    assert!(error.contains("hint: "), "{text}");
    for words in says {
        assert!(error.contains(words), "{words:?} is not in {text}");
    }
}
