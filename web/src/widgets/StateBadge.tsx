//! The state of a run, since when, and why.

import type { EndReason, RunItem, RunState } from "../api/types";
import { agoText, durationText, timeText } from "../base/text";
import { useNow } from "./useNow";
import styles from "./widgets.module.css";

const SYMBOLS: Readonly<Record<RunState, string>> = {
  pending: "○",
  running: "●",
  succeeded: "✓",
  failed: "✕",
  lost: "?",
};

/** The cause of an end in a few words. */
export function causeText(reason: EndReason | null): string {
  if (reason === null) {
    return "";
  }
  const word = reason.code.replaceAll("_", " ");
  return reason.text === "" ? word : `${word}: ${reason.text}`;
}

type Shown = Pick<
  RunItem,
  "state" | "reason" | "created_at_micros" | "started_at_micros" | "ended_at_micros" | "last_received_at_micros"
>;

/** State, age and cause of a run. */
export function StateBadge({ run }: { readonly run: Shown }) {
  const now = useNow();
  const begun = run.started_at_micros ?? run.created_at_micros;
  const cause = causeText(run.reason);
  const age =
    run.ended_at_micros === null
      ? `for ${durationText(now - begun / 1_000)}`
      : `after ${durationText((run.ended_at_micros - begun) / 1_000)}`;
  const heard = run.last_received_at_micros;
  const label = [
    `started ${timeText(begun)}`,
    run.ended_at_micros === null ? undefined : `ended ${timeText(run.ended_at_micros)}`,
    heard === null ? undefined : `last heard ${agoText(heard, now)}`,
    cause === "" ? undefined : cause,
  ]
    .filter((part) => part !== undefined)
    .join("\n");
  return (
    <span className={styles.state} data-state={run.state} data-testid="run-state" title={label}>
      <span aria-hidden="true" className={styles.symbol}>
        {SYMBOLS[run.state]}
      </span>
      <span>{run.state}</span>
      <span className={styles.since}>
        {age}
        {cause === "" ? "" : ` · ${cause}`}
      </span>
    </span>
  );
}
