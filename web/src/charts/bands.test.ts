import { describe, expect, it } from "vitest";
import { bandOf, unionOfX, valuesAt } from "./bands";
import type { Line } from "./lines";

function lineOf(key: string, x: readonly number[], y: readonly number[]): Line {
  const column = Float64Array.from(x);
  return { key, label: key, x: column, y: Float64Array.from(y), steps: column };
}

describe("unionOfX", () => {
  it("has each x once, rising", () => {
    const columns = [[3, 5, 9], [1, 3, 4, 9, 9], []].map((column) => Float64Array.from(column));
    expect([...unionOfX(columns)]).toEqual([1, 3, 4, 5, 9]);
  });

  it("does not change what it was given", () => {
    const column = Float64Array.from([1, 1, 2]);
    expect([...unionOfX([column])]).toEqual([1, 2]);
    expect([...column]).toEqual([1, 1, 2]);
  });

  it("joins a hundred lines of a thousand points", () => {
    const columns = Array.from({ length: 100 }, (_, line) =>
      Float64Array.from({ length: 1_000 }, (_, index) => index + line / 100),
    );
    expect(unionOfX(columns)).toHaveLength(100_000);
  });
});

describe("valuesAt", () => {
  it("is exact on points and straight between them", () => {
    const line = lineOf("a", [0, 10, 20], [0, 1, 5]);
    const x = Float64Array.from([-1, 0, 5, 10, 12.5, 20, 21]);
    expect([...valuesAt(line, x)]).toEqual([Number.NaN, 0, 0.5, 1, 2, 5, Number.NaN]);
  });

  it("does not reach across gaps", () => {
    const line = lineOf("a", [0, 1, 2], [1, Number.NaN, 3]);
    expect([...valuesAt(line, Float64Array.from([0, 0.5, 1, 1.5, 2]))]).toEqual([
      1,
      Number.NaN,
      Number.NaN,
      Number.NaN,
      3,
    ]);
  });

  it("takes the last of several points at one x", () => {
    const line = lineOf("a", [0, 0, 1], [1, 2, 3]);
    expect(valuesAt(line, Float64Array.from([0]))[0]).toBe(2);
  });
});

describe("bandOf", () => {
  it("is mean, least and greatest of the members that reach there", () => {
    const band = bandOf("g", "group", [
      lineOf("a", [0, 1, 2], [1, 2, 3]),
      lineOf("b", [0, 2], [3, 5]),
      lineOf("c", [5], [7]),
      lineOf("d", [], []),
    ]);
    expect([...band.mean.x]).toEqual([0, 1, 2, 5]);
    expect([...band.mean.y]).toEqual([2, 3, 4, 7]);
    expect([...band.low]).toEqual([1, 2, 3, 7]);
    expect([...band.high]).toEqual([3, 4, 5, 7]);
    expect([...band.members]).toEqual([2, 2, 2, 1]);
  });

  it("has a gap where no member has a number", () => {
    const band = bandOf("g", "g", [lineOf("a", [0, 1, 2], [1, Number.NaN, Number.POSITIVE_INFINITY])]);
    expect([...band.mean.y]).toEqual([1, Number.NaN, Number.NaN]);
    expect([...band.low]).toEqual([1, Number.NaN, Number.NaN]);
  });

  it("does not overflow", () => {
    const band = bandOf("g", "g", [lineOf("a", [0], [1.7e308]), lineOf("b", [0], [1.7e308])]);
    expect(band.mean.y[0]).toBe(1.7e308);
  });
});
