import { describe, expect, it } from "vitest";
import type { RunItem, SeriesItem } from "../../api/types";
import { bestRun, metricsOfRuns, runLabels, runSlots, valueRows } from "./metrics";
import { chosenParams, compareParams, runOrder } from "./paramsTable";
import { compareStateFromSearch, searchFromCompareState } from "./search";

function runOf(id: string, part: Partial<RunItem> = {}): RunItem {
  return {
    id,
    name: null,
    experiment: "e",
    state: "running",
    reason: null,
    archived: false,
    tags: [],
    group: null,
    job_type: null,
    seed: null,
    description: null,
    created_at_micros: 0,
    started_at_micros: null,
    ended_at_micros: null,
    last_received_at_micros: null,
    deleted_at_micros: null,
    completeness: { logged: 0, durable: 0, refused: 0, dropped: 0, lost_slots: 0 },
    ...part,
  };
}

function seriesOf(name: string, value: number, part: Partial<SeriesItem> = {}): SeriesItem {
  const point = { step: 9, time_micros: 0, value };
  return {
    name,
    context: {},
    kind: "metric",
    value_type: "f64",
    goal: null,
    summary: {
      count: 1,
      nan_count: 0,
      infinite_count: 0,
      first: point,
      last: point,
      min: point,
      max: point,
      mean: value,
      best: null,
    },
    ...part,
  };
}

describe("charts of a comparison", () => {
  const a = runOf("a", { name: "sgd", seed: 1, group: "x" });
  const b = runOf("b", { name: "sgd", seed: 2, group: "x" });
  const c = runOf("c", { name: "adam", seed: 1 });
  const compared = [
    { run: a, series: [seriesOf("loss", 3), seriesOf("note", 0, { value_type: "string" })] },
    { run: b, series: [seriesOf("loss", 1), seriesOf("acc", 0.5, { context: { subset: "val" } })] },
    { run: c, series: [seriesOf("loss", 2)] },
  ];

  it("have a line for each run, called by its id", () => {
    const [loss, acc] = metricsOfRuns(compared, "run");
    expect(loss?.sources.map((source) => source.key)).toEqual(["a", "b", "c"]);
    expect(acc?.sources.map((source) => [source.key, source.address.context])).toEqual([["b", { subset: "val" }]]);
    expect(new Set(loss?.sources.map((source) => source.slot)).size).toBe(3);
  });

  it("tell runs of one name apart by their ids", () => {
    expect([...runLabels([a, b, c]).values()]).toEqual(["sgd (a)", "sgd (b)", "adam"]);
  });

  it("join runs of one seed or group, with one colour", () => {
    const [loss] = metricsOfRuns(compared, "seed");
    expect(loss?.sources.map((source) => source.group?.label)).toEqual(["seed 1", "seed 2", "seed 1"]);
    expect(loss?.sources[0]?.slot).toBe(loss?.sources[2]?.slot);
    expect(metricsOfRuns(compared, "group")[0]?.sources.map((source) => source.group?.label)).toEqual([
      "x",
      "x",
      "no group",
    ]);
  });

  it("keep a group's colour whichever run comes first", () => {
    expect(runSlots([a, c], "group").get("c")).toBe(runSlots([c, a], "group").get("c"));
  });

  it("stand beside a table of values with the best by the goal", () => {
    const rows = valueRows(
      compared.map(({ run, series }) => ({ run, series: series.map((one) => ({ ...one, goal: "min" as const })) })),
      "last",
    );
    const loss = rows.find((row) => row.metric === "loss");
    expect([...(loss?.values ?? [])].map(([run, point]) => [run, point.value])).toEqual([
      ["a", 3],
      ["b", 1],
      ["c", 2],
    ]);
    expect(loss === undefined ? undefined : bestRun(loss)).toBe("b");
  });
});

describe("params side by side", () => {
  const rows = compareParams([
    { lr: 0.1, model: { depth: 2 }, seed: 1 },
    { lr: 0.5, model: { depth: 2 } },
    { lr: 0.1, model: { depth: 2 }, seed: "1" },
  ]);

  it("say what differs, missing ones too", () => {
    expect(rows.map((row) => [row.path.join("."), row.differs, row.numeric])).toEqual([
      ["lr", true, true],
      ["model.depth", false, true],
      ["seed", true, false],
    ]);
    expect(chosenParams(rows, "", true).map((row) => row.key)).toEqual(['["lr"]', '["seed"]']);
    expect(chosenParams(rows, "depth", false)).toHaveLength(1);
    expect(chosenParams(rows, "depth", true)).toHaveLength(0);
  });

  it("order runs by a param, missing ones last either way", () => {
    const seed = rows.find((row) => row.path[0] === "seed");
    expect(runOrder(seed, 3, false)).toEqual([0, 2, 1]);
    expect(runOrder(seed, 3, true)).toEqual([2, 0, 1]);
    expect(runOrder(undefined, 3, true)).toEqual([0, 1, 2]);
  });
});

it("a comparison reads back from the URL as it was written", () => {
  const search = {
    runs: "a,b",
    by: "seed",
    tab: "params",
    show: "all",
    v: "best",
    sort: "-lr",
    q: "loss",
    hide: "a",
  } as const;
  expect(searchFromCompareState(compareStateFromSearch(search))).toEqual(search);
  expect(searchFromCompareState(compareStateFromSearch({ runs: 7, by: "x", tab: 3 }))).toEqual({ runs: "7" });
});
