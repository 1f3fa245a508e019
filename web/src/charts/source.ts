//! Which series a chart shows, and how what the API answers becomes lines.

import type { LineColumns, LinesWindow } from "../api/lines";
import type { Context, LineX, SeriesAddress } from "../api/types";
import type { XAxis } from "./axes";
import type { ChartSeries } from "./compose";
import type { Line, Span } from "./lines";
import { widenedSpan } from "./projection";

/** A series of the API with its place in a chart. */
export interface SeriesSource {
  readonly address: SeriesAddress;
  readonly key: string;
  readonly label: string;
  readonly slot: number;
  /** Series with the same group are drawn as one. */
  readonly group: { readonly key: string; readonly label: string } | undefined;
}

/** Windows are fetched with so many widths more at either side, so that a pan has something to show. */
const FETCH_MARGIN = 0.5;
/** Pixels of a request go in steps, so that a resize by a few does not ask again. */
const PIXEL_STEP = 128;
const PIXELS_MAX = 16_384;

/** A context as text: `subset=train, fold=1`; empty for none. */
export function contextText(context: Context): string {
  return Object.entries(context)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

/** A context as the key of a line. */
export function contextKey(context: Context): string {
  return Object.keys(context).length === 0 ? "" : JSON.stringify(context);
}

/** x as the API names it. */
export function lineX(axis: XAxis): LineX {
  return axis.kind === "metric" ? { kind: "metric", name: axis.name } : { kind: axis.kind };
}

/** What to ask for a window of a chart of so many device pixels. */
export function windowOf(axis: XAxis, logX: boolean, span: Span | undefined, pixels: number): LinesWindow {
  const stepped = Math.ceil(pixels / PIXEL_STEP) * PIXEL_STEP;
  const base = { x: lineX(axis), log_x: logX };
  if (span === undefined) {
    return { ...base, pixels: Math.min(stepped, PIXELS_MAX) };
  }
  const wide = widenedSpan(span, FETCH_MARGIN, logX && span.from > 0);
  const wider = Math.round(stepped * (1 + 2 * FETCH_MARGIN));
  return { ...base, pixels: Math.min(wider, PIXELS_MAX), from: wide.from, to: wide.to };
}

/** What was answered, as what is drawn. Lines with an error or without points are left out. */
export function seriesFromAnswer(
  sources: readonly SeriesSource[],
  answer: readonly LineColumns[],
): readonly ChartSeries[] {
  const groups = new Map<string, { readonly label: string; readonly slot: number; readonly members: Line[] }>();
  const series: ChartSeries[] = [];
  for (const [index, source] of sources.entries()) {
    const columns = answer[index];
    if (columns === undefined || columns.x.length === 0) {
      continue;
    }
    const { x, y, steps } = columns;
    const line: Line = { key: source.key, label: source.label, x, y, steps, thinned: !columns.head.exact };
    if (source.group === undefined) {
      series.push({ kind: "line", line, slot: source.slot });
      continue;
    }
    const group = groups.get(source.group.key);
    if (group === undefined) {
      const members = [line];
      groups.set(source.group.key, { label: source.group.label, slot: source.slot, members });
      series.push({ kind: "group", key: source.group.key, label: source.group.label, slot: source.slot, members });
    } else {
      group.members.push(line);
    }
  }
  return series;
}

/** What went wrong with single lines, in words. */
export function errorsOfAnswer(sources: readonly SeriesSource[], answer: readonly LineColumns[]): readonly string[] {
  const errors = new Set<string>();
  for (const [index, source] of sources.entries()) {
    const error = answer[index]?.head.error;
    if (error !== undefined && error.kind !== "not_found") {
      errors.add(`${source.label}: ${error.detail}`);
    }
  }
  return [...errors];
}
