//! Which runs an address means, where the server names none or several.

import type { RunItem } from "../../api/types";

/** The start of an id has so many characters at least, as for the server. */
const PREFIX_CHARACTERS_MIN = 4;

/** Of these runs those that are meant: an id goes before names, and a name before starts of ids. */
export function meantRuns<Run extends Pick<RunItem, "id" | "name">>(
  runs: readonly Run[],
  address: string,
): readonly Run[] {
  const byId = runs.filter((run) => run.id === address);
  if (byId.length > 0) {
    return byId;
  }
  const byName = runs.filter((run) => run.name === address);
  if (byName.length > 0 || address.length < PREFIX_CHARACTERS_MIN) {
    return byName;
  }
  return runs.filter((run) => run.id.startsWith(address));
}
