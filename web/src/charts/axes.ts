//! What stands on x, and the ticks of both axes: where they are and what they say.

import type { Span } from "./lines";
import {
  formatDuration,
  formatStep,
  formatValue,
  formatWall,
  localMinutesBehind,
  type MinutesBehind,
  wallParts,
} from "./numbers";

/** What stands on x. The name of the metric is its unit for `metric`. */
export type XAxis =
  | { readonly kind: "step" }
  | { readonly kind: "relative_time" }
  | { readonly kind: "time" }
  | { readonly kind: "epoch" }
  | { readonly kind: "metric"; readonly name: string };

/** The step, as charts begin. */
export const STEP_AXIS: XAxis = { kind: "step" };

/** Reads the short form of the URL: `step`, `relative`, `time`, `epoch`, `metric:NAME`. */
export function xAxisFromText(text: string): XAxis {
  switch (text) {
    case "relative":
      return { kind: "relative_time" };
    case "time":
      return { kind: "time" };
    case "epoch":
      return { kind: "epoch" };
    default: {
      const name = text.startsWith("metric:") ? text.slice("metric:".length) : "";
      return name === "" ? STEP_AXIS : { kind: "metric", name };
    }
  }
}

/** The short form of the URL; `undefined` for the step. */
export function xAxisToText(axis: XAxis): string | undefined {
  switch (axis.kind) {
    case "step":
      return undefined;
    case "relative_time":
      return "relative";
    case "time":
    case "epoch":
      return axis.kind;
    case "metric":
      return `metric:${axis.name}`;
  }
}

/** What the axis is called. */
export function nameOfX(axis: XAxis): string {
  switch (axis.kind) {
    case "step":
    case "epoch":
    case "time":
      return axis.kind;
    case "relative_time":
      return "relative time";
    case "metric":
      return axis.name;
  }
}

/** One x in whole, for tooltips and text. */
export function formatX(axis: XAxis, value: number): string {
  switch (axis.kind) {
    case "step":
      return formatStep(value);
    case "relative_time":
      return formatDuration(value, value < 10 ? 3 : 1);
    case "time":
      return formatWall(value);
    case "epoch":
    case "metric":
      return formatValue(value, 7);
  }
}

const SECOND = 1;
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** Distances between ticks of clock time, in seconds, from a minute on; below it 1, 2, 5. */
const CLOCK_DISTANCES = [
  1,
  2,
  5,
  10,
  15,
  30,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  5 * DAY,
  10 * DAY,
  20 * DAY,
  50 * DAY,
  100 * DAY,
  200 * DAY,
  500 * DAY,
  1_000 * DAY,
];

/** A round number of 1, 2 or 5 times a power of ten, not below `least`. */
export function roundDistance(least: number): number {
  if (!(least > 0) || !Number.isFinite(least)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5].find((candidate) => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(1));
}

/** Distance of ticks along x, for at most `ticks` of them. */
export function tickDistance(axis: XAxis, span: Span, ticks: number): number {
  const parts = Math.max(ticks, 1);
  const least = span.to / parts - span.from / parts;
  switch (axis.kind) {
    case "step":
      return Math.max(roundDistance(least), span.to - span.from > 2 ? 1 : 0);
    case "relative_time":
      return clockDistance(least);
    case "time":
      return clockDistance(least / 1e6) * 1e6;
    case "epoch":
    case "metric":
      return roundDistance(least);
  }
}

function clockDistance(leastSeconds: number): number {
  return leastSeconds <= SECOND / 2
    ? roundDistance(leastSeconds)
    : (CLOCK_DISTANCES.find((distance) => distance >= leastSeconds) ?? roundDistance(leastSeconds));
}

