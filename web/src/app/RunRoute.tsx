//! The page of a run at its address.

import { getRouteApi, useNavigate, useRouter } from "@tanstack/react-router";
import { useCallback } from "react";
import { RunPage } from "../features/run/RunPage";
import type { RunSearch } from "../features/run/search";

const route = getRouteApi("/app/runs/$run");

export function RunRoute() {
  const { run } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate();
  const router = useRouter();
  const onSearch = useCallback(
    (next: RunSearch, push: boolean) =>
      void navigate({ to: "/app/runs/$run", params: { run }, search: next, replace: !push }),
    [navigate, run],
  );
  const experimentHref = useCallback(
    (experiment: string) => router.buildLocation({ to: "/app/runs", search: { experiment } }).publicHref,
    [router],
  );
  const runHref = useCallback(
    (id: string) => router.buildLocation({ to: "/app/runs/$run", params: { run: id } }).publicHref,
    [router],
  );
  return (
    <RunPage
      key={run}
      run={run}
      search={search}
      onSearch={onSearch}
      experimentHref={experimentHref}
      runHref={runHref}
    />
  );
}
