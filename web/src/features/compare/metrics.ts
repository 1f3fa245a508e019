//! From the series of several runs to the charts of a comparison: one for each metric name, a line for
//! each run and context, coloured by run, group or seed.

import type { RunItem, SeriesItem } from "../../api/types";
import type { BoardMetric } from "../../charts/ChartBoard";
import { keyInFamily } from "../../charts/compose";
import { compareNames } from "../../charts/names";
import { slotsOf, slotVariant } from "../../charts/palette";
import { contextKey, contextText, type SeriesSource } from "../../charts/source";
import type { ColorBy, ValueKind } from "./search";

/** A run with its series. */
export interface ComparedRun {
  readonly run: RunItem;
  readonly series: readonly SeriesItem[];
}

/** Lines of one chart; more are told, not drawn. */
const LINES_MAX = 400;

/** What a run is called beside others: its name, and the end of its id where names are the same. */
export function runLabels(runs: readonly RunItem[]): ReadonlyMap<string, string> {
  const uses = new Map<string, number>();
  for (const run of runs) {
    const name = run.name ?? run.id;
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return new Map(
    runs.map((run) => {
      const name = run.name ?? run.id;
      return [run.id, (uses.get(name) ?? 0) > 1 && run.name !== null ? `${name} (${run.id.slice(-5)})` : name];
    }),
  );
}

/** The word that colours a run. */
export function colorWord(run: RunItem, by: ColorBy, labels: ReadonlyMap<string, string>): string {
  switch (by) {
    case "run":
      return labels.get(run.id) ?? run.id;
    case "group":
      return run.group ?? "no group";
    case "seed":
      return run.seed === null ? "no seed" : `seed ${run.seed}`;
  }
}

/** Slot of each run's colour. Runs of one group or seed share theirs. */
export function runSlots(runs: readonly RunItem[], by: ColorBy): ReadonlyMap<string, number> {
  const none = new Map<string, string>();
  const words = runs.map((run) => (by === "run" ? run.id : colorWord(run, by, none)));
  // Groups in their own order, so that the colours do not hang on which run comes first.
  const slots = slotsOf(by === "run" ? words : [...words].sort(compareNames));
  return new Map(runs.map((run, index) => [run.id, slots.get(words[index] ?? "") ?? 0]));
}

/** An entry of the legend of the page: a run, or a group or seed with its runs. */
export interface Family {
  /** Key that hides and lights up all its lines. */
  readonly key: string;
  readonly label: string;
  readonly slot: number;
  readonly runs: readonly RunItem[];
}

/** The legend of the page: in the order of the runs, or of the words that colour them. */
export function families(runs: readonly RunItem[], by: ColorBy): readonly Family[] {
  const labels = runLabels(runs);
  const slots = runSlots(runs, by);
  const found = new Map<string, { readonly label: string; readonly slot: number; readonly runs: RunItem[] }>();
  for (const run of runs) {
    const label = colorWord(run, by, labels);
    const key = by === "run" ? run.id : label;
    const family = found.get(key);
    if (family === undefined) {
      found.set(key, { label, slot: slots.get(run.id) ?? 0, runs: [run] });
    } else {
      family.runs.push(run);
    }
  }
  const entries = [...found].map(([key, family]) => ({ key, ...family }));
  return by === "run" ? entries : entries.sort((one, two) => compareNames(one.label, two.label));
}

/** Charts of a comparison. */
export function metricsOfRuns(compared: readonly ComparedRun[], by: ColorBy): readonly BoardMetric[] {
  const runs = compared.map((one) => one.run);
  const labels = runLabels(runs);
  const slots = runSlots(runs, by);
  const byName = new Map<string, { readonly run: RunItem; readonly series: SeriesItem }[]>();
  for (const { run, series } of compared) {
    for (const one of series) {
      if (one.kind === "metric" && one.value_type !== "string") {
        const known = byName.get(one.name);
        if (known === undefined) {
          byName.set(one.name, [{ run, series: one }]);
        } else {
          known.push({ run, series: one });
        }
      }
    }
  }
  return [...byName].map(([name, entries]) => {
    const contexts = [...new Set(entries.map(({ series }) => contextKey(series.context)))].sort(compareNames);
    const sources = entries.slice(0, LINES_MAX).map(({ run, series }): SeriesSource => {
      const context = contextKey(series.context);
      const suffix = contexts.length > 1 && context !== "" ? ` ${contextText(series.context)}` : "";
      const rest = contexts.length > 1 ? context : "";
      const word = colorWord(run, by, labels);
      return {
        address: context === "" ? { run: run.id, name } : { run: run.id, name, context: series.context },
        key: keyInFamily(run.id, rest),
        label: `${labels.get(run.id) ?? run.id}${suffix}`,
        slot: slotVariant(slots.get(run.id) ?? 0, contexts.indexOf(context)),
        group: by === "run" ? undefined : { key: keyInFamily(word, rest), label: `${word}${suffix}` },
      };
    });
    return {
      name,
      sources,
      notes: entries.length > LINES_MAX ? [`${entries.length - LINES_MAX} more lines are not drawn`] : [],
    };
  });
}

/** A row of the table of values: one metric and context over all runs. */
export interface ValueRow {
  readonly key: string;
  readonly metric: string;
  readonly context: string;
  readonly goal: "min" | "max" | undefined;
  /** By run; absent where the run has no such value. */
  readonly values: ReadonlyMap<string, { readonly value: number; readonly step: number }>;
}

/** Last, best, least or greatest values of all metrics, by name and context. */
export function valueRows(compared: readonly ComparedRun[], kind: ValueKind): readonly ValueRow[] {
  const rows = new Map<
    string,
    { readonly row: ValueRow; readonly values: Map<string, { value: number; step: number }> }
  >();
  for (const { run, series } of compared) {
    for (const one of series) {
      if (one.kind !== "metric") {
        continue;
      }
      const context = contextText(one.context);
      const key = `${one.name} ${contextKey(one.context)}`;
      let entry = rows.get(key);
      if (entry === undefined) {
        const values = new Map<string, { value: number; step: number }>();
        entry = { row: { key, metric: one.name, context, goal: one.goal ?? undefined, values }, values };
        rows.set(key, entry);
      }
      const point = one.summary[kind];
      if (point !== null) {
        entry.values.set(run.id, { value: Number(point.value), step: point.step });
      }
    }
  }
  return [...rows.values()]
    .map(({ row }) => row)
    .sort((one, two) => compareNames(one.metric, two.metric) || compareNames(one.context, two.context));
}

/** The run with the best value of a row: by its goal, none without one. */
export function bestRun(row: ValueRow): string | undefined {
  if (row.goal === undefined) {
    return undefined;
  }
  let best: { readonly run: string; readonly value: number } | undefined;
  for (const [run, { value }] of row.values) {
    const better = best === undefined || (row.goal === "min" ? value < best.value : value > best.value);
    if (!Number.isNaN(value) && better) {
      best = { run, value };
    }
  }
  return best?.run;
}
