//! The runs page at its address.

import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import { joinList } from "../base/search";
import { RunsPage } from "../features/runs/RunsPage";
import type { RunsSearch } from "../features/runs/search";

const route = getRouteApi("/app/runs");

export function RunsRoute() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const onSearch = useCallback(
    (next: RunsSearch, replace: boolean) => void navigate({ to: "/app/runs", search: next, replace }),
    [navigate],
  );
  const onOpen = useCallback((run: string) => void navigate({ to: "/app/runs/$run", params: { run } }), [navigate]);
  const onCompare = useCallback(
    (runs: readonly string[]) => void navigate({ to: "/app/compare", search: { runs: joinList(runs) } }),
    [navigate],
  );
  return <RunsPage search={search} onSearch={onSearch} onOpen={onOpen} onCompare={onCompare} />;
}
