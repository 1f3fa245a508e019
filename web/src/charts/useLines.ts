//! Reads the lines of a chart from the server, again for each window, and again when the change feed
//! says that a run has new points. What was there stays drawn until the new answer is there.

import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { feed } from "../api/changes";
import { ApiError } from "../api/http";
import { type LineColumns, type LinesWindow, readLines } from "../api/lines";
import type { ChangeItem, SeriesAddress } from "../api/types";
import type { XAxis } from "./axes";
import type { Line, Span } from "./lines";
import { lineX, type SeriesSource, windowOf } from "./source";

/** First part of the key of every query of lines. */
const LINES_KEY = "lines";
/** Rest between two rounds of reading what has changed. */
const ROUND_REST_MILLIS = 60;

/** What a chart has to draw. */
export interface LinesResult {
  readonly answer: readonly LineColumns[] | undefined;
  readonly error: Error | undefined;
  /** The answer is of a former window; the new one is on its way. */
  readonly stale: boolean;
  /** Asks again. */
  readonly retry: () => void;
}

/** The lines of some series in a window. */
export function useLines(
  sources: readonly SeriesSource[],
  axis: XAxis,
  logX: boolean,
  span: Span | undefined,
  pixels: number,
): LinesResult {
  const series = useMemo(() => sources.map((source) => source.address), [sources]);
  const window = windowOf(axis, logX, span, pixels);
  const query = useQuery({
    queryKey: [LINES_KEY, series, window],
    queryFn: () => readLines(series, window),
    enabled: pixels > 0 && series.length > 0,
    // The former window stays drawn, unless it is of other series or another axis.
    placeholderData: (former, query) =>
      query !== undefined && sameLines(query.queryKey, series, window) ? former : undefined,
    staleTime: Number.POSITIVE_INFINITY,
    // While a chart was out of view nobody may have heard what changed: what is kept is shown, and read again.
    refetchOnMount: "always",
    gcTime: 30_000,
    structuralSharing: false,
    // A server that is away is not asked over and over: useLiveLines asks again when it is back.
    retry: (count, error) => count < 1 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
  });
  // A window that could not be read leaves the former one drawn, until the server is back.
  const last = useRef<{ readonly key: readonly unknown[]; readonly answer: readonly LineColumns[] }>(undefined);
  if (query.data !== undefined && !query.isPlaceholderData) {
    last.current = { key: [LINES_KEY, series, window], answer: query.data };
  }
  const kept =
    last.current !== undefined && sameLines(last.current.key, series, window) ? last.current.answer : undefined;
  return {
    answer: query.data ?? kept,
    error: query.error ?? undefined,
    stale: query.isPlaceholderData,
    retry: () => void query.refetch(),
  };
}

/** Points that a logarithmic axis of x leaves out of some series: the server counts them. */
export function useLeftOfLogX(sources: readonly SeriesSource[], axis: XAxis, enabled: boolean): number {
  const series = useMemo(() => sources.map((source) => source.address), [sources]);
  const window: LinesWindow = { x: lineX(axis), log_x: false, pixels: 1, from: -Number.MAX_VALUE, to: 0 };
  const query = useQuery({
    queryKey: [LINES_KEY, series, window],
    queryFn: () => readLines(series, window),
    enabled: enabled && series.length > 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: "always",
    gcTime: 30_000,
    structuralSharing: false,
    retry: false,
  });
  return enabled ? (query.data ?? []).reduce((sum, line) => sum + line.head.points, 0) : 0;
}

function sameLines(key: readonly unknown[], series: readonly SeriesAddress[], window: LinesWindow): boolean {
  const [, formerSeries, formerWindow] = key;
  const axisOf = (value: unknown): unknown =>
    typeof value === "object" && value !== null && "x" in value && "log_x" in value ? [value.x, value.log_x] : value;
  return JSON.stringify([formerSeries, axisOf(formerWindow)]) === JSON.stringify([series, axisOf(window)]);
}

/** All points of some series, whatever the resolution: for a CSV. */
export async function readAllLines(
  sources: readonly SeriesSource[],
  axis: XAxis,
  logX: boolean,
): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const source of sources) {
    lines.push(await readWholeLine(source, axis, logX));
  }
  return lines;
}

/** Asks at full resolution, halving the window until each half is exact. */
async function readWholeLine(source: SeriesSource, axis: XAxis, logX: boolean): Promise<Line> {
  const pieces = await readExactly(source, axis, logX, undefined, 0);
  const total = pieces.reduce((sum, piece) => sum + piece.x.length, 0);
  const [x, y, steps] = [new Float64Array(total), new Float64Array(total), new Float64Array(total)];
  let offset = 0;
  for (const piece of pieces) {
    x.set(piece.x, offset);
    y.set(piece.y, offset);
    steps.set(piece.steps, offset);
    offset += piece.x.length;
  }
  return { key: source.key, label: source.label, x, y, steps: axis.kind === "step" ? x : steps };
}

