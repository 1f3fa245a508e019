import { describe, expect, it } from "vitest";
import { formatDuration, formatStep, formatValue, formatWall, wallParts } from "./numbers";

describe("values", () => {
  it("have five digits, and exponents at the ends", () => {
    expect([0, 1, -2.5, 0.1 + 0.2, 1 / 3, 123.456789].map((value) => formatValue(value))).toEqual([
      "0",
      "1",
      "-2.5",
      "0.3",
      "0.33333",
      "123.46",
    ]);
    expect(formatValue(0.00001234)).toBe("1.234e-5");
    expect(formatValue(-3e20)).toBe("-3e20");
    expect(formatValue(12345.678)).toBe("12\u202f346");
    expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => formatValue(value))).toEqual(
      ["NaN", "∞", "-∞"],
    );
  });

  it("keep all digits of whole numbers", () => {
    expect(formatStep(1234567)).toBe("1\u202f234\u202f567");
    expect(formatStep(-1234)).toBe("-1234");
    expect(formatStep(0.5)).toBe("0.5");
  });
});

describe("durations", () => {
  it("grow from seconds to days", () => {
    expect([0, 3.25, 59, 61, 3_661, 90_061].map((seconds) => formatDuration(seconds))).toEqual([
      "0 s",
      "3.25 s",
      "59 s",
      "1:01",
      "1:01:01",
      "1d 01:01:01",
    ]);
    expect(formatDuration(61.25, 2)).toBe("1:01.25");
    expect(formatDuration(-5)).toBe("-5 s");
    expect(formatDuration(119.99, 1)).toBe("2:00.0");
  });
});

describe("wall time", () => {
  it("is the clock of the place", () => {
    const micros = Date.UTC(2026, 0, 2, 3, 4, 5, 678) * 1000 + 901;
    expect(wallParts(micros, 3, () => 0)).toEqual({ date: "Jan 2", clock: "03:04:05.678" });
    expect(wallParts(micros, 0, () => -120)).toEqual({ date: "Jan 2", clock: "05:04:05" });
    expect(formatWall(micros, () => 60)).toBe("2026-01-02 02:04:05.678");
  });

  it("of what is no time is a number", () => {
    expect(formatWall(1e30)).toBe("1e30");
  });
});
