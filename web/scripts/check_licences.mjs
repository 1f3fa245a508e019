// Every package of the lock file has a licence that may be shipped, and no address of a mirror.

import { readFileSync } from "node:fs";

const ALLOWED = new Set([
  "Apache-2.0",
  "MIT",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "CC0-1.0",
  "0BSD",
  "MIT-0",
  "Unlicense",
  "BlueOak-1.0.0",
  "Python-2.0",
  "CC-BY-4.0",
  "MPL-2.0",
]);
const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
const bad = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === "") {
    continue;
  }
  const choices = String(entry.license ?? "none")
    .replace(/[()]/g, "")
    .split(" OR ");
  if (!choices.some((choice) => choice.split(" AND ").every((one) => ALLOWED.has(one)))) {
    bad.push(`${path}: licence ${entry.license ?? "none"}`);
  }
  // Tools may be weak copyleft, what is shipped may not.
  if (entry.dev !== true && choices.every((choice) => choice.includes("MPL"))) {
    bad.push(`${path}: ${entry.license} in what is shipped`);
  }
  if (entry.resolved !== undefined && !entry.resolved.startsWith("https://registry.npmjs.org/")) {
    bad.push(`${path}: comes from ${entry.resolved}`);
  }
}
if (bad.length > 0) {
  console.error(
    `${bad.join("\n")}\nhint: take another package, or write down in docs/decisions why its licence will do`,
  );
  process.exit(1);
}
