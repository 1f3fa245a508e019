//! Names of metrics: search by text or /regular expression/, and groups by prefix.

/** What a search box holds, read once. */
export type NameSearch =
  | { readonly kind: "all" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "expression"; readonly expression: RegExp }
  /** A regular expression that cannot be read: it narrows nothing, and the box says why. */
  | { readonly kind: "invalid"; readonly reason: string };

/** Longest expression that is read: longer ones are a mistake. */
const EXPRESSION_LENGTH_MAX = 500;

/**
 * Reads a search. `/loss|acc/` is a regular expression, without regard to case unless it holds a
 * capital letter (`/Loss/`), the last `/` may be missing while it is typed; anything else is words
 * that must all stand in the name, whatever the case.
 */
export function readSearch(text: string): NameSearch {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "/") {
    return { kind: "all" };
  }
  if (!trimmed.startsWith("/")) {
    return { kind: "words", words: trimmed.toLowerCase().split(/\s+/) };
  }
  const source = trimmed.slice(1).replace(/(?<!\\)\/$/, "");
  if (source.length > EXPRESSION_LENGTH_MAX) {
    return { kind: "invalid", reason: `expression is longer than ${EXPRESSION_LENGTH_MAX} characters` };
  }
  try {
    const caseMatters = /\p{Lu}/u.test(source.replaceAll(/\\./g, ""));
    return { kind: "expression", expression: new RegExp(source, caseMatters ? "u" : "iu") };
  } catch (error) {
    return { kind: "invalid", reason: error instanceof Error ? error.message : "invalid expression" };
  }
}

/** Whether a name is found. */
export function matchesSearch(name: string, search: NameSearch): boolean {
  switch (search.kind) {
    case "all":
    case "invalid":
      return true;
    case "words": {
      const lower = name.toLowerCase();
      return search.words.every((word) => lower.includes(word));
    }
    case "expression":
      return search.expression.test(name);
  }
}

/** Metrics with the same prefix. */
export interface NameGroup {
  /** Before the first slash; empty for names without one. */
  readonly prefix: string;
  /** Whole names, in natural order. */
  readonly names: readonly string[];
}

/** Prefix of a name: `train` of `train/loss`, empty of `loss` and of `/loss`. */
export function prefixOf(name: string): string {
  const slash = name.indexOf("/");
  return slash <= 0 || slash === name.length - 1 ? "" : name.slice(0, slash);
}

const natural = new Intl.Collator("en", { numeric: true });

/** Order of names for people: `layer2` before `layer10`; equal ones by code unit. */
export function compareNames(one: string, two: string): number {
  return natural.compare(one, two) || (one < two ? -1 : one > two ? 1 : 0);
}

/** Names by prefix: those without one first, then by prefix; each name once. */
export function groupNames(names: Iterable<string>): readonly NameGroup[] {
  const groups = new Map<string, string[]>();
  for (const name of [...new Set(names)].sort(compareNames)) {
    const prefix = prefixOf(name);
    const group = groups.get(prefix);
    if (group === undefined) {
      groups.set(prefix, [name]);
    } else {
      group.push(name);
    }
  }
  return [...groups]
    .map(([prefix, members]) => ({ prefix, names: members }))
    .sort((one, two) => compareNames(one.prefix, two.prefix));
}
