import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../../api/http";
import type { ChangeItem, ChangeKind, RunItem, TableRequest, TableRow } from "../../api/types";
import { extended, movedRows, NOTHING, toggled } from "./selection";
import { isSame, RunTable } from "./table";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

function row(id: string, value: number): TableRow {
  const run: RunItem = {
    id,
    name: id,
    experiment: "e",
    state: "running",
    reason: null,
    archived: false,
    tags: [],
    group: null,
    description: null,
    job_type: null,
    seed: null,
    created_at_micros: 0,
    started_at_micros: 0,
    ended_at_micros: null,
    deleted_at_micros: null,
    last_received_at_micros: null,
    completeness: { logged: 0, durable: 0, refused: 0, dropped: 0, lost_slots: 0 },
  };
  return { run, cells: [value] };
}

function change(run: string, ...kinds: readonly ChangeKind[]): ChangeItem {
  return { change: 1, at_micros: 0, run, experiment: "e", kinds: [...kinds] };
}

/** A server with runs whose rows can be changed. */
function server(count: number) {
  const rows = Array.from({ length: count }, (_, index) => row(`run${index}`, 0));
  const asked: TableRequest[] = [];
  const read = async (request: TableRequest) => {
    asked.push(request);
    const all = request.runs === undefined ? rows : rows.filter((one) => request.runs?.includes(one.run.id));
    const start = Number(request.cursor ?? 0);
    const end = start + (request.limit ?? 200);
    return {
      change: 1,
      rows: all.slice(start, end),
      matching: all.length,
      next_cursor: end < all.length ? String(end) : null,
    };
  };
  return { rows, asked, read };
}

test("pages are read as they are wanted, and told complete at the end", async () => {
  const { read, asked } = server(400);
  const table = new RunTable(read, {});
  table.start();
  await vi.advanceTimersByTimeAsync(10);
  expect(table.state()).toMatchObject({ matching: 400, complete: false, loading: false });
  expect(table.state().rows).toHaveLength(64);
  table.more();
  table.more();
  await vi.advanceTimersByTimeAsync(10);
  table.more();
  await vi.advanceTimersByTimeAsync(10);
  expect(table.state().rows).toHaveLength(400);
  expect(table.state().complete).toBe(true);
  expect(asked).toHaveLength(3);
  table.stop();
});

test("new points of loaded runs read these alone, joined, and leave other rows the same", async () => {
  const { read, asked, rows } = server(300);
  const table = new RunTable(read, {});
  table.start();
  await vi.advanceTimersByTimeAsync(10);
  const untouched = table.state().rows[5];
  rows[3] = row("run3", 7);
  for (let count = 0; count < 100; count += 1) {
    table.hear(change("run3", "points"));
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(500);
  expect(table.state().rows[3]?.cells).toEqual([7]);
  expect(table.state().rows[5]).toBe(untouched);
  const patches = asked.filter((request) => request.runs !== undefined);
  expect(patches.length).toBeGreaterThan(0);
  expect(patches.length).toBeLessThan(12);
  expect(asked.length - patches.length).toBe(1);
  table.hear(change("unknown", "points"));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked.filter((request) => request.runs === undefined)).toHaveLength(1);
  table.stop();
});

test("new and deleted runs have what is loaded read again", async () => {
  const { read, rows } = server(10);
  const table = new RunTable(read, {});
  table.start();
  await vi.advanceTimersByTimeAsync(10);
  rows.unshift(row("new", 1));
  rows.splice(5, 1);
  table.hear(change("new", "created"));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(table.state().rows.map((one) => one.run.id)).toEqual(rows.map((one) => one.run.id));
  table.stop();
});

