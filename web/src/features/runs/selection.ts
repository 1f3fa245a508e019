//! Which rows are selected: single ones, and ranges from the last one touched.

/** Selected runs and where a range begins. */
export interface Selection {
  readonly runs: ReadonlySet<string>;
  readonly anchor: string | undefined;
}

export const NOTHING: Selection = { runs: new Set(), anchor: undefined };

/** Turns one run over. */
export function toggled(selection: Selection, run: string): Selection {
  const runs = new Set(selection.runs);
  if (!runs.delete(run)) {
    runs.add(run);
  }
  return { runs, anchor: run };
}

/** Selects all from the anchor to `run`, in the order shown. */
export function extended(selection: Selection, run: string, order: readonly string[]): Selection {
  const from = selection.anchor === undefined ? -1 : order.indexOf(selection.anchor);
  const to = order.indexOf(run);
  if (from < 0 || to < 0) {
    return toggled(selection, run);
  }
  const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { runs: new Set([...selection.runs, ...range]), anchor: selection.anchor };
}
