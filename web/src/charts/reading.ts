//! What stands under the cursor: for each line the nearest point, as tooltips and legends say it.

import { at, type Line, lowerBound, nearestIndex, type Span, upperBound } from "./lines";

/** The nearest point of one line. */
export interface Reading {
  readonly key: string;
  readonly label: string;
  readonly x: number;
  readonly step: number;
  /** As drawn: smoothed, if the chart smooths. */
  readonly value: number;
  /** As logged; the same number where nothing is smoothed. */
  readonly raw: number;
}

/**
 * The nearest point of each line, in the order of the lines. `raw` holds the lines as logged, by key.
 * A line that has ended, or not begun, within `reach` of the cursor is left out.
 */
export function readingsAt(
  lines: readonly Line[],
  raw: ReadonlyMap<string, Line>,
  x: number,
  span: Span,
  reach: number,
): readonly Reading[] {
  const readings: Reading[] = [];
  for (const line of lines) {
    const index = nearestIndex(line, x, span);
    if (index !== undefined && isNear(line, index, x, reach)) {
      const value = at(line.y, index);
      readings.push({
        key: line.key,
        label: line.label,
        x: at(line.x, index),
        step: at(line.steps, index),
        value,
        raw: at(raw.get(line.key)?.y ?? line.y, index),
      });
    }
  }
  return readings;
}

/** Inside the line, or no further from its end than `reach`. */
function isNear(line: Line, index: number, x: number, reach: number): boolean {
  const inside = x >= at(line.x, 0) && x <= at(line.x, line.x.length - 1);
  return inside || Math.abs(at(line.x, index) - x) <= reach;
}

/**
 * Those that a tooltip has room for: the ones nearest to the pointer in y, in falling order of their
 * values, as the lines lie in the picture.
 */
export function readingsShown(
  readings: readonly Reading[],
  pointerValue: number | undefined,
  room: number,
): readonly Reading[] {
  const distance = (reading: Reading): number =>
    pointerValue === undefined ? 0 : Math.abs(reading.value - pointerValue);
  const chosen =
    readings.length <= room
      ? [...readings]
      : [...readings].sort((one, two) => distance(one) - distance(two)).slice(0, room);
  return chosen.sort((one, two) => two.value - one.value);
}

/** The reading nearest to the pointer in y. */
export function nearestReading(readings: readonly Reading[], pointerValue: number | undefined): Reading | undefined {
  if (pointerValue === undefined) {
    return undefined;
  }
  let nearest: Reading | undefined;
  for (const reading of readings) {
    const closer =
      nearest === undefined || Math.abs(reading.value - pointerValue) < Math.abs(nearest.value - pointerValue);
    nearest = closer ? reading : nearest;
  }
  return nearest;
}

/** x of the point that an arrow key goes to: the next or previous one of all lines in the window. */
export function neighbourX(
  lines: readonly Line[],
  x: number | undefined,
  forward: boolean,
  span: Span,
): number | undefined {
  let best: number | undefined;
  for (const line of lines) {
    const candidate = forward ? nextX(line.x, x, span) : previousX(line.x, x, span);
    if (candidate !== undefined && (best === undefined || candidate < best === forward)) {
      best = candidate;
    }
  }
  return best;
}

function nextX(column: Float64Array, x: number | undefined, span: Span): number | undefined {
  const index = x === undefined || x < span.from ? lowerBound(column, span.from) : upperBound(column, x);
  const found = column[index];
  return found !== undefined && found <= span.to ? found : undefined;
}

function previousX(column: Float64Array, x: number | undefined, span: Span): number | undefined {
  const index = x === undefined || x > span.to ? upperBound(column, span.to) : lowerBound(column, x);
  const found = column[index - 1];
  return found !== undefined && found >= span.from ? found : undefined;
}
