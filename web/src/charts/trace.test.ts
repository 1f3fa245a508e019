import { describe, expect, it } from "vitest";
import { moveLayer, type Plot, pixelsMoved } from "./layer";
import type { Line } from "./lines";
import {
  type Projection,
  pannedSpan,
  pixelOf,
  projectAxis,
  spanFromText,
  spanToText,
  valueAtPixel,
  widenedSpan,
  zoomedSpan,
} from "./projection";
import { indicesOfStrip, traceBand, traceLine } from "./trace";

function lineOf(x: readonly number[], y: readonly number[]): Line {
  const column = Float64Array.from(x);
  return { key: "a", label: "a", x: column, y: Float64Array.from(y), steps: column };
}

class Recorder {
  readonly calls: string[] = [];
  readonly reached: number[] = [];
  moveTo(x: number, y: number): void {
    this.calls.push(`M${x},${y}`);
    this.reached.push(y);
  }
  lineTo(x: number, y: number): void {
    this.calls.push(`L${x},${y}`);
    this.reached.push(y);
  }
}

/** One pixel a unit, y upwards from 100. */
const UNITS: Projection = {
  x: projectAxis({ from: 0, to: 100 }, 0, 100, false),
  y: projectAxis({ from: 0, to: 100 }, 100, 0, false),
};

function traced(
  line: Line,
  projection: Projection = UNITS,
): { readonly path: readonly string[]; readonly dots: readonly string[] } {
  const path = new Recorder();
  const dots: string[] = [];
  traceLine(line, projection, 0, line.x.length, path, (x, y) => dots.push(`${x},${y}`));
  return { path: path.calls, dots };
}

describe("traceLine", () => {
  it("joins points, and breaks at NaN and infinities", () => {
    const line = lineOf([0, 10, 20, 30, 40, 50], [0, 10, Number.NaN, 5, Number.POSITIVE_INFINITY, 7]);
    expect(traced(line)).toEqual({
      path: ["M0,100", "L10,90", "M30,95", "M50,93"],
      dots: ["30,95", "50,93"],
    });
  });

  it("leaves out what a log axis cannot show", () => {
    const log: Projection = { x: UNITS.x, y: projectAxis({ from: 1, to: 100 }, 100, 0, true) };
    expect(traced(lineOf([0, 10, 20, 30], [1, 10, 0, -5]), log).path).toEqual(["M0,100", "L10,50"]);
  });

  it("keeps first, least, greatest and last of a pixel column", () => {
    const count = 100_000;
    const x = Array.from({ length: count }, (_, index) => (index * 50) / count);
    const y = x.map((_, index) => (index === 40_123 ? 99 : 50 + Math.sin(index)));
    const path = new Recorder();
    traceLine(lineOf(x, y), UNITS, 0, count, path, () => undefined);
    expect(path.calls.length).toBeLessThan(50 * 5);
    expect(Math.min(...path.reached)).toBe(1);
  });

  it("draws two points of one column as they are", () => {
    expect(traced(lineOf([1.25, 1.5, 3], [0, 50, 0])).path).toEqual(["M1.25,100", "L1.5,50", "L3,100"]);
  });

  it("never leaves the canvas by more than it can hold", () => {
    const path = new Recorder();
    traceLine(lineOf([0, 1], [0, 1e300]), UNITS, 0, 2, path, () => undefined);
    expect(path.reached.every((y) => Math.abs(y) <= 16_000)).toBe(true);
  });
});

describe("traceBand", () => {
  it("goes forth along the top and back along the bottom, a polygon for each stretch", () => {
    const path = new Recorder();
    const x = Float64Array.from([0, 10, 20, 30]);
    traceBand(x, Float64Array.from([0, 0, Number.NaN, 0]), Float64Array.from([5, 5, 5, 5]), UNITS, 0, 4, path);
    expect(path.calls).toEqual(["M0,95", "L10,95", "L10,100", "L0,100", "L0,95", "M30,95", "L30,100", "L30,95"]);
  });
});

describe("strips", () => {
  it("need the points inside and one at either side", () => {
    const x = Float64Array.from([0, 10, 20, 30, 40]);
    expect(indicesOfStrip(x, UNITS.x, 15, 25)).toEqual([1, 4]);
    expect(indicesOfStrip(x, UNITS.x, 0, 100)).toEqual([0, 5]);
    expect(indicesOfStrip(new Float64Array(), UNITS.x, 0, 100)).toEqual([0, 0]);
  });

  it("begin past 0 on a log axis", () => {
    const axis = projectAxis({ from: 1, to: 100 }, 0, 100, true);
    expect(indicesOfStrip(Float64Array.from([-1, 0, 1, 10]), axis, 0, 50)).toEqual([2, 4]);
  });
});

