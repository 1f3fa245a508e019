//! The runs page at its address.

import { getRouteApi, useNavigate, useRouter } from "@tanstack/react-router";
import { useCallback } from "react";
import { joinList } from "../base/search";
import { RunsPage } from "../features/runs/RunsPage";
import type { RunsSearch } from "../features/runs/search";

const route = getRouteApi("/app/runs");

export function RunsRoute() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const { basepath } = useRouter();
  // A link of the router in each of thousands of rows would cost more than all the rest of a row.
  const hrefOf = useCallback(
    (run: string) => `${basepath.replace(/\/$/, "")}/app/runs/${encodeURIComponent(run)}`,
    [basepath],
  );
  const onSearch = useCallback(
    (next: RunsSearch, replace: boolean) => void navigate({ to: "/app/runs", search: next, replace }),
    [navigate],
  );
  const onOpen = useCallback((run: string) => void navigate({ to: "/app/runs/$run", params: { run } }), [navigate]);
  const onCompare = useCallback(
    (runs: readonly string[]) => void navigate({ to: "/app/compare", search: { runs: joinList(runs) } }),
    [navigate],
  );
  return <RunsPage search={search} onSearch={onSearch} hrefOf={hrefOf} onOpen={onOpen} onCompare={onCompare} />;
}