/** Ticks at whole multiples of the distance, those of wall time of the local clock. */
export function ticksInside(
  axis: XAxis,
  span: Span,
  distance: number,
  behind: MinutesBehind = localMinutesBehind,
): number[] {
  const origin = axis.kind === "time" ? behind(span.from) * 60e6 : 0;
  const first = Math.ceil((span.from - origin) / distance - 1e-9);
  const last = Math.floor((span.to - origin) / distance + 1e-9);
  const ticks: number[] = [];
  for (let index = first; index <= last && ticks.length < TICKS_MAX; index += 1) {
    ticks.push(index * distance + origin);
  }
  return ticks;
}

/** No axis has more ticks, whatever is asked. */
const TICKS_MAX = 200;

/** What ticks along x say. Wall time says the date in a second row where it is news. */
export function labelsOfX(
  axis: XAxis,
  ticks: readonly number[],
  distance: number,
  behind: MinutesBehind = localMinutesBehind,
): string[] {
  switch (axis.kind) {
    case "step":
    case "epoch":
    case "metric":
      return labelsOfNumbers(ticks, distance);
    case "relative_time": {
      const decimals = distance < 1 ? decimalsOf(distance) : 0;
      return ticks.map((tick) => (tick === 0 ? "0" : formatDuration(tick, decimals)));
    }
    case "time":
      return labelsOfWall(ticks, distance, behind);
  }
}

function labelsOfWall(ticks: readonly number[], distance: number, behind: MinutesBehind): string[] {
  const decimals = distance < 1e6 ? Math.min(decimalsOf(distance / 1e6), 6) : 0;
  let shown = "";
  return ticks.map((tick) => {
    const { date, clock } = wallParts(tick, decimals, behind);
    const news = date !== shown;
    shown = date;
    if (distance >= DAY * 1e6) {
      return date;
    }
    const short = distance >= MINUTE * 1e6 ? clock.slice(0, 5) : clock;
    return news ? `${short}\n${date}` : short;
  });
}

/** Digits after the point that a distance needs. */
function decimalsOf(distance: number): number {
  return Math.min(Math.max(0, -Math.floor(Math.log10(distance) + 1e-9)), 15);
}

/** Suffixes of thousands. */
const SUFFIXES = ["", "k", "M", "G", "T", "P"] as const;

/**
 * What ticks say that are plain numbers: all with the same unit (`1.5k`, `2.0k`) and just so many
 * digits that neighbours differ; exponents where the numbers are very small or great.
 */
export function labelsOfNumbers(ticks: readonly number[], distance: number): string[] {
  const greatest = ticks.reduce((most, tick) => Math.max(most, Math.abs(tick)), 0);
  if (greatest === 0) {
    return ticks.map(() => "0");
  }
  if (greatest < 1e-4 || greatest >= 1e18) {
    return ticks.map((tick) => exponentLabel(tick, distance));
  }
  const thousands = greatest < 1e4 ? 0 : Math.floor(Math.log10(greatest) / 3);
  const unit = 10 ** (3 * thousands);
  const decimals = decimalsOf(distance / unit);
  const suffix = SUFFIXES[thousands] ?? "";
  return ticks.map((tick) => (Math.abs(tick) < distance / 1e6 ? "0" : `${(tick / unit).toFixed(decimals)}${suffix}`));
}

function exponentLabel(tick: number, distance: number): string {
  if (Math.abs(tick) < distance / 1e6) {
    return "0";
  }
  const digits = Math.max(0, Math.floor(Math.log10(Math.abs(tick))) - Math.floor(Math.log10(distance) + 1e-9));
  const [mantissa = "", exponent = ""] = tick.toExponential(Math.min(digits, 15)).split("e");
  return `${mantissa}e${exponent.replace("+", "")}`;
}

/** Ticks of a logarithmic axis. */
export interface LogTicks {
  readonly ticks: number[];
  /** Those that say nothing are empty. */
  readonly labels: string[];
}

/**
 * Ticks of a logarithmic axis: powers of ten, 2 to 9 times them while there is room, and round
 * numbers in between where the axis is shorter than a decade.
 */
