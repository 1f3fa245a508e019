//! Params as rows: a tree flattened in order, with what a search leaves of it.

/** A leaf or a branch of the tree. */
export interface ParamRow {
  readonly path: readonly string[];
  readonly depth: number;
  /** Branches say how many leaves they hold. */
  readonly kind: "leaf" | "branch";
  readonly value: unknown;
  readonly leaves: number;
}

/** Whether a value is a branch: a dict that holds something. */
export function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

/** A leaf as text: text as it is, everything else as JSON. */
export function leafText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** A path as the API of the client writes it: `optimizer.lr`. */
export function pathText(path: readonly string[]): string {
  return path.join(".");
}

/**
 * All rows, branches before their leaves, keys in the order of people. With a search only leaves whose
 * path or value holds all its words, and the branches above them.
 */
export function paramRows(params: unknown, query: string): readonly ParamRow[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const rows: ParamRow[] = [];
  if (isBranch(params)) {
    walk(params, [], words, rows);
  }
  return rows;
}

const natural = new Intl.Collator("en", { numeric: true });

function walk(
  branch: Readonly<Record<string, unknown>>,
  path: readonly string[],
  words: readonly string[],
  rows: ParamRow[],
): number {
  let found = 0;
  for (const key of Object.keys(branch).sort(natural.compare)) {
    const value = branch[key];
    const own = [...path, key];
    if (isBranch(value)) {
      const place = rows.length;
      const leaves = walk(value, own, words, rows);
      if (leaves > 0) {
        rows.splice(place, 0, { path: own, depth: path.length, kind: "branch", value: undefined, leaves });
      }
      found += leaves;
    } else if (matches(own, value, words)) {
      rows.push({ path: own, depth: path.length, kind: "leaf", value, leaves: 1 });
      found += 1;
    }
  }
  return found;
}

function matches(path: readonly string[], value: unknown, words: readonly string[]): boolean {
  if (words.length === 0) {
    return true;
  }
  const text = `${pathText(path)} ${leafText(value)}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Leaves by path, for tables that lay several runs side by side. */
export function flatParams(params: unknown): ReadonlyMap<string, unknown> {
  return new Map(
    paramRows(params, "")
      .filter((row) => row.kind === "leaf")
      .map((row) => [JSON.stringify(row.path), row.value]),
  );
}

/** Names of branches that describe where a run ran. */
const ENVIRONMENT_KEYS = ["environment", "env", "system"];

/** Params apart from those that describe the environment. */
export function splitEnvironment(params: unknown): { readonly params: unknown; readonly environment: unknown } {
  if (!isBranch(params)) {
    return { params, environment: undefined };
  }
  const entries = Object.entries(params);
  const environment = entries.filter(([key]) => ENVIRONMENT_KEYS.includes(key));
  return environment.length === 0
    ? { params, environment: undefined }
    : {
        params: Object.fromEntries(entries.filter(([key]) => !ENVIRONMENT_KEYS.includes(key))),
        environment: Object.fromEntries(environment),
      };
}
