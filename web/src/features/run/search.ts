//! The state of a run's page in the URL.

import { type BoardSearch, boardFromSearch, searchFromBoard } from "../../charts/boardSearch";
import type { BoardState } from "../../charts/ChartBoard";
import { textOf } from "../../charts/settings";

/** Tabs of the page. */
export type RunTab = "metrics" | "overview";

/** The page in the URL; what is absent is as it was born. */
export interface RunSearch extends BoardSearch {
  readonly tab?: "overview";
  /** Search of the params. */
  readonly p?: string;
}

/** State of the page. */
export interface RunPageState {
  readonly tab: RunTab;
  readonly params: string;
  readonly board: BoardState;
}

/** Reads what the URL says; what cannot be read counts as not said. */
export function runStateFromSearch(raw: Readonly<Record<string, unknown>>): RunPageState {
  return {
    tab: textOf(raw["tab"]) === "overview" ? "overview" : "metrics",
    params: textOf(raw["p"]) ?? "",
    board: boardFromSearch(raw),
  };
}

/** The short form. */
export function searchFromRunState(state: RunPageState): RunSearch {
  return {
    ...(state.tab === "metrics" ? {} : { tab: state.tab }),
    ...(state.params === "" ? {} : { p: state.params }),
    ...searchFromBoard(state.board),
  };
}

/** For routers: keeps what can be read of an address, in short form. */
export function validRunSearch(raw: Readonly<Record<string, unknown>>): RunSearch {
  return searchFromRunState(runStateFromSearch(raw));
}
