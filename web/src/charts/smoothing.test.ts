import { describe, expect, it } from "vitest";
import { isSmoothed, smooth, smoothingFromText, smoothingToText } from "./smoothing";

const NOISE = Float64Array.from({ length: 200 }, (_, index) => Math.sin(index * 12.9898) * 43.7);

describe("exponential smoothing", () => {
  it("leaves a constant line as it is, from the first point on", () => {
    const y = new Float64Array(50).fill(0.3);
    for (const value of smooth(y, { kind: "exponential", weight: 0.97 })) {
      expect(value).toBeCloseTo(0.3, 12);
    }
  });

  it("is the weighted mean of all points so far", () => {
    const weight = 0.8;
    const smoothed = smooth(NOISE, { kind: "exponential", weight });
    for (const index of [0, 1, 7, 120]) {
      let sum = 0;
      let weights = 0;
      for (let past = 0; past <= index; past += 1) {
        const share = weight ** (index - past);
        sum += share * (NOISE[past] ?? Number.NaN);
        weights += share;
      }
      expect(smoothed[index]).toBeCloseTo(sum / weights, 9);
    }
  });

  it("keeps gaps and infinities where they are and out of the mean", () => {
    const y = Float64Array.from([1, Number.NaN, 1, Number.NEGATIVE_INFINITY, 1]);
    expect([...smooth(y, { kind: "exponential", weight: 0.5 })]).toEqual([
      1,
      Number.NaN,
      1,
      Number.NEGATIVE_INFINITY,
      1,
    ]);
  });
});

describe("running mean", () => {
  it("is the mean of the neighbours, cut at the ends", () => {
    const y = Float64Array.from([1, 2, 3, 4, 50]);
    expect([...smooth(y, { kind: "mean", points: 3 })]).toEqual([1.5, 2, 3, 19, 27]);
  });

  it("does not count gaps", () => {
    const y = Float64Array.from([1, Number.NaN, 3]);
    expect([...smooth(y, { kind: "mean", points: 3 })]).toEqual([1, Number.NaN, 3]);
  });

  it("recovers at once after a spike", () => {
    const y = Float64Array.from([1, 1e300, 1, 1, 1, 1]);
    expect(smooth(y, { kind: "mean", points: 3 })[5]).toBe(1);
  });
});

describe("short form", () => {
  it("reads back what it wrote", () => {
    for (const text of ["0.6", "0.999", "25p", "1000p"]) {
      expect(smoothingToText(smoothingFromText(text))).toBe(text);
    }
  });

  it("falls back on what it cannot read", () => {
    for (const text of ["", "1", "2", "-0.5", "0", "NaN", "0p", "1p", "9999p", "1e-1", "0.5x"]) {
      expect(isSmoothed(smoothingFromText(text))).toBe(false);
      expect(smoothingToText(smoothingFromText(text))).toBeUndefined();
    }
  });
});
