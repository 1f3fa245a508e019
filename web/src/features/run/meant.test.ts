import { expect, test } from "vitest";
import { meantRuns } from "./meant";

const RUNS = [
  { id: "01AB", name: "base" },
  { id: "01AC", name: "base" },
  { id: "base", name: null },
  { id: "01AD0", name: "01AB baseline" },
];

test("an id is meant before a name, and a name before the start of an id", () => {
  const ids = (address: string) => meantRuns(RUNS, address).map((run) => run.id);
  expect(ids("base")).toEqual(["base"]);
  expect(ids("01AB")).toEqual(["01AB"]);
  expect(ids("01AB baseline")).toEqual(["01AD0"]);
  expect(ids("01AD")).toEqual(["01AD0"]);
  expect(ids("01")).toEqual([]);
  expect(meantRuns(RUNS.slice(0, 2), "base")).toHaveLength(2);
});

test("what only holds the words is not meant", () => {
  expect(meantRuns(RUNS, "baseline")).toEqual([]);
});
