//! What a chart does not draw of what was logged, in words.

import { at, indicesInside, type Line, type Span } from "./lines";

/** What a window holds of some lines as they were logged. */
export interface Tally {
  readonly points: number;
  readonly nan: number;
  readonly infinite: number;
  /** Finite, but not above 0. */
  readonly nonPositive: number;
  /** Infinite values stand in lines of which points are missing: there may be more of them. */
  readonly infiniteThinned: boolean;
  /** The same for values that are not above 0. */
  readonly nonPositiveThinned: boolean;
}

/** Counts what a window of x holds; without one, all. */
export function tallyInside(lines: readonly Line[], span: Span | undefined): Tally {
  let points = 0;
  let nan = 0;
  let infinite = 0;
  let nonPositive = 0;
  let infiniteThinned = false;
  let nonPositiveThinned = false;
  for (const { x, y, thinned } of lines) {
    const [start, end] = span === undefined ? [0, x.length] : indicesInside(x, span);
    const [infiniteBefore, nonPositiveBefore] = [infinite, nonPositive];
    points += end - start;
    for (let index = start; index < end; index += 1) {
      const value = at(y, index);
      if (Number.isNaN(value)) {
        nan += 1;
      } else if (!Number.isFinite(value)) {
        infinite += 1;
      } else if (value <= 0) {
        nonPositive += 1;
      }
    }
    infiniteThinned ||= thinned === true && infinite > infiniteBefore;
    nonPositiveThinned ||= thinned === true && nonPositive > nonPositiveBefore;
  }
  return { points, nan, infinite, nonPositive, infiniteThinned, nonPositiveThinned };
}

/** What the axis of y cannot show. */
export function notesOf(tally: Tally, logY: boolean): readonly string[] {
  const notes: string[] = [];
  if (tally.infinite > 0) {
    notes.push(`${counted(tally.infinite, "infinite value", tally.infiniteThinned)} drawn as gaps`);
  }
  if (logY && tally.nonPositive > 0) {
    notes.push(`${counted(tally.nonPositive, "value", tally.nonPositiveThinned)} at or below 0 left out (log y)`);
  }
  return notes;
}

/** What a logarithmic axis of x cannot show. */
export function noteOfLogX(points: number): string | undefined {
  return points > 0 ? `${counted(points, "point", false)} at x ≤ 0 left out (log x)` : undefined;
}

/** Why a window shows nothing although points are in it. */
export function nothingDrawn(tally: Tally, logY: boolean): string | undefined {
  const { points, nan, infinite, nonPositive } = tally;
  const drawn = points - nan - infinite - (logY ? nonPositive : 0);
  if (points === 0 || drawn > 0) {
    return undefined;
  }
  if (nan === points) {
    return "all values are NaN";
  }
  return nonPositive > 0 ? "no value above 0 (log y)" : "no finite value";
}

function counted(count: number, what: string, atLeast: boolean): string {
  return atLeast ? `some ${what}s` : `${count} ${what}${count === 1 ? "" : "s"}`;
}
