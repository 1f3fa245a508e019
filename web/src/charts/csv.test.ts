import { describe, expect, it } from "vitest";
import { csvOfLines, csvOfRows, fileName, numberText, quoted } from "./csv";
import type { Line } from "./lines";

describe("numbers", () => {
  it("read back to the same bits", () => {
    for (const value of [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0, 123456789.123, 2 ** 53]) {
      expect(Object.is(Number(numberText(value)), value)).toBe(true);
    }
  });

  it("are words where JSON has none", () => {
    expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(numberText)).toEqual([
      "NaN",
      "Infinity",
      "-Infinity",
    ]);
  });
});

describe("quoting", () => {
  it("is there where it is needed, and only there", () => {
    expect(quoted("train/loss")).toBe("train/loss");
    expect(quoted("a,b")).toBe('"a,b"');
    expect(quoted('say "a"')).toBe('"say ""a"""');
    expect(quoted("two\nlines")).toBe('"two\nlines"');
    expect(quoted(" outer")).toBe('" outer"');
  });
});

describe("tables", () => {
  it("end each row", () => {
    expect(
      csvOfRows([
        ["a", "b"],
        [1, undefined],
      ]),
    ).toBe("a,b\r\n1,\r\n");
    expect(csvOfRows([])).toBe("");
  });

  it("of lines have a step column only where x is another", () => {
    const x = Float64Array.from([1, 2]);
    const y = Float64Array.from([0.5, Number.NaN]);
    const byStep: Line = { key: "k", label: "loss {a,b}", x, y, steps: x };
    expect(csvOfLines([byStep], "step")).toBe('line,step,value\r\n"loss {a,b}",1,0.5\r\n"loss {a,b}",2,NaN\r\n');
    const byTime: Line = { ...byStep, label: "loss", steps: Float64Array.from([10, 20]) };
    expect(csvOfLines([byTime], "relative time")).toBe(
      "line,relative time,step,value\r\nloss,1,10,0.5\r\nloss,2,20,NaN\r\n",
    );
  });
});

describe("file names", () => {
  it("hold nothing that a file system minds", () => {
    expect(fileName(["train/loss", "../x: y"], "csv")).toBe("train-loss-..-x-y.csv");
    expect(fileName(["///"], "png")).toBe("chart.png");
    expect(fileName(["Verlust/größe"], "png")).toBe("Verlust-größe.png");
  });
});
