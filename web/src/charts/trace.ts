//! From the points of a line to a path on a canvas.
//!
//! Only what lies between two pixel columns is walked. Where several points share a column, first,
//! least, greatest and last are drawn and the rest is left out: the picture is the same and the cost
//! follows pixels. NaN, infinities and what a logarithmic axis cannot show are gaps; a point between
//! two gaps is a dot.

import { at, type Line, lowerBound, upperBound } from "./lines";
import { type AxisProjection, type Projection, pixelOf, valueAtPixel } from "./projection";

/** What a path is drawn with: a canvas, or a recorder in tests. */
export interface PathSink {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

/** Where lone points go. */
export type DotSink = (x: number, y: number) => void;

/** Pixels that are never exceeded: canvases draw nothing past 2^15 or so. */
const PIXEL_FAR = 16_000;

/** Indices of the points that a strip of pixels needs: those inside, and one at either side. */
export function indicesOfStrip(
  x: Float64Array,
  axis: AxisProjection,
  fromPixel: number,
  toPixel: number,
): readonly [number, number] {
  const first = lowerBound(x, valueAtPixel(axis, fromPixel));
  const last = upperBound(x, valueAtPixel(axis, toPixel));
  const start = Math.max(first - 1, axis.log ? upperBound(x, 0) : 0);
  return [start, Math.max(start, Math.min(last + 1, x.length))];
}

/** Draws points `start` to `end` (excluded) as a polyline. */
export function traceLine(
  line: Line,
  projection: Projection,
  start: number,
  end: number,
  path: PathSink,
  dot: DotSink,
): void {
  const pen = new Pen(path, dot);
  for (let index = start; index < end; index += 1) {
    pen.point(pixelOf(projection.x, at(line.x, index)), pixelOf(projection.y, at(line.y, index)));
  }
  pen.lift();
}

/** Joins points to runs between gaps, and thins each pixel column. */
class Pen {
  readonly #path: PathSink;
  readonly #dot: DotSink;
  /** Points since the last gap. */
  #points = 0;
  #firstX = 0;
  #firstY = 0;
  /** The column under way: how many points, and what they reach. */
  #column = 0;
  #inColumn = 0;
  #least = 0;
  #greatest = 0;
  #lastX = 0;
  #lastY = 0;

  constructor(path: PathSink, dot: DotSink) {
    this.#path = path;
    this.#dot = dot;
  }

  point(x: number, wantedY: number): void {
    if (!Number.isFinite(x) || !Number.isFinite(wantedY)) {
      this.lift();
      return;
    }
    const y = Math.min(Math.max(wantedY, -PIXEL_FAR), PIXEL_FAR);
    const column = Math.floor(x);
    if (this.#points === 0) {
      this.#firstX = x;
      this.#firstY = y;
      this.#path.moveTo(x, y);
      this.#enter(column, x, y);
    } else if (column === this.#column) {
      this.#least = Math.min(this.#least, y);
      this.#greatest = Math.max(this.#greatest, y);
      this.#lastX = x;
      this.#lastY = y;
      this.#inColumn += 1;
    } else {
      this.#leave();
      this.#path.lineTo(x, y);
      this.#enter(column, x, y);
    }
    this.#points += 1;
  }

  /** A gap, or the end. */
  lift(): void {
    if (this.#points === 1) {
      this.#dot(this.#firstX, this.#firstY);
    } else if (this.#points > 1) {
      this.#leave();
    }
    this.#points = 0;
  }

  #enter(column: number, x: number, y: number): void {
    this.#column = column;
    this.#inColumn = 1;
    this.#least = y;
    this.#greatest = y;
    this.#lastX = x;
    this.#lastY = y;
  }

  /** Draws what the column holds besides its first point. */
  #leave(): void {
    if (this.#inColumn > 2) {
      this.#path.lineTo(this.#column + 0.5, this.#least);
      this.#path.lineTo(this.#column + 0.5, this.#greatest);
    }
    if (this.#inColumn > 1) {
      this.#path.lineTo(this.#lastX, this.#lastY);
    }
  }
}

/** A stretch of a band without gaps, as the corners of a polygon. */
export function traceBand(
  x: Float64Array,
  low: Float64Array,
  high: Float64Array,
  projection: Projection,
  start: number,
  end: number,
  path: PathSink,
): void {
  let first = start;
  while (first < end) {
    if (!isDrawn(projection, at(x, first), at(low, first), at(high, first))) {
      first += 1;
      continue;
    }
    let past = first + 1;
    while (past < end && isDrawn(projection, at(x, past), at(low, past), at(high, past))) {
      past += 1;
    }
    path.moveTo(pixelOf(projection.x, at(x, first)), clipped(projection, at(high, first)));
    for (let index = first + 1; index < past; index += 1) {
      path.lineTo(pixelOf(projection.x, at(x, index)), clipped(projection, at(high, index)));
    }
    for (let index = past - 1; index >= first; index -= 1) {
      path.lineTo(pixelOf(projection.x, at(x, index)), clipped(projection, at(low, index)));
    }
    path.lineTo(pixelOf(projection.x, at(x, first)), clipped(projection, at(high, first)));
    first = past;
  }
}

/** On a logarithmic axis a band that reaches to 0 is drawn to the bottom. */
function clipped(projection: Projection, value: number): number {
  const pixel = pixelOf(projection.y, value);
  return Number.isNaN(pixel) ? PIXEL_FAR : Math.min(Math.max(pixel, -PIXEL_FAR), PIXEL_FAR);
}

function isDrawn(projection: Projection, x: number, low: number, high: number): boolean {
  return (
    Number.isFinite(pixelOf(projection.x, x)) && Number.isFinite(low) && Number.isFinite(pixelOf(projection.y, high))
  );
}
