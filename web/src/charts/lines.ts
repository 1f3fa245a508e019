//! What a chart draws: lines of typed arrays, and how to look into them.
//!
//! Everything in this folder takes and gives these. x is rising or equal; y may be NaN (a gap) or
//! infinite (drawn as a gap, and told). Nothing here knows the DOM, React or the API.

/** One line: columns of one length. */
export interface Line {
  /** Identity: stable while the page lives; colours, toggles and highlights go by it. */
  readonly key: string;
  /** What the legend says. */
  readonly label: string;
  /** x, rising or equal. */
  readonly x: Float64Array;
  /** Values; NaN is a gap. */
  readonly y: Float64Array;
  /** Step of each point; the same array as `x` where x is the step. */
  readonly steps: Float64Array;
  /** Points of it are missing, because there are more than pixels. */
  readonly thinned?: boolean;
}

/** A window of x, both ends inclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The smallest and greatest of something. */
export interface Extent {
  readonly min: number;
  readonly max: number;
}

/** Element of a typed array; NaN outside, which draws nothing. */
export function at(column: Float64Array, index: number): number {
  return column[index] ?? Number.NaN;
}

/** Index of the first x that is not below `value`; the length if there is none. */
export function lowerBound(x: Float64Array, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(x, middle) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Index of the first x above `value`; the length if there is none. */
export function upperBound(x: Float64Array, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(x, middle) <= value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Indices of the points inside a window, the second one past the end. */
export function indicesInside(x: Float64Array, span: Span): readonly [number, number] {
  const start = lowerBound(x, span.from);
  return [start, Math.max(start, upperBound(x, span.to))];
}

/**
 * Index of the point whose x is nearest to `value` and whose y is a number; the earlier one of two
 * equally near. `undefined` where no point of the window qualifies. Cost: a binary search, then
 * one step for each gap around it.
 */
export function nearestIndex(line: Line, value: number, span?: Span): number | undefined {
  const [start, end] = span === undefined ? [0, line.x.length] : indicesInside(line.x, span);
  const pivot = Math.min(Math.max(lowerBound(line.x, value), start), end);
  let left = pivot - 1;
  while (left >= start && Number.isNaN(at(line.y, left))) {
    left -= 1;
  }
  let right = pivot;
  while (right < end && Number.isNaN(at(line.y, right))) {
    right += 1;
  }
  if (left < start) {
    return right < end ? right : undefined;
  }
  if (right >= end) {
    return left;
  }
  return value - at(line.x, left) <= at(line.x, right) - value ? left : right;
}

/** x from the first to the last point of all lines, what is not above 0 left out on a log axis. */
export function extentOfX(lines: readonly Line[], log: boolean): Extent | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const { x } of lines) {
    const start = log ? upperBound(x, 0) : lowerBound(x, Number.NEGATIVE_INFINITY);
    for (let index = start; index < x.length; index += 1) {
      if (Number.isFinite(at(x, index))) {
        min = Math.min(min, at(x, index));
        break;
      }
    }
    for (let index = x.length - 1; index >= start; index -= 1) {
      if (Number.isFinite(at(x, index))) {
        max = Math.max(max, at(x, index));
        break;
      }
    }
  }
  return min <= max ? { min, max } : undefined;
}

/** How far the drawn values of a window of x reach; `undefined` where nothing is drawn. */
export function extentOfY(lines: readonly Line[], span: Span, logY: boolean): Extent | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const { x, y } of lines) {
    const [start, end] = indicesInside(x, span);
    for (let index = start; index < end; index += 1) {
      const value = at(y, index);
      if (Number.isFinite(value) && !(logY && value <= 0)) {
        min = value < min ? value : min;
        max = value > max ? value : max;
      }
    }
  }
  return min <= max ? { min, max } : undefined;
}

/** Index of the last point in a window whose value is drawn. */
export function lastDrawnIndex(line: Line, span: Span, logY: boolean): number | undefined {
  const [start, end] = indicesInside(line.x, span);
  for (let index = end - 1; index >= start; index -= 1) {
    const value = at(line.y, index);
    if (Number.isFinite(value) && !(logY && value <= 0)) {
      return index;
    }
  }
  return undefined;
}
