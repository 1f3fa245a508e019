import { describe, expect, it } from "vitest";
import {
  labelsOfNumbers,
  labelsOfX,
  logTicks,
  paddedRange,
  roundDistance,
  tickDistance,
  ticksInside,
  usableSpan,
  type XAxis,
  xAxisFromText,
  xAxisToText,
} from "./axes";

const STEP: XAxis = { kind: "step" };
const RELATIVE: XAxis = { kind: "relative_time" };
const TIME: XAxis = { kind: "time" };
const NO_OFFSET = () => 0;

function labels(axis: XAxis, from: number, to: number, behind = NO_OFFSET): readonly string[] {
  const distance = tickDistance(axis, { from, to }, 5);
  return labelsOfX(axis, ticksInside(axis, { from, to }, distance, behind), distance, behind);
}

describe("ticks of numbers", () => {
  it("stand at round distances", () => {
    expect([0.03, 1, 1.1, 3, 7, 999].map(roundDistance)).toEqual([0.05, 1, 2, 5, 10, 1000]);
  });

  it("say one unit with as many digits as they need", () => {
    expect(labels(STEP, 0, 1000)).toEqual(["0", "200", "400", "600", "800", "1000"]);
    expect(labels(STEP, 0, 12_000)).toEqual(["0", "5k", "10k"]);
    expect(labels(STEP, 1_000_000, 1_002_000)).toEqual(["1.0000M", "1.0005M", "1.0010M", "1.0015M", "1.0020M"]);
    expect(labelsOfNumbers([-0.5, 0, 0.5], 0.5)).toEqual(["-0.5", "0", "0.5"]);
    expect(labelsOfNumbers([0, 1e-5, 2e-5], 1e-5)).toEqual(["0", "1e-5", "2e-5"]);
    expect(labelsOfNumbers([1.5e-5, 2e-5], 5e-6)).toEqual(["1.5e-5", "2.0e-5"]);
    expect(labelsOfNumbers([0, 5e17], 5e17)).toEqual(["0", "500P"]);
  });

  it("do not repeat a label", () => {
    for (let power = -12; power < 14; power += 1) {
      for (const from of [0, 3.3, 1e3]) {
        const span = { from: from * 10 ** power, to: (from + 7.7) * 10 ** power };
        const distance = tickDistance({ kind: "epoch" }, span, 6);
        const said = labelsOfNumbers(ticksInside(STEP, span, distance), distance);
        expect(new Set(said).size).toBe(said.length);
        expect(said.length).toBeGreaterThan(1);
      }
    }
  });

  it("are there for any finite range", () => {
    for (const power of [-320, -300, -40, -20, 31, 32, 50, 100, 300, 307]) {
      const span = { from: 0, to: 9 * 10 ** power };
      const distance = tickDistance({ kind: "epoch" }, span, 6);
      const ticks = ticksInside(STEP, span, distance);
      const said = labelsOfNumbers(ticks, distance);
      expect(new Set(said).size, `1e${power}`).toBe(ticks.length);
      expect(ticks.length, `1e${power}`).toBeGreaterThan(2);
    }
    const widest = { from: -1.7e308, to: 1.7e308 };
    const ticks = ticksInside(STEP, widest, tickDistance({ kind: "epoch" }, widest, 6));
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(ticks.length).toBeGreaterThan(2);
    expect(ticks.every((tick) => Math.abs(tick) <= 1.7e308)).toBe(true);
  });

  it("of steps are whole", () => {
    expect(labels(STEP, 0, 3)).toEqual(["0", "1", "2", "3"]);
  });
});

describe("ticks of time", () => {
  it("say hours, minutes and seconds", () => {
    expect(labels(RELATIVE, 0, 7200)).toEqual(["0", "30:00", "1:00:00", "1:30:00", "2:00:00"]);
    expect(labels(RELATIVE, 0, 50)).toEqual(["0", "10 s", "20 s", "30 s", "40 s", "50 s"]);
    expect(labels(RELATIVE, 0, 1)).toEqual(["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s"]);
    expect(labels(RELATIVE, 0, 400_000)).toEqual(["0", "1d 00:00:00", "2d 00:00:00", "3d 00:00:00", "4d 00:00:00"]);
  });

  it("say the local clock, and the date where it changes", () => {
    const evening = Date.UTC(2026, 10, 28, 22, 0, 0) * 1000;
    expect(labels(TIME, evening, evening + 4 * 3600e6)).toEqual([
      "22:00\nNov 28",
      "23:00",
      "00:00\nNov 29",
      "01:00",
      "02:00",
    ]);
    const anHourAhead = () => -60;
    expect(labels(TIME, evening, evening + 40e6, anHourAhead)).toEqual([
      "23:00:00\nNov 28",
      "23:00:10",
      "23:00:20",
      "23:00:30",
      "23:00:40",
    ]);
    expect(labels(TIME, evening, evening + 1e6)[1]).toBe("22:00:00.2");
  });

  it("of days stand at local midnight", () => {
    const noon = Date.UTC(2026, 10, 28, 12, 0, 0) * 1000;
    const span = { from: noon, to: noon + 4 * 86_400e6 };
    const ticks = ticksInside(TIME, span, 86_400e6, () => 300);
    expect(new Date((ticks[0] ?? 0) / 1000).toISOString()).toBe("2026-11-29T05:00:00.000Z");
  });
});

