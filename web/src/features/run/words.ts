//! States and ages in words and colours.

import type { EndReason, RunDetail, RunState } from "../../api/types";
import { formatDuration } from "../../charts/numbers";

/** Mantine colours of states. */
export const STATE_COLORS: Readonly<Record<RunState, string>> = {
  pending: "gray",
  running: "blue",
  succeeded: "teal",
  failed: "red",
  lost: "orange",
};

/** A cause in words. */
export function reasonWords(reason: EndReason | null): string | undefined {
  if (reason === null) {
    return undefined;
  }
  const code = reason.code.replaceAll("_", " ");
  return reason.text === "" ? code : `${code}: ${reason.text}`;
}

/** How long ago, in one unit. */
export function agoWords(micros: number, nowMillis: number): string {
  const seconds = Math.max(0, nowMillis / 1_000 - micros / 1e6);
  const [count, unit] =
    seconds < 60
      ? [seconds, "second"]
      : seconds < 3_600
        ? [seconds / 60, "minute"]
        : seconds < 172_800
          ? [seconds / 3_600, "hour"]
          : [seconds / 86_400, "day"];
  const whole = Math.floor(count);
  return seconds < 5 ? "just now" : `${whole} ${unit}${whole === 1 ? "" : "s"} ago`;
}

/** For how long a run has been in its state. */
export function ageWords(run: RunDetail, nowMillis: number): string {
  const { state, started_at_micros: started, ended_at_micros: ended, created_at_micros: created } = run;
  const begun = started ?? created;
  if (state === "running" || state === "pending") {
    return `for ${formatDuration(Math.max(0, Math.floor(nowMillis / 1_000 - begun / 1e6)))}`;
  }
  const took =
    ended === null ? "" : ` after ${formatDuration(Math.max(0, (ended - begun) / 1e6), ended - begun < 10e6 ? 2 : 0)}`;
  return `${ended === null ? "" : agoWords(ended, nowMillis)}${took}`;
}
