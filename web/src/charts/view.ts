//! One chart on the page: uPlot for scales, axes, grid and the box of a zoom, a layer for the lines.
//!
//! LineChart.tsx owns it and tells it what to draw; it tells what the pointer did. It never draws
//! between frames: changes are gathered and drawn once a frame.

import uPlot from "uplot";
import {
  labelsOfNumbers,
  labelsOfX,
  logTicks,
  paddedRange,
  tickDistance,
  ticksInside,
  usableSpan,
  type XAxis,
} from "./axes";
import { drawMarks, LineLayer, type Mark, type Plot } from "./layer";
import { type Extent, extentOfX, extentOfY, type Line, type Span } from "./lines";
import { CHART_FONT, type ChartTheme } from "./theme";

/** What a chart draws. */
export interface ChartModel {
  /** Everything drawn, from back to front; the same array as long as it is the same picture. */
  readonly marks: readonly Mark[];
  /** The mark drawn again above all others, which fade. */
  readonly highlighted: readonly Mark[];
  /** Lines whose values the axis of y must hold: those drawn, and the edges of bands. */
  readonly reaching: readonly Line[];
  readonly axis: XAxis;
  readonly logX: boolean;
  readonly logY: boolean;
  /** The window of x; `undefined`: all of it. */
  readonly span: Span | undefined;
  readonly theme: ChartTheme;
}

/** What a chart shows now. */
export interface Shown {
  readonly span: Span;
  readonly range: Extent;
  /** How far the drawn values reach; `undefined` where nothing is drawn. */
  readonly drawn: Extent | undefined;
}

/** What a chart tells. */
export interface ChartEvents {
  /** A box was dragged open along x. */
  readonly onSelect: (span: Span) => void;
  /** It was drawn, and no window is being dragged. */
  readonly onDrawn: (shown: Shown) => void;
}

const AXIS_FONT_SIZE = 11;
const TICK_DISTANCE_X = 70;
const TICK_DISTANCE_Y = 34;

/**
 * uPlot draws no axis where it finds none of its own distances, which end at 1e31 and need few decimals.
 * Where ticks stand is decided here, so one that always fits is enough for it.
 */
const ANY_DISTANCE = [Number.MAX_VALUE];

/** A mounted chart. */
export class ChartView {
  readonly #host: HTMLElement;
  readonly #events: ChartEvents;
  readonly #layer = new LineLayer();
  #model: ChartModel;
  #size: { readonly width: number; readonly height: number };
  #plot: uPlot | undefined;
  /** Scales are fixed when a plot is made: it is made anew when these change. */
  #scales = "";
  #span: Span = { from: 0, to: 1 };
  #range: Extent = { min: 0, max: 1 };
  #drawn: Extent | undefined;
  #isMeasured = false;
  /** A window under way: it counts before the model's, and y stays as it was. */
  #dragged: Span | undefined;
  #frame: number | undefined;

  constructor(
    host: HTMLElement,
    model: ChartModel,
    size: { readonly width: number; readonly height: number },
    events: ChartEvents,
  ) {
    this.#host = host;
    this.#model = model;
    this.#size = size;
    this.#events = events;
    this.drawNow();
  }

  /** Draws this from the next frame on. */
  update(model: ChartModel): void {
    this.#model = model;
    this.#schedule();
  }

  /** Size in CSS pixels, axes included. */
  resize(width: number, height: number): void {
    if (width !== this.#size.width || height !== this.#size.height) {
      this.#size = { width, height };
      this.#plot?.setSize(this.#size);
      this.#schedule();
    }
  }

  /** Shows a window while it is dragged, with y as it was; `undefined` ends that. */
  drag(span: Span | undefined): void {
    this.#dragged = span;
    this.#schedule();
  }

  /** The window that is shown. */
  get span(): Span {
    return this.#span;
  }

  /** What the pointer moves over: the plot without its axes. */
  get over(): HTMLElement | undefined {
    return this.#plot?.over;
  }

