//! Which address shows which page. Features get their state from here and hand it back.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { columnsQuery } from "../api/runs";
import { parseSearch, stringifySearch } from "../base/search";
import { compareStateFromSearch, searchFromCompareState } from "../features/compare/search";
import { runStateFromSearch, searchFromRunState } from "../features/run/search";
import { runsSearch } from "../features/runs/search";
import { EmptyPanel, ErrorPanel } from "../widgets/Panels";
import { client } from "./client";
import { PAGES } from "./early";
import { Shell } from "./Shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <EmptyPanel title="There is no such page">Runs are at app/runs.</EmptyPanel>,
  errorComponent: ({ error, reset }) => (
    <ErrorPanel error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />
  ),
});

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: runsSearch,
  beforeLoad: ({ search }) => {
    throw redirect({ to: "/app/runs", search, replace: true });
  },
});

const app = createRoute({
  getParentRoute: () => root,
  path: "/app",
  validateSearch: runsSearch,
  beforeLoad: ({ search }) => {
    throw redirect({ to: "/app/runs", search, replace: true });
  },
});

const runsRoute = createRoute({
  getParentRoute: () => root,
  path: "/app/runs",
  validateSearch: runsSearch,
  loaderDeps: ({ search }) => ({ experiment: search.experiment }),
  // Asked while the code of the page is on its way; the page needs the answer to ask for its rows.
  loader: ({ deps }) => void client.prefetchQuery(columnsQuery(deps.experiment)),
  component: lazyRouteComponent(PAGES.runs, "RunsRoute"),
});

const runRoute = createRoute({
  getParentRoute: () => root,
  path: "/app/runs/$run",
  validateSearch: (raw: Record<string, unknown>) => searchFromRunState(runStateFromSearch(raw)),
  component: lazyRouteComponent(PAGES.run, "RunRoute"),
});

const compareRoute = createRoute({
  getParentRoute: () => root,
  path: "/app/compare",
  validateSearch: (raw: Record<string, unknown>) => searchFromCompareState(compareStateFromSearch(raw)),
  component: lazyRouteComponent(PAGES.compare, "CompareRoute"),
});

/** The part of the address before the pages, as a proxy may put it there. */
const basepath = new URL(".", document.baseURI).pathname;

export const router = createRouter({
  routeTree: root.addChildren([start, app, runsRoute, runRoute, compareRoute]),
  basepath,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
