// What a browser must load before a page shows: under 300 KB, compressed with gzip.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT = 300_000;
const PAGES = ["src/app/RunsRoute.tsx", "src/app/RunRoute.tsx", "src/app/CompareRoute.tsx"];
const home = process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? "", ".cache");
const dist = process.env.RUNSTONE_WEB_DIST ?? join(home, "runstone/web/dist");
const manifest = JSON.parse(readFileSync(`${dist}.manifest.json`, "utf8"));

/** The files that one entry needs at once: itself, what it imports, and styles. */
function needed(key, files = new Set()) {
  const chunk = manifest[key];
  if (chunk === undefined) {
    throw new Error(`the build has no ${key}`);
  }
  if (!files.has(chunk.file)) {
    files.add(chunk.file);
    for (const style of chunk.css ?? []) {
      files.add(style);
    }
    for (const other of chunk.imports ?? []) {
      needed(other, files);
    }
  }
  return files;
}

let failed = false;
for (const page of PAGES) {
  const files = needed("index.html");
  needed(page, files);
  const bytes = [...files].reduce((sum, file) => {
    const path = join(dist, file);
    return sum + (existsSync(`${path}.gz`) ? readFileSync(`${path}.gz`) : gzipSync(readFileSync(path))).length;
  }, 0);
  const kilobytes = (bytes / 1000).toFixed(1);
  console.log(`${page}: ${files.size} files, ${kilobytes} KB with gzip`);
  if (bytes > LIMIT) {
    console.error(`error: the first load of ${page} is ${kilobytes} KB, at most 300 KB are allowed`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
