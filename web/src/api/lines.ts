//! `POST /runstone/v1/lines`: many series in one request, as typed arrays.
//!
//! Charts ask one by one; what is asked in the same moment with the same window, resolution and x
//! goes out as one request. Answers are Arrow; JSON serves where the server has none.

import { tableFromIPC } from "@uwdata/flechette";
import { jsonBody, request } from "./http";
import type { ApiNumber, LineHead, LinesAnswer, LinesRequest, SeriesAddress } from "./types";

/** Series of one request, as the server takes them. */
const SERIES_MAX = 1_000;
const ARROW = "application/vnd.apache.arrow.stream";

/** A line as typed arrays. */
export interface LineColumns {
  readonly head: LineHead;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** The same array as `x` where x is the step. */
  readonly steps: Float64Array;
}

/** Everything of a request but its series. */
export type LinesWindow = Omit<LinesRequest, "series">;

interface Waiting {
  readonly series: readonly SeriesAddress[];
  readonly resolve: (lines: readonly LineColumns[]) => void;
  readonly reject: (error: unknown) => void;
}

const waiting = new Map<string, { readonly window: LinesWindow; readonly readers: Waiting[] }>();

/** Reads lines, in the order asked; joined with what else is asked in this moment. */
export async function readLines(
  series: readonly SeriesAddress[],
  window: LinesWindow,
): Promise<readonly LineColumns[]> {
  const parts: Promise<readonly LineColumns[]>[] = [];
  for (let start = 0; start < series.length; start += SERIES_MAX) {
    parts.push(queueLines(series.slice(start, start + SERIES_MAX), window));
  }
  return (await Promise.all(parts)).flat();
}

function queueLines(series: readonly SeriesAddress[], window: LinesWindow): Promise<readonly LineColumns[]> {
  return new Promise((resolve, reject) => {
    const key = JSON.stringify(window);
    const batch = waiting.get(key);
    if (batch === undefined) {
      waiting.set(key, { window, readers: [{ series, resolve, reject }] });
      setTimeout(() => send(key), 0);
    } else {
      batch.readers.push({ series, resolve, reject });
    }
  });
}

function send(key: string): void {
  const batch = waiting.get(key);
  waiting.delete(key);
  if (batch === undefined) {
    return;
  }
  let readers: Waiting[] = [];
  let count = 0;
  for (const reader of batch.readers) {
    if (count > 0 && count + reader.series.length > SERIES_MAX) {
      void answer(readers, batch.window);
      readers = [];
      count = 0;
    }
    readers.push(reader);
    count += reader.series.length;
  }
  void answer(readers, batch.window);
}

async function answer(readers: readonly Waiting[], window: LinesWindow): Promise<void> {
  try {
    const lines = await fetchLines({ ...window, series: readers.flatMap((reader) => reader.series) });
    let start = 0;
    for (const reader of readers) {
      reader.resolve(lines.slice(start, start + reader.series.length));
      start += reader.series.length;
    }
  } catch (error) {
    for (const reader of readers) {
      reader.reject(error);
    }
  }
}

async function fetchLines(body: LinesRequest): Promise<readonly LineColumns[]> {
  const init = jsonBody("POST", body);
  const response = await request("lines", { ...init, headers: { "content-type": "application/json", accept: ARROW } });
  if (response.headers.get("content-type")?.startsWith(ARROW) === true) {
    const xIsStep = body.x === undefined || body.x.kind === "step";
    return linesFromArrow(new Uint8Array(await response.arrayBuffer()), xIsStep);
  }
  const answered: LinesAnswer = await response.json();
  return answered.lines.map((line) => {
    const x = Float64Array.from(line.x, numberOf);
    return {
      head: line,
      x,
      y: Float64Array.from(line.y, numberOf),
      steps: line.steps === undefined ? x : Float64Array.from(line.steps),
    };
  });
}

/** A number of the API as a number. */
export function numberOf(value: ApiNumber): number {
  return Number(value);
}

/** Cuts the columns of a stream into lines. */
export function linesFromArrow(bytes: Uint8Array, xIsStep: boolean): readonly LineColumns[] {
  const table = tableFromIPC(bytes, { useProxy: false });
  const heads = headsOf(table.schema.metadata?.get("runstone.lines"));
  const lines = table.getChild("line").toArray();
  const x = Float64Array.from(table.getChild("x").toArray());
  const y = Float64Array.from(table.getChild("y").toArray());
  const steps = Float64Array.from(table.getChild("step").toArray());
  let start = 0;
  return heads.map((head, index) => {
    let end = start;
    while (end < lines.length && lines[end] === index) {
      end += 1;
    }
    const own = x.subarray(start, end);
    const line = { head, x: own, y: y.subarray(start, end), steps: xIsStep ? own : steps.subarray(start, end) };
    start = end;
    return line;
  });
}

function headsOf(metadata: string | undefined): readonly LineHead[] {
  const parsed: { readonly lines: readonly LineHead[] } = JSON.parse(metadata ?? '{"lines":[]}');
  return parsed.lines;
}
