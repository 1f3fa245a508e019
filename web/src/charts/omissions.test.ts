import { describe, expect, it } from "vitest";
import { compose } from "./compose";
import type { Line } from "./lines";
import { noteOfLogX, notesOf, nothingDrawn, tallyInside } from "./omissions";
import { UNSMOOTHED } from "./smoothing";

const INFINITY = Number.POSITIVE_INFINITY;

function lineOf(y: readonly number[], thinned = false): Line {
  const x = Float64Array.from(y.keys());
  return { key: "a", label: "a", x, y: Float64Array.from(y), steps: x, thinned };
}

describe("notes below a chart", () => {
  it("count what was logged and is not drawn", () => {
    const line = lineOf([-1, 5, INFINITY, Number.NaN, 0, -INFINITY]);
    expect(notesOf(tallyInside([line], undefined), false)).toEqual(["2 infinite values drawn as gaps"]);
    expect(notesOf(tallyInside([line], undefined), true)).toEqual([
      "2 infinite values drawn as gaps",
      "2 values at or below 0 left out (log y)",
    ]);
    expect(notesOf(tallyInside([line], { from: 1, to: 2 }), true)).toEqual(["1 infinite value drawn as gaps"]);
    expect(notesOf(tallyInside([lineOf([1, Number.NaN])], undefined), true)).toEqual([]);
  });

  it("say no number where points were thinned out: it would be of those drawn", () => {
    const lines = [lineOf([-1, INFINITY], true), lineOf([-1, INFINITY])];
    expect(notesOf(tallyInside(lines, undefined), true)).toEqual([
      "some infinite values drawn as gaps",
      "some values at or below 0 left out (log y)",
    ]);
  });

  it("say a number where the thinned line has nothing to leave out", () => {
    const lines = [lineOf([1, 2], true), lineOf([-1, 2])];
    expect(notesOf(tallyInside(lines, undefined), true)).toEqual(["1 value at or below 0 left out (log y)"]);
  });

  it("count the runs of a group, not their mean, and nothing twice where lines are smoothed", () => {
    const members = [lineOf([-1, 1, INFINITY]), { ...lineOf([1, 3, 2]), key: "b" }];
    const group = { kind: "group", key: "g", label: "g", slot: 0, members } as const;
    const line = { kind: "line", line: { ...lineOf([INFINITY, 1]), key: "l" }, slot: 1 } as const;
    const hidden = { kind: "line", line: { ...lineOf([INFINITY, 1]), key: "h" }, slot: 1 } as const;
    const { logged } = compose([group, line, hidden], {
      smoothing: { kind: "exponential", weight: 0.5 },
      hidden: new Set(["h"]),
      scheme: "light",
    });
    expect(notesOf(tallyInside(logged, undefined), true)).toEqual([
      "2 infinite values drawn as gaps",
      "1 value at or below 0 left out (log y)",
    ]);
    expect(compose([line], { smoothing: UNSMOOTHED, hidden: new Set(), scheme: "light" }).logged).toEqual([line.line]);
  });

  it("count what a logarithmic axis of x leaves out", () => {
    expect(noteOfLogX(0)).toBeUndefined();
    expect(noteOfLogX(1)).toBe("1 point at x ≤ 0 left out (log x)");
    expect(noteOfLogX(2)).toBe("2 points at x ≤ 0 left out (log x)");
  });
});

describe("a chart without anything to draw", () => {
  const said = (y: readonly number[], logY = false) => nothingDrawn(tallyInside([lineOf(y)], undefined), logY);

  it("says why", () => {
    expect(said([Number.NaN, Number.NaN])).toBe("all values are NaN");
    expect(said([INFINITY, -INFINITY])).toBe("no finite value");
    expect(said([Number.NaN, INFINITY])).toBe("no finite value");
    expect(said([-1, 0], true)).toBe("no value above 0 (log y)");
    expect(said([-1, Number.NaN], true)).toBe("no value above 0 (log y)");
  });

  it("is none where a value is drawn, or where no point is in the window at all", () => {
    expect(said([Number.NaN, 1])).toBeUndefined();
    expect(said([-1, 0])).toBeUndefined();
    expect(said([-1, 1], true)).toBeUndefined();
    expect(said([])).toBeUndefined();
  });
});
