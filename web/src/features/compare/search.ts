//! The state of a comparison in the URL.

import { type BoardSearch, boardFromSearch, searchFromBoard } from "../../charts/boardSearch";
import type { BoardState } from "../../charts/ChartBoard";
import { listFromText, listToText, textOf } from "../../charts/settings";

/** What gives lines their colour; groups and seeds are drawn as mean and band. */
export type ColorBy = "run" | "group" | "seed";

/** Tabs of the page. */
export type CompareTab = "metrics" | "params" | "values";

/** Which value the table of values shows. */
export type ValueKind = "last" | "best" | "min" | "max";

/** Runs that are compared at most. */
export const RUNS_MAX = 200;

/** The page in the URL; what is absent is as it was born. */
export interface CompareSearch extends BoardSearch {
  /** Ids, joined by commas. */
  readonly runs?: string;
  /** All runs of an experiment, instead of ids. */
  readonly experiment?: string;
  /** All runs of a group, instead of ids. */
  readonly group?: string;
  readonly by?: "group" | "seed";
  readonly tab?: "params" | "values";
  /** Search of the params. */
  readonly p?: string;
  /** `all`: params that are equal too. */
  readonly show?: "all";
  /** Which values. */
  readonly v?: Exclude<ValueKind, "last">;
  /** Column by which the params are sorted: a run, `-` before it for falling order. */
  readonly sort?: string;
}

/** State of the page. */
export interface ComparePageState {
  readonly runs: readonly string[];
  readonly experiment: string | undefined;
  readonly group: string | undefined;
  readonly colorBy: ColorBy;
  readonly tab: CompareTab;
  readonly params: string;
  readonly onlyDifferent: boolean;
  readonly values: ValueKind;
  readonly sort: string | undefined;
  readonly board: BoardState;
}

/** Reads what the URL says; what cannot be read counts as not said. */
export function compareStateFromSearch(raw: Readonly<Record<string, unknown>>): ComparePageState {
  const by = textOf(raw["by"]);
  const tab = textOf(raw["tab"]);
  const values = textOf(raw["v"]);
  return {
    runs: [...new Set(listFromText(textOf(raw["runs"])))].slice(0, RUNS_MAX),
    experiment: textOf(raw["experiment"]),
    group: textOf(raw["group"]),
    colorBy: by === "group" || by === "seed" ? by : "run",
    tab: tab === "params" || tab === "values" ? tab : "metrics",
    params: textOf(raw["p"]) ?? "",
    onlyDifferent: textOf(raw["show"]) !== "all",
    values: values === "best" || values === "min" || values === "max" ? values : "last",
    sort: textOf(raw["sort"]),
    board: boardFromSearch(raw),
  };
}

/** The short form. */
export function searchFromCompareState(state: ComparePageState): CompareSearch {
  const runs = listToText(state.runs);
  return {
    ...(runs === undefined ? {} : { runs }),
    ...(state.experiment === undefined ? {} : { experiment: state.experiment }),
    ...(state.group === undefined ? {} : { group: state.group }),
    ...(state.colorBy === "run" ? {} : { by: state.colorBy }),
    ...(state.tab === "metrics" ? {} : { tab: state.tab }),
    ...(state.params === "" ? {} : { p: state.params }),
    ...(state.onlyDifferent ? {} : { show: "all" }),
    ...(state.values === "last" ? {} : { v: state.values }),
    ...(state.sort === undefined ? {} : { sort: state.sort }),
    ...searchFromBoard(state.board),
  };
}

/** For routers: keeps what can be read of an address, in short form. */
export function validCompareSearch(raw: Readonly<Record<string, unknown>>): CompareSearch {
  return searchFromCompareState(compareStateFromSearch(raw));
}
