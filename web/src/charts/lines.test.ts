import { describe, expect, it } from "vitest";
import {
  extentOfX,
  extentOfY,
  indicesInside,
  type Line,
  lastDrawnIndex,
  lowerBound,
  nearestIndex,
  upperBound,
} from "./lines";

function lineOf(x: readonly number[], y: readonly number[]): Line {
  const columns = Float64Array.from(x);
  return { key: "a", label: "a", x: columns, y: Float64Array.from(y), steps: columns };
}

describe("bounds", () => {
  it("agree with a linear search for every value, equal x included", () => {
    const x = Float64Array.from([-3, -3, 0, 1, 1, 1, 4, 9]);
    for (let value = -5; value <= 10; value += 0.5) {
      const list = [...x];
      const low = list.findIndex((candidate) => candidate >= value);
      const high = list.findIndex((candidate) => candidate > value);
      expect(lowerBound(x, value)).toBe(low < 0 ? list.length : low);
      expect(upperBound(x, value)).toBe(high < 0 ? list.length : high);
    }
  });

  it("of an empty column are 0", () => {
    expect(lowerBound(new Float64Array(), 1)).toBe(0);
    expect(indicesInside(new Float64Array(), { from: 0, to: 1 })).toEqual([0, 0]);
  });

  it("of a window include both ends", () => {
    const x = Float64Array.from([0, 1, 2, 3]);
    expect(indicesInside(x, { from: 1, to: 2 })).toEqual([1, 3]);
    expect(indicesInside(x, { from: 1.2, to: 1.8 })).toEqual([2, 2]);
  });
});

describe("nearestIndex", () => {
  it("takes the nearest point, and the earlier one of two", () => {
    const line = lineOf([0, 10, 20], [1, 2, 3]);
    expect(nearestIndex(line, 4.9)).toBe(0);
    expect(nearestIndex(line, 5)).toBe(0);
    expect(nearestIndex(line, 5.1)).toBe(1);
    expect(nearestIndex(line, -100)).toBe(0);
    expect(nearestIndex(line, 100)).toBe(2);
  });

  it("passes over gaps", () => {
    const line = lineOf([0, 1, 2, 3], [1, Number.NaN, Number.NaN, 4]);
    expect(nearestIndex(line, 1.4)).toBe(0);
    expect(nearestIndex(line, 1.6)).toBe(3);
  });

  it("stays inside the window", () => {
    const line = lineOf([0, 1, 2, 3], [1, 2, 3, 4]);
    expect(nearestIndex(line, 0, { from: 1.5, to: 3 })).toBe(2);
    expect(nearestIndex(line, 0, { from: 1.2, to: 1.8 })).toBeUndefined();
  });

  it("finds nothing in a line of gaps", () => {
    expect(nearestIndex(lineOf([0, 1], [Number.NaN, Number.NaN]), 0)).toBeUndefined();
  });
});

describe("extents", () => {
  it("reach over all lines, and leave out what a log axis cannot show", () => {
    const lines = [lineOf([-1, 2, 5], [0, 0, 0]), lineOf([0, 7], [0, 0]), lineOf([], [])];
    expect(extentOfX(lines, false)).toEqual({ min: -1, max: 7 });
    expect(extentOfX(lines, true)).toEqual({ min: 2, max: 7 });
    expect(extentOfX([lineOf([-1, 0], [1, 1])], true)).toBeUndefined();
  });

  it("of a window hold what is drawn", () => {
    const line = lineOf([0, 1, 2, 3, 4, 9], [-1, 5, Number.POSITIVE_INFINITY, Number.NaN, 0, 100]);
    expect(extentOfY([line], { from: 0, to: 4 }, false)).toEqual({ min: -1, max: 5 });
    expect(extentOfY([line], { from: 0, to: 4 }, true)).toEqual({ min: 5, max: 5 });
    expect(extentOfY([line], { from: 5, to: 6 }, false)).toBeUndefined();
  });

  it("end at the last drawn point", () => {
    const line = lineOf([0, 1, 2], [3, 0, Number.NaN]);
    expect(lastDrawnIndex(line, { from: 0, to: 2 }, false)).toBe(1);
    expect(lastDrawnIndex(line, { from: 0, to: 2 }, true)).toBe(0);
    expect(lastDrawnIndex(line, { from: 2, to: 2 }, false)).toBeUndefined();
  });
});
