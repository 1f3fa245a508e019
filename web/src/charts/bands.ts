//! Groups of lines as one: the mean with a band from the smallest to the greatest member.
//!
//! Members are aligned on the union of their x. Between two of its points a member counts with the
//! straight line between them, as it is drawn; before its first, after its last and across its
//! gaps it does not count. So the band is what the eye sees of the members, and a member that ended
//! early no longer pulls at the mean.

import { at, type Line } from "./lines";

/** A group as it is drawn. */
export interface Band {
  /** The mean; its key and label are the group's. */
  readonly mean: Line;
  /** Smallest member at each x of the mean. */
  readonly low: Float64Array;
  /** Greatest member at each x of the mean. */
  readonly high: Float64Array;
  /** Members that count at each x of the mean. */
  readonly members: Float64Array;
}

/**
 * All different x of some lines, rising. O(n log n) in the number of points: the columns are laid
 * behind each other, sorted as one typed array (numbers, no comparison function) and made unique.
 */
export function unionOfX(columns: readonly Float64Array[]): Float64Array {
  const [only] = columns;
  const total = columns.reduce((sum, column) => sum + column.length, 0);
  const all = new Float64Array(total);
  let offset = 0;
  for (const column of columns) {
    all.set(column, offset);
    offset += column.length;
  }
  if (columns.length !== 1 || only === undefined) {
    all.sort();
  }
  let kept = 0;
  for (let index = 0; index < total; index += 1) {
    const value = at(all, index);
    if (!Number.isNaN(value) && (kept === 0 || value !== at(all, kept - 1))) {
      all[kept] = value;
      kept += 1;
    }
  }
  return all.slice(0, kept);
}

/**
 * The values of a line at other x (rising): exact where it has a point, on the straight line
 * between two neighbours else, NaN outside and across gaps. Of several points at one x the last
 * counts. O(points of both).
 */
export function valuesAt(line: Line, x: Float64Array): Float64Array {
  const values = new Float64Array(x.length).fill(Number.NaN);
  const last = line.x.length - 1;
  let after = 0;
  for (let index = 0; index < x.length; index += 1) {
    const wanted = at(x, index);
    while (after <= last && at(line.x, after) <= wanted) {
      after += 1;
    }
    // `after` is the first point past `wanted`, `after - 1` the last one at or before it.
    const before = after - 1;
    if (before < 0) {
      continue;
    }
    const left = at(line.x, before);
    if (left === wanted) {
      values[index] = at(line.y, before);
    } else if (after <= last) {
      const share = (wanted - left) / (at(line.x, after) - left);
      values[index] = between(at(line.y, before), at(line.y, after), share);
    }
  }
  return values;
}

/** On the line from one value to the other; not finite where either is not. */
function between(from: number, to: number, share: number): number {
  return Number.isFinite(from) && Number.isFinite(to) ? from * (1 - share) + to * share : Number.NaN;
}

/** The members as one band. Members without points do not count. */
export function bandOf(key: string, label: string, members: readonly Line[]): Band {
  const x = unionOfX(members.map((member) => member.x));
  const mean = new Float64Array(x.length);
  const low = new Float64Array(x.length).fill(Number.NaN);
  const high = new Float64Array(x.length).fill(Number.NaN);
  const counts = new Float64Array(x.length);
  for (const member of members) {
    const values = valuesAt(member, x);
    for (let index = 0; index < x.length; index += 1) {
      const value = at(values, index);
      if (Number.isFinite(value)) {
        const count = at(counts, index) + 1;
        counts[index] = count;
        // A running mean: no sum that could overflow.
        mean[index] = at(mean, index) + (value - at(mean, index)) / count;
        low[index] = count === 1 ? value : Math.min(at(low, index), value);
        high[index] = count === 1 ? value : Math.max(at(high, index), value);
      }
    }
  }
  for (let index = 0; index < x.length; index += 1) {
    if (at(counts, index) === 0) {
      mean[index] = Number.NaN;
    }
  }
  const steps = stepsAt(members, x);
  return { mean: { key, label, x, y: mean, steps }, low, high, members: counts };
}

/** Steps for the x of a band: x itself where all members have step on x, NaN elsewhere. */
function stepsAt(members: readonly Line[], x: Float64Array): Float64Array {
  return members.every((member) => member.steps === member.x) ? x : new Float64Array(x.length).fill(Number.NaN);
}