describe("projection", () => {
  it("goes there and back", () => {
    for (const log of [false, true]) {
      const axis = projectAxis({ from: 2, to: 5_000 }, 40, 940, log);
      expect(pixelOf(axis, 2)).toBeCloseTo(40);
      expect(pixelOf(axis, 5_000)).toBeCloseTo(940);
      expect(valueAtPixel(axis, pixelOf(axis, 123))).toBeCloseTo(123, 9);
    }
  });

  it("pans, zooms and widens in the space of the axis", () => {
    expect(pannedSpan({ from: 0, to: 10 }, 0.5, false)).toEqual({ from: 5, to: 15 });
    expect(pannedSpan({ from: 1, to: 100 }, 0.5, true)).toEqual({ from: 10, to: 1_000 });
    expect(zoomedSpan({ from: 0, to: 10 }, 0.5, 10, false)).toEqual({ from: 5, to: 10 });
    expect(widenedSpan({ from: 0, to: 10 }, 0.5, false)).toEqual({ from: -5, to: 15 });
    expect(zoomedSpan({ from: 1, to: 1 + 1e-13 }, 0.1, 1, false)).toEqual({ from: 1, to: 1 + 1e-13 });
  });

  it("reads back the short form of a window to a ten-thousandth of its width", () => {
    for (const span of [
      { from: 0, to: 1 },
      { from: 1.7e15 + 0.5, to: 1.7e15 + 1e6 },
      { from: -3.3333333, to: 1e9 },
    ]) {
      const read = spanFromText(spanToText(span));
      const width = span.to - span.from;
      expect(Math.abs((read?.from ?? Number.NaN) - span.from)).toBeLessThan(width * 1e-4);
      expect(Math.abs((read?.to ?? Number.NaN) - span.to)).toBeLessThan(width * 1e-4);
    }
    for (const text of ["", "1", "1~", "2~1", "1~1", "a~b", "0~Infinity", "1~2~3"]) {
      expect(spanFromText(text)).toBeUndefined();
    }
  });
});

describe("pixelsMoved", () => {
  const plot: Plot = {
    width: 800,
    height: 300,
    ratio: 1,
    x: { from: 0, to: 1_000, log: false },
    y: { from: 0, to: 1, log: false },
  };
  const shifted = (share: number, log = false): Plot => {
    const before = { ...plot.x, from: log ? 1 : 0, log };
    return { ...plot, x: { ...pannedSpan(before, share, log), log } };
  };

  it("counts whole pixels, to the right if the window goes left", () => {
    expect(pixelsMoved(plot, shifted(-5 / 800))).toBe(5);
    expect(pixelsMoved(plot, shifted(40 / 800))).toBe(-40);
    expect(pixelsMoved(plot, plot)).toBe(0);
    expect(pixelsMoved({ ...plot, x: { from: 1, to: 1_000, log: true } }, shifted(8 / 800, true))).toBe(-8);
  });

  it("is undefined where the picture is another one", () => {
    expect(pixelsMoved(plot, shifted(0.5 / 800))).toBeUndefined();
    expect(pixelsMoved(plot, shifted(2))).toBeUndefined();
    expect(pixelsMoved(plot, { ...plot, x: { ...plot.x, to: 500 } })).toBeUndefined();
    expect(pixelsMoved(plot, { ...plot, y: { ...plot.y, to: 2 } })).toBeUndefined();
    expect(pixelsMoved(plot, { ...plot, width: 801 })).toBeUndefined();
  });

  it("holds far from zero, as wall time is", () => {
    const far = { ...plot, x: { from: 1.79e15, to: 1.79e15 + 3.6e9, log: false } };
    const moved = { ...far, x: { ...pannedSpan(far.x, 3 / 800, false), log: false } };
    expect(pixelsMoved(far, moved)).toBe(-3);
  });
});

describe("moveLayer", () => {
  const WIDTH = 100;
  const SLACK = 50;
  const born = { left: SLACK, drawnFrom: SLACK, drawnTo: SLACK + WIDTH };

  it("draws only what was never in view", () => {
    const right = moveLayer(born, -10, WIDTH, SLACK);
    expect(right).toMatchObject({ left: 60, copied: 0, strips: [[150, 160]] });
    const back = moveLayer(right, 15, WIDTH, SLACK);
    expect(back).toMatchObject({ left: 45, copied: 0, strips: [[45, 50]], drawnFrom: 45, drawnTo: 160 });
    expect(moveLayer(back, -5, WIDTH, SLACK).strips).toEqual([]);
  });

  it("shows the same columns as a whole drawing after any walk", () => {
    // The canvas as the number of the column of the world that stands in each of its columns.
    let canvas = Array.from({ length: WIDTH + 2 * SLACK }, (_, column) =>
      column >= SLACK && column < SLACK + WIDTH ? column - SLACK : undefined,
    );
    let state: { left: number; drawnFrom: number; drawnTo: number } = born;
    let world = 0;
    let seed = 1;
    for (let step = 0; step < 2_000; step += 1) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      const pixels = Math.round((seed / 2 ** 32 - 0.5) * (step % 7 === 0 ? 199 : 30));
      const move = moveLayer(state, pixels, WIDTH, SLACK);
      world -= pixels;
      if (move.copied !== 0) {
        const before = canvas;
        canvas = canvas.map((_, column) => before[column - move.copied]);
      }
      for (const [from, to] of move.strips) {
        for (let column = from; column < to; column += 1) {
          canvas[column] = world + column - move.left;
        }
      }
      state = move;
      const shown = canvas.slice(move.left, move.left + WIDTH);
      expect(shown).toEqual(Array.from({ length: WIDTH }, (_, column) => world + column));
    }
  });
});
