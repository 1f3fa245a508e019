//! Which rows are selected: single ones, and ranges from the last one touched; and how far rows moved.

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

/**
 * By how many rows what stood at `place` has moved from one order to the next; where that run is
 * gone the next one counts, and 0 where all were replaced.
 */
export function movedRows(before: readonly string[], after: readonly string[], place: number): number {
  if (before[place] !== undefined && before[place] === after[place]) {
    return 0;
  }
  const places = new Map(after.map((run, index) => [run, index]));
  for (let index = place; index < before.length; index += 1) {
    const now = places.get(before[index] ?? "");
    if (now !== undefined) {
      return now - place;
    }
  }
  return 0;
}
