import { describe, expect, it } from "vitest";
import { flatParams, leafText, paramRows, pathText, splitEnvironment } from "./params";

const TREE = { model: { depth: 3, layers: [1, 2], empty: {} }, lr: 0.1, name: "Adam", layer10: null, layer2: true };

describe("rows of params", () => {
  it("are the tree, branches first, in the order of people", () => {
    expect(paramRows(TREE, "").map((row) => `${"  ".repeat(row.depth)}${row.path.at(-1)} ${row.kind}`)).toEqual([
      "layer2 leaf",
      "layer10 leaf",
      "lr leaf",
      "model branch",
      "  depth leaf",
      "  empty leaf",
      "  layers leaf",
      "name leaf",
    ]);
    expect(paramRows(undefined, "")).toEqual([]);
  });

  it("are searched by path and value, and keep the branches above", () => {
    expect(paramRows(TREE, "model dep").map((row) => pathText(row.path))).toEqual(["model", "model.depth"]);
    expect(paramRows(TREE, "adam").map((row) => pathText(row.path))).toEqual(["name"]);
    expect(paramRows(TREE, "nothing")).toEqual([]);
  });

  it("say leaves as JSON, text as it is", () => {
    expect([0.1, true, null, "a b", [1, "x"], {}].map(leafText)).toEqual([
      "0.1",
      "true",
      "null",
      "a b",
      '[1,"x"]',
      "{}",
    ]);
  });

  it("lie flat by path", () => {
    expect(flatParams({ a: { "b.c": 1 }, d: 2 })).toEqual(
      new Map([
        ['["a","b.c"]', 1],
        ['["d"]', 2],
      ]),
    );
  });
});

describe("the environment", () => {
  it("is taken apart where there is one", () => {
    expect(splitEnvironment({ lr: 1, env: { gpu: "H100" } })).toEqual({
      params: { lr: 1 },
      environment: { env: { gpu: "H100" } },
    });
    expect(splitEnvironment({ lr: 1 })).toEqual({ params: { lr: 1 }, environment: undefined });
  });
});
