//! From series and settings to what is drawn: smoothing, hidden ones left out, groups as bands,
//! raw lines and members faint behind.

import { type Band, bandOf } from "./bands";
import type { Mark } from "./layer";
import type { Line } from "./lines";
import { type LineStyle, type Scheme, styleOfSlot } from "./palette";
import { isSmoothed, type Smoothing, smoothLine } from "./smoothing";

/** One thing with a colour and a place in the legend. */
export type ChartSeries =
  | { readonly kind: "line"; readonly line: Line; readonly slot: number }
  /** Several lines as their mean and a band. */
  | {
      readonly kind: "group";
      readonly key: string;
      readonly label: string;
      readonly slot: number;
      readonly members: readonly Line[];
    };

/** A row of the legend. */
export interface LegendEntry {
  readonly key: string;
  readonly label: string;
  readonly style: LineStyle;
  readonly hidden: boolean;
  /** Lines behind it. */
  readonly members: number;
}

/** How series are drawn. */
export interface Appearance {
  readonly smoothing: Smoothing;
  readonly hidden: ReadonlySet<string>;
  readonly scheme: Scheme;
}

/** What is drawn. */
export interface Composition {
  /** From back to front. */
  readonly marks: readonly Mark[];
  /** Marks of each key, for a highlight. */
  readonly marksByKey: ReadonlyMap<string, readonly Mark[]>;
  /** One line for each visible series, as drawn: readings, last values and exports. */
  readonly lines: readonly Line[];
  /** The same lines as logged, by key. */
  readonly raw: ReadonlyMap<string, Line>;
  /** All visible lines as logged, those of groups too. */
  readonly logged: readonly Line[];
  /** What the axis of y must hold. */
  readonly reaching: readonly Line[];
  readonly legend: readonly LegendEntry[];
}

/** Past this many lines each is drawn one pixel wide, which costs a fifth. */
const WIDE_LINES_MAX = 8;
const WIDTH_WIDE = 1.6;
const WIDTH_THIN = 1;
const ALPHA_RAW = 0.28;
const ALPHA_MEMBER = 0.3;
const ALPHA_BAND = 0.16;

/** Between the parts of a key: what comes before is the family. */
const FAMILY_END = "\t";

/** Key of a line that belongs to a family: hiding or lighting up the family means all its lines. */
export function keyInFamily(family: string, rest: string): string {
  return rest === "" ? family : `${family}${FAMILY_END}${rest}`;
}

/** Family of a key; the key itself where it has none. */
export function familyOf(key: string): string {
  const end = key.indexOf(FAMILY_END);
  return end < 0 ? key : key.slice(0, end);
}

/** Marks of the line with this key, or of all lines of this family. */
export function marksOf(composition: Composition, key: string | undefined): readonly Mark[] {
  if (key === undefined) {
    return [];
  }
  const own = composition.marksByKey.get(key);
  return own ?? [...composition.marksByKey].flatMap(([other, marks]) => (familyOf(other) === key ? marks : []));
}

/** Key of a series. */
export function keyOfSeries(series: ChartSeries): string {
  return series.kind === "line" ? series.line.key : series.key;
}

/** Puts a chart together. Cost: all points once, and a sort of the points of each group. */
export function compose(series: readonly ChartSeries[], appearance: Appearance): Composition {
  const { hidden } = appearance;
  const isHidden = (one: ChartSeries): boolean =>
    hidden.has(keyOfSeries(one)) || hidden.has(familyOf(keyOfSeries(one)));
  const visible = series.filter((one) => !isHidden(one));
  const width = visible.length <= WIDE_LINES_MAX ? WIDTH_WIDE : WIDTH_THIN;
  const drawn = visible.map((one) =>
    one.kind === "line"
      ? drawLine(one.line, styleOfSlot(one.slot, appearance.scheme), width, appearance.smoothing)
      : drawGroup(one, styleOfSlot(one.slot, appearance.scheme), appearance.smoothing),
  );
  return {
    marks: [...drawn.flatMap((one) => one.behind), ...drawn.flatMap((one) => one.front)],
    marksByKey: new Map(drawn.map((one) => [one.line.key, one.highlight])),
    lines: drawn.map((one) => one.line),
    raw: new Map(drawn.map((one) => [one.line.key, one.raw])),
    logged: visible.flatMap((one) => (one.kind === "line" ? [one.line] : one.members)),
    reaching: drawn.flatMap((one) => one.reaching),
    legend: series.map((one) => ({
      key: keyOfSeries(one),
      label: one.kind === "line" ? one.line.label : one.label,
      style: styleOfSlot(one.slot, appearance.scheme),
      hidden: isHidden(one),
      members: one.kind === "line" ? 1 : one.members.length,
    })),
  };
}

interface DrawnSeries {
  readonly behind: readonly Mark[];
  readonly front: readonly Mark[];
  readonly highlight: readonly Mark[];
  readonly line: Line;
  readonly raw: Line;
  readonly reaching: readonly Line[];
}

function drawLine(raw: Line, style: LineStyle, width: number, smoothing: Smoothing): DrawnSeries {
  const line = smoothLine(raw, smoothing);
  const front: Mark = { kind: "line", line, ...style, width, alpha: 1 };
  const behind: readonly Mark[] = isSmoothed(smoothing)
    ? [{ kind: "line", line: raw, color: style.color, dash: [], width: WIDTH_THIN, alpha: ALPHA_RAW }]
    : [];
  return {
    behind,
    front: [front],
    highlight: [...behind, { ...front, width: WIDTH_WIDE + 0.9 }],
    line,
    raw,
    reaching: behind.length > 0 ? [line, raw] : [line],
  };
}

function drawGroup(
  group: Extract<ChartSeries, { kind: "group" }>,
  style: LineStyle,
  smoothing: Smoothing,
): DrawnSeries {
  const members = group.members.map((member) => smoothLine(member, smoothing));
  const band: Band = bandOf(group.key, group.label, members);
  const front: Mark = { kind: "line", line: band.mean, ...style, width: WIDTH_WIDE + 0.4, alpha: 1 };
  const behind: Mark[] = [
    {
      kind: "band",
      x: band.mean.x,
      low: band.low,
      high: band.high,
      color: style.color,
      alpha: ALPHA_BAND,
    },
  ];
  if (members.length > 1) {
    for (const line of members) {
      behind.push({
        kind: "line",
        line,
        color: style.color,
        dash: [],
        width: WIDTH_THIN,
        alpha: ALPHA_MEMBER,
      });
    }
  }
  return {
    behind,
    front: [front],
    highlight: [...behind, { ...front, width: WIDTH_WIDE + 1.2 }],
    line: band.mean,
    raw: bandOf(group.key, group.label, group.members).mean,
    reaching: [band.mean, { ...band.mean, y: band.low }, { ...band.mean, y: band.high }],
  };
}
