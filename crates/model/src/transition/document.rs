//! Makes `docs/reference/lifecycle.md` from the tables, and fails when the file is behind.

use std::fmt::Write as _;

use crate::{
    DIALECT_WORDS, Dialect, LifecycleEvent, ReasonCode, RunState, Strictness, TRANSITIONS,
};

const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/reference/lifecycle.md"
);

#[test]
fn the_reference_of_the_lifecycle_is_fresh() {
    let made = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, &made).unwrap();
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        kept == made,
        "docs/reference/lifecycle.md is behind the tables, \
         hint: UPDATE_DOCS=1 cargo test -p runstone-model --profile ci"
    );
}

fn document() -> String {
    let mut text = String::from(
        "# The lifecycle of a run, in tables\n\n\
         Made from the tables in `crates/model` by \
         `UPDATE_DOCS=1 cargo test -p runstone-model --profile ci`; don't edit it by hand. \
         What it means in plain words: [lifecycle](../concepts/lifecycle.md).\n\n",
    );
    write_words(&mut text);
    write_transitions(&mut text);
    write_dialects(&mut text);
    text
}

fn write_words(text: &mut String) {
    let list = |words: Vec<&str>| format!("`{}`", words.join("`, `"));
    let states = list(RunState::ALL.iter().map(|state| state.as_str()).collect());
    let reasons = list(
        ReasonCode::ALL
            .iter()
            .map(|reason| reason.as_str())
            .collect(),
    );
    let events = list(
        LifecycleEvent::ALL
            .iter()
            .map(|event| event.as_str())
            .collect(),
    );
    writeln!(text, "- States: {states}").unwrap();
    writeln!(text, "- Reason codes: {reasons}").unwrap();
    writeln!(text, "- Events: {events}\n").unwrap();
}

fn write_transitions(text: &mut String) {
    text.push_str(
        "## Transitions\n\n\
         Whatever is not in this table is refused, with the state the run is in. \
         `failed_lost` is `failed` with the reason `lost`: the watchdog's inference. \
         A row for plain runs does not hold for strict ones: those inside a variation, and of \
         sealed experiments. Where nothing changes, nothing is recorded.\n\n\
         | from | event | by | runs | to | recorded as | why |\n|---|---|---|---|---|---|---|\n",
    );
    for row in TRANSITIONS {
        let from = row.from.map_or("(no run)", |standing| standing.as_str());
        let actors: Vec<&str> = row.actors.iter().map(|actor| actor.as_str()).collect();
        let runs = match row.runs {
            Strictness::Any => "all",
            Strictness::Plain => "plain",
        };
        let changes = row.from != Some(row.to);
        let to = if changes {
            row.to.as_str()
        } else {
            "no change"
        };
        let recorded = if changes { row.recorded.as_str() } else { "" };
        writeln!(
            text,
            "| {from} | {} | {} | {runs} | {to} | {recorded} | {} |",
            row.event,
            actors.join(", "),
            row.note
        )
        .unwrap();
    }
}

fn write_dialects(text: &mut String) {
    text.push_str(
        "\n## Words of other systems\n\n\
         What the clients of other systems read for a state, and what their word means when they \
         send it.\n\n\
         | system | state | reason | their word |\n|---|---|---|---|\n",
    );
    for row in DIALECT_WORDS {
        let reason = match (row.state, row.reason) {
            (_, Some(code)) => code.as_str(),
            (RunState::Failed, None) => "any other",
            _ => "",
        };
        writeln!(
            text,
            "| {} | {} | {reason} | {} |",
            row.dialect, row.state, row.word
        )
        .unwrap();
    }
    text.push_str("\n| system | their word | means | reason |\n|---|---|---|---|\n");
    for dialect in Dialect::ALL {
        let mut seen = Vec::new();
        for row in DIALECT_WORDS.iter().filter(|row| row.dialect == dialect) {
            if !seen.contains(&row.word) {
                seen.push(row.word);
                let reason = row.reads_as.map_or("", ReasonCode::as_str);
                writeln!(
                    text,
                    "| {dialect} | {} | {} | {reason} |",
                    row.word, row.state
                )
                .unwrap();
            }
        }
    }
}