describe("logarithmic ticks", () => {
  it("are powers of ten with a few words", () => {
    const { ticks, labels: said } = logTicks({ from: 1e-5, to: 1 }, 6);
    expect(said.filter((label) => label !== "")).toEqual(["1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]);
    expect(ticks).toContain(3e-3);
  });

  it("thin out over many decades", () => {
    const { ticks } = logTicks({ from: 1e-300, to: 1e300 }, 6);
    expect(ticks.length).toBeLessThanOrEqual(7);
    const widest = logTicks({ from: 5e-324, to: 1.7e308 }, 6);
    expect(widest.ticks.length).toBeGreaterThan(2);
    expect(widest.ticks.length).toBeLessThanOrEqual(7);
  });

  it("are round numbers inside a decade", () => {
    expect(logTicks({ from: 2, to: 6 }, 4).labels).toEqual(["2", "3", "4", "5", "6"]);
  });

  it("of an impossible window are none", () => {
    expect(logTicks({ from: 0, to: 1 }, 5).ticks).toEqual([]);
    expect(logTicks({ from: -1, to: -2 }, 5).ticks).toEqual([]);
  });
});

describe("ranges", () => {
  it("leave air around what is drawn", () => {
    const [low, high] = paddedRange(0, 100, false);
    expect([low, high]).toEqual([-5, 105]);
    expect(paddedRange(3, 3, false)[0]).toBeLessThan(3);
    expect(paddedRange(0, 0, false)).toEqual([-1, 1]);
    const [least, greatest] = paddedRange(1, 100, true);
    expect(least).toBeGreaterThan(0);
    expect(greatest).toBeGreaterThan(100);
    expect(paddedRange(-1.7e308, 1.7e308, false).every(Number.isFinite)).toBe(true);
    expect(paddedRange(5e-324, 1.7e308, true).every((end) => end > 0 && Number.isFinite(end))).toBe(true);
    expect(paddedRange(0, 1.79e308, false)[1]).toBeGreaterThanOrEqual(1.79e308);
    for (const flat of [1.79e308, -1.79e308]) {
      const [low, high] = paddedRange(flat, flat, false);
      expect(Number.isFinite(high - low) && high > low).toBe(true);
    }
  });

  it("of a window have a finite width", () => {
    expect(usableSpan({ from: 2, to: 5 }, false)).toEqual({ from: 2, to: 5 });
    expect(usableSpan({ from: 3, to: 3 }, false)).toEqual({ from: 2.5, to: 3.5 });
    expect(usableSpan({ from: 4, to: 4 }, true)).toEqual({ from: 2, to: 8 });
    expect(usableSpan({ from: -3, to: -2 }, true)).toEqual({ from: 1, to: 10 });
    for (const log of [false, true]) {
      for (const span of [
        { from: -1.7e308, to: 1.7e308 },
        { from: 1.7e308, to: 1.7e308 },
        { from: 5e-324, to: 5e-324 },
        { from: 0, to: 5e-324 },
      ]) {
        const { from, to } = usableSpan(span, log);
        expect(Number.isFinite(to - from) && to > from && (!log || from > 0)).toBe(true);
      }
    }
  });
});

describe("short form of the axis", () => {
  it("reads back what it wrote, and falls back to the step", () => {
    for (const text of ["relative", "time", "epoch", "metric:train/tokens"]) {
      expect(xAxisToText(xAxisFromText(text))).toBe(text);
    }
    expect(xAxisFromText("metric:")).toEqual(STEP);
    expect(xAxisFromText("what")).toEqual(STEP);
    expect(xAxisToText(STEP)).toBeUndefined();
  });
});
