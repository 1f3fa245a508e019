//! The state of the runs page, as its address holds it.

import type { RunState, Sort, TableRequest } from "../../api/types";
import { joinList, splitList } from "../../base/search";
import { columnFromKey, columnKey, columnsFromText } from "./columns";

/** What stands in the address: plain text, absent where it is as usual. */
export interface RunsSearch {
  /** Words to look for. */
  readonly q?: string;
  readonly experiment?: string;
  /** States, joined by commas. */
  readonly state?: string;
  /** Tags, joined by commas. */
  readonly tag?: string;
  /** `archived`: archived runs too; `trash`: deleted ones instead. */
  readonly show?: "archived" | "trash";
  /** Key of a column, with `-` before it for the greatest first. */
  readonly sort?: string;
  /** Keys of columns, joined by commas; `none` for none at all. */
  readonly columns?: string;
  /** Ids of selected runs, joined by commas, while there are few. */
  readonly selected?: string;
}

export const STATES: readonly RunState[] = ["pending", "running", "succeeded", "failed", "lost"];

/** Takes what is known and well-formed; the rest is as usual. */
export function runsSearch(raw: Record<string, unknown>): RunsSearch {
  const text = (name: string): string | undefined => {
    const value = raw[name];
    return value === undefined || value === null || value === "" ? undefined : String(value);
  };
  const show = text("show");
  const state = text("state")
    ?.split(",")
    .filter((word) => STATES.some((known) => known === word))
    .join(",");
  const entries = {
    q: text("q"),
    experiment: text("experiment"),
    state: state === "" ? undefined : state,
    tag: text("tag"),
    show: show === "archived" || show === "trash" ? show : undefined,
    sort: sortFromText(text("sort")) === undefined ? undefined : text("sort"),
    columns: text("columns"),
    selected: text("selected"),
  };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

/** `-metric:last:loss`: by the last loss, the greatest first. */
export function sortFromText(text: string | undefined): Sort | undefined {
  if (text === undefined) {
    return undefined;
  }
  const descending = text.startsWith("-");
  const column = columnFromKey(descending ? text.slice(1) : text);
  return column === undefined ? undefined : { column, descending };
}

export function sortText(sort: Sort): string {
  return `${sort.descending === true ? "-" : ""}${columnKey(sort.column)}`;
}

/** States chosen. */
export function statesOf(search: RunsSearch): readonly RunState[] {
  return STATES.filter((state) => search.state?.split(",").includes(state));
}

/** Tags chosen. */
export function tagsOf(search: RunsSearch): readonly string[] {
  return splitList(search.tag ?? "");
}

/** The search with a tag more. */
export function withTag(search: RunsSearch, tag: string): RunsSearch {
  return { ...search, tag: joinList([...new Set([...tagsOf(search), tag])]) };
}

/** What to ask of the server, but for page and columns. */
export function requestOf(search: RunsSearch): TableRequest {
  const request: TableRequest = {};
  if (search.q !== undefined) {
    request.text = search.q;
  }
  if (search.experiment !== undefined) {
    request.experiment = search.experiment;
  }
  if (search.state !== undefined) {
    request.states = [...statesOf(search)];
  }
  if (search.tag !== undefined) {
    request.tags = [...tagsOf(search)];
  }
  if (search.show === "archived") {
    request.archived = true;
  }
  if (search.show === "trash") {
    request.deleted = true;
    request.archived = true;
  }
  const sort = sortFromText(search.sort);
  if (sort !== undefined) {
    request.sort = sort;
  }
  return request;
}

/** Columns of the address; `undefined` where it names none. */
export function chosenColumns(search: RunsSearch) {
  if (search.columns === undefined) {
    return undefined;
  }
  return search.columns === "none" ? [] : columnsFromText(search.columns);
}

/** The search without some of its fields. */
export function without(search: RunsSearch, names: readonly (keyof RunsSearch)[]): RunsSearch {
  return Object.fromEntries(Object.entries(search).filter(([name]) => !names.some((gone) => gone === name)));
}
