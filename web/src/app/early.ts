//! Fetches the code of the page that is asked for beside what all pages share, not after it.
//! Imported first, so that it runs before the rest is evaluated.

/** The code of each page, fetched once. */
export const PAGES = {
  runs: () => import("./RunsRoute"),
  run: () => import("./RunRoute"),
  compare: () => import("./CompareRoute"),
} as const;

const path = window.location.pathname;
const page = path.endsWith("/app/compare") ? PAGES.compare : /\/app\/runs\/./.test(path) ? PAGES.run : PAGES.runs;
// The router asks again, and shows what went wrong.
page().catch(() => undefined);
