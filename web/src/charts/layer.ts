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

/** Where the plot stands on the layer's canvas, and which of its columns are drawn. */
export interface LayerState {
  /** Column of the plot's left edge. */
  readonly left: number;
  /** Drawn columns, the second one past the end. */
  readonly drawnFrom: number;
  readonly drawnTo: number;
}

/** What a move asks of the canvas. */
export interface LayerMove extends LayerState {
  /** By how many columns the drawn ones are copied first; 0: they stay. */
  readonly copied: number;
  /** Columns to draw, the second one past the end. */
  readonly strips: readonly (readonly [number, number])[];
}

/**
 * How a picture that moves by whole pixels is shown with the least work: as long as the plot stays on
 * the canvas nothing is copied, and only columns that were never in view are drawn. At the edge what is
 * drawn is copied back to the middle.
 */
export function moveLayer(state: LayerState, pixels: number, width: number, slack: number): LayerMove {
  const wanted = state.left - pixels;
  const left = wanted >= 0 && wanted <= 2 * slack ? wanted : slack;
  const copied = left - wanted;
  const total = width + 2 * slack;
  // What a copy leaves of the drawn columns, as far as it joins what is shown.
  const drawnFrom = Math.max(state.drawnFrom + copied, 0);
  const drawnTo = Math.min(state.drawnTo + copied, total);
  const joins = drawnFrom < drawnTo && drawnFrom <= left + width && drawnTo >= left;
  if (!joins) {
    return { left, copied: 0, drawnFrom: left, drawnTo: left + width, strips: [[left, left + width]] };
  }
  const strips: (readonly [number, number])[] = [];
  if (left < drawnFrom) {
    strips.push([left, drawnFrom]);
  }
  if (left + width > drawnTo) {
    strips.push([drawnTo, left + width]);
  }
  return {
    left,
    copied,
    drawnFrom: Math.min(drawnFrom, left),
    drawnTo: Math.max(drawnTo, left + width),
    strips,
  };
}

/** The canvas of the lines: the plot, and half its width to move at either side. */
export class LineLayer {
  readonly #canvas = document.createElement("canvas");
  readonly #context = this.#canvas.getContext("2d");
  #marks: readonly Mark[] | undefined;
  #plot: Plot | undefined;
  #state: LayerState = { left: 0, drawnFrom: 0, drawnTo: 0 };

  /** Copies the picture to a place of another canvas, as it was last updated. */
  copyTo(context: CanvasRenderingContext2D, left: number, top: number): void {
    const plot = this.#plot;
    if (plot !== undefined) {
      const { width, height } = plot;
      context.drawImage(this.#canvas, this.#state.left, 0, width, height, left, top, width, height);
    }
  }

  /** Brings the picture up to date. The same marks are the same array. */
  update(marks: readonly Mark[], plot: Plot): void {
    const context = this.#context;
    if (context === null || plot.width <= 0 || plot.height <= 0) {
      return;
    }
    const slack = Math.ceil(plot.width / 2);
    const moved = this.#plot !== undefined && this.#marks === marks ? pixelsMoved(this.#plot, plot) : undefined;
    this.#plot = plot;
    this.#marks = marks;
    if (moved === undefined) {
      this.#canvas.width = plot.width + 2 * slack;
      this.#canvas.height = plot.height;
      this.#state = { left: slack, drawnFrom: slack, drawnTo: slack + plot.width };
      this.#drawColumns(context, marks, plot, slack, slack + plot.width);
      return;
    }
    const move = moveLayer(this.#state, moved, plot.width, slack);
    if (move.copied !== 0) {
      context.globalCompositeOperation = "copy";
      context.drawImage(this.#canvas, move.copied, 0);
      context.globalCompositeOperation = "source-over";
    }
    this.#state = move;
    for (const [from, to] of move.strips) {
      context.clearRect(from, 0, to - from, plot.height);
      this.#drawColumns(context, marks, plot, from, to);
    }
  }

  #drawColumns(context: CanvasRenderingContext2D, marks: readonly Mark[], plot: Plot, from: number, to: number): void {
    const { left } = this.#state;
    context.save();
    context.translate(left, 0);
    drawMarks(context, marks, plot, from - left, to - left);
    context.restore();
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
