//! How all charts of a page are drawn, as it stands in the URL: short, typed, and forgiving.

import { joinList, splitList } from "../base/search";
import { STEP_AXIS, type XAxis, xAxisFromText, xAxisToText } from "./axes";
import type { Span } from "./lines";
import { spanFromText, spanToText } from "./projection";
import { type Smoothing, smoothingFromText, smoothingToText, UNSMOOTHED } from "./smoothing";

/** Sizes of charts in a grid. */
export type ChartSize = "s" | "m" | "l";

/** Settings of a page. */
export interface ChartSettings {
  readonly axis: XAxis;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly smoothing: Smoothing;
  readonly span: Span | undefined;
  readonly size: ChartSize;
}

/** The same in the URL; what is absent is as it was born. */
export interface ChartSearch {
  /** `relative`, `time`, `epoch` or `metric:NAME`. */
  readonly x?: string;
  /** Logarithmic axes: `x`, `y` or `xy`. */
  readonly log?: string;
  /** `0.6` or `25p`. */
  readonly s?: string;
  /** Window of x, `FROM~TO`. */
  readonly w?: string;
  readonly size?: ChartSize;
}

/** Settings of a page that says nothing. */
export const SETTINGS_AT_BIRTH: ChartSettings = {
  axis: STEP_AXIS,
  logX: false,
  logY: false,
  smoothing: UNSMOOTHED,
  span: undefined,
  size: "m",
};

/** Plot heights and least widths of the sizes, in pixels. */
export const CHART_SIZES: Readonly<Record<ChartSize, { readonly height: number; readonly width: number }>> = {
  s: { height: 170, width: 280 },
  m: { height: 230, width: 400 },
  l: { height: 360, width: 640 },
};

/** A value of the URL as text: routers read `0.6` as a number. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : undefined;
}

/** Reads what the URL says; what cannot be read counts as not said. */
export function settingsFromSearch(raw: Readonly<Record<string, unknown>>): ChartSettings {
  const log = textOf(raw["log"]) ?? "";
  const size = textOf(raw["size"]);
  return {
    axis: xAxisFromText(textOf(raw["x"]) ?? ""),
    logX: log === "x" || log === "xy",
    logY: log === "y" || log === "xy",
    smoothing: smoothingFromText(textOf(raw["s"]) ?? ""),
    span: spanFromText(textOf(raw["w"]) ?? ""),
    size: size === "s" || size === "l" ? size : "m",
  };
}

/** The short form. */
export function searchFromSettings(settings: ChartSettings): ChartSearch {
  const x = xAxisToText(settings.axis);
  const log = `${settings.logX ? "x" : ""}${settings.logY ? "y" : ""}`;
  const s = smoothingToText(settings.smoothing);
  return {
    ...(x === undefined ? {} : { x }),
    ...(log === "" ? {} : { log }),
    ...(s === undefined ? {} : { s }),
    ...(settings.span === undefined ? {} : { w: spanToText(settings.span) }),
    ...(settings.size === "m" ? {} : { size: settings.size }),
  };
}

/** A list of words in the URL; nothing for what is no list. */
export function listFromText(text: string | undefined): readonly string[] {
  return splitList(text ?? "").filter((word) => word !== "");
}

/** The short form of a list; `undefined` for an empty one. */
export function listToText(words: Iterable<string>): string | undefined {
  const text = joinList([...words]);
  return text === "" ? undefined : text;
}
