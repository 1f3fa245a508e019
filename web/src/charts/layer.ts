//! All lines of a chart on one canvas of their own, which the chart copies onto its own.
//!
//! Drawing 100 lines of 1,000 points takes longer than a frame has; moving them does not have to.
//! When only x moved, and by whole device pixels, what stays visible is copied and just the strip
//! that came into view is drawn. The picture is the one that drawing it all anew would give: strips
//! are clipped at whole pixels, and the pixels of a solid line do not depend on where a strip ends
//! (dashes begin anew in a strip, until the next whole drawing).

import type { Line } from "./lines";
import { type Projection, projectAxis } from "./projection";
import { indicesOfStrip, traceBand, traceLine } from "./trace";

/** One thing to draw; later ones lie above. */
export type Mark =
  | {
      readonly kind: "line";
      readonly line: Line;
      readonly color: string;
      readonly dash: readonly number[];
      readonly width: number;
      readonly alpha: number;
    }
  | {
      readonly kind: "band";
      readonly x: Float64Array;
      readonly low: Float64Array;
      readonly high: Float64Array;
      readonly color: string;
      readonly alpha: number;
    };

/** Where it is drawn: the plot's size in device pixels, and what its edges mean. */
export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly x: { readonly from: number; readonly to: number; readonly log: boolean };
  readonly y: { readonly from: number; readonly to: number; readonly log: boolean };
  /** Device pixels of one CSS pixel. */
  readonly ratio: number;
}

/** Projection of a plot. */
export function projectionOf(plot: Plot): Projection {
  return {
    x: projectAxis(plot.x, 0, plot.width, plot.x.log),
    y: projectAxis(plot.y, plot.height, 0, plot.y.log),
  };
}

/**
 * By how many whole pixels the picture of one plot moves to become that of another; `undefined`
 * where it has to be drawn anew.
 */
export function pixelsMoved(before: Plot, after: Plot): number | undefined {
  const same =
    before.width === after.width &&
    before.height === after.height &&
    before.ratio === after.ratio &&
    before.x.log === after.x.log &&
    before.y.log === after.y.log &&
    before.y.from === after.y.from &&
    before.y.to === after.y.to;
  if (!same) {
    return undefined;
  }
  const { x: old } = projectionOf(before);
  const { x: axis } = projectionOf(after);
  const left = axis.offset - old.offset;
  // The scale may differ by rounding only: less than a hundredth of a pixel at the far edge.
  const drift = Math.abs(axis.scale - old.scale) * Math.abs((after.width - axis.offset) / axis.scale);
  const moved = Math.round(left);
  const exact = drift < 0.02 && Math.abs(left - moved) < 0.02;
  return exact && Math.abs(moved) < after.width ? moved : undefined;
}

/** Radius of a lone point, and how far ink reaches past its point, in CSS pixels. */
const DOT_RADIUS = 2;
const INK_REACH = 5;

/** The canvas of the lines. */
export class LineLayer {
  readonly #canvas = document.createElement("canvas");
  readonly #context = this.#canvas.getContext("2d");
  #marks: readonly Mark[] | undefined;
  #plot: Plot | undefined;

  /** The picture, `plot.width` x `plot.height` device pixels. */
  get canvas(): HTMLCanvasElement {
    return this.#canvas;
  }

  /** Brings the picture up to date. The same marks are the same array. */
  update(marks: readonly Mark[], plot: Plot): void {
    const context = this.#context;
    if (context === null || plot.width <= 0 || plot.height <= 0) {
      return;
    }
    const moved = this.#plot !== undefined && this.#marks === marks ? pixelsMoved(this.#plot, plot) : undefined;
    if (moved === undefined) {
      this.#canvas.width = plot.width;
      this.#canvas.height = plot.height;
      drawMarks(context, marks, plot, 0, plot.width);
      this.#plot = plot;
    } else if (moved !== 0) {
      context.globalCompositeOperation = "copy";
      context.drawImage(this.#canvas, moved, 0);
      context.globalCompositeOperation = "source-over";
      const [from, to] = moved > 0 ? [0, moved] : [plot.width + moved, plot.width];
      context.clearRect(from, 0, to - from, plot.height);
      drawMarks(context, marks, plot, from, to);
      this.#plot = plot;
    }
    this.#marks = marks;
  }
}

/** Draws marks, clipped to the pixel columns `from` to `to`. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  marks: readonly Mark[],
  plot: Plot,
  from: number,
  to: number,
): void {
  const projection = projectionOf(plot);
  const reach = INK_REACH * plot.ratio;
  context.save();
  context.beginPath();
  context.rect(from, 0, to - from, plot.height);
  context.clip();
  context.lineJoin = "bevel";
  context.lineCap = "butt";
  for (const mark of marks) {
    const x = mark.kind === "line" ? mark.line.x : mark.x;
    const [start, end] = indicesOfStrip(x, projection.x, from - reach, to + reach);
    if (start < end) {
      context.globalAlpha = mark.alpha;
      drawMark(context, mark, projection, start, end, plot.ratio);
    }
  }
  context.restore();
}

function drawMark(
  context: CanvasRenderingContext2D,
  mark: Mark,
  projection: Projection,
  start: number,
  end: number,
  ratio: number,
): void {
  context.beginPath();
  if (mark.kind === "band") {
    context.fillStyle = mark.color;
    traceBand(mark.x, mark.low, mark.high, projection, start, end, context);
    context.fill();
    return;
  }
  context.strokeStyle = mark.color;
  context.lineWidth = mark.width * ratio;
  context.setLineDash(mark.dash.map((length) => length * ratio));
  const dots: number[] = [];
  traceLine(mark.line, projection, start, end, context, (x, y) => dots.push(x, y));
  context.stroke();
  drawDots(context, dots, mark.color, Math.max(DOT_RADIUS, mark.width) * ratio);
}

function drawDots(context: CanvasRenderingContext2D, dots: readonly number[], color: string, radius: number): void {
  if (dots.length === 0) {
    return;
  }
  context.fillStyle = color;
  context.beginPath();
  for (let index = 0; index + 1 < dots.length; index += 2) {
    const x = dots[index] ?? 0;
    const y = dots[index + 1] ?? 0;
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.fill();
}
