//! The state of a board in the URL.

import type { BoardState } from "./ChartBoard";
import { type ChartSearch, listFromText, listToText, searchFromSettings, settingsFromSearch, textOf } from "./settings";

/** A board in the URL; what is absent is as it was born. */
export interface BoardSearch extends ChartSearch {
  /** The search box. */
  readonly q?: string;
  /** Closed groups, joined by commas. */
  readonly closed?: string;
  /** Hidden lines. */
  readonly hide?: string;
  /** Pinned metrics. */
  readonly pin?: string;
  /** The metric that fills the screen. */
  readonly chart?: string;
}

/** Reads what the URL says; what cannot be read counts as not said. */
export function boardFromSearch(raw: Readonly<Record<string, unknown>>): BoardState {
  return {
    settings: settingsFromSearch(raw),
    query: textOf(raw["q"]) ?? "",
    closed: listFromText(textOf(raw["closed"])),
    hidden: listFromText(textOf(raw["hide"])),
    pinned: listFromText(textOf(raw["pin"])),
    chart: textOf(raw["chart"]),
  };
}

/** The short form. */
export function searchFromBoard(board: BoardState): BoardSearch {
  const closed = listToText(board.closed);
  const hide = listToText(board.hidden);
  const pin = listToText(board.pinned);
  return {
    ...searchFromSettings(board.settings),
    ...(board.query === "" ? {} : { q: board.query }),
    ...(closed === undefined ? {} : { closed }),
    ...(hide === undefined ? {} : { hide }),
    ...(pin === undefined ? {} : { pin }),
    ...(board.chart === undefined ? {} : { chart: board.chart }),
  };
}
