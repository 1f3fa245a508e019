import { describe, expect, it } from "vitest";
import { type ChartSeries, compose, keyInFamily, marksOf } from "./compose";
import type { Line } from "./lines";

function lineOf(key: string, y: readonly number[]): Line {
  const x = Float64Array.from(y, (_, index) => index);
  return { key, label: `line ${key}`, x, y: Float64Array.from(y), steps: x };
}

const A: ChartSeries = { kind: "line", line: lineOf("a", [1, 2, 3]), slot: 0 };
const B: ChartSeries = { kind: "line", line: lineOf("b", [4, 5, 6]), slot: 1 };
const PLAIN = { smoothing: { kind: "none" }, hidden: new Set<string>(), scheme: "light" } as const;

describe("compose", () => {
  it("draws each line once, in order", () => {
    const { marks, lines, legend } = compose([A, B], PLAIN);
    expect(marks).toHaveLength(2);
    expect(lines.map((line) => line.key)).toEqual(["a", "b"]);
    expect(legend.map((entry) => entry.label)).toEqual(["line a", "line b"]);
  });

  it("leaves hidden lines in the legend only", () => {
    const { marks, lines, legend } = compose([A, B], { ...PLAIN, hidden: new Set(["a"]) });
    expect(marks).toHaveLength(1);
    expect(lines.map((line) => line.key)).toEqual(["b"]);
    expect(legend.map((entry) => entry.hidden)).toEqual([true, false]);
  });

  it("lays the raw line behind all smoothed ones", () => {
    const { marks, lines, raw } = compose([A, B], { ...PLAIN, smoothing: { kind: "exponential", weight: 0.9 } });
    expect(marks.map((mark) => mark.alpha < 1)).toEqual([true, true, false, false]);
    expect(lines[0]?.y[2]).toBeLessThan(3);
    expect(raw.get("a")?.y[2]).toBe(3);
  });

  it("draws a group as band, members and mean", () => {
    const group: ChartSeries = {
      kind: "group",
      key: "g",
      label: "seed 1",
      slot: 2,
      members: [lineOf("a", [1, 2]), lineOf("b", [3, 4])],
    };
    const { marks, lines, reaching, legend } = compose([group], PLAIN);
    expect(marks.map((mark) => mark.kind)).toEqual(["band", "line", "line", "line"]);
    expect([...(lines[0]?.y ?? [])]).toEqual([2, 3]);
    expect(reaching.flatMap((line) => [...line.y]).sort()).toEqual([1, 2, 2, 3, 3, 4]);
    expect(legend[0]?.members).toBe(2);
  });

  it("thins the lines of a crowd", () => {
    const crowd = Array.from(
      { length: 20 },
      (_, slot): ChartSeries => ({ kind: "line", line: lineOf(String(slot), [1]), slot }),
    );
    const [first] = compose(crowd, PLAIN).marks;
    expect(first?.kind === "line" && first.width).toBe(1);
  });

  it("hides and lights up whole families", () => {
    const lines = ["", "val", "test"].map(
      (rest, slot): ChartSeries => ({ kind: "line", line: lineOf(keyInFamily("run", rest), [slot]), slot }),
    );
    expect(compose([...lines, B], { ...PLAIN, hidden: new Set(["run"]) }).lines.map((line) => line.key)).toEqual(["b"]);
    const composition = compose([...lines.slice(1), B], PLAIN);
    expect(marksOf(composition, "run")).toHaveLength(2);
    expect(marksOf(composition, keyInFamily("run", "val"))).toHaveLength(1);
    expect(marksOf(composition, undefined)).toEqual([]);
  });
});
