//! What a chart says about itself in data attributes: for tests, extensions and scripts.

import { at, indicesInside, type Line, lastDrawnIndex, type Span } from "./lines";
import type { Shown } from "./view";

/** Lines whose last values are written out; a crowd would only make the page heavy. */
const LAST_VALUES_MAX = 200;

/** What has data attributes: an element. */
type Attributed = Pick<HTMLElement, "dataset">;

/** Writes the attributes of what was just drawn. */
export function describeDrawn(root: Attributed, lines: readonly Line[], shown: Shown, logY: boolean): void {
  const lasts = new Map<string, number>();
  let first: { readonly value: number; readonly step: number } | undefined;
  for (const [index, line] of lines.entries()) {
    const last = index < LAST_VALUES_MAX ? lastDrawnIndex(line, shown.span, logY) : undefined;
    if (last !== undefined) {
      lasts.set(line.key, at(line.y, last));
      if (index === 0) {
        first = { value: at(line.y, last), step: at(line.steps, last) };
      }
    }
  }
  set(root, "lines", String(lines.length));
  set(root, "lastValue", first === undefined ? undefined : String(first.value));
  // The mean of a group has no step where x is another.
  set(root, "lastStep", first === undefined || Number.isNaN(first.step) ? undefined : String(first.step));
  set(root, "lastValues", JSON.stringify(Object.fromEntries(lasts)));
  set(root, "pointCount", String(pointsDrawn(lines, shown.span)));
  set(root, "xMin", String(shown.span.from));
  set(root, "xMax", String(shown.span.to));
  set(root, "yMax", shown.drawn === undefined ? undefined : String(shown.drawn.max));
}

/** Points that lines are drawn with: those in the window, and one at either side of it. */
export function pointsDrawn(lines: readonly Line[], span: Span): number {
  let count = 0;
  for (const { x } of lines) {
    const [start, end] = indicesInside(x, span);
    count += Math.min(end + 1, x.length) - Math.max(start - 1, 0);
  }
  return count;
}

function set(root: Attributed, name: string, value: string | undefined): void {
  if (value === undefined) {
    delete root.dataset[name];
  } else if (root.dataset[name] !== value) {
    root.dataset[name] = value;
  }
}
