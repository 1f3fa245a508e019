//! Mantine's styles, only those of the components that the pages hold: src/app/mantine.css names them.
//!
//! A Vite plugin. It fails the build when a component is bundled whose styles are not named, when
//! styles are named that nothing needs, and when they are not in Mantine's own order, on which it
//! depends which rule wins.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** Styles that belong to no component. */
const BASE = ["baseline", "default-css-variables", "global"];
const MODULE = /@mantine\/core\/esm\/.*\/(\w+)\.module\.mjs$/;
const IMPORT = /@import "@mantine\/core\/styles\/([\w-]+)\.css";/g;

/** What is wrong with the list of named styles. `order` holds all of Mantine's, in its order. */
export function complaints(named: readonly string[], moduleIds: readonly string[], order: readonly string[]) {
  const needed = new Set<string>(BASE);
  for (const id of moduleIds) {
    const name = MODULE.exec(id)?.[1];
    if (name !== undefined) {
      needed.add(name);
    }
  }
  const wanted = order.filter((name) => needed.has(name));
  const found = [
    ...[...needed].filter((name) => !named.includes(name)).map((name) => `styles of ${name} are not named`),
    ...named.filter((name) => !needed.has(name)).map((name) => `styles of ${name} are named and not needed`),
  ];
  if (found.length === 0 && wanted.join() !== named.join()) {
    found.push("styles are not in Mantine's order");
  }
  return { found, wanted };
}

/** Names of styles in the order in which styles.css holds their text. */
function orderOf(folder: string, names: Iterable<string>): readonly string[] {
  const all = readFileSync(join(folder, "styles.css"), "utf8");
  const first = (name: string): number => {
    const text = readFileSync(join(folder, "styles", `${name}.css`), "utf8");
    return all.indexOf(text.slice(0, 200).trimEnd());
  };
  return [...names]
    .map((name) => ({ name, at: first(name) }))
    .sort((left, right) => left.at - right.at)
    .map(({ name }) => name);
}

/** The plugin; `root` is the folder of package.json. */
export function mantineStyles(root: string): Plugin {
  const folder = join(root, "node_modules/@mantine/core");
  const list = join(root, "src/app/mantine.css");
  return {
    name: "mantine-styles",
    apply: "build",
    generateBundle(_, bundle) {
      const named = [...readFileSync(list, "utf8").matchAll(IMPORT)].map(([, name]) => name ?? "");
      const moduleIds = Object.values(bundle).flatMap((chunk) =>
        chunk.type === "chunk"
          ? Object.entries(chunk.modules).flatMap(([id, module]) => (module.renderedLength > 0 ? [id] : []))
          : [],
      );
      const known = new Set<string>([...named, ...BASE]);
      for (const id of moduleIds) {
        const name = MODULE.exec(id)?.[1];
        if (name !== undefined && existsSync(join(folder, "styles", `${name}.css`))) {
          known.add(name);
        }
      }
      const { found, wanted } = complaints(named, moduleIds, orderOf(folder, known));
      if (found.length > 0) {
        const text = wanted.map((name) => `@import "@mantine/core/styles/${name}.css";`).join("\n");
        this.error(`${found.join("\n")}\nhint: src/app/mantine.css must hold:\n${text}`);
      }
    },
  };
}
