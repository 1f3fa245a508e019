//! The comparison at its address.

import { getRouteApi, useNavigate, useRouter } from "@tanstack/react-router";
import { useCallback } from "react";
import { ComparePage } from "../features/compare/ComparePage";
import type { CompareSearch } from "../features/compare/search";

const route = getRouteApi("/app/compare");

export function CompareRoute() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const router = useRouter();
  const onSearch = useCallback(
    (next: CompareSearch, push: boolean) => void navigate({ to: "/app/compare", search: next, replace: !push }),
    [navigate],
  );
  const runHref = useCallback(
    (run: string) => router.buildLocation({ to: "/app/runs/$run", params: { run } }).publicHref,
    [router],
  );
  return <ComparePage search={search} onSearch={onSearch} runHref={runHref} />;
}
