//! From the series of a run to the charts of its page: one for each metric name, a line for each context.

import type { SeriesItem } from "../../api/types";
import type { BoardMetric } from "../../charts/ChartBoard";
import { compareNames } from "../../charts/names";
import { slotsInOrder } from "../../charts/palette";
import { contextKey, contextText, type SeriesSource } from "../../charts/source";

/** Lines of one chart; more contexts are told, not drawn. */
const LINES_MAX = 100;

/** Charts of a run. The same context has the same colour in all of them. */
export function metricsOfRun(run: string, series: readonly SeriesItem[]): readonly BoardMetric[] {
  const metrics = series.filter((one) => one.kind === "metric" && isNumeric(one));
  const keys = [...new Set(metrics.map((one) => contextKey(one.context)))].sort(compareNames);
  const slots = slotsInOrder(keys);
  const byName = new Map<string, SeriesSource[]>();
  for (const one of metrics) {
    const key = contextKey(one.context);
    const source: SeriesSource = {
      address: key === "" ? { run, name: one.name } : { run, name: one.name, context: one.context },
      key: key === "" ? run : key,
      label: key === "" ? one.name : contextText(one.context),
      slot: slots.get(key) ?? 0,
      group: undefined,
    };
    const known = byName.get(one.name);
    if (known === undefined) {
      byName.set(one.name, [source]);
    } else {
      known.push(source);
    }
  }
  return [...byName].map(([name, sources]) => ({
    name,
    sources: sources.sort((one, two) => compareNames(one.label, two.label)).slice(0, LINES_MAX),
    notes: sources.length > LINES_MAX ? [`${sources.length - LINES_MAX} more contexts are not drawn`] : [],
  }));
}

/** Text has no place on an axis. */
function isNumeric(series: SeriesItem): boolean {
  return series.value_type !== "string";
}
