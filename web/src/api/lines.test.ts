import { float64, tableFromArrays, tableToIPC, uint32 } from "@uwdata/flechette";
import { expect, it } from "vitest";
import { linesFromArrow } from "./lines";

function stream(): Uint8Array {
  const table = tableFromArrays(
    { line: [0, 0, 1], x: [1, 2, 5], y: [0.5, Number.NaN, 7], step: [1, 2, 5] },
    { types: { line: uint32(), x: float64(), y: float64(), step: float64() } },
  );
  table.schema.metadata = new Map([["runstone.lines", JSON.stringify({ lines: [{ run: "a" }, { run: "b" }] })]]);
  const bytes = tableToIPC(table, { format: "stream" });
  if (bytes === null) {
    throw new Error("no stream");
  }
  return bytes;
}

it("lines are cut out of a stream", () => {
  const lines = linesFromArrow(stream(), false);
  expect(lines.map(({ x, y, steps }) => [[...x], [...y], [...steps]])).toEqual([
    [
      [1, 2],
      [0.5, Number.NaN],
      [1, 2],
    ],
    [[5], [7], [5]],
  ]);
});

it("steps are the column of x where x is the step", () => {
  for (const line of linesFromArrow(stream(), true)) {
    expect(line.steps).toBe(line.x);
  }
});
