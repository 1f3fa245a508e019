//! Colours of states.

import type { RunState } from "../../api/types";

/** Mantine colours of states. */
export const STATE_COLORS: Readonly<Record<RunState, string>> = {
  pending: "gray",
  running: "blue",
  succeeded: "teal",
  failed: "red",
  lost: "orange",
};
