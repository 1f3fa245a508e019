//! `docs/reference/cli.md`, rendered from the arguments and the table of exit codes.

use crate::arguments::Arguments;
use crate::failure::Outcome;
use crate::output::Output;
use crate::wait::{ENDED_OTHERWISE, TIME_IS_OVER};
use clap::{Arg, Command, CommandFactory};
use runstone_service::error::ERRORS;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Prints the reference.
pub(crate) fn run(output: &mut Output) -> Outcome {
    output.verbatim(&render())?;
    Ok(0)
}

fn render() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut text = String::from(
        "# The command line\n\nRendered from the binary: `UPDATE_DOCS=1 cargo test -p \
         runstone-cli`.\n\n",
    );
    text.push_str(INTRODUCTION);
    for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        render_command(&mut text, "runstone", subcommand);
    }
    render_exit_codes(&mut text);
    text
}

const INTRODUCTION: &str = "Commands that read (`runs`, `show`, `logs`, `events`, `wait`) ask the server at `--url` or \
`RUNSTONE_URL`; without one they ask the server that holds the data folder, and if nobody holds it \
they open the folder themselves. If there is no data folder either, they try \
`http://127.0.0.1:53800`. The token is taken from `RUNSTONE_TOKEN` or `$RUNSTONE_HOME/token`.\n\n\
With `--json` a command prints one JSON document a line, whose field `version` is 1; fields are \
added, never renamed. Messages and progress go to standard error. `RUNSTONE_LOG` sets what the \
server logs there (`warn` unless set; `info`, `debug`).\n\n";

/// A command; one of several is rendered as these.
fn render_command(text: &mut String, above: &str, command: &Command) {
    let name = format!("{above} {}", command.get_name());
    if command.has_subcommands() {
        for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            render_command(text, &name, subcommand);
        }
        return;
    }
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let _ = writeln!(text, "## {name}\n\n{about}.\n");
    let usage = command.clone().bin_name(&name).render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = writeln!(text, "```\n{usage}\n```\n");
    let _ = writeln!(text, "| argument | meaning |\n|---|---|");
    for argument in command.get_arguments().filter(|one| !one.is_hide_set()) {
        let _ = writeln!(
            text,
            "| {} | {} |",
            argument_name(argument),
            argument_help(argument)
        );
    }
    text.push('\n');
}

fn argument_name(argument: &Arg) -> String {
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .map(|names| names.join(" "))
        .unwrap_or_default();
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("`-{short}`, `--{long}{}`", spaced(&value)),
        (None, Some(long)) => format!("`--{long}{}`", spaced(&value)),
        (Some(short), None) => format!("`-{short}{}`", spaced(&value)),
        (None, None) => format!("`{value}`"),
    }
}

fn spaced(value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!(" {value}")
    }
}

fn argument_help(argument: &Arg) -> String {
    let mut help = argument
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default()
        .replace('|', "\\|");
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .filter(|value| !value.is_empty() && argument.get_action().takes_values())
        .collect();
    if !defaults.is_empty() {
        let _ = write!(help, " [default: {}]", defaults.join(" "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(help, " [env: {}]", variable.to_string_lossy());
    }
    help
}

fn render_exit_codes(text: &mut String) {
    let mut codes: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for row in ERRORS {
        codes.entry(row.exit_code).or_default().push(row.name);
    }
    text.push_str(
        "## Exit codes\n\n| code | meaning | kinds of problem |\n|---|---|---|\n| 0 | done | |\n",
    );
    for (code, kinds) in codes {
        let meaning = match code {
            1 => "a defect or an error of the system; `doctor` found something wrong",
            2 => "what was asked can't be done as it was asked; change it",
            3 => "there is no such thing",
            4 => "the state forbids it: in use, ambiguous, taken",
            5 => "not possible at the moment; try again",
            6 => "stored bytes are damaged",
            7 => "not allowed: a token is needed, or another",
            _ => "",
        };
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let _ = writeln!(text, "| {code} | {meaning} | {} |", kinds.join(", "));
    }
    for (code, meaning) in [
        (
            ENDED_OTHERWISE,
            "`wait`: the run has ended, and not as was waited for",
        ),
        (TIME_IS_OVER, "`wait`: the time was over first"),
    ] {
        let _ = writeln!(text, "| {code} | {meaning} | |");
    }
}