export function logTicks(span: Span, ticksWanted: number): LogTicks {
  const decades = Math.log10(span.to) - Math.log10(span.from);
  if (!(span.from > 0) || !(decades > 0)) {
    return { ticks: [], labels: [] };
  }
  if (decades < 1) {
    const distance = roundDistance((span.to - span.from) / Math.max(ticksWanted, 1));
    const ticks = ticksInside(STEP_AXIS, span, distance).filter((tick) => tick > 0);
    return { ticks, labels: labelsOfNumbers(ticks, distance) };
  }
  const every = Math.max(1, Math.ceil(decades / Math.max(ticksWanted, 1)));
  const first = Math.floor(Math.log10(span.from));
  const last = Math.ceil(Math.log10(span.to));
  const minor = every === 1 && decades <= 8;
  const labelled = decades <= 1.5 ? [1, 2, 5] : decades <= 3 ? [1, 3] : [1];
  const ticks: number[] = [];
  const labels: string[] = [];
  for (let power = Math.ceil(first / every) * every; power <= last; power += every) {
    for (const factor of minor ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : [1]) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= span.from * (1 - 1e-9) && tick <= span.to * (1 + 1e-9)) {
        ticks.push(tick);
        labels.push(labelled.includes(factor) ? powerLabel(factor, power) : "");
      }
    }
  }
  return { ticks, labels };
}

function powerLabel(factor: number, power: number): string {
  if (power >= -3 && power <= 3) {
    return power < 0 ? (factor * 10 ** power).toFixed(-power) : String(factor * 10 ** power);
  }
  if (power > 3 && power < 15) {
    const thousands = Math.floor(power / 3);
    return `${factor * 10 ** (power - 3 * thousands)}${SUFFIXES[thousands] ?? ""}`;
  }
  return `${factor}e${power}`;
}

/** Range of an axis around drawn values: 5 % air, one unit around a flat line. */
export function paddedRange(min: number, max: number, log: boolean): readonly [number, number] {
  if (log) {
    const decades = Math.log10(max) - Math.log10(min);
    const air = 10 ** (decades < 1e-9 ? 0.5 : Math.max(decades * 0.05, 1e-6));
    return [Math.max(min / air, Number.MIN_VALUE), Math.min(max * air, Number.MAX_VALUE)];
  }
  const height = max - min;
  const flat = max === 0 ? 1 : Math.abs(max) * 0.1;
  const air = height <= Math.abs(max) * 1e-12 ? flat : height * 0.05;
  const [low, high] = [Math.max(min - air, -Number.MAX_VALUE), Math.min(max + air, Number.MAX_VALUE)];
  if (Number.isFinite(high - low)) {
    return [low, high];
  }
  return Number.isFinite(height) ? [min, max] : [Math.max(min, -FAR), Math.min(max, FAR)];
}

/** Ends of a range whose width is no number: what lies past them is cut off. */
const FAR = Number.MAX_VALUE / 4;

/** A window that an axis can show: with a width, and above 0 on a logarithmic axis. */
export function usableSpan(span: Span, log: boolean): Span {
  if (log && span.to <= 0) {
    return { from: 1, to: 10 };
  }
  const from = log && span.from <= 0 ? Math.max(span.to / 1e3, Number.MIN_VALUE) : span.from;
  if (span.to - from > Math.abs(span.to) * 1e-14) {
    return Number.isFinite(span.to - from)
      ? { from, to: span.to }
      : { from: Math.max(from, -FAR), to: Math.min(span.to, FAR) };
  }
  const half = log ? undefined : Math.max(Math.abs(from) * 1e-6, 0.5);
  return half === undefined
    ? { from: Math.max(from / 2, Number.MIN_VALUE), to: Math.min(from * 2, Number.MAX_VALUE) }
    : { from: Math.max(from - half, -Number.MAX_VALUE), to: Math.min(from + half, Number.MAX_VALUE) };
}
