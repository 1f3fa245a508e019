//! Params of several runs side by side: a row for each path, and what differs.

/** A param over all runs. */
export interface ParamComparison {
  /** Path as JSON, unlike any other. */
  readonly key: string;
  readonly path: readonly string[];
  /** One cell for each run, in the order asked; `undefined` where the run has no such param. */
  readonly cells: readonly unknown[];
  /** Not the same in all runs. */
  readonly differs: boolean;
  /** Numbers wherever there is a value: aligned to the right. */
  readonly numeric: boolean;
}

/** A leaf or not: lists and empty dicts are leaves. */
function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function collectLeaves(value: unknown, path: readonly string[], into: Map<string, unknown>): void {
  if (isBranch(value)) {
    for (const [key, child] of Object.entries(value)) {
      collectLeaves(child, [...path, key], into);
    }
  } else if (path.length > 0) {
    into.set(JSON.stringify(path), value);
  }
}

function pathOf(key: string): readonly string[] {
  const parsed: unknown = JSON.parse(key);
  return Array.isArray(parsed) ? parsed.map(String) : [];
}

const natural = new Intl.Collator("en", { numeric: true });

/** Rows of all params, by path. Values are equal when their JSON is: 1 is not true, [1] is not 1. */
export function compareParams(params: readonly unknown[]): readonly ParamComparison[] {
  const leaves = params.map((tree) => {
    const flat = new Map<string, unknown>();
    collectLeaves(tree, [], flat);
    return flat;
  });
  const keys = new Set(leaves.flatMap((flat) => [...flat.keys()]));
  return [...keys]
    .map((key): ParamComparison => {
      const cells = leaves.map((flat) => flat.get(key));
      const texts = new Set(cells.map((cell) => (cell === undefined ? "" : JSON.stringify(cell))));
      return {
        key,
        path: pathOf(key),
        cells,
        differs: texts.size > 1,
        numeric: cells.every((cell) => cell === undefined || typeof cell === "number" || isNumberWord(cell)),
      };
    })
    .sort((one, two) => natural.compare(one.path.join("."), two.path.join(".")));
}

function isNumberWord(cell: unknown): boolean {
  return cell === "NaN" || cell === "Infinity" || cell === "-Infinity";
}

/** Rows that a search and the wish for differences leave. */
export function chosenParams(
  rows: readonly ParamComparison[],
  query: string,
  onlyDifferent: boolean,
): readonly ParamComparison[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return rows.filter((row) => {
    const text = `${row.path.join(".")} ${row.cells.map(cellText).join(" ")}`.toLowerCase();
    return (row.differs || !onlyDifferent) && words.every((word) => text.includes(word));
  });
}

/** A cell as text; empty where there is none. */
export function cellText(cell: unknown): string {
  return cell === undefined ? "" : typeof cell === "string" ? cell : (JSON.stringify(cell) ?? "");
}

/** Order of cells: numbers before text, missing ones last either way. */
export function compareCells(one: unknown, two: unknown): number {
  if (one === undefined || two === undefined) {
    return one === two ? 0 : one === undefined ? 1 : -1;
  }
  if (typeof one === "number" && typeof two === "number") {
    return one - two;
  }
  if (typeof one === "number" || typeof two === "number") {
    return typeof one === "number" ? -1 : 1;
  }
  return natural.compare(cellText(one), cellText(two));
}

/** Indices of runs in the order of one param's cells. */
export function runOrder(row: ParamComparison | undefined, runs: number, descending: boolean): readonly number[] {
  const order = Array.from({ length: runs }, (_, index) => index);
  if (row === undefined) {
    return order;
  }
  return order.sort((one, two) => {
    const [a, b] = [row.cells[one], row.cells[two]];
    const missing = a === undefined || b === undefined;
    return compareCells(a, b) * (descending && !missing ? -1 : 1) || one - two;
  });
}
