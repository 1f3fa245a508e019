// src/api/schema.ts is what docs/reference/openapi.json says; `npm run schema` renews it.

import { readFileSync, writeFileSync } from "node:fs";
import openapi, { astToString } from "openapi-typescript";
import typescript from "typescript";

const source = new URL("../../docs/reference/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.ts", import.meta.url);
const header = "// Generated from docs/reference/openapi.json by `npm run schema`; never edited by hand.\n\n";
// TypeScript takes no property whose type is made of itself, so any JSON is unknown until it is looked at.
const transform = (_, { path }) =>
  path?.endsWith("/schemas/JsonValue")
    ? typescript.factory.createKeywordTypeNode(typescript.SyntaxKind.UnknownKeyword)
    : undefined;
const wanted = header + astToString(await openapi(JSON.parse(readFileSync(source, "utf8")), { transform }));
if (process.argv.includes("--write")) {
  writeFileSync(target, wanted);
} else if (readFileSync(target, "utf8") !== wanted) {
  console.error(
    "error: web/src/api/schema.ts is not what docs/reference/openapi.json says\nhint: cd web && npm run schema",
  );
  process.exit(1);
}