const PIXELS_WHOLE = 16_384;
/** Halvings of a window: past it points lie so close that their x is one number. */
const HALVINGS_MAX = 40;

async function readExactly(
  source: SeriesSource,
  axis: XAxis,
  logX: boolean,
  span: Span | undefined,
  depth: number,
): Promise<readonly Pick<Line, "x" | "y" | "steps">[]> {
  const base = { ...windowOf(axis, logX, undefined, PIXELS_WHOLE), log_x: false };
  const window = span === undefined ? base : { ...base, from: span.from, to: span.to };
  const [line] = await readLines([source.address], window);
  if (line === undefined) {
    return [];
  }
  const inside = span === undefined ? line : cut(line, span);
  const [first, last] = [inside.x[0], inside.x[inside.x.length - 1]];
  if (line.head.exact || first === undefined || last === undefined) {
    return [inside];
  }
  if (depth >= HALVINGS_MAX || first === last) {
    throw new Error(`${source.label} has more points at one x than one answer holds; choose the step as x`);
  }
  const middle = first + (last - first) / 2;
  const left = await readExactly(source, axis, logX, { from: first, to: middle }, depth + 1);
  const right = await readExactly(source, axis, logX, { from: nextAfter(middle), to: last }, depth + 1);
  return [...left, ...right];
}

/** Without the points that are added at either side of a window. */
function cut(line: LineColumns, span: Span): LineColumns {
  const inside = (value: number): boolean => value >= span.from && value <= span.to;
  const start = line.x.findIndex(inside);
  const end = start < 0 ? start : line.x.findLastIndex(inside) + 1;
  const [from, to] = start < 0 ? [0, 0] : [start, end];
  return {
    head: line.head,
    x: line.x.subarray(from, to),
    y: line.y.subarray(from, to),
    steps: line.steps.subarray(from, to),
  };
}

/** The next float above. */
export function nextAfter(value: number): number {
  if (value === 0) {
    return Number.MIN_VALUE;
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigInt64(0);
  view.setBigInt64(0, value > 0 ? bits + 1n : bits - 1n);
  return view.getFloat64(0);
}

/**
 * Keeps the lines of these runs up to date. One round reads all charts in view in one request; the
 * next begins when it has arrived, so a slow server is asked less often and nothing is cut off half
 * way. Charts out of view are read when they come into view.
 */
export function useLiveLines(runs: readonly string[]): void {
  const client = useQueryClient();
  const key = runs.join("\n");
  useEffect(() => {
    const followed = new Set(key.split("\n"));
    const reader = new LiveReader(client, followed);
    const stop = feed.listen({
      onChange: (change) => reader.hear(change),
      onReset: () => reader.hearAll(),
    });
    const stopState = feed.onState(() => {
      if (feed.state === "live") {
        // What failed while the server was away.
        void client.invalidateQueries({ predicate: (query) => query.state.status === "error" });
      }
    });
    return () => {
      stop();
      stopState();
      reader.stop();
    };
  }, [client, key]);
}

/** Kinds of changes that can move a line. */
const KINDS: ReadonlySet<string> = new Set(["points", "created", "state", "deleted", "undeleted"]);

class LiveReader {
  readonly #client: QueryClient;
  readonly #runs: ReadonlySet<string>;
  #changed = new Set<string>();
  #reading = false;
  #stopped = false;

  constructor(client: QueryClient, runs: ReadonlySet<string>) {
    this.#client = client;
    this.#runs = runs;
  }

  hear(change: ChangeItem): void {
    if (this.#runs.has(change.run) && change.kinds.some((kind) => KINDS.has(kind))) {
      this.#changed.add(change.run);
      void this.#round();
    }
  }

  hearAll(): void {
    this.#changed = new Set(this.#runs);
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #round(): Promise<void> {
    if (this.#reading) {
      return;
    }
    this.#reading = true;
    while (this.#changed.size > 0 && !this.#stopped) {
      const changed = this.#changed;
      this.#changed = new Set();
      await this.#client.invalidateQueries({
        queryKey: [LINES_KEY],
        predicate: (query) => isOfRuns(query.queryKey, changed),
      });
      await new Promise((resolve) => setTimeout(resolve, ROUND_REST_MILLIS));
    }
    this.#reading = false;
  }
}

function isOfRuns(key: readonly unknown[], runs: ReadonlySet<string>): boolean {
  const [, series] = key;
  return (
    Array.isArray(series) &&
    series.some(
      (one: unknown) =>
        typeof one === "object" && one !== null && "run" in one && typeof one.run === "string" && runs.has(one.run),
    )
  );
}
