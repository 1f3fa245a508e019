// Imports go down only: base <- api <- widgets <- charts <- features <- app; no feature imports another.
// Fails too when it does not find a planted violation.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const LAYERS = ["base", "api", "widgets", "charts", "features", "app"];
const root = join(dirname(fileURLToPath(import.meta.url)), "..", "src");
const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** Violations in a file, `path` relative to src. */
function violations(path, text) {
  const [layer, feature] = path.split("/");
  const found = [];
  for (const [, target] of text.matchAll(IMPORT)) {
    const [otherLayer, otherFeature] = normalize(join(dirname(path), target)).split("/");
    const up = LAYERS.indexOf(otherLayer) > LAYERS.indexOf(layer);
    const across = layer === "features" && otherLayer === "features" && feature !== otherFeature;
    if (!LAYERS.includes(otherLayer) || up || across) {
      found.push(`${path} imports ${target}`);
    }
  }
  return found;
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const planted = [
  violations("base/a.ts", 'import { b } from "../api/b";'),
  violations("features/runs/a.tsx", 'const b = import("../compare/b");'),
  violations("charts/a.ts", 'export { b } from "../../scripts/b";'),
];
if (planted.some((found) => found.length !== 1) || violations("app/a.ts", 'import "../base/b";').length !== 0) {
  console.error("error: the check of layers does not see what it must");
  process.exit(1);
}
const found = files(root).flatMap((path) => violations(relative(root, path), readFileSync(path, "utf8")));
if (found.length > 0) {
  console.error(
    `${found.join("\n")}\nhint: imports go down only: ${LAYERS.join(" <- ")}, and no feature imports another`,
  );
  process.exit(1);
}
