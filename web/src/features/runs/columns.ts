//! Columns of the table of runs: their keys in addresses, their titles, and what they show.

import type { Column, JsonValue, MetricValue, RunProperty, TableRow } from "../../api/types";
import { joinList, splitList } from "../../base/search";

/** Values of a metric that can be chosen. */
export const METRIC_VALUES: readonly MetricValue[] = ["last", "best", "min", "max", "mean", "last_step"];

/** Properties that can be chosen; state, name, experiment and tags always stand there. */
export const PROPERTIES: readonly RunProperty[] = [
  "created",
  "started",
  "ended",
  "last_received",
  "duration",
  "points",
  "id",
];

const SORT_ONLY: readonly RunProperty[] = ["name", "experiment", "state"];

/** `param:model.depth`, `metric:last:loss`, `metric:best:loss:{"subset":"val"}`, `property:created`. */
export function columnKey(column: Column): string {
  if (column.kind === "param") {
    return `param:${joinList(column.path, ".")}`;
  }
  if (column.kind === "property") {
    return `property:${column.property}`;
  }
  const context = column.context === undefined || column.context === null ? [] : [JSON.stringify(column.context)];
  return `metric:${column.value}:${joinList([column.name, ...context], ":")}`;
}

/** The column of a key; `undefined` for what is none. */
export function columnFromKey(key: string): Column | undefined {
  const colon = key.indexOf(":");
  const kind = key.slice(0, colon);
  const rest = key.slice(colon + 1);
  if (colon < 0 || rest === "") {
    return undefined;
  }
  if (kind === "param") {
    return { kind: "param", path: [...splitList(rest, ".")] };
  }
  if (kind === "property") {
    const property = [...PROPERTIES, ...SORT_ONLY].find((one) => one === rest);
    return property === undefined ? undefined : { kind: "property", property };
  }
  if (kind === "metric") {
    const [word, ...parts] = rest.split(":");
    const value = METRIC_VALUES.find((one) => one === word);
    const [name, context] = splitList(parts.join(":"), ":");
    if (value === undefined || name === undefined || name === "") {
      return undefined;
    }
    const parsed = context === undefined ? undefined : parseContext(context);
    return parsed === undefined ? { kind: "metric", name, value } : { kind: "metric", name, value, context: parsed };
  }
  return undefined;
}

function parseContext(text: string): Record<string, JsonValue> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isContext(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isContext(value: unknown): value is Record<string, JsonValue> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Columns as one text for the address. */
export function columnsText(columns: readonly Column[]): string {
  return joinList(columns.map(columnKey));
}

/** Columns of a text; what is none is left out. */
export function columnsFromText(text: string): readonly Column[] {
  return splitList(text).flatMap((key) => columnFromKey(key) ?? []);
}

const PROPERTY_TITLES: Readonly<Record<RunProperty, string>> = {
  id: "id",
  name: "name",
  experiment: "experiment",
  state: "state",
  created: "created",
  started: "started",
  ended: "ended",
  last_received: "last heard",
  duration: "duration",
  points: "points",
};

/** What stands above a column. */
export function columnTitle(column: Column): string {
  if (column.kind === "param") {
    return column.path.join(".");
  }
  if (column.kind === "property") {
    return PROPERTY_TITLES[column.property];
  }
  const context = column.context === undefined || column.context === null ? "" : ` ${contextText(column.context)}`;
  return column.value === "last"
    ? `${column.name}${context}`
    : `${column.value.replace("_", " ")} ${column.name}${context}`;
}

/** A context in short: `subset=val`. */
export function contextText(context: object): string {
  return Object.entries(context)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}

/** A property of a row as a value to show; times as microseconds. */
export function propertyValue(row: TableRow, property: RunProperty, nowMicros: number): string | number | null {
  const { run } = row;
  switch (property) {
    case "id":
      return run.id;
    case "name":
      return run.name;
    case "experiment":
      return run.experiment;
    case "state":
      return run.state;
    case "created":
      return run.created_at_micros;
    case "started":
      return run.started_at_micros;
    case "ended":
      return run.ended_at_micros;
    case "last_received":
      return run.last_received_at_micros;
    case "points":
      return run.completeness.durable;
    case "duration":
      return run.started_at_micros === null
        ? null
        : ((run.ended_at_micros ?? nowMicros) - run.started_at_micros) / 1_000_000;
  }
}