  /** The plot's edges in CSS pixels, relative to the chart. */
  get box(): { readonly left: number; readonly top: number; readonly width: number; readonly height: number } {
    const over = this.#plot?.over;
    return {
      left: over?.offsetLeft ?? 0,
      top: over?.offsetTop ?? 0,
      width: over?.clientWidth ?? 0,
      height: over?.clientHeight ?? 0,
    };
  }

  /** CSS pixel of an x, from the left edge of the plot. */
  pixelOfX(x: number): number {
    return this.#plot?.valToPos(x, "x") ?? Number.NaN;
  }

  /** CSS pixel of a y, from the top edge of the plot. */
  pixelOfY(y: number): number {
    return this.#plot?.valToPos(y, "y") ?? Number.NaN;
  }

  /** x at a CSS pixel from the left edge of the plot. */
  xAtPixel(pixel: number): number {
    return this.#plot?.posToVal(pixel, "x") ?? Number.NaN;
  }

  /** y at a CSS pixel from the top edge of the plot. */
  yAtPixel(pixel: number): number {
    return this.#plot?.posToVal(pixel, "y") ?? Number.NaN;
  }

  /** The canvas with axes and lines, in device pixels. */
  get canvas(): HTMLCanvasElement | undefined {
    return this.#plot?.ctx.canvas;
  }