test("a server that is away is told, what is loaded stays, and it is asked again", async () => {
  const { read, rows } = server(10);
  let isAway = false;
  const table = new RunTable(async (request) => {
    if (isAway) {
      throw new Error("away");
    }
    return read(request);
  }, {});
  table.start();
  await vi.advanceTimersByTimeAsync(10);
  isAway = true;
  table.reread();
  await vi.advanceTimersByTimeAsync(10);
  expect(table.state().error?.message).toBe("away");
  expect(table.state().rows).toHaveLength(10);
  isAway = false;
  rows.pop();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(table.state().error).toBeUndefined();
  expect(table.state().rows).toHaveLength(9);
  table.stop();
});

test("ranges reach from the last one touched", () => {
  const order = ["a", "b", "c", "d"];
  const one = toggled(NOTHING, "b");
  const range = extended(one, "d", order);
  expect([...range.runs].sort()).toEqual(["b", "c", "d"]);
  expect([...extended(range, "a", order).runs].sort()).toEqual(["a", "b", "c", "d"]);
  expect([...toggled(range, "c").runs].sort()).toEqual(["b", "d"]);
  expect([...extended(NOTHING, "c", order).runs]).toEqual(["c"]);
});

test("rows that move between pages while these are read stand there once", async () => {
  const { read, rows } = server(1_500);
  let moves = false;
  const table = new RunTable(async (request) => {
    const page = await read(request);
    if (moves) {
      // A new run above pushes the last of this page onto the next.
      rows.unshift(row(`new${rows.length}`, 0));
    }
    return page;
  }, {});
  table.start();
  await vi.advanceTimersByTimeAsync(10);
  while (!table.state().complete) {
    table.more();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(table.state().rows).toHaveLength(1_500);
  moves = true;
  await vi.advanceTimersByTimeAsync(2_000);
  table.reread();
  await vi.advanceTimersByTimeAsync(10);
  const ids = table.state().rows.map((one) => one.run.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThan(1_400);
  table.stop();
});

test("rows are the same whatever the order of their fields, and not when a value differs", () => {
  const one = row("a", 1);
  const { id, ...rest } = one.run;
  expect(isSame(one, { cells: [1], run: { ...rest, id } })).toBe(true);
  expect(isSame(one, row("a", 2))).toBe(false);
  expect(isSame(one, { ...one, run: { ...one.run, tags: ["x"] } })).toBe(false);
  expect(isSame({ a: undefined }, { b: undefined })).toBe(false);
  expect(isSame([], {})).toBe(false);
  expect(isSame(Number.NaN, Number.NaN)).toBe(true);
});

test("a server that wants a token is not asked again until there is one", async () => {
  let asked = 0;
  let hasToken = false;
  const { read } = server(3);
  const table = new RunTable(async (request) => {
    asked += 1;
    if (!hasToken) {
      throw new ApiError(401, "a token is needed", undefined);
    }
    return read(request);
  }, {});
  table.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(1);
  hasToken = true;
  table.reread();
  await vi.advanceTimersByTimeAsync(10);
  expect(table.state().rows).toHaveLength(3);
  table.stop();
});

test("what is in view is found again when runs come and go above it", () => {
  const before = ["a", "b", "c", "d"];
  expect(movedRows(before, ["x", "y", "a", "b", "c", "d"], 1)).toBe(2);
  expect(movedRows(before, ["b", "c", "d"], 2)).toBe(-1);
  expect(movedRows(before, ["a", "b", "d"], 2)).toBe(0);
  expect(movedRows(before, ["a", "b", "c", "d", "e"], 3)).toBe(0);
  expect(movedRows(before, ["p", "q"], 1)).toBe(0);
});

test("nothing is counted before something was read", async () => {
  const { read } = server(3);
  let away = true;
  const table = new RunTable(async (request) => {
    if (away) {
      throw new ApiError(0, "the server does not answer", undefined);
    }
    return read(request);
  }, {});
  table.start();
  await vi.advanceTimersByTimeAsync(10);
  expect(table.state()).toMatchObject({ loading: false, read: false });
  away = false;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(table.state()).toMatchObject({ matching: 3, read: true });
  away = true;
  table.reread();
  await vi.advanceTimersByTimeAsync(10);
  expect(table.state()).toMatchObject({ matching: 3, read: true });
  table.stop();
});
