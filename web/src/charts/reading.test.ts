import { describe, expect, it } from "vitest";
import type { Line } from "./lines";
import { nearestReading, neighbourX, readingsAt, readingsShown } from "./reading";

function lineOf(key: string, x: readonly number[], y: readonly number[]): Line {
  const column = Float64Array.from(x);
  return { key, label: key, x: column, y: Float64Array.from(y), steps: column };
}

const SPAN = { from: 0, to: 100 };
const LONG = lineOf("long", [0, 50, 100], [1, 2, 3]);
const SHORT = lineOf("short", [0, 10], [5, 6]);

describe("readings", () => {
  it("hold the nearest point of each line that reaches there", () => {
    expect(readingsAt([LONG, SHORT], new Map(), 60, SPAN, 5).map((reading) => [reading.key, reading.x])).toEqual([
      ["long", 50],
    ]);
    expect(readingsAt([LONG, SHORT], new Map(), 12, SPAN, 5).map((reading) => reading.value)).toEqual([1, 6]);
  });

  it("say the logged value beside the smoothed one", () => {
    const raw = new Map([["long", lineOf("long", [0, 50, 100], [10, 20, 30])]]);
    const [reading] = readingsAt([LONG], raw, 49, SPAN, 5);
    expect([reading?.value, reading?.raw]).toEqual([2, 20]);
  });

  it("shown are the nearest to the pointer, from top to bottom", () => {
    const lines = [1, 2, 3, 4, 5].map((value) => lineOf(String(value), [0], [value]));
    const readings = readingsAt(lines, new Map(), 0, SPAN, 1);
    expect(readingsShown(readings, 3.2, 3).map((reading) => reading.value)).toEqual([4, 3, 2]);
    expect(readingsShown(readings, undefined, 9).map((reading) => reading.value)).toEqual([5, 4, 3, 2, 1]);
    expect(nearestReading(readings, 3.2)?.value).toBe(3);
    expect(nearestReading(readings, undefined)).toBeUndefined();
  });
});

describe("neighbourX", () => {
  it("walks the points of all lines, and stays in the window", () => {
    const lines = [LONG, SHORT];
    expect(neighbourX(lines, undefined, true, SPAN)).toBe(0);
    expect(neighbourX(lines, 0, true, SPAN)).toBe(10);
    expect(neighbourX(lines, 10, true, SPAN)).toBe(50);
    expect(neighbourX(lines, 100, true, SPAN)).toBeUndefined();
    expect(neighbourX(lines, undefined, false, SPAN)).toBe(100);
    expect(neighbourX(lines, 50, false, SPAN)).toBe(10);
    expect(neighbourX(lines, 0, true, { from: 20, to: 100 })).toBe(50);
    expect(neighbourX(lines, 50, false, { from: 20, to: 100 })).toBeUndefined();
  });
});