  /** Takes everything off the page. */
  destroy(): void {
    if (this.#frame !== undefined) {
      cancelAnimationFrame(this.#frame);
    }
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  /** Draws what is due without waiting for the frame. */
  drawNow(): void {
    this.#frame = undefined;
    this.#measure();
    const scales = `${this.#model.logX} ${this.#model.logY}`;
    if (this.#plot === undefined || scales !== this.#scales) {
      this.#plot?.destroy();
      this.#scales = scales;
      this.#plot = new uPlot(
        this.#options(),
        [
          [0, 1],
          [0, 1],
        ],
        this.#host,
      );
    }
    const plot = this.#plot;
    plot.batch(() => {
      plot.setScale("x", { min: this.#span.from, max: this.#span.to });
      plot.setScale("y", { min: this.#range.min, max: this.#range.max });
      plot.redraw(false, true);
    });
    if (this.#dragged === undefined) {
      this.#events.onDrawn({ span: this.#span, range: this.#range, drawn: this.#drawn });
    }
  }

  #schedule(): void {
    this.#frame ??= requestAnimationFrame(() => this.drawNow());
  }

  /** Decides both windows from the model. */
  #measure(): void {
    const { reaching, logX, logY, span } = this.#model;
    this.#span = this.#dragged ?? usableSpan(span ?? wholeSpan(reaching, logX), logX);
    if (this.#dragged === undefined || !this.#isMeasured) {
      this.#isMeasured = true;
      this.#drawn = extentOfY(reaching, this.#span, logY);
      const { min, max } = this.#drawn ?? (logY ? { min: 1, max: 10 } : { min: 0, max: 1 });
      const [low, high] = paddedRange(min, max, logY);
      this.#range = { min: low, max: high };
    }
  }

  #options(): uPlot.Options {
    const { logX, logY } = this.#model;
    return {
      ...this.#size,
      pxAlign: 1,
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: {
        x: false,
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: {
          // Double clicks are LineChart's; a drag with shift or another button is no zoom.
          dblclick: () => null,
          mousedown: (_plot, _target, handler) => (event) =>
            event.button === 0 && !event.shiftKey ? handler(event) : null,
        },
      },
      scales: {
        x: { time: false, auto: false, distr: logX ? 3 : 1, range: () => [this.#span.from, this.#span.to] },
        y: { auto: false, distr: logY ? 3 : 1, range: () => [this.#range.min, this.#range.max] },
      },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [this.#axisX(), this.#axisY()],
      hooks: {
        draw: [(plot) => this.#drawLines(plot)],
        setSelect: [(plot) => this.#select(plot)],
      },
    };
  }

  #axisX(): uPlot.Axis {
    const ticks = (): { readonly ticks: number[]; readonly labels: string[] } => {
      const { axis, logX } = this.#model;
      const wanted = Math.max(2, Math.floor(this.#size.width / TICK_DISTANCE_X));
      if (logX) {
        return logTicks(this.#span, wanted);
      }
      const distance = tickDistance(axis, this.#span, wanted);
      const places = ticksInside(axis, this.#span, distance);
      return { ticks: places, labels: labelsOfX(axis, places, distance) };
    };
    return {
      ...this.#axisLook(),
      size: () => (this.#model.axis.kind === "time" ? 40 : 26),
      space: TICK_DISTANCE_X,
      incrs: ANY_DISTANCE,
      splits: () => ticks().ticks,
      filter: (_plot, splits) => splits,
      values: () => ticks().labels,
    };
  }

  #axisY(): uPlot.Axis {
    const ticks = (): { readonly ticks: number[]; readonly labels: string[] } => {
      const span = { from: this.#range.min, to: this.#range.max };
      const wanted = Math.max(2, Math.floor(this.#size.height / TICK_DISTANCE_Y));
      if (this.#model.logY) {
        return logTicks(span, wanted);
      }
      const distance = tickDistance({ kind: "epoch" }, span, wanted);
      const places = ticksInside({ kind: "epoch" }, span, distance);
      return { ticks: places, labels: labelsOfNumbers(places, distance) };
    };
    return {
      ...this.#axisLook(),
      size: (plot, values) => {
        const context = plot.ctx;
        context.font = `${AXIS_FONT_SIZE * uPlot.pxRatio}px ${CHART_FONT}`;
        const widest = (values ?? []).reduce((most, text) => Math.max(most, context.measureText(text ?? "").width), 0);
        // In steps of 8, so that one digit more or less does not shift the plot.
        return Math.ceil((widest / uPlot.pxRatio + 14) / 8) * 8;
      },
      space: TICK_DISTANCE_Y,
      incrs: ANY_DISTANCE,
      splits: () => ticks().ticks,
      filter: (_plot, splits) => splits,
      values: () => ticks().labels,
    };
  }

  #axisLook(): uPlot.Axis {
    const theme = (): ChartTheme => this.#model.theme;
    return {
      font: `${AXIS_FONT_SIZE}px ${CHART_FONT}`,
      stroke: () => theme().text,
      gap: 4,
      grid: { stroke: () => theme().grid, width: 1 },
      ticks: { stroke: () => theme().grid, width: 1, size: 4 },
      border: { show: true, stroke: () => theme().axis, width: 1 },
    };
  }

  /** Brings the layer up to date and copies it onto the plot. */
  #drawLines(plot: uPlot): void {
    const { left, top, width, height } = plot.bbox;
    const { marks, highlighted, logX, logY } = this.#model;
    const area: Plot = {
      width: Math.round(width),
      height: Math.round(height),
      ratio: uPlot.pxRatio,
      x: { ...this.#span, log: logX },
      y: { from: this.#range.min, to: this.#range.max, log: logY },
    };
    if (area.width <= 0 || area.height <= 0) {
      return;
    }
    this.#layer.update(marks, area);
    const context = plot.ctx;
    context.save();
    context.globalAlpha = highlighted.length > 0 ? 0.25 : 1;
    this.#layer.copyTo(context, Math.round(left), Math.round(top));
    if (highlighted.length > 0) {
      context.translate(Math.round(left), Math.round(top));
      drawMarks(context, highlighted, area, 0, area.width);
    }
    context.restore();
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width > 0) {
      const from = plot.posToVal(left, "x");
      const to = plot.posToVal(left + width, "x");
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      if (from < to) {
        this.#events.onSelect({ from, to });
      }
    }
  }
}

/** From the first to the last x of all lines. */
function wholeSpan(lines: readonly Line[], log: boolean): Span {
  const extent = extentOfX(lines, log);
  return extent === undefined ? { from: log ? 1 : 0, to: log ? 10 : 1 } : { from: extent.min, to: extent.max };
}
